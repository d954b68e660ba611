// What a tape keeps: only what the rules read, and not what a quick rule can make again.
#include <doctest/doctest.h>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>

#include "gradcheck.h"

using namespace glocal;
using namespace glocal::gradcheck;

namespace {

constexpr std::int64_t C = 2, side = 96;  // 2 x 2 x 96 x 96 numbers: large enough to be dropped

Vars conv_inputs() {
  return {normal(key(1), {2, C, side, side}, 0, 1, DType::f64), uniform(key(2), {C}, 0.5, 1.5, DType::f64),
          normal(key(3), {C}, 0, 0.3, DType::f64), normal(key(4), {3, C, 3, 3}, 0, 1, DType::f64)};
}

// A convolution of relu of batch norm, whose value the convolution's weight gradient reads.
Var fused(const Vars& v) { return conv2d(batch_norm(v[0], v[1], v[2], 0.1, true).y, v[3]); }

Var composed(const Vars& v) {
  const auto per_channel = [](const Var& c) { return reshape(c, {1, C, 1, 1}); };
  const Var y = normalize(v[0], {0, 2, 3}, 0.1) * per_channel(v[1]) + per_channel(v[2]);
  return conv2d(where(Tensor::from(std::vector<std::int32_t>{1}, {1}), relu(y), y), v[3]);
}

std::int64_t bytes_recorded(const OpFunction& f, const Vars& x) {
  const std::int64_t live = memory_use().live_bytes;
  const Recording r = record([&](const Vars& v) { return Vars{f(v)}; }, x);
  return memory_use().live_bytes - live - r.y[0].value().bytes();
}

}  // namespace

TEST_SUITE_BEGIN("gradcheck");

TEST_CASE("tape: an output made again gives the derivatives of one that is kept") {
  const Vars x = conv_inputs(), dx = random_like(key(5), x);
  const Var c = normal(key(6), fused(x).shape(), 0, 1, DType::f64);
  const auto loss = [&](Var (*f)(const Vars&)) { return [=](const Vars& v) { return dot(c, square(f(v))); }; };
  CHECK(gap(grad(loss(fused))(x), grad(loss(composed))(x)) <= 1e-12);
  CHECK(gap(hvp(loss(fused), x, dx), hvp(loss(composed), x, dx)) <= 1e-12);
  const auto pushed = [&](Var (*f)(const Vars&)) { return Vars{linearize(f, x).second(dx)}; };
  CHECK(gap(pushed(fused), pushed(composed)) <= 1e-12);
  const auto second = [&](Var (*f)(const Vars&)) {
    return grad([&](const Vars& v) { return differentiable_inner(grad(loss(f))(v), dx); })(x);
  };
  CHECK(gap(second(fused), second(composed)) <= 1e-12);
}

TEST_CASE("tape: it keeps what rules read and nothing else") {
  const Vars x = conv_inputs();
  const std::int64_t one = x[0].value().bytes();
  // Batch norm reads x, which the caller holds; its output is made again when the convolution asks.
  CHECK(bytes_recorded(fused, x) < one / 8);
  // Each relu reads its output, a product its factors, a sum nothing.
  CHECK(bytes_recorded([](const Vars& v) { return relu(v[0]) + v[0]; }, x) == one);
  CHECK(bytes_recorded([](const Vars& v) { return (v[0] + 1) + (v[0] * 2.0); }, x) < one / 8);
  CHECK(bytes_recorded([](const Vars& v) { return exp(v[0]) * exp(v[0] * 2.0); }, x) == 2 * one);
  // tanh reads its input, since an output of 1 no longer knows the slope.
  CHECK(bytes_recorded([](const Vars& v) { return tanh(v[0]) * tanh(v[0] * 2.0); }, x) == 3 * one);
}

TEST_SUITE_END();
