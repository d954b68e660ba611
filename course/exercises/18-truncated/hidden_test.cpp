#include EXERCISE
#include "check.h"

using course::close;

TEST_CASE("steps know their number [2 points]") {
  const Run run{[](const Var& s, const Var& phi, int t) { return s + phi * double(t); },
                [](const Var& s) { return s; }};
  const Var one = Tensor::scalar(1, DType::f64);
  close("h^(3) of T = 10: 7 + 8 + 9", truncated(run, one, one, 10, 3), 24.0, 1e-12,
        {{one * 3.0, "The steps walked back must be numbers 7, 8, 9, not 0, 1, 2."}});
}

TEST_CASE("truncated at K = 0 sees nothing; share ends at 1 [2 points]") {
  const Run run{[](const Var& s, const Var& phi, int) { return s * phi; }, [](const Var& s) { return s; }};
  close("h^(0)", truncated(run, Tensor::scalar(2, DType::f64), Tensor::scalar(3, DType::f64), 4, 0), 0.0);
  close("share(30, 20)", share(30, 20), 1.0);
}
