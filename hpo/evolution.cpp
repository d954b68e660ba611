#include <glocal/hpo/evolution.h>

#include <algorithm>
#include <cmath>

#include <glocal/core/random.h>
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

std::int64_t Evolution::steps(const Progress& progress) const { return std::min(tau, progress.T - progress.t); }

Estimate Evolution::advance(const FlatProblem& problem, const Vars& phi, Progress& progress) {
  const std::int64_t t0 = progress.t, end = t0 + steps(progress), q = components(phi);
  const auto N = static_cast<std::size_t>(pairs), width = static_cast<std::size_t>(q);
  const bool begins = !persistent || progress.particles.empty();
  if (begins)
    progress.particles.assign(N, {progress.s, progress.s, std::vector<double>(width)});
  else if (progress.particles.size() != N || progress.particles[0].xi.size() != width)
    fail<ValueError>(
        "[pes] the run holds {} pairs of particles for {} hyperparameter components; it cannot go on with {} for {}",
        progress.particles.size(), progress.particles[0].xi.size(), N, width);

  const Key draw = split(split(key(seed), stream), static_cast<std::uint64_t>(t0));
  const std::vector<double> u = to_components(phi, phi);
  const auto outer_after_block = [&](Vars& s, const Vars& at) {
    for (std::int64_t t = t0; t < end; ++t) s = problem.step(s, at, t);
    return problem.outer(s, at, t0).item();
  };
  std::vector<double> h(width);
  for (std::size_t i = 0; i < N; ++i) {
    AntitheticPair& pair = progress.particles[i];
    const Tensor e = normal(split(draw, i), {q}, 0, 1, DType::f64);
    const Vars plus = moved(u, sigma, e, phi), minus = moved(u, -sigma, e, phi);
    if (persistent && begins && t0 == 0) {
      pair.plus = problem.init(plus);
      pair.minus = problem.init(minus);
    }
    const double above = outer_after_block(pair.plus, plus), below = outer_after_block(pair.minus, minus);
    if (!std::isfinite(above) || !std::isfinite(below))
      fail<NumericError>(
          "[{}] pair {} has E = {} and {} at step {}: a perturbed run diverged; use a smaller sigma than {}", name(), i,
          above, below, end, sigma);
    for (std::size_t k = 0; k < width; ++k) {
      pair.xi[k] += e.at(static_cast<std::int64_t>(k));
      h[k] += pair.xi[k] * (above - below) / (2 * sigma * static_cast<double>(N));
    }
    if (!persistent) pair = {};
  }
  if (!persistent) progress.particles.clear();

  for (; progress.t < end; ++progress.t) {
    progress.s = problem.step(progress.s, phi, progress.t);
    problem.watch(progress.s, progress.t);
  }
  return {std::move(h), problem.outer(progress.s, phi, t0).item(), {}, {}};
}

}  // namespace glocal::hpo
