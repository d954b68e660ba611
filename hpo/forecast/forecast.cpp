#include <glocal/hpo/forecast/forecast.h>

#include <fmt/core.h>

#include <cstdint>
#include <string>

namespace glocal::hpo {

std::string words_of_test(std::int64_t kept, std::int64_t from, std::int64_t tau, const char* bound, double skill) {
  const std::string held = from + 1 == tau ? fmt::format("step {}", tau) : fmt::format("steps {} to {}", from + 1, tau);
  return fmt::format("{}, forecast from the first {}, missed by {} {:g} times what step {} repeated misses", held, kept,
                     bound, skill, kept);
}

}  // namespace glocal::hpo
