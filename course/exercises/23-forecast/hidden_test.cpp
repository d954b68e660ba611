#include EXERCISE
#include "check.h"

using course::close;

TEST_CASE("noise earns no trust [2 points]") {
  int trusted = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Tensor noise = normal(key(seed), {40}, 1, 0.5, DType::f64);
    const std::vector<double> h(noise.data<double>(), noise.data<double>() + 40);
    const bool believes = skill(h, 3) < 1;
    trusted += believes;
    if (!believes) close("the fall-back", glocal_estimate(h, 3, 500), h.back(), 0);
  }
  CHECK(trusted < 20);
}

TEST_CASE("a constant block has no skill to show [1 points]") {
  const std::vector<double> h(24, 0.7);
  CHECK(std::isinf(skill(h, 1)));
  close("estimate", glocal_estimate(h, 1, 300), 0.7);
}
