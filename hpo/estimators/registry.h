// The estimators by name.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include <glocal/core/text/registry.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/options.h>

namespace glocal::hpo {

/// All of them. Throws ValueError for an unknown name.
const Registry<EstimatorKind>& estimators();
std::vector<std::string> estimator_names();
/// Throws ValueError for an unknown name or options out of range.
std::unique_ptr<Estimator> make_estimator(const std::string& name, const EstimatorOptions& options);
/// Makes an estimator of your own known to all of Glocal, the command included. Call it before threads start. Throws
/// ValueError for a name that is taken.
void add_estimator(EstimatorKind kind);

}  // namespace glocal::hpo
