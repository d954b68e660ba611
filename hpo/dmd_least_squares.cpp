// DMD by least squares in the leading singular directions of X: A = U^T Y (U^T X)^+ (Schmid 2010; Tu et al. 2014).
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/orthogonal.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd_model.h>
#include <glocal/hpo/dmd_series.h>

namespace glocal::hpo {

Tensor leading(const DmdSeries& series, std::int64_t r) {
  const std::int64_t n = series.svd.ut.dim(1);
  Tensor out({n, r}, DType::f64);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < r; ++j) out.data<double>()[i * r + j] = series.svd.ut.data<double>()[j * n + i];
  return out;
}

Tensor neighbours(const DmdSeries& series, const Tensor& basis, std::vector<Tensor>& starts) {
  const std::int64_t m = series.delays, w = series.scaled[0].dim(1), r = basis.dim(1), width = 2 * r;
  std::int64_t total = 0;
  for (const Tensor& h : series.scaled) total += h.dim(0) - m;
  Tensor out({total, width}, DType::f64);
  double* pairs = out.data<double>();
  starts.clear();
  for (std::size_t k = 0; k < series.scaled.size(); ++k) {
    const double* const h = series.scaled[k].data<double>();
    const std::int64_t columns = series.scaled[k].dim(0) - m;
    multiply(columns, r, m * w, h, w, basis.data<double>(), pairs, width);
    starts.push_back(Tensor::from(std::span<const double>(pairs, static_cast<std::size_t>(r)), {r, 1}));
    for (std::int64_t t = 0; t + 1 < columns; ++t) std::copy_n(pairs + (t + 1) * width, r, pairs + t * width + r);
    multiply(1, r, m * w, h + columns * w, w, basis.data<double>(), pairs + (columns - 1) * width + r, width);
    if (series.weights[k] != 1)
      for (std::int64_t i = 0; i < columns * width; ++i) pairs[i] *= std::sqrt(series.weights[k]);
    pairs += columns * width;
  }
  return out;
}

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

}  // namespace glocal::hpo
