// Clipping by the global norm.
#include <doctest/doctest.h>

#include <glocal/optim/clip.h>

#include "gradcheck.h"

using namespace glocal;
using namespace glocal::optim;

namespace {

constexpr DType f64 = DType::f64;

Vars three_four() { return {Tensor::from<double>({3}, {1}), Var(), Tensor::from<double>({0, 4}, {1, 2})}; }

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("optim clip: scales to the limit, and says so") {
    const Clipped c = clip_by_global_norm(three_four(), Tensor::scalar(1, f64));
    CHECK(c.clipped);
    CHECK(c.norm == doctest::Approx(5).epsilon(1e-15));
    CHECK(c.grads[0].item() == doctest::Approx(0.6).epsilon(1e-15));
    CHECK_FALSE(c.grads[1]);
    CHECK(c.grads[2].value().at(1) == doctest::Approx(0.8).epsilon(1e-15));
  }

  TEST_CASE("optim clip: below the limit and at zero nothing changes") {
    const Vars g = three_four();
    const Clipped c = clip_by_global_norm(g, Tensor::scalar(5.5, f64));
    CHECK_FALSE(c.clipped);
    CHECK(c.norm == doctest::Approx(5));
    CHECK(same_bits(c.grads[2].value(), g[2].value()));
    const auto at_zero = [](const Vars& v) {
      const Clipped clipped = clip_by_global_norm(v, Tensor::scalar(1, f64));
      return sum(clipped.grads[0]);
    };
    CHECK(same_bits(grad(at_zero)(Vars{Tensor::zeros({2}, f64)})[0].value(), Tensor::ones({2}, f64)));
    CHECK(clip_by_global_norm({}, Tensor::scalar(1, f64)).norm == 0);
    CHECK_THROWS_AS(clip_by_global_norm(g, Tensor::scalar(0, f64)), ValueError);
    const Vars huge{Tensor::from<float>({1e30F, 2}, {2})};  // its square is no f32
    CHECK_FALSE(clip_by_global_norm(huge, Tensor::scalar(1)).clipped);
    CHECK(same_bits(clip_by_global_norm(huge, Tensor::scalar(1)).grads[0].value(), huge[0].value()));
  }
}

TEST_SUITE("gradcheck") {
  TEST_CASE("optim clip: derivatives to third order in gradients and limit") {
    const auto f = [](const Vars& v) {
      const Clipped c = clip_by_global_norm({v[0], v[1]}, v[2]);
      return concat({c.grads[0], c.grads[1]}, 0);
    };
    using namespace gradcheck;
    for (const double limit : {0.5, 50.0}) {
      const Errors e =
          measure({"clip", "", f, each({in_range({{3}, {2}}, 1, 2), in_range({{}}, limit, 1.1 * limit)})}, key(1));
      CHECK(e.adjoint <= 1e-12);
      CHECK(e.difference <= 1e-7);
      CHECK(e.mixes <= 1e-10);
      CHECK(e.second <= 1e-6);
      CHECK(e.zeros <= 1e-12);
    }
  }
}
