// What every estimate of a hypergradient ends with: numbers that are finite, or an error that says which is not.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/hpo/problem.h>

namespace glocal::hpo {

/// "lr", or "knots[1]" of a leaf of several numbers, "component 4" where the problem has no names.
std::string component_name(const FlatProblem& problem, In phi, std::int64_t k);

/// Throws NumericError unless E and every component of h are finite, naming the first that is not and the step at which
/// it was found.
void check_finite(const char* who, const FlatProblem& problem, In phi, double outer, const std::vector<double>& h,
                  std::int64_t t);
}  // namespace glocal::hpo
