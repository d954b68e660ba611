// What one step of each kind takes on this machine: measured once, before a run; the rest of a prediction is
// arithmetic.
#pragma once
#include <cstdint>

#include <glocal/autodiff/var.h>
#include <glocal/hpo/problem.h>

namespace glocal::hpo {

/// One step of each kind at s_0: seconds and tensor bytes.
struct Probe {
  std::int64_t q = 0;
  std::int64_t base_bytes = 0;     ///< live before anything ran (data sets, the model)
  std::int64_t state_bytes = 0;    ///< s
  std::int64_t step_bytes = 0;     ///< peak of a plain step above the base
  std::int64_t record_bytes = 0;   ///< held by one recorded step, its new state included
  std::int64_t pull_bytes = 0;     ///< peak of pulling it, above what is held
  std::int64_t forward_bytes = 0;  ///< peak of a step with q tangents above the base, both tangent sets included; for
                                   ///< many, like forward_seconds, extrapolated from a few
  std::int64_t outer_bytes = 0;    ///< peak of one gradient of E, above what is held
  double step_seconds = 0, record_seconds = 0, pull_seconds = 0, forward_seconds = 0, outer_seconds = 0;
  double value_seconds = 0;  ///< one value of E
};
/// Runs about twenty steps of all kinds, fewer where they take seconds. Does not call problem.watch.
Probe probe(const FlatProblem& problem, const Vars& phi);
/// What plain training takes alone: a step. The rest is 0.
Probe probe_training(const FlatProblem& problem, const Vars& phi);

struct Cost {
  double seconds = 0;
  std::int64_t bytes = 0;  ///< peak of tensors, the base included
};
/// The cost of plain training.
Cost predict_training(const Probe& probe, std::int64_t T);

}  // namespace glocal::hpo
