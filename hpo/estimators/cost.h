// What a run will cost, before it starts: one step of each kind is measured, the rest is arithmetic.
#pragma once
#include <cstdint>
#include <string>

#include <glocal/autodiff/var.h>
#include <glocal/hpo/estimators/estimator.h>
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
/// Runs about ten steps. Does not call problem.watch.
Probe probe(const FlatProblem& problem, const Vars& phi);

struct Cost {
  double seconds = 0;
  std::int64_t bytes = 0;  ///< peak of tensors, the base included
};
/// What tune() with this estimator will need. T steps; `updates` counts for estimators from the start only.
Cost predict(const Probe& probe, const std::string& estimator, const EstimatorOptions& options, std::int64_t T,
             std::int64_t updates);
/// Gradient evaluations of tune(), training included, by theory: gradients of the training loss on a batch (a plain
/// step is 1) and of E; a Hessian-vector product is 2, values of E are free. A step costs 1 + 2 q with q tangents, 4 in
/// reverse (3 when stored), 1 + 2 b along b directions, 1 + 2 N with N antithetic pairs. What a search of equal budget
/// gets. Throws ValueError for an estimator without a count, ShapeError beyond 2^63.
std::int64_t gradient_evaluations(const std::string& estimator, const EstimatorOptions& options, std::int64_t q,
                                  std::int64_t T, std::int64_t updates);
/// The cost of plain training.
Cost predict_training(const Probe& probe, std::int64_t T);

/// Throws MemoryError when the prediction is above limit_bytes, naming the estimators that would fit.
void refuse_above(std::int64_t limit_bytes, const Probe& probe, const std::string& estimator,
                  const EstimatorOptions& options, std::int64_t T, std::int64_t updates);

}  // namespace glocal::hpo
