#include <glocal/hpo/estimators/evolution.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/estimators/cost.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/finite.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/space.h>

namespace glocal::hpo {
namespace {

constexpr std::uint64_t stream = 0x65766f6c;  // far from the small numbers that problems split the seed's key by

// u + deviation e as leaves of phi.
Vars moved(std::vector<double> u, double deviation, const Tensor& e, const Vars& phi) {
  for (std::size_t k = 0; k < u.size(); ++k) u[k] += deviation * e.at(static_cast<std::int64_t>(k));
  return to_leaves(u, phi);
}

}  // namespace

Evolution::Evolution(bool pes, std::int64_t block, std::int64_t N, double deviation, std::uint64_t seed_)
    : BlockEstimator(block), persistent(pes), pairs(N), sigma(deviation), seed(seed_) {
  if (pairs < 1 || pairs > 1'000'000) fail<ValueError>("[estimator] particles = {} is outside 1..1000000", pairs);
  if (!(sigma > 0) || !std::isfinite(sigma))
    fail<ValueError>("[estimator] sigma = {} must be positive and finite", sigma);
}

Tensor Evolution::perturbation(std::int64_t t0, std::int64_t i, std::int64_t q) const {
  const Key block = split(split(key(seed), stream), static_cast<std::uint64_t>(t0));
  return normal(split(block, static_cast<std::uint64_t>(i)), {q}, 0, 1, DType::f64);
}

void Evolution::run_pair(const FlatProblem& problem, const Vars& phi, Progress& progress) const {
  Block& block = *progress.block;
  const std::int64_t t0 = block.t0, end = t0 + steps(progress), q = components(phi);
  const auto i = static_cast<std::size_t>(block.pairs);
  const std::vector<double> u = to_components(phi, phi);
  const Tensor e = perturbation(t0, block.pairs, q);
  const Vars plus = moved(u, sigma, e, phi), minus = moved(u, -sigma, e, phi);
  AntitheticPair pair{progress.s, progress.s, std::vector<double>(block.h.size())};
  if (persistent) pair = progress.particles[i];
  if (persistent && t0 == 0) {
    pair.plus = problem.init(plus);
    pair.minus = problem.init(minus);
  }
  const auto outer_after_block = [&](Vars& s, const Vars& at) {
    for (std::int64_t t = t0; t < end; ++t) s = problem.step(s, at, t);
    return problem.outer(s, at, t0).item();
  };
  const double above = outer_after_block(pair.plus, plus), below = outer_after_block(pair.minus, minus);
  if (!std::isfinite(above) || !std::isfinite(below))
    fail<NumericError>(
        "[{}] pair {} has E = {} and {} at step {}: a perturbed run diverged; use a smaller sigma than {}", name(), i,
        above, below, end, sigma);
  for (std::size_t k = 0; k < block.h.size(); ++k) {
    pair.xi[k] += e.at(static_cast<std::int64_t>(k));
    block.h[k] += pair.xi[k] * (above - below) / (2 * sigma * static_cast<double>(pairs));
  }
  if (persistent) progress.particles[i] = std::move(pair);
  ++block.pairs;
}

Estimate Evolution::advance(const FlatProblem& problem, const Vars& phi, Progress& progress) {
  const auto N = static_cast<std::size_t>(pairs), width = static_cast<std::size_t>(components(phi));
  if (persistent && progress.particles.empty())
    progress.particles.assign(N, {progress.s, progress.s, std::vector<double>(width)});
  else if (persistent && (progress.particles.size() != N || progress.particles[0].xi.size() != width))
    fail<ValueError>(
        "[pes] the run holds {} pairs of particles for {} hyperparameter components; it cannot go on with {} for {}",
        progress.particles.size(), progress.particles[0].xi.size(), N, width);

  Block& block = progress.open_block();
  block.h.resize(width);
  while (block.pairs < pairs) run_pair(problem, phi, progress);
  train_to(problem, phi, progress, block.t0 + steps(progress));
  Estimate estimate{std::move(block.h), problem.outer(progress.s, phi, block.t0).item(), {}, {}};
  check_finite(name(), problem, phi, estimate.outer, estimate.h, progress.t);
  progress.block.reset();
  return estimate;
}

Cost Evolution::cost(const Probe& p, std::int64_t T, std::int64_t) const {
  // Two runs of the block per pair beside training; pes keeps the states of all pairs beside those of the one that
  // runs.
  const Cost training = predict_training(p, T);
  const auto runs = static_cast<double>(2 * pairs + 1);
  const double block = static_cast<double>(tau) * (runs - 1) * p.step_seconds + runs * p.value_seconds;
  return {training.seconds + static_cast<double>(blocks_of(T, tau).count) * block,
          training.bytes + p.state_bytes * (persistent ? 2 * pairs + 2 : 2)};
}

std::int64_t Evolution::gradient_evaluations(std::int64_t, std::int64_t T, std::int64_t) const {
  return gradients_in_blocks(T, tau, checked_mul(2 * pairs + 1, tau));
}

Kept Evolution::kept(std::int64_t) const {
  return {.block = Kept::Block::pairs, .pairs = pairs, .particles = persistent};
}

std::vector<EstimatorKind> Evolution::kinds() {
  const auto of = [](bool pes) {
    return [pes](const EstimatorOptions& o) {
      return std::make_unique<Evolution>(pes, o.tau, o.particles, o.sigma, o.seed);
    };
  };
  return {{"es", "evolution strategies, from values alone, right on average: --particles", "", of(false)},
          {"pes", "the same through all blocks so far", "", of(true)}};
}

}  // namespace glocal::hpo
