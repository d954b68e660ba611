#include <glocal/hpo/rehearsal/rehearse.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/rehearsal/rehearsal.h>
#include <glocal/hpo/space.h>

namespace glocal::hpo {
namespace {

// E after the trial, NaN where it left the finite numbers.
double loss_of(const FlatProblem& problem, const Vars& phi, std::int64_t steps) {
  double sum = 0;
  try {
    Progress progress{problem.init(phi), {}, 0, steps};
    train_to(problem, phi, progress, steps);
    for (std::int64_t block = 0; block < Rehearsal::validation_batches; ++block)
      sum += problem.outer(progress.s, phi, block).item();
  } catch (const DivergedError&) {
    sum = std::numeric_limits<double>::quiet_NaN();
  } catch (const NumericError&) {
    sum = std::numeric_limits<double>::quiet_NaN();
  }
  return sum / static_cast<double>(Rehearsal::validation_batches);
}

}  // namespace

Rehearsed rehearse(const FlatProblem& problem, const Vars& phi, const RehearsalOptions& options,
                   std::vector<double>& losses, const std::function<void(const RehearsalTrial&, double)>& report) {
  if (components(phi) != 1)
    fail<ValueError>("[rehearsal] chooses one learning rate; phi has {} numbers", components(phi));
  return rehearse(problem, phi, 0, options, losses, report);
}

Rehearsed rehearse(const FlatProblem& problem, const Vars& phi, std::size_t component, const RehearsalOptions& options,
                   std::vector<double>& losses, const std::function<void(const RehearsalTrial&, double)>& report) {
  if (!problem.compressed)
    fail<ValueError>("[rehearsal] this problem does not say how its schedule is compressed: FlatProblem::compressed");
  std::vector<double> u = to_components(phi, phi);
  Rehearsal rehearsal(u.at(component), options);
  for (std::size_t i = 0; !rehearsal.finished(); ++i) {
    const RehearsalTrial trial = rehearsal.ask();
    if (i == losses.size()) {
      FlatProblem at =
          trial.schedule == options.T ? problem : problem.compressed(std::max<std::int64_t>(1, trial.schedule));
      at.watch = problem.watch;
      u[component] = trial.u;
      losses.push_back(loss_of(at, to_leaves(u, phi), trial.steps));
    }
    rehearsal.tell(losses[i]);
    if (report) report(trial, losses[i]);
  }
  return rehearsal.rehearsed();
}

}  // namespace glocal::hpo
