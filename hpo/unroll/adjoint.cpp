#include <glocal/hpo/unroll/adjoint.h>

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/unroll/options.h>

namespace glocal::hpo {
namespace {

Vars part(const Vars& x, std::size_t begin, std::size_t end) {
  return {x.begin() + static_cast<std::ptrdiff_t>(begin), x.begin() + static_cast<std::ptrdiff_t>(end)};
}

// The gradient of loss(s, phi, t) in all leaves of (s, phi).
Function loss_gradient(const FlatProblem& problem, std::size_t n, std::int64_t t) {
  return [loss = joint_loss(problem, n, t, "mixed adjoint")](const Vars& x) {
    const Recording recording = record(loss, x);
    return recording.pull(Vars{ones_like(recording.y[0])}, /*release=*/true);
  };
}

}  // namespace

RecordedStep::RecordedStep(const FlatProblem& problem, const Vars& s, const Vars& phi, std::int64_t t, Adjoint mode)
    : n_(s.size()) {
  if (mode == Adjoint::measured) fail<ValueError>("[adjoint] measure_adjoint() chooses between reverse and mixed");
  if (mode == Adjoint::reverse) {
    step_ = record(joint_step(problem, n_, t), joined(s, phi));
    return;
  }
  if (!problem.update)
    fail<ValueError>(
        "[adjoint] mixed needs the step as a function of its gradient, which this problem does not give; "
        "set update, or use reverse");
  gradient_ = record(loss_gradient(problem, n_, t), joined(s, phi));
  const Function update = [&problem, n = n_, t](const Vars& x) {
    return problem.update(part(x, 0, n), part(x, n, 2 * n), part(x, 2 * n, x.size()), t);
  };
  step_ = record(update, joined(joined(s, part(gradient_->y, 0, n_)), phi));
}

Vars RecordedStep::pull(In a) const {
  Vars pulled = step_.pull(a, /*release=*/true);
  if (!gradient_) return pulled;
  Vars direction(gradient_->y.size());
  std::copy(pulled.begin() + static_cast<std::ptrdiff_t>(n_), pulled.begin() + static_cast<std::ptrdiff_t>(2 * n_),
            direction.begin());
  Vars result = gradient_->push(direction);
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = plus(pulled[i < n_ ? i : n_ + i], result[i]);
  return result;
}

AdjointChoice measure_adjoint(const FlatProblem& problem, const Vars& s, const Vars& phi, std::int64_t t) {
  const auto seconds = [&](Adjoint mode) {
    double best = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 3; ++i) {
      const auto start = std::chrono::steady_clock::now();
      const RecordedStep step(problem, s, phi, t, mode);
      Vars a;
      for (const Var& leaf : step.y()) a.push_back(ones_like(leaf));
      step.pull(a);
      best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
  };
  AdjointChoice choice;
  if (!problem.update || !problem.loss) {
    choice.note = "adjoint by reverse mode: the problem does not give its update";
    return choice;
  }
  choice.reverse_seconds = seconds(Adjoint::reverse);
  choice.mixed_seconds = seconds(Adjoint::mixed);
  if (choice.mixed_seconds < choice.reverse_seconds) choice.mode = Adjoint::mixed;
  choice.note = fmt::format("adjoint {}: a step by reverse {:.3g} ms, by both modes {:.3g} ms",
                            choice.mode == Adjoint::mixed ? "mixed" : "by reverse mode", 1e3 * choice.reverse_seconds,
                            1e3 * choice.mixed_seconds);
  return choice;
}

}  // namespace glocal::hpo
