#include "derivatives.h"

#include <algorithm>
#include <cmath>

#include <glocal/autodiff/transforms.h>

#include "../gradcheck.h"

namespace onnx {

namespace {

// The case as a function of its differentiable inputs; real outputs only.
Function function_of(const Case& c) {
  return [&c](const Vars& x) {
    std::vector<Value> inputs = inputs_of(c, 0, true);
    const std::vector<std::size_t> places = differentiable_inputs(c);
    for (std::size_t i = 0; i < places.size(); ++i) inputs[places[i]].x = x[i];
    const std::vector<Value> outputs = run(c.model, inputs, true);
    Vars y;
    for (const std::size_t i : differentiable_outputs(c)) y.push_back(outputs[i].x);
    return y;
  };
}

bool finite(In all) {
  return std::all_of(all.begin(), all.end(), [](const Var& v) { return is_finite(v.value()); });
}

double largest(In all) {
  double size = 0.1;
  for (const Var& v : all)
    for (std::int64_t i = 0; i < v.size(); ++i) size = std::max(size, std::abs(v.value().at(i)));
  return size;
}

// Smooth means: the slopes to both sides agree up to h f'', and the differences of second and of fourth order up to
// h^2 f'''. Neither is so across a kink or a jump.
bool smooth_along(const Function& f, const Vars& x, const Vars& dx, const Vars& dy, double h) {
  const auto at = [&](double steps) { return f(gradcheck::combine(x, steps * h, dx)); };
  const Vars y = at(0), p1 = at(1), m1 = at(-1), p2 = at(2), m2 = at(-2);
  for (const Vars* all : {&y, &p1, &m1, &p2, &m2})
    if (!finite(*all)) return false;
  double bend = 0, third = 0;
  for (std::size_t k = 0; k < y.size(); ++k)
    for (std::int64_t i = 0; i < y[k].size(); ++i) {
      const auto value = [&](const Vars& v) { return v[k].value().at(i); };
      bend = std::max(bend, std::abs(value(p2) - 2 * value(y) + value(m2)) / (4 * h));
      third = std::max(third, std::abs(value(p2) - 2 * value(p1) + 2 * value(m1) - value(m2)) / (12 * h));
    }
  return bend <= 1e-3 * largest(dy) && third <= 1e-7 * largest(dy);
}

// Second derivatives of <u, f> along dx.
void measure_second(const Function& f, const Vars& x, const Vars& dx, const Vars& u, double h, Slopes& s) {
  const auto gradient = [&](const Vars& a) {
    return grad([&](const Vars& b) { return gradcheck::differentiable_inner(u, f(b)); })(a);
  };
  const Vars hv = jvp(gradient, x, dx).second;
  const Vars other = grad([&](const Vars& a) { return gradcheck::differentiable_inner(u, jvp(f, a, dx).second); })(x);
  s.modes = gradcheck::gap(hv, other);
  s.second = gradcheck::gap(hv, gradcheck::derivative_along(gradient, x, dx, h));
}

}  // namespace

Slopes slopes(const Case& c) {
  Slopes s;
  Vars x;
  for (const std::size_t i : differentiable_inputs(c)) x.push_back(inputs_of(c, 0, true)[i].x);
  s.any =
      std::any_of(x.begin(), x.end(), [](const Var& v) { return v.size() > 0; }) && !differentiable_outputs(c).empty();
  if (!s.any) return s;

  const Function f = function_of(c);
  const Vars dx = gradcheck::random_like(key(11), x);
  Vars point = x;
  for (std::uint64_t move = 0; move < 4; ++move) {
    if (move > 0) point = gradcheck::combine(x, 0.03, gradcheck::random_like(key(12 + move), x));
    const auto [y, dy] = jvp(f, point, dx);
    if (!finite(y) || !finite(dy)) continue;  // the edge of the domain
    const Vars u = gradcheck::random_like(key(12), y);
    const Vars gx = vjp(f, point).second(u);
    const double gap = std::abs(gradcheck::inner(u, dy) - gradcheck::inner(gx, dx)) /
                       std::max({1e-3, gradcheck::inner(u, dy, true), gradcheck::inner(gx, dx, true)});
    s.adjoint = std::isnan(gap) ? HUGE_VAL : std::max(s.adjoint, gap);
    for (const double h : {1e-4, 1e-5, 1e-6, 1e-7}) {  // as large as the curvature allows
      if (!smooth_along(f, point, dx, dy, h)) continue;
      s.smooth = true;
      s.moved = move > 0;
      s.difference = gradcheck::gap(dy, gradcheck::derivative_along(f, point, dx, h));
      measure_second(f, point, dx, u, h, s);
      return s;
    }
  }
  return s;
}

}  // namespace onnx
