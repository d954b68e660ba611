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

// Norms of the tangents after tau, tau / 2, ... steps, and the power of t by which they grew in between.
class TangentGrowth {
 public:
  explicit TangentGrowth(std::int64_t tau) {
    for (std::int64_t t = tau; t >= 2 && std::ssize(steps_) <= octaves; t /= 2) steps_.push_back(t);
    squares_.resize(steps_.size());
  }
  void look(std::int64_t t, const Tangents& z) {
    for (std::size_t i = 0; i < steps_.size(); ++i)
      if (steps_[i] == t)
        for (const Vars& tangent : z) squares_[i].push_back(inner(tangent, tangent));
  }
  // Of the fastest tangent in the octave that ends at tau / 2^i; 0 where that is not known.
  double exponent(std::size_t i) const {
    double fastest = 0;
    if (i + 1 >= steps_.size()) return fastest;
    const double octave = std::log2(static_cast<double>(steps_[i]) / static_cast<double>(steps_[i + 1]));
    for (std::size_t k = 0; k < squares_[i].size(); ++k) {
      const double before = squares_[i + 1][k], after = squares_[i][k];
      if (!(before > 0)) continue;
      // Beyond the range of squares: growth without bound.
      fastest = std::max(fastest, std::isinf(after) ? after : 0.5 * std::log2(after / before) / octave);
    }
    return fastest;
  }
  std::int64_t calm() const {
    std::size_t i = 0;
    while (i + 1 < steps_.size() && exponent(i) > explosive) ++i;
    return steps_.empty() ? 1 : steps_[i];
  }

 private:
  static constexpr std::int64_t octaves = 4;
  std::vector<std::int64_t> steps_;           // falling
  std::vector<std::vector<double>> squares_;  // [i][k], of Z_k after steps_[i]
};

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
  TangentGrowth growth(from_zero ? tau : 0);
  for (std::int64_t t = t0; t < t0 + tau; ++t) {
    std::vector<Vars> dx;
    for (std::size_t k = 0; k < units.size(); ++k) dx.push_back(joined(z[k], units[k]));
    Pushed next = push_forward(joint_step(problem, n, t), joined(s, phi), dx);
    s = std::move(next.y);
    z = std::move(next.dy);
    problem.watch(s, t);
    growth.look(t + 1 - t0, z);
    if (trajectory || t + 1 == t0 + tau) {
      const OuterGradient now = outer_gradient(problem, s, z, phi, t0);
      if (trajectory) std::ranges::copy(now.h, run.trajectory.data<double>() + (t - t0) * std::ssize(now.h));
      if (trajectory) run.outers.data<double>()[t - t0] = now.outer;
      run.outer = now.outer;
      run.h = now.h;
    }
  }
  run.growth = growth.exponent(0);
  run.calm = from_zero ? growth.calm() : tau;
  run.s = std::move(s);
  run.z = std::move(z);
  return run;
}

}  // namespace glocal::hpo
