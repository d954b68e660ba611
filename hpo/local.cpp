#include <glocal/hpo/local.h>

#include <algorithm>

namespace glocal::hpo {

const char* Local::name() const {
  return start == LocalStart::restart ? "local-restart" : start == LocalStart::warm ? "local" : "local-online";
}

std::int64_t Local::steps(const Progress& progress) const {
  return from_start() ? std::min(tau, progress.T) : std::min(tau, progress.T - progress.t);
}

Estimate Local::advance(const FlatProblem& problem, const Vars& phi, Progress& progress) {
  const std::int64_t block = steps(progress);
  if (start == LocalStart::restart) {
    Pushed init = push_forward(problem.init, phi, unit_directions(phi));
    ForwardRun run = run_forward(problem, std::move(init.y), std::move(init.dy), phi, 0, block, trajectory);
    return {std::move(run.h), run.outer, run.trajectory, {}};
  }
  Tangents z = zero_tangents(components(phi), progress.s.size());
  if (start == LocalStart::online && !progress.z.empty())
    z = std::move(progress.z);
  else if (start == LocalStart::online && progress.t == 0)
    z = push_forward(problem.init, phi, unit_directions(phi)).dy;  // s_0 may itself depend on phi
  ForwardRun run = run_forward(problem, std::move(progress.s), std::move(z), phi, progress.t, block, trajectory);
  progress.t += block;
  progress.s = std::move(run.s);
  if (start == LocalStart::online) progress.z = std::move(run.z);
  return {std::move(run.h), run.outer, run.trajectory, {}};
}

}  // namespace glocal::hpo
