// What a run will cost, before it starts, by the name of its estimator.
#pragma once
#include <cstdint>
#include <string>

#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/probe.h>

namespace glocal::hpo {

// All throw ValueError for an unknown name or options out of range.

/// What tune() with this estimator will need. T steps; `updates` counts for estimators from the start only.
Cost predict(const Probe& probe, const std::string& estimator, const EstimatorOptions& options, std::int64_t T,
             std::int64_t updates);
/// Estimator::gradient_evaluations of tune(), training included: what a search of equal budget gets. Throws ShapeError
/// beyond 2^63.
std::int64_t gradient_evaluations(const std::string& estimator, const EstimatorOptions& options, std::int64_t q,
                                  std::int64_t T, std::int64_t updates);
/// Throws MemoryError when the prediction is above limit_bytes, naming the estimators that would fit.
void refuse_above(std::int64_t limit_bytes, const Probe& probe, const std::string& estimator,
                  const EstimatorOptions& options, std::int64_t T, std::int64_t updates);

}  // namespace glocal::hpo
