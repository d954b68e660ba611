#include <glocal/hpo/hypergradient_descent.h>

#include <algorithm>

namespace glocal::hpo {

std::int64_t HypergradientDescent::steps(const Progress& progress) const {
  return std::min(tau, progress.T - progress.t);
}

Estimate HypergradientDescent::advance(const FlatProblem& problem, const Vars& phi, Progress& progress) {
  const std::int64_t t0 = progress.t, end = t0 + steps(progress);
  std::vector<double> h(static_cast<std::size_t>(components(phi)));
  for (; progress.t < end; ++progress.t) {
    const std::int64_t t = progress.t;
    const Function loss = joint_loss(problem, progress.s.size(), t + 1, name());
    // Only phi is traced: the tape holds what depends on it, the optimiser's update but not the loss and its gradient.
    const Recording step = record([&](const Vars& at) { return problem.step(progress.s, at, t); }, phi);
    problem.watch(step.y, t);
    const Recording next = record([&](const Vars& s) { return loss(joined(s, phi)); }, step.y);
    const Vars one{ones_like(next.y[0])};
    const Vars gradient = step.pull(next.pull(one, /*release=*/true), /*release=*/true);
    const std::vector<double> now = to_components(gradient, phi);
    for (std::size_t k = 0; k < h.size(); ++k) h[k] += now[k] / static_cast<double>(end - t0);
    progress.s = step.y;
  }
  return {std::move(h), problem.outer(progress.s, phi, t0).item(), {}, {}};
}

}  // namespace glocal::hpo
