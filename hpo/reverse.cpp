#include <glocal/hpo/reverse.h>

#include <algorithm>
#include <cmath>

namespace glocal::hpo {
namespace {

Recording record_step(const FlatProblem& problem, const Vars& s, const Vars& phi, std::int64_t t) {
  return record(joint_step(problem, s.size(), t), joined(s, phi));
}

// The adjoint of the state and the sum over the steps so far, as the walk goes back.
struct Adjoint {
  Vars a, g;

  void pull(const Recording& step) {
    const std::size_t n = a.size();
    const Vars gradient = step.pull(a, /*release=*/true);
    a.assign(gradient.begin(), gradient.begin() + static_cast<std::ptrdiff_t>(n));
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = plus(g[i], gradient[n + i]);
  }
};

Adjoint outer_adjoint(const FlatProblem& problem, const Vars& s, const Vars& phi, std::int64_t block, double& outer) {
  const std::size_t n = s.size();
  const Recording recording = record(joint_outer(problem, n, block), joined(s, phi));
  outer = recording.y[0].item();
  const Vars one{ones_like(recording.y[0])};
  Vars gradient = recording.pull(one, /*release=*/true);
  return {{gradient.begin(), gradient.begin() + static_cast<std::ptrdiff_t>(n)},
          {gradient.begin() + static_cast<std::ptrdiff_t>(n), gradient.end()}};
}

}  // namespace

ReverseRun run_reverse(const FlatProblem& problem, const Vars& s0, const Vars& phi, std::int64_t t0, std::int64_t T,
                       Unroll unroll, std::int64_t segment) {
  if (T < 0 || segment < 0) fail<ValueError>("[reverse] T = {} and segment = {} must not be negative", T, segment);
  if (unroll == Unroll::stored) segment = std::max<std::int64_t>(T, 1);
  if (segment == 0) segment = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(std::sqrt(double(T)))));

  // Forwards: one state per segment is kept. The last two segments are recorded at once, since they come back first.
  const std::int64_t last = std::max<std::int64_t>(0, T - 2 * segment);
  std::vector<Vars> kept;
  std::vector<Recording> steps;
  Vars s = s0;
  for (std::int64_t i = 0; i < T; ++i) {
    if (i < last && (i == 0 || (last - i) % segment == 0)) kept.push_back(s);
    if (i < last) {
      s = problem.step(s, phi, t0 + i);
    } else {
      steps.push_back(record_step(problem, s, phi, t0 + i));
      s = steps.back().y;
    }
    problem.watch(s, t0 + i);
  }

  // Backwards: pull what is recorded, then record the segment before it.
  ReverseRun run;
  Adjoint adjoint = outer_adjoint(problem, s, phi, t0, run.outer);
  run.s = std::move(s);
  for (std::int64_t end = last;; end = std::max<std::int64_t>(0, end - segment)) {
    while (!steps.empty()) {
      adjoint.pull(steps.back());
      steps.pop_back();
    }
    if (end == 0) break;
    s = std::move(kept.back());
    kept.pop_back();
    for (std::int64_t i = std::max<std::int64_t>(0, end - segment); i < end; ++i) {
      steps.push_back(record_step(problem, s, phi, t0 + i));
      s = steps.back().y;
    }
    s.clear();
  }
  run.h = to_components(adjoint.g, phi);
  run.adjoint = std::move(adjoint.a);
  return run;
}

}  // namespace glocal::hpo
