// Which vector instructions the kernels of simd/ use: chosen once, when the first of them is called.
#pragma once
#include <string>

namespace glocal {

enum class Isa { baseline, avx2, avx512 };

/// The best this machine has, or the lesser one named by $GLOCAL_ISA (baseline avx2 avx512); the same for a whole run.
/// Throws ValueError when $GLOCAL_ISA is no such name, or more than the machine or the build has.
Isa isa();
std::string to_string(Isa isa);

}  // namespace glocal
