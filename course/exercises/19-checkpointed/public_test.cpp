#include EXERCISE
#include "check.h"

using course::close;

namespace {
Var number(double x) { return Tensor::scalar(x, DType::f64); }
const Run simple{[](const Var& s, const Var& lr, int) { return s - lr * (2.0 * s); },
                 [](const Var& s) { return square(s) / 2.0; }};
}  // namespace

TEST_CASE("the best segment [2 points]") {
  close("k for T = 100", best_segment(100), 10);
  close("k for T = 1", best_segment(1), 1);
  const int k = best_segment(10'000);
  close("states for T = 10000", (10'000 + k - 1) / k + k, 200);
}

TEST_CASE("right within 2 sqrt(T) states [4 points]") {
  Shelf shelf(20);
  close("h of T = 100", global_checkpointed(simple, number(3), number(0.01), 100, 10, shelf),
        -100 * 2 * 9 * std::pow(0.98, 199), 1e-11,
        {{number(-10 * 2 * 9 * std::pow(0.98, 199)),
          "Only one segment was walked back: go on with the ones before it."}});
  close("states left on the shelf", static_cast<double>(shelf.size()), 0);
}

TEST_CASE("a last segment that is shorter [2 points]") {
  Shelf shelf(8);
  close("h of T = 13, k = 4", global_checkpointed(simple, number(3), number(0.1), 13, 4, shelf),
        -13 * 2 * 9 * std::pow(0.8, 25), 1e-11);
}
