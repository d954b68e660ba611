#include EXERCISE
#include "check.h"

using course::close;

namespace {
Var number(double x) { return Tensor::scalar(x, DType::f64); }
const Run simple{[](const Var& s, const Var& lr, int) { return s - lr * (2.0 * s); },
                 [](const Var& s) { return square(s) / 2.0; }};
std::vector<double> formula(int first, int last) {  // -t a w0^2 (1 - lr a)^(2t - 1)
  std::vector<double> h;
  for (int t = first; t <= last; ++t) h.push_back(-t * 2 * 9 * std::pow(0.8, 2 * t - 1));
  return h;
}
}  // namespace

TEST_CASE("the trajectory of the quadratic [4 points]") {
  std::vector<double> no_carry;
  for (int t = 1; t <= 6; ++t) no_carry.push_back(-2 * 9 * std::pow(0.8, 2 * t - 1));
  close("h_1 .. h_6", trajectory(simple, number(3), number(0.1), 6), formula(1, 6), 1e-12,
        {{no_carry, "Z must be carried from step to step: each entry counts the last step only."},
         {formula(0, 5), "h_t is taken before the step; it belongs after it."}});
}

TEST_CASE("the first step sees only its own phi [2 points]") {
  close("h_1", trajectory(simple, number(3), number(0.1), 1), formula(1, 1));
}
