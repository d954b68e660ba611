#include <glocal/hpo/finite.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/hpo/problem.h>

namespace glocal::hpo {

std::string component_name(const FlatProblem& problem, In phi, std::int64_t k) {
  std::int64_t j = k;
  for (std::size_t i = 0; i < std::min(phi.size(), problem.names.size()); j -= phi[i++].size())
    if (j < phi[i].size()) return phi[i].rank() == 0 ? problem.names[i] : fmt::format("{}[{}]", problem.names[i], j);
  return fmt::format("component {}", k);
}

void check_finite(const char* who, const FlatProblem& problem, In phi, double outer, const std::vector<double>& h,
                  std::int64_t t) {
  if (!std::isfinite(outer))
    fail<NumericError>(
        "[{}] E is {} at step {}: training has left the finite numbers; start from a smaller learning "
        "rate",
        who, outer, t);
  for (std::size_t k = 0; k < h.size(); ++k)
    if (!std::isfinite(h[k]))
      fail<NumericError>(
          "[{}] the hypergradient of {} is {} at step {}, though E is finite: it explodes, or something has no "
          "derivative there, as the root of an exact 0; use fewer steps, a smaller learning rate or a positive "
          "eps_root",
          who, component_name(problem, phi, static_cast<std::int64_t>(k)), h[k], t);
}

}  // namespace glocal::hpo
