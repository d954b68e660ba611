#include <glocal/hpo/problem.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <glocal/autodiff/transforms.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>

namespace glocal::hpo {

namespace {

Vars head(const Vars& x, std::size_t n) { return {x.begin(), x.begin() + static_cast<std::ptrdiff_t>(n)}; }
Vars tail(const Vars& x, std::size_t n) { return {x.begin() + static_cast<std::ptrdiff_t>(n), x.end()}; }

}  // namespace

Vars joined(In s, In phi) {
  Vars both(s.begin(), s.end());
  both.insert(both.end(), phi.begin(), phi.end());
  return both;
}

Function joint_step(const FlatProblem& problem, std::size_t n, std::int64_t t) {
  return [&problem, n, t](const Vars& x) { return problem.step(head(x, n), tail(x, n), t); };
}

Function joint_outer(const FlatProblem& problem, std::size_t n, std::int64_t block) {
  return [&problem, n, block](const Vars& x) { return Vars{problem.outer(head(x, n), tail(x, n), block)}; };
}

Function joint_loss(const FlatProblem& problem, std::size_t n, std::int64_t t, const char* who) {
  if (!problem.loss) fail<ValueError>("[{}] needs the training loss, which this problem does not give; set loss", who);
  return [&problem, n, t](const Vars& x) { return Vars{problem.loss(head(x, n), tail(x, n), t)}; };
}

std::int64_t components(In phi) {
  std::int64_t q = 0;
  for (const Var& leaf : phi) q += leaf.size();
  return q;
}

std::vector<Vars> unit_directions(In phi) {
  std::vector<Vars> directions;
  for (std::size_t i = 0; i < phi.size(); ++i) {
    for (std::int64_t j = 0; j < phi[i].size(); ++j) {
      Tensor unit = Tensor::zeros(phi[i].shape(), phi[i].dtype());
      visit_float(unit.dtype(), "unit_directions", [&]<class T>() { unit.data<T>()[j] = 1; });
      directions.emplace_back(phi.size());
      directions.back()[i] = unit;
    }
  }
  return directions;
}

std::vector<double> to_components(In gradient, In phi) {
  std::vector<double> h;
  for (std::size_t i = 0; i < phi.size(); ++i)
    for (std::int64_t j = 0; j < phi[i].size(); ++j) h.push_back(gradient[i] ? gradient[i].value().at(j) : 0.0);
  return h;
}

}  // namespace glocal::hpo
