#include EXERCISE
#include "check.h"

using course::close;

TEST_CASE("the product rule [2 points]") {
  const Dual y = Dual{3, 1} * Dual{5, 2};
  close("value of (3 + 1e) (5 + 2e)", y.value, 15);
  close("slope of (3 + 1e) (5 + 2e)", y.slope, 11, 1e-12,
        {{2.0, "Slopes do not multiply: each factor's slope meets the other factor's value."}});
}

TEST_CASE("the quotient rule [2 points]") {
  const Dual y = Dual{1, 0} / Dual{4, 1};
  close("value of 1 / (4 + 1e)", y.value, 0.25);
  close("slope of 1 / (4 + 1e)", y.slope, -1.0 / 16);
}

TEST_CASE("sin and exp, with the chain rule [2 points]") {
  close("slope of sin(2 + 3e)", sin(Dual{2, 3}).slope, 3 * std::cos(2.0), 1e-12,
        {{std::cos(2.0), "The inner slope is missing: f(a + b e) = f(a) + b f'(a) e."}});
  close("slope of exp(2 + 3e)", exp(Dual{2, 3}).slope, 3 * std::exp(2.0), 1e-12,
        {{std::exp(2.0), "The inner slope is missing: f(a + b e) = f(a) + b f'(a) e."}});
}

TEST_CASE("derivative of x exp(sin x) [1 points]") {
  const double x = 0.7, e = std::exp(std::sin(x));
  close("f'(0.7)", derivative([](Dual d) { return d * exp(sin(d)); }, x), e + x * std::cos(x) * e);
}
