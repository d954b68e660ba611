#include <glocal/hpo/forward.h>

#include <algorithm>
#include <cmath>

#include <glocal/core/blas.h>

namespace glocal::hpo {
namespace {

// <a, b> over all leaves, in double.
double inner(In a, In b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!a[i] || !b[i]) continue;
    const Tensor &x = a[i].value(), &y = b[i].value();
    sum += visit_float(x.dtype(), "inner", [&]<class T>() { return blas::dot<T>(x.size(), x.data<T>(), y.data<T>()); });
  }
  return sum;
}

}  // namespace

Tangents zero_tangents(std::int64_t q, std::size_t n) { return Tangents(static_cast<std::size_t>(q), Vars(n)); }

OuterGradient outer_gradient(const FlatProblem& problem, const Vars& s, const Tangents& z, const Vars& phi,
                             std::int64_t block) {
  const std::size_t n = s.size();
  const Recording recording = record(joint_outer(problem, n, block), joined(s, phi));
  const Vars one{ones_like(recording.y[0])};
  const Vars gradient = recording.pull(one, /*release=*/true);
  OuterGradient result{recording.y[0].item(), to_components(In(gradient).subspan(n), phi)};
  for (std::size_t k = 0; k < z.size(); ++k) result.h[k] += inner(z[k], In(gradient).first(n));
  return result;
}

ForwardRun run_forward(const FlatProblem& problem, Vars s, Tangents z, const Vars& phi, std::int64_t t0,
                       std::int64_t tau, bool trajectory) {
  if (tau < 1) fail<ValueError>("[forward] a block of {} steps has no hypergradient; use tau >= 1", tau);
  const std::size_t n = s.size();
  const std::vector<Vars> units = unit_directions(phi);
  if (z.size() != units.size())
    fail<ShapeError>("[forward] {} tangents for {} hyperparameter components; see zero_tangents()", z.size(),
                     units.size());
  ForwardRun run;
  if (trajectory) run.trajectory = Tensor({tau, static_cast<std::int64_t>(units.size())}, DType::f64);
  if (trajectory) run.outers = Tensor({tau}, DType::f64);
  const bool from_zero = std::ranges::all_of(z, [](const Vars& direction) { return inner(direction, direction) == 0; });
  std::vector<double> half(units.size());  // squared norms of the tangents half-way
  for (std::int64_t t = t0; t < t0 + tau; ++t) {
    std::vector<Vars> dx;
    for (std::size_t k = 0; k < units.size(); ++k) dx.push_back(joined(z[k], units[k]));
    Pushed next = push_forward(joint_step(problem, n, t), joined(s, phi), dx);
    s = std::move(next.y);
    z = std::move(next.dy);
    problem.watch(s, t);
    if (from_zero && tau >= 4 && t + 1 == t0 + tau / 2)
      for (std::size_t k = 0; k < z.size(); ++k) half[k] = inner(z[k], z[k]);
    if (trajectory || t + 1 == t0 + tau) {
      const OuterGradient now = outer_gradient(problem, s, z, phi, t0);
      if (trajectory) std::ranges::copy(now.h, run.trajectory.data<double>() + (t - t0) * std::ssize(now.h));
      if (trajectory) run.outers.data<double>()[t - t0] = now.outer;
      run.outer = now.outer;
      run.h = now.h;
    }
  }
  const double octave = std::log2(static_cast<double>(tau) / static_cast<double>(std::max<std::int64_t>(1, tau / 2)));
  for (std::size_t k = 0; k < z.size(); ++k) {
    if (!(half[k] > 0)) continue;
    const double end = inner(z[k], z[k]);  // beyond the range of squares: growth without bound
    run.growth = std::max(run.growth, std::isinf(end) ? end : 0.5 * std::log2(end / half[k]) / octave);
  }
  run.s = std::move(s);
  run.z = std::move(z);
  return run;
}

}  // namespace glocal::hpo
