#include EXERCISE
#include "check.h"

using course::close;

namespace {
Var number(double x) { return Tensor::scalar(x, DType::f64); }
// Gradient descent on 2 w^2 / 2, judged by w^2 / 2.
const Run simple{[](const Var& s, const Var& lr, int) { return s - lr * (2.0 * s); },
                 [](const Var& s) { return square(s) / 2.0; }};
}  // namespace

TEST_CASE("one step [2 points]") {
  // w_1 = w (1 - 2 lr), dE/dlr = -2 w w_1
  close("h", global(simple, number(3), number(0.1), 1), -2 * 3 * 2.4, 1e-12,
        {{number(2 * 3 * 2.4), "The sign is wrong."}, {number(0), "h must collect (d_phi step)^T a in every step."}});
}

TEST_CASE("five steps, against the formula [3 points]") {
  close("h", global(simple, number(3), number(0.1), 5), -5 * 2 * 9 * std::pow(0.8, 9), 1e-12,
        {{-2 * 9 * std::pow(0.8, 9), "Only one step was counted: add up what each one contributes."}});
}

TEST_CASE("steps that differ [2 points]") {
  const Run run{[](const Var& s, const Var& phi, int t) { return s * double(t + 2) + phi * double(t + 1); },
                [](const Var& s) { return s; }};
  // s_3 = ((2 s + phi) 3 + 2 phi) 4 + 3 phi
  close("h", global(run, number(1), number(1), 3), 3 * 4 + 2 * 4 + 3, 1e-12,
        {{number(3 * 1 + 2 * 2 + 1 * 3), "Are the steps gone through from the last to the first?"}});
}
