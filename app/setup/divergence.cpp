#include <glocal/app/setup/divergence.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/hpo/problem.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

Divergence::Divergence(const train::Experiment& experiment, std::string who) : who_(std::move(who)) {
  const hpo::FlatProblem& problem = experiment.problem();
  const Vars phi = experiment.phi();
  first_ = problem.loss(problem.init(phi), phi, 0).item();
}

void Divergence::check(double loss, double before, std::int64_t t, const std::function<std::string()>& at) const {
  if (!std::isfinite(loss))
    fail<DivergedError>("[{}] step {}: the training loss is not finite{}; start from a smaller learning rate", who_,
                        t + 1, at());
  if (loss > diverged_at * first_ && loss > before)
    fail<DivergedError>(
        "[{}] step {}: the training loss of {:.4g} is more than {:g} times its first value {:.4g}, and grows{}; start "
        "from a smaller learning rate",
        who_, t + 1, loss, diverged_at, first_, at());
}

}  // namespace glocal::app
