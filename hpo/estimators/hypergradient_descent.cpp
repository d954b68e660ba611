#include <glocal/hpo/estimators/hypergradient_descent.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <glocal/autodiff/transforms.h>
#include <glocal/autodiff/var.h>
#include <glocal/hpo/estimators/cost.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/finite.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>

namespace glocal::hpo {

void HypergradientDescent::check(const FlatProblem& problem, const Vars& phi) const {
  joint_loss(problem, problem.init(phi).size(), 0, name());
}

Estimate HypergradientDescent::advance(const FlatProblem& problem, const Vars& phi, Progress& progress) {
  Block& block = progress.open_block();
  const std::int64_t t0 = block.t0, end = t0 + steps(progress);
  block.h.resize(static_cast<std::size_t>(components(phi)));
  while (progress.t < end) {
    const std::int64_t t = progress.t;
    const Function loss = joint_loss(problem, progress.s.size(), t + 1, name());
    // Only phi is traced: the tape holds what depends on it, the optimiser's update but not the loss and its gradient.
    const Recording step = record([&](const Vars& at) { return problem.step(progress.s, at, t); }, phi);
    const Recording next = record([&](const Vars& s) { return loss(joined(s, phi)); }, step.y);
    const Vars one{ones_like(next.y[0])};
    const Vars gradient = step.pull(next.pull(one, /*release=*/true), /*release=*/true);
    const std::vector<double> now = to_components(gradient, phi);
    check_finite(name(), problem, phi, next.y[0].item(), now, t + 1);
    for (std::size_t k = 0; k < block.h.size(); ++k) block.h[k] += now[k] / static_cast<double>(end - t0);
    progress.s = step.y;
    ++progress.t;
    problem.watch(progress.s, t);
  }
  Estimate estimate{std::move(block.h), problem.outer(progress.s, phi, t0).item(), {}, {}};
  check_finite(name(), problem, phi, estimate.outer, estimate.h, end);
  progress.block.reset();
  return estimate;
}

Cost HypergradientDescent::cost(const Probe& p, std::int64_t T, std::int64_t) const {
  // In a block the loss of each step is differentiated twice, the second time with the update still recorded.
  const double block = static_cast<double>(tau) * p.step_seconds + p.value_seconds;
  return {predict_training(p, T).seconds + static_cast<double>(blocks_of(T, tau).count) * block,
          p.base_bytes + p.step_bytes + 2 * p.state_bytes};
}

std::int64_t HypergradientDescent::gradient_evaluations(std::int64_t, std::int64_t T, std::int64_t) const {
  return gradients_in_blocks(T, tau, 2 * tau);
}

Kept HypergradientDescent::kept(std::int64_t) const { return {.block = Kept::Block::sums}; }

std::vector<EstimatorKind> HypergradientDescent::kinds() {
  return {{"hypergradient-descent", "of the next step alone, as Baydin et al.", "",
           [](const auto& o) { return std::make_unique<HypergradientDescent>(o.tau); }}};
}

}  // namespace glocal::hpo
