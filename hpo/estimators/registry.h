// The estimators by name.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <glocal/hpo/estimators/estimator.h>

namespace glocal::hpo {

/// "global", "global-forward", "local" (warm), "local-restart", "local-online", "truncated", "one-step", "glocal",
/// "random-forward", "es", "pes", "hypergradient-descent", "implicit-cg", "implicit-neumann", "implicit-nystrom".
/// Throws ValueError for an unknown name or options out of range.
std::unique_ptr<Estimator> make_estimator(const std::string& name, const EstimatorOptions& options);
std::vector<std::string> estimator_names();
/// A sentence on it; none for one that was added.
std::string estimator_about(const std::string& name);

using EstimatorMaker = std::function<std::unique_ptr<Estimator>(const EstimatorOptions&)>;
/// Makes an estimator of your own known by name, to `make_estimator` and so to the command; its cost is predicted as
/// that of `costs_like`. Call it before threads start. Throws ValueError for a name that is taken, or a cost of none.
void add_estimator(const std::string& name, EstimatorMaker maker, const std::string& costs_like);
/// The name of the estimator whose cost the named one has: its own, but for added ones.
std::string cost_name(const std::string& estimator);

}  // namespace glocal::hpo
