#include <glocal/hpo/tune/tune_state.h>

#include <cstdint>

#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/hpo/meta_optimizer.h>
#include <glocal/hpo/problem.h>

namespace glocal::hpo {

TuneState start_of_run(const FlatProblem& problem, const Vars& phi, std::int64_t T, const MetaOptimizer& meta) {
  if (T < 1) fail<ValueError>("[tune] T = {} must be at least 1 step", T);
  return {.u = to_components(phi, phi), .phi = phi, .meta = meta, .progress = {problem.init(phi), {}, 0, T}};
}

}  // namespace glocal::hpo
