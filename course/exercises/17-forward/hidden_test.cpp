#include EXERCISE
#include "check.h"

using course::close;

TEST_CASE("forward and reverse agree at every length [2 points]") {
  const Run curved{[](const Var& s, const Var& phi, int t) { return s - exp(phi) * tanh(s * double(1 + t % 3)); },
                   [](const Var& s) { return sum(square(s - 0.3)); }};
  const Var s0 = normal(key(1), {4}, 0, 1, DType::f64), phi = Tensor::scalar(-2, DType::f64);
  const auto h = trajectory(curved, s0, phi, 10);
  REQUIRE(h.size() == 10);
  for (int T = 1; T <= 10; ++T) {
    const auto whole = [&](const Var& p) {
      Var s = s0;
      for (int t = 0; t < T; ++t) s = curved.step(s, p, t);
      return curved.outer(s);
    };
    close("h_" + std::to_string(T), h[static_cast<std::size_t>(T) - 1], grad(whole)(phi).item(), 1e-11);
  }
}

TEST_CASE("no steps, no entries [2 points]") {
  const Run still{[](const Var& s, const Var&, int) { return s; }, [](const Var& s) { return sum(s); }};
  CHECK(trajectory(still, Tensor::scalar(1, DType::f64), Tensor::scalar(1, DType::f64), 0).empty());
  close("phi that does nothing", trajectory(still, Tensor::scalar(1, DType::f64), Tensor::scalar(1, DType::f64), 3),
        {0, 0, 0});
}
