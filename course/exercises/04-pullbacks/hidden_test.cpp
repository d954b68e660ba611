#include EXERCISE
#include <glocal/autodiff/transforms.h>

#include "check.h"

using namespace glocal;
using course::close;

namespace {
Tensor random(std::uint64_t seed, const Shape& shape) { return normal(key(seed), shape, 0, 1, DType::f64); }
}  // namespace

TEST_CASE("inner products agree for the length [2 points]") {
  const Var x = random(1, {6}), gy = random(2, {6}), dx = random(3, {6});
  const auto unit = [](const Var& v) { return v / sqrt(dot(v, v)); };
  close("<gx, dx> against <gy, J dx>", dot(normalise_pullback(x, gy), dx), dot(gy, jvp(unit, x, dx).second));
}

TEST_CASE("pullbacks can be differentiated again [2 points]") {
  const Var a = random(4, {2, 2}), b = random(5, {2, 2}), gy = random(6, {2, 2}), d = random(7, {2, 2});
  close("gA along a change of B", jvp([&](const Var& v) { return matmul_pullback(a, v, gy).first; }, b, d).second,
        matmul(gy, transpose(d)));
}
