#include <glocal/hpo/estimators/estimator.h>

#include <cstdint>

#include <glocal/autodiff/var.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>

namespace glocal::hpo {

void Estimator::check(const FlatProblem&, const Vars&) const {}

Kept Estimator::kept(std::int64_t) const { return {}; }

}  // namespace glocal::hpo
