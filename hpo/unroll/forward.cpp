#include <glocal/hpo/unroll/forward.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

#include <glocal/autodiff/transforms.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/linalg/blas.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/finite.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>

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
  TangentGrowth(std::int64_t tau, std::vector<std::vector<double>>& squares)
      : steps_(growth_looks(tau)), squares_(squares) {
    if (!squares_.empty() && squares_.size() != steps_.size())
      fail<ValueError>("[forward] a block of {} steps watches its tangents at {} of them, not {}", tau, steps_.size(),
                       squares_.size());
  }
  void begin() { squares_.resize(steps_.size()); }
  void look(std::int64_t t, const Tangents& z) {
    for (std::size_t i = 0; i < squares_.size(); ++i)
      if (steps_[i] == t)
        for (const Vars& tangent : z) squares_[i].push_back(inner(tangent, tangent));
  }
  // Of the fastest tangent in the octave that ends at tau / 2^i; 0 where that is not known.
  double exponent(std::size_t i) const {
    double fastest = 0;
    if (i + 1 >= squares_.size()) return fastest;
    const double octave = std::log2(static_cast<double>(steps_[i]) / static_cast<double>(steps_[i + 1]));
    for (std::size_t k = 0; k < squares_[i].size(); ++k) {
      const double before = squares_[i + 1][k], after = squares_[i][k];
      if (!(before > 0)) continue;
      // Beyond the range of squares: growth without bound.
      fastest = std::max(fastest, std::isinf(after) ? after : 0.5 * std::log2(after / before) / octave);
    }
    return fastest;
  }
  // Steps of the block before the tangents began to explode.
  std::int64_t stable_steps(std::int64_t tau) const {
    std::size_t i = 0;
    while (i + 1 < squares_.size() && exponent(i) > exploding) ++i;
    return squares_.empty() ? tau : steps_[i];
  }

 private:
  std::vector<std::int64_t> steps_;            // falling
  std::vector<std::vector<double>>& squares_;  // [i][k], of Z_k after steps_[i]
};

}  // namespace

std::vector<std::int64_t> growth_looks(std::int64_t tau) {
  constexpr std::int64_t octaves = 4;
  std::vector<std::int64_t> steps;
  for (std::int64_t t = tau; t >= 2 && std::ssize(steps) <= octaves; t /= 2) steps.push_back(t);
  return steps;
}

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

ForwardRun run_forward(const FlatProblem& problem, const Vars& phi, Progress& progress, std::int64_t tau,
                       bool trajectory) {
  if (tau < 1) fail<ValueError>("[forward] a block of {} steps has no hypergradient; use tau >= 1", tau);
  const std::size_t n = progress.s.size();
  const std::vector<Vars> units = unit_directions(phi);
  if (progress.z.size() != units.size())
    fail<ShapeError>("[forward] {} tangents for {} hyperparameter components; see zero_tangents()", progress.z.size(),
                     units.size());
  const bool begins = !progress.block;
  Block& block = progress.open_block();
  TangentGrowth growth(tau, block.squares);
  const auto is_zero = [](const Vars& direction) { return inner(direction, direction) == 0; };
  if (begins && std::ranges::all_of(progress.z, is_zero)) growth.begin();
  while (progress.t < block.t0 + tau) {
    std::vector<Vars> dx;
    for (std::size_t k = 0; k < units.size(); ++k) dx.push_back(joined(progress.z[k], units[k]));
    Pushed next = push_forward(joint_step(problem, n, progress.t), joined(progress.s, phi), dx);
    progress.s = std::move(next.y);
    progress.z = std::move(next.dy);
    ++progress.t;
    growth.look(progress.t - block.t0, progress.z);
    if (trajectory || progress.t == block.t0 + tau) {
      OuterGradient now = outer_gradient(problem, progress.s, progress.z, phi, block.t0);
      if (trajectory) block.trajectory.insert(block.trajectory.end(), now.h.begin(), now.h.end());
      if (trajectory) block.outers.push_back(now.outer);
      block.outer = now.outer;
      block.h = std::move(now.h);
    }
    problem.watch(progress.s, progress.t - 1);
  }
  ForwardRun run;
  run.outer = block.outer;
  run.h = std::move(block.h);
  if (trajectory) run.trajectory = Tensor::from(block.trajectory, {tau, std::ssize(units)});
  if (trajectory) run.outers = Tensor::from(block.outers, {tau});
  run.growth = growth.exponent(0);
  run.stable_steps = growth.stable_steps(tau);
  progress.block.reset();
  return run;
}

ForwardRun run_forward(const FlatProblem& problem, Vars s, Tangents z, const Vars& phi, std::int64_t t0,
                       std::int64_t tau, bool trajectory) {
  Progress progress{std::move(s), std::move(z), t0, t0 + tau};
  ForwardRun run = run_forward(problem, phi, progress, tau, trajectory);
  check_finite("forward", problem, phi, run, t0 + tau);
  run.s = std::move(progress.s);
  run.z = std::move(progress.z);
  return run;
}

void check_finite(const char* who, const FlatProblem& problem, In phi, const ForwardRun& run, std::int64_t end) {
  const std::int64_t rows = run.outers ? run.outers.size() : 0, q = std::ssize(run.h);
  for (std::int64_t i = 0; i < rows; ++i) {
    const auto row = run.trajectory.span<double>().subspan(static_cast<std::size_t>(i * q), run.h.size());
    check_finite(who, problem, phi, run.outers.at(i), {row.begin(), row.end()}, end - rows + i + 1);
  }
  check_finite(who, problem, phi, run.outer, run.h, end);
}

}  // namespace glocal::hpo
