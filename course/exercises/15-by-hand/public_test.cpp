#include EXERCISE
#include "check.h"

using course::close;

namespace {
double value(double lr, double a, double w0, int T) { return trained(Tensor::scalar(lr, DType::f64), a, w0, T).item(); }
}  // namespace

TEST_CASE("the trained loss [2 points]") {
  close("E with lr 0.1, a = 2, w0 = 3, T = 5", value(0.1, 2, 3, 5), 0.5 * std::pow(0.8, 10) * 9);
}

TEST_CASE("by hand, against a finite difference [3 points]") {
  const double h = 1e-6;
  close("h", by_hand(0.1, 2, 3, 5), (value(0.1 + h, 2, 3, 5) - value(0.1 - h, 2, 3, 5)) / (2 * h), 1e-7,
        {{-2 * 9 * std::pow(0.8, 9), "The factor T is missing: every one of the T steps felt the learning rate."},
         {-5 * 2 * 9 * std::pow(0.8, 10), "The exponent is one too large: differentiating takes one factor away."}});
}

TEST_CASE("by differentiation, to rounding [2 points]") {
  close("h", by_differentiation(0.1, 2, 3, 5), by_hand(0.1, 2, 3, 5), 1e-12);
}
