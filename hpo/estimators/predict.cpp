#include <glocal/hpo/estimators/predict.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include <glocal/core/error.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/estimators/registry.h>

namespace glocal::hpo {
namespace {

Cost cost_of(const Estimator& estimator, const Probe& probe, std::int64_t T, std::int64_t updates) {
  Cost cost = estimator.cost(probe, T, updates);
  cost.bytes = std::max(cost.bytes, predict_training(probe, T).bytes);
  if (estimator.from_start() && updates > 1) cost.bytes += probe.state_bytes;  // of the best run so far
  return cost;
}

// False too for an estimator that these options do not make.
bool fits(std::int64_t limit_bytes, const Probe& probe, const std::string& name, const EstimatorOptions& options,
          std::int64_t T, std::int64_t updates) {
  try {
    return predict(probe, name, options, T, updates).bytes <= limit_bytes;
  } catch (const ValueError&) {
    return false;
  }
}

}  // namespace

Cost predict(const Probe& probe, const std::string& estimator, const EstimatorOptions& options, std::int64_t T,
             std::int64_t updates) {
  return cost_of(*make_estimator(estimator, options), probe, T, updates);
}

std::int64_t gradient_evaluations(const std::string& estimator, const EstimatorOptions& options, std::int64_t q,
                                  std::int64_t T, std::int64_t updates) {
  return make_estimator(estimator, options)->gradient_evaluations(q, T, updates);
}

void refuse_above(std::int64_t limit_bytes, const Probe& probe, const std::string& estimator,
                  const EstimatorOptions& options, std::int64_t T, std::int64_t updates) {
  const std::int64_t needed = predict(probe, estimator, options, T, updates).bytes;
  if (needed <= limit_bytes) return;
  std::string fit;
  for (const std::string& other : estimator_names())
    if (fits(limit_bytes, probe, other, options, T, updates)) fit += (fit.empty() ? "" : ", ") + other;
  fail<MemoryError>("[cost] {} over {} steps needs about {:.1f} MB, the limit is {:.1f} MB; {}", estimator, T,
                    static_cast<double>(needed) * 1e-6, static_cast<double>(limit_bytes) * 1e-6,
                    fit.empty() ? "no estimator fits: use a smaller batch or model" : "these would fit: " + fit);
}

}  // namespace glocal::hpo
