#include <glocal/core/linalg/orthogonal.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/linalg/lapack.h>
#include <glocal/core/linalg/scaling.h>
#include <glocal/core/simd/orthogonal.h>
#include <glocal/core/tensor.h>

namespace glocal::orthogonal {
namespace {

double square(double x) { return x * x; }

// Largest |number| of `width` columns; throws for NaN and Inf.
double largest_entry(const char* where, const double* rows, std::int64_t m, std::int64_t width, std::int64_t stride) {
  double largest = 0;
  bool finite = true;
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < width; ++j) {
      const double size = std::abs(rows[i * stride + j]);
      finite = finite && size <= std::numeric_limits<double>::max();
      largest = size > largest ? size : largest;
    }
  if (!finite) fail<NumericError>("[{}] a matrix of {} rows of {} holds NaN or Inf", where, m, width);
  return largest;
}

// Rows come in blocks that stay in the cache, each below the R of all before it.
std::int64_t block_rows(std::int64_t m, std::int64_t n) {
  constexpr std::int64_t smallest = 128;
  return std::min(m, std::max(smallest, 4 * n));
}

}  // namespace

RowQr::RowQr(std::int64_t m, std::int64_t n)
    : n_(n),
      width_((n + 7) / 8 * 8),
      rows_(Tensor::zeros({std::min(m, n + block_rows(m, n)), width_}, DType::f64)),
      work_({2 * rows_.dim(0) + 3 * width_}, DType::f64) {}

double* RowQr::next_row() {
  if (height_ == rows_.dim(0)) fold();
  double* const row = rows_.data<double>() + height_++ * width_;
  std::fill(row + n_, row + width_, 0.0);
  return row;
}

double* RowQr::r() {
  fold();
  return rows_.data<double>();
}

void RowQr::fold() {
  if (height_ == done_) return;
  done_ = std::min(height_, n_);
  simd::orthogonal().triangularize(true, height_, width_, done_, rows_.data<double>(), width_, work_.data<double>());
  height_ = done_;
}

LeftSvd left_svd(const double* rows, std::int64_t m, std::int64_t n, std::int64_t stride) {
  constexpr std::int64_t largest_for_jacobi = 128, most_sweeps = 60;
  const std::int64_t k = std::min(m, n);
  const int shift = shift_to_one(largest_entry("left_svd", rows, m, n, stride));
  const double factor = std::ldexp(1, shift);
  RowQr qr(m, n);
  for (std::int64_t i = 0; i < m; ++i) {
    double* const row = qr.next_row();
    std::copy_n(rows + i * stride, n, row);
    for (std::int64_t j = 0; shift != 0 && j < n; ++j) row[j] *= factor;
  }
  double* const r = qr.r();
  const std::int64_t width = qr.stride();
  // X = R^T Q^T: what makes the rows of R orthogonal from the left leaves U and s as they are.
  LeftSvd out{Tensor({k, n}, DType::f64), std::vector<double>(static_cast<std::size_t>(k))};
  if (k > largest_for_jacobi) {
    for (std::int64_t i = 0; i < k; ++i) std::copy_n(r + i * width, n, out.ut.data<double>() + i * n);
    const auto [u, s, vt] = lapack::svd(out.ut);
    std::transform(s.data<double>(), s.data<double>() + k, out.s.begin(),
                   [=](double v) { return std::ldexp(v, -shift); });
    out.ut = vt;
    return out;
  }
  std::vector<double> squares(static_cast<std::size_t>(k));
  const int sweeps = simd::orthogonal().orthogonalize(k, width, r, width, squares.data(), most_sweeps);
  if (sweeps == 0) fail<NumericError>("[left_svd] the Jacobi rotations of a {} x {} matrix do not converge", n, m);
  std::vector<std::int64_t> order(squares.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto i, auto j) {
    return squares[static_cast<std::size_t>(i)] > squares[static_cast<std::size_t>(j)];
  });
  for (std::int64_t i = 0; i < k; ++i) {
    const std::int64_t from = order[static_cast<std::size_t>(i)];
    const double length = std::sqrt(squares[static_cast<std::size_t>(from)]);
    out.s[static_cast<std::size_t>(i)] = std::ldexp(length, -shift);
    for (std::int64_t j = 0; j < n; ++j)
      out.ut.data<double>()[i * n + j] = length > 0 ? r[from * width + j] / length : 0;
  }
  return out;
}

LeastSquares least_squares(Tensor& ab, std::int64_t n) {
  const std::int64_t m = ab.dim(0), width = ab.dim(1), p = width - n;
  const int shift = shift_to_one(largest_entry("least_squares", ab.data<double>(), m, n, width));
  const int shift_b = shift_to_one(largest_entry("least_squares", ab.data<double>() + n, m, p, width));
  for (std::int64_t i = 0; (shift != 0 || shift_b != 0) && i < ab.size(); ++i)
    ab.data<double>()[i] = std::ldexp(ab.data<double>()[i], i % width < n ? shift : shift_b);
  Tensor work({2 * m + 3 * width}, DType::f64);
  simd::orthogonal().triangularize(false, m, width, n, ab.data<double>(), width, work.data<double>());
  const double* const r = ab.data<double>();
  LeastSquares out{Tensor({n, p}, DType::f64), 0, 0};
  double* const x = out.x.data<double>();
  Tensor inverse = Tensor::zeros({n, n}, DType::f64);
  double* const v = inverse.data<double>();
  double size = 0, inverse_size = 0;
  // R [x, R^-1] = [Q^T B, I] by back substitution, a row at a time.
  for (std::int64_t i = n - 1; i >= 0; --i) {
    const double* const row = r + i * width;
    std::copy_n(row + n, p, x + i * p);
    v[i * n + i] = 1;
    for (std::int64_t k = i + 1; k < n; ++k) {
      for (std::int64_t j = 0; j < p; ++j) x[i * p + j] -= row[k] * x[k * p + j];
      for (std::int64_t j = k; j < n; ++j) v[i * n + j] -= row[k] * v[k * n + j];
      size += square(row[k]);
    }
    for (std::int64_t j = 0; j < p; ++j) x[i * p + j] /= row[i];
    for (std::int64_t j = i; j < n; ++j) inverse_size += square(v[i * n + j] /= row[i]);
    size += square(row[i]);
  }
  out.condition = std::sqrt(size) * std::sqrt(inverse_size);
  if (!(out.condition < std::numeric_limits<double>::infinity()))
    out.condition = std::numeric_limits<double>::infinity();
  double rest = 0;
  for (std::int64_t i = n; i < m; ++i)
    for (std::int64_t j = n; j < width; ++j) rest += square(r[i * width + j]);
  out.residual = std::ldexp(std::sqrt(rest), -shift_b);
  for (std::int64_t i = 0; shift != shift_b && i < n * p; ++i) x[i] = std::ldexp(x[i], shift - shift_b);
  return out;
}

}  // namespace glocal::orthogonal
