#include EXERCISE
#include "check.h"

using course::close;

namespace {
Var number(double x) { return Tensor::scalar(x, DType::f64); }
const Run simple{[](const Var& s, const Var& lr, int) { return s - lr * (2.0 * s); },
                 [](const Var& s) { return square(s) / 2.0; }};
const double exact = -20 * 2 * 9 * std::pow(0.8, 39);
}  // namespace

TEST_CASE("all steps give the exact hypergradient [2 points]") {
  close("h^(20) of T = 20", truncated(simple, number(3), number(0.1), 20, 20), exact);
  close("h^(99) of T = 20", truncated(simple, number(3), number(0.1), 20, 99), exact);
}

TEST_CASE("the last step alone [2 points]") {
  close("h^(1)", truncated(simple, number(3), number(0.1), 20, 1), exact / 20, 1e-12,
        {{exact / 20 * 2, "That is two steps: one too many."}, {0.0, "No step was walked back."}});
}

TEST_CASE("what K of T steps see [2 points]") {
  for (const int K : {1, 5, 10})
    close("share for K = " + std::to_string(K), share(K, 20),
          truncated(simple, number(3), number(0.1), 20, K).item() / exact, 1e-10);
}
