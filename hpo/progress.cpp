#include <glocal/hpo/progress.h>

#include <cstdint>

#include <glocal/autodiff/var.h>
#include <glocal/hpo/problem.h>

namespace glocal::hpo {

Block& Progress::open_block() {
  if (!block) block = Block{.t0 = t};
  return *block;
}

void train_to(const FlatProblem& problem, const Vars& phi, Progress& progress, std::int64_t end) {
  while (progress.t < end) {
    progress.s = problem.step(progress.s, phi, progress.t);
    ++progress.t;
    problem.watch(progress.s, progress.t - 1);
  }
}

}  // namespace glocal::hpo
