#include <glocal/hpo/dmd/methods/least_squares.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/linalg/orthogonal.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/hankel.h>
#include <glocal/hpo/dmd/model/matrix.h>
#include <glocal/hpo/dmd/model/method.h>
#include <glocal/hpo/dmd/model/operator.h>

namespace glocal::hpo {

DmdModel least_squares_model(const DmdSeries& series, std::int64_t r) {
  const Tensor basis = leading(series, r);
  DmdModel model;
  Tensor pairs = neighbours(series, basis, model.starts);
  const Tensor transposed = orthogonal::least_squares(pairs, r).x;
  model.step = Tensor({r, r}, DType::f64);
  for (std::int64_t i = 0; i < r * r; ++i) model.step.data<double>()[i] = transposed.data<double>()[i % r * r + i / r];
  // The left inverse of the delay map: the first w entries of a window are its first snapshot.
  model.readouts = {rows_of(basis, 0, series.scaled[0].dim(1))};
  return model;
}

DmdMethod least_squares() {
  return {
      .name = "least-squares",
      .about = "A = Y X^+ (Schmid 2010); noise in X shrinks its eigenvalues",
      .both_ends = false,
      .drop = 1,
      .model = [](const DmdSeries& series, std::int64_t r, std::string&) { return least_squares_model(series, r); }};
}

}  // namespace glocal::hpo
