#include <glocal/hpo/dmd/methods/total_least_squares.h>

#include <algorithm>
#include <cstdint>

#include <glocal/core/dtype.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/hankel.h>
#include <glocal/hpo/dmd/model/matrix.h>
#include <glocal/hpo/dmd/model/method.h>
#include <glocal/hpo/dmd/model/operator.h>

namespace glocal::hpo {
namespace {

// The right singular vectors V of [X; Y] project both ends of each pair: A = (Y V V^T)(X V V^T)^+. In a Hankel matrix Y
// repeats all but one block of X, so [X; Y] is the windows W = U S V^T of m + 1 snapshots, each entry counted once.
// With U_1 and U_2 the first and last m blocks of U, X V V^T = U_1 S V^T and Y V V^T = U_2 S V^T: in the coordinates
// U^T w_t of a window the operator is U_1^+ U_2.
DmdModel model_of(const DmdSeries& series, std::int64_t r, std::string&) {
  const std::int64_t w = series.scaled[0].dim(1), n = series.delays * w;
  const Tensor basis = leading(series, r);
  Tensor both({n, 2 * r}, DType::f64);
  const double* const u = basis.data<double>();
  for (std::int64_t i = 0; i < n; ++i) {
    std::copy_n(u + i * r, r, both.data<double>() + i * 2 * r);
    std::copy_n(u + (i + w) * r, r, both.data<double>() + i * 2 * r + r);
  }
  DmdModel model;
  model.step = solve(both, r).x;
  model.readouts = {rows_of(basis, 0, w)};
  for (const Tensor& h : series.scaled) {
    model.starts.emplace_back(Shape{r, 1}, DType::f64);
    multiply(1, r, n + w, h.data<double>(), w, u, model.starts.back().data<double>(), r);
  }
  return model;
}

}  // namespace

DmdMethod total_least_squares() {
  return {.name = "total-least-squares",
          .about = "X and Y projected on the leading directions of both (Hemati et al. 2017)",
          .both_ends = true,
          .drop = 0,
          .model = model_of};
}

}  // namespace glocal::hpo
