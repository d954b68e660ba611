#include <glocal/core/isa.h>

#include <cstdlib>
#include <string>

#include <glocal/core/error.h>

namespace glocal {
namespace {

Isa best() {
#ifdef GLOCAL_X86
  const auto has_avx512 = [] {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  };
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return has_avx512() ? Isa::avx512 : Isa::avx2;
#endif
  return Isa::baseline;
}

Isa choose() {
  const char* text = std::getenv("GLOCAL_ISA");
  if (!text || !*text) return best();
  for (const Isa isa : {Isa::baseline, Isa::avx2, Isa::avx512})
    if (text == to_string(isa)) {
      if (isa > best())
        fail<ValueError>("[isa] GLOCAL_ISA is {}, this machine or build has no more than {}", text, to_string(best()));
      return isa;
    }
  fail<ValueError>("[isa] GLOCAL_ISA is \"{}\"; set baseline, avx2 or avx512", text);
}

}  // namespace

Isa isa() {
  static const Isa chosen = choose();
  return chosen;
}

std::string to_string(Isa isa) { return isa == Isa::avx512 ? "avx512" : isa == Isa::avx2 ? "avx2" : "baseline"; }

}  // namespace glocal
