#include <glocal/hpo/estimators/estimator.h>

#include <glocal/autodiff/var.h>
#include <glocal/hpo/problem.h>

namespace glocal::hpo {

void Estimator::check(const FlatProblem&, const Vars&) const {}

}  // namespace glocal::hpo
