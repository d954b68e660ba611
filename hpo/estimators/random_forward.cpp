#include <glocal/hpo/estimators/random_forward.h>

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/estimators/cost.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/space.h>
#include <glocal/hpo/unroll/forward.h>

namespace glocal::hpo {
namespace {

constexpr std::uint64_t stream = 0x72616e64;  // far from the small numbers that problems split the seed's key by

std::vector<double> rademacher(Key key, std::int64_t q) {
  const Tensor coin = bernoulli(key, 0.5, {q}, DType::f64);
  std::vector<double> v;
  for (std::int64_t k = 0; k < q; ++k) v.push_back(2 * coin.at(k) - 1);
  return v;
}

// (1/b) sum_i slope_i v_i.
std::vector<double> combined(const double* slopes, const std::vector<std::vector<double>>& v) {
  std::vector<double> h(v[0].size());
  for (std::size_t i = 0; i < v.size(); ++i)
    for (std::size_t k = 0; k < h.size(); ++k) h[k] += slopes[i] * v[i][k] / static_cast<double>(v.size());
  return h;
}

}  // namespace

FlatProblem along(const FlatProblem& problem, const Vars& phi, const std::vector<Vars>& directions) {
  for (const Vars& direction : directions) {
    if (direction.size() != phi.size())
      fail<ShapeError>("[along] a direction of {} leaves for {} hyperparameters", direction.size(), phi.size());
    for (std::size_t l = 0; l < phi.size(); ++l)
      if (direction[l].shape() != phi[l].shape())
        fail<ShapeError>("[along] leaf {} of a direction is {}, the hyperparameter {}", l, direction[l].shape(),
                         phi[l].shape());
  }
  const auto moved = [phi, directions](const Vars& psi) {
    Vars at = phi;
    for (std::size_t i = 0; i < directions.size(); ++i)
      for (std::size_t l = 0; l < at.size(); ++l) at[l] = axpy(psi[i], directions[i][l], at[l]);
    return at;
  };
  FlatProblem view;
  view.init = [=](const Vars& psi) { return problem.init(moved(psi)); };
  view.step = [=](const Vars& s, const Vars& psi, std::int64_t t) { return problem.step(s, moved(psi), t); };
  view.outer = [=](const Vars& s, const Vars& psi, std::int64_t block) { return problem.outer(s, moved(psi), block); };
  if (problem.loss)
    view.loss = [=](const Vars& s, const Vars& psi, std::int64_t t) { return problem.loss(s, moved(psi), t); };
  for (std::size_t i = 0; i < directions.size(); ++i) view.names.push_back(fmt::format("direction {}", i));
  view.watch = problem.watch;
  view.poll = problem.poll;
  return view;
}

RandomForward::RandomForward(std::int64_t block, std::int64_t count, std::uint64_t seed_, bool keep)
    : BlockEstimator(block), directions(count), seed(seed_), trajectory(keep) {
  if (directions < 1 || directions > 1'000'000)
    fail<ValueError>("[estimator] directions = {} is outside 1..1000000", directions);
}

Estimate RandomForward::advance(const FlatProblem& problem, const Vars& phi, Progress& progress) {
  const std::int64_t block = steps(progress), q = components(phi);
  const Key draw = split(split(key(seed), stream), static_cast<std::uint64_t>(progress.block_start()));
  std::vector<std::vector<double>> v;
  std::vector<Vars> leaves;
  Vars psi;
  for (std::int64_t i = 0; i < directions; ++i) {
    v.push_back(rademacher(split(draw, static_cast<std::uint64_t>(i)), q));
    leaves.push_back(to_leaves(v.back(), phi));
    psi.push_back(Tensor::scalar(0, phi[0].dtype()));
  }
  if (!progress.block) progress.z = zero_tangents(directions, progress.s.size());
  const FlatProblem view = along(problem, phi, leaves);
  ForwardRun run = run_forward(view, psi, progress, block, trajectory);
  check_finite(name(), view, psi, run, progress.t);
  progress.z.clear();
  Estimate estimate{combined(run.h.data(), v), run.outer, {}, {}};
  if (trajectory) {
    estimate.trajectory = Tensor({block, q}, DType::f64);
    for (std::int64_t i = 0; i < block; ++i)
      std::ranges::copy(combined(run.trajectory.data<double>() + i * directions, v),
                        estimate.trajectory.data<double>() + i * q);
  }
  return estimate;
}

Cost RandomForward::cost(const Probe& p, std::int64_t T, std::int64_t) const {
  const Blocks blocks = blocks_of(T, tau);
  const double share = static_cast<double>(directions) / static_cast<double>(std::max<std::int64_t>(1, p.q));
  const double step = p.step_seconds + (p.forward_seconds - p.step_seconds) * share;
  const auto tangent_bytes = static_cast<std::int64_t>(static_cast<double>(p.forward_bytes - p.step_bytes) * share);
  const double block = static_cast<double>(tau) * step + static_cast<double>(trajectory ? tau : 1) * p.outer_seconds;
  return {static_cast<double>(blocks.count) * block + static_cast<double>(blocks.rest) * p.step_seconds,
          p.base_bytes + std::max(p.step_bytes + tangent_bytes, p.state_bytes * (1 + directions) + p.outer_bytes)};
}

std::int64_t RandomForward::gradient_evaluations(std::int64_t, std::int64_t T, std::int64_t) const {
  return forward_gradients(directions, T, tau, trajectory ? tau : 1);
}

Kept RandomForward::kept(std::int64_t) const {
  return {.block = Kept::Block::tangents, .tangents = directions, .trajectory = trajectory};
}

std::vector<EstimatorKind> RandomForward::kinds() {
  return {{"random-forward", "local in random directions, right on average: --directions", "",
           [](const auto& o) { return std::make_unique<RandomForward>(o.tau, o.directions, o.seed, o.trajectory); }}};
}

}  // namespace glocal::hpo
