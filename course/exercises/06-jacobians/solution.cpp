// The Jacobian of f: (n,) -> (m,), by forward and by reverse mode.
#include <functional>
#include <string>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>

#include "exercise.h"

using namespace glocal;
using Map = std::function<Var(const Var&)>;

// e_i in n dimensions.
inline Var unit(std::int64_t n, std::int64_t i) {
  std::vector<double> e(static_cast<std::size_t>(n), 0.0);
  e[static_cast<std::size_t>(i)] = 1;
  return Tensor::from<double>(e, {n});
}

// (m, n), a column for each jvp(f, x, dx).second.
inline Var by_columns(const Map& f, const Var& x) {
  // BEGIN SOLUTION
  Vars columns;
  for (std::int64_t j = 0; j < x.size(); ++j) columns.push_back(jvp(f, x, unit(x.size(), j)).second);
  return stack(columns, 1);
  // END SOLUTION
}

// (m, n), a row for each call of the pullback: auto [y, pullback] = vjp(f, x).
inline Var by_rows(const Map& f, const Var& x) {
  // BEGIN SOLUTION
  const auto [y, pullback] = vjp(f, x);
  Vars rows;
  for (std::int64_t i = 0; i < y.size(); ++i) rows.push_back(pullback(unit(y.size(), i)));
  return stack(rows, 0);
  // END SOLUTION
}

// Which mode needs fewer passes for the whole Jacobian, "forward" or "reverse"; at a tie forward, which keeps no tape.
inline std::string cheaper(std::int64_t inputs, std::int64_t outputs) {
  // BEGIN SOLUTION
  return inputs <= outputs ? "forward" : "reverse";
  // END SOLUTION
}
