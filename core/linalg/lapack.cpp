#include <glocal/core/linalg/lapack.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

// LAPACKE's complex type is ours.
#define lapack_complex_float std::complex<float>
#define lapack_complex_double std::complex<double>
#include <lapacke.h>

#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/linalg/blas.h>
#include <glocal/core/linalg/scaling.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal::lapack {
namespace {

constexpr std::int64_t limit = std::numeric_limits<std::int32_t>::max();

// Refuses what Fortran integers cannot index: each size, and the whole matrix.
void check_size(std::string_view where, std::int64_t rows, std::int64_t cols) {
  if (rows > limit || cols > limit || checked_mul(rows, cols) > limit)
    fail<ShapeError>("[{}] a {} x {} matrix has more than 2^31-1 numbers, LAPACK's limit", where, rows, cols);
}

void check(std::string_view where, std::string_view name, const Tensor& a) {
  if (!a || a.rank() != 2) fail<ShapeError>("[{}] {} must be a matrix, its shape is {}", where, name, a.shape());
  if (a.dtype() != DType::f64)
    fail<DTypeError>("[{}] {} must be f64, got {}; use .to(DType::f64)", where, name, a.dtype());
  check_size(where, a.dim(0), a.dim(1));
  const auto numbers = a.span<double>();
  const auto bad = std::find_if_not(numbers.begin(), numbers.end(), [](double v) { return std::isfinite(v); });
  if (bad == numbers.end()) return;
  const std::int64_t index = bad - numbers.begin();
  fail<NumericError>("[{}] {} {} holds {} at ({}, {})", where, name, a.shape(), *bad, index / a.dim(1),
                     index % a.dim(1));
}

void check(std::string_view where, std::string_view name, const CMatrix& a) {
  check_size(where, a.rows, a.cols);
  if (static_cast<std::int64_t>(a.numbers.size()) != a.rows * a.cols)
    fail<ShapeError>("[{}] {} holds {} numbers for {} x {}", where, name, a.numbers.size(), a.rows, a.cols);
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t j = 0; j < a.cols; ++j)
      if (!std::isfinite(a(i, j).real()) || !std::isfinite(a(i, j).imag()))
        fail<NumericError>("[{}] {} holds {} + {}i at ({}, {})", where, name, a(i, j).real(), a(i, j).imag(), i, j);
}

void check_square(std::string_view where, const Tensor& a) {
  check(where, "a", a);
  if (a.dim(0) != a.dim(1)) fail<ShapeError>("[{}] a must be square, its shape is {}", where, a.shape());
}

// info of any routine but potrf: below 0 an argument LAPACK refused or no memory, above 0 no convergence.
void check_info(std::string_view where, lapack_int info) {
  if (info != 0) fail<NumericError>("[{}] LAPACK did not finish, info = {}", where, info);
}

lapack_int size(std::int64_t n) { return static_cast<lapack_int>(n); }

double cutoff(double rcond, std::int64_t m, std::int64_t n) {
  return rcond < 0 ? static_cast<double>(std::max(m, n)) * std::numeric_limits<double>::epsilon() : rcond;
}

// Least squares and eigenvectors of entries near the ends of the range come back as NaN, or of any length, with info 0:
// LAPACK's own scaling is of whole matrices, and not of everything in between.
template <class T>
int scaled_to_one(T* numbers, std::int64_t count) {
  double largest = 0;
  for (std::int64_t i = 0; i < count; ++i)
    largest = std::max({largest, std::abs(std::real(numbers[i])), std::abs(std::imag(numbers[i]))});
  const int shift = shift_to_one(largest);
  if (shift != 0) std::for_each(numbers, numbers + count, [=](T& v) { v *= std::ldexp(1.0, shift); });
  return shift;
}

std::complex<double> shifted(std::complex<double> v, int shift) {
  return {std::ldexp(v.real(), shift), std::ldexp(v.imag(), shift)};
}
double shifted(double v, int shift) { return std::ldexp(v, shift); }

// Undoes the scaling of a and b in a x = b and in the singular values of a.
template <class T>
void scale_back(int shift_a, int shift_b, T* x, std::int64_t count, double* s, std::int64_t k) {
  if (shift_a != shift_b) std::for_each(x, x + count, [=](T& v) { v = shifted(v, shift_a - shift_b); });
  if (shift_a != 0) std::for_each(s, s + k, [=](double& v) { v = shifted(v, -shift_a); });
}

// Least squares overwrites b with x, so the copy of b (M, R) has room for both.
Tensor padded(const Tensor& b, std::int64_t rows) {
  Tensor out = Tensor::zeros({rows, b.dim(1)}, DType::f64);
  std::copy_n(b.data<double>(), b.size(), out.data<double>());
  return out;
}

Tensor first_rows(const Tensor& a, std::int64_t rows) {
  Tensor out({rows, a.dim(1)}, DType::f64);
  std::copy_n(a.data<double>(), out.size(), out.data<double>());
  return out;
}

// The transpose: (M, N) the other way through memory.
Tensor by_columns(const Tensor& a) {
  const std::int64_t m = a.dim(0), n = a.dim(1);
  Tensor out({n, m}, DType::f64);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) out.data<double>()[j * m + i] = a.data<double>()[i * n + j];
  return out;
}

// b as (M, R) with R = 1 for a vector.
Tensor as_matrix(std::string_view where, const Tensor& a, const Tensor& b) {
  if (!b || b.rank() < 1 || b.rank() > 2 || b.dim(0) != a.dim(0))
    fail<ShapeError>("[{}] b must have as many rows as a {}, its shape is {}", where, a.shape(), b.shape());
  Tensor matrix = b.rank() == 2 ? b : b.reshape({b.dim(0), 1});
  check(where, "b", matrix);
  return matrix;
}

// solve(a, b, s, rank) is the LAPACK call on copies; b has max(M, N) rows.
template <class Solve>
LeastSquares least_squares(std::string_view where, const Tensor& a, const Tensor& b, Solve solve) {
  check(where, "a", a);
  const Tensor right = as_matrix(where, a, b);
  const std::int64_t m = a.dim(0), n = a.dim(1), k = std::min(m, n);
  if (right.dim(1) == 0) {  // LAPACK needs a column to tell the rank
    LeastSquares out = least_squares(where, a, Tensor::zeros({m, 1}, DType::f64), solve);
    out.x = Tensor({n, 0}, DType::f64);
    return out;
  }
  LeastSquares out{Tensor::zeros({n, right.dim(1)}, DType::f64), 0, Tensor::zeros({k}, DType::f64)};
  if (k > 0) {
    Tensor work = a.clone(), x = padded(right, std::max(m, n));
    check_size(where, x.dim(0), x.dim(1));
    const int shift_a = scaled_to_one(work.data<double>(), work.size());
    const int shift_b = scaled_to_one(x.data<double>(), x.size());
    lapack_int rank = 0;
    blas::use_one_thread();
    check_info(where, solve(work, x, out.singular_values, rank));
    out.rank = rank;
    out.x = first_rows(x, n);
    scale_back(shift_a, shift_b, out.x.data<double>(), out.x.size(), out.singular_values.data<double>(), k);
  }
  if (b.rank() == 1) out.x = out.x.reshape({n});
  return out;
}

}  // namespace

CMatrix::CMatrix(std::int64_t rows_in, std::int64_t cols_in)
    : rows(rows_in), cols(cols_in), numbers(static_cast<std::size_t>(Shape{rows_in, cols_in}.size())) {}

Svd svd(const Tensor& a) {
  check("svd", "a", a);
  const std::int64_t m = a.dim(0), n = a.dim(1), k = std::min(m, n), tall = std::max(m, n);
  Svd out{Tensor({m, k}, DType::f64), Tensor({k}, DType::f64), Tensor({k, n}, DType::f64)};
  if (k == 0) return out;
  // gejsv takes tall matrices by columns. By columns, a wide a is its own transpose: a^T = V S U^T.
  const bool wide = n >= m;
  Tensor work = wide ? a.clone() : by_columns(a), left({k, tall}, DType::f64), right({k, k}, DType::f64);
  const int shift = scaled_to_one(work.data<double>(), work.size());
  double statistics[7];
  lapack_int ranks[3];
  blas::use_one_thread();
  // F: rows and columns may differ in scale; U, V: k of the left vectors, all right ones; N: small values stay.
  check_info("svd", LAPACKE_dgejsv(LAPACK_COL_MAJOR, 'F', 'U', 'V', 'N', 'N', 'N', size(tall), size(k),
                                   work.data<double>(), size(tall), out.s.data<double>(), left.data<double>(),
                                   size(tall), right.data<double>(), size(k), statistics, ranks));
  for (double& s : std::span(out.s.data<double>(), static_cast<std::size_t>(k)))
    s = std::ldexp(s * (statistics[0] / statistics[1]), -shift);
  out.u = by_columns(wide ? right : left);
  out.vt = wide ? left : right;
  return out;
}

LeastSquares lstsq(const Tensor& a, const Tensor& b, double rcond) {
  return least_squares("lstsq", a, b, [&](Tensor& work, Tensor& x, Tensor& s, lapack_int& rank) {
    const std::int64_t m = work.dim(0), n = work.dim(1), r = x.dim(1);
    return LAPACKE_dgelsd(LAPACK_ROW_MAJOR, size(m), size(n), size(r), work.data<double>(), size(n), x.data<double>(),
                          size(r), s.data<double>(), cutoff(rcond, m, n), &rank);
  });
}

LeastSquares lstsq_qr(const Tensor& a, const Tensor& b, double rcond) {
  LeastSquares out = least_squares("lstsq_qr", a, b, [&](Tensor& work, Tensor& x, Tensor&, lapack_int& rank) {
    const std::int64_t m = work.dim(0), n = work.dim(1), r = x.dim(1);
    std::vector<lapack_int> pivots(static_cast<std::size_t>(n));
    return LAPACKE_dgelsy(LAPACK_ROW_MAJOR, size(m), size(n), size(r), work.data<double>(), size(n), x.data<double>(),
                          size(r), pivots.data(), cutoff(rcond, m, n), &rank);
  });
  out.singular_values = {};
  return out;
}

ComplexLeastSquares lstsq(const CMatrix& a, const CMatrix& b, double rcond) {
  check("lstsq", "a", a);
  check("lstsq", "b", b);
  if (a.rows != b.rows) fail<ShapeError>("[lstsq] a has {} rows, b has {}", a.rows, b.rows);
  const std::int64_t m = a.rows, n = a.cols, k = std::min(m, n), r = b.cols;
  ComplexLeastSquares out{CMatrix(n, r), 0, std::vector<double>(static_cast<std::size_t>(k))};
  if (k == 0 || r == 0) return out;
  CMatrix work = a, x(std::max(m, n), r);
  check_size("lstsq", x.rows, x.cols);
  std::copy(b.numbers.begin(), b.numbers.end(), x.numbers.begin());
  const int shift_a = scaled_to_one(work.numbers.data(), m * n);
  const int shift_b = scaled_to_one(x.numbers.data(), m * r);
  lapack_int rank = 0;
  blas::use_one_thread();
  check_info("lstsq",
             LAPACKE_zgelsd(LAPACK_ROW_MAJOR, size(m), size(n), size(r), work.numbers.data(), size(n), x.numbers.data(),
                            size(r), out.singular_values.data(), cutoff(rcond, m, n), &rank));
  out.rank = rank;
  std::copy_n(x.numbers.begin(), out.x.numbers.size(), out.x.numbers.begin());
  scale_back(shift_a, shift_b, out.x.numbers.data(), n * r, out.singular_values.data(), k);
  return out;
}

Eig eig(const Tensor& a) {
  check_square("eig", a);
  const std::int64_t n = a.dim(0);
  Eig out{std::vector<std::complex<double>>(static_cast<std::size_t>(n)), CMatrix(n, n), CMatrix(n, n)};
  if (n == 0) return out;
  // Columns stand side by side for LAPACK; its vectors then are rows here.
  Tensor work({n, n}, DType::f64), re({n}, DType::f64), im({n}, DType::f64), vl({n, n}, DType::f64),
      vr({n, n}, DType::f64);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) work.data<double>()[j * n + i] = a.data<double>()[i * n + j];
  const int shift = scaled_to_one(work.data<double>(), work.size());
  blas::use_one_thread();
  const auto geev = [&](double* space, std::int64_t count) {
    check_info("eig", LAPACKE_dgeev_work(LAPACK_COL_MAJOR, 'V', 'V', size(n), work.data<double>(), size(n),
                                         re.data<double>(), im.data<double>(), vl.data<double>(), size(n),
                                         vr.data<double>(), size(n), space, size(count)));
  };
  double best = 0;
  geev(&best, -1);
  Tensor space({static_cast<std::int64_t>(best)}, DType::f64);
  geev(space.data<double>(), space.size());
  // A complex pair (j, j + 1) shares two real vectors: v_j = x_j + i x_{j+1}, and its conjugate.
  const auto unpack = [&](const Tensor& packed, CMatrix& vectors, std::int64_t j, bool pair) {
    const double* const x = packed.data<double>() + j * n;
    for (std::int64_t i = 0; i < n; ++i) {
      vectors(i, j) = {x[i], pair ? x[n + i] : 0};
      if (pair) vectors(i, j + 1) = std::conj(vectors(i, j));
    }
  };
  for (std::int64_t j = 0; j < n;) {
    const bool pair = im.data<double>()[j] != 0;
    unpack(vl, out.left, j, pair);
    unpack(vr, out.vectors, j, pair);
    for (const std::int64_t end = j + (pair ? 2 : 1); j < end; ++j)
      out.values[static_cast<std::size_t>(j)] = shifted({re.data<double>()[j], im.data<double>()[j]}, -shift);
  }
  return out;
}

Qr qr(const Tensor& a) {
  check("qr", "a", a);
  const std::int64_t m = a.dim(0), n = a.dim(1), k = std::min(m, n);
  Qr out{Tensor({m, k}, DType::f64), Tensor::zeros({k, n}, DType::f64)};
  if (k == 0) return out;
  Tensor work = a.clone(), tau({k}, DType::f64);
  blas::use_one_thread();
  check_info("qr",
             LAPACKE_dgeqrf(LAPACK_ROW_MAJOR, size(m), size(n), work.data<double>(), size(n), tau.data<double>()));
  const double* const packed = work.data<double>();
  for (std::int64_t i = 0; i < k; ++i)
    std::copy(packed + i * n + i, packed + (i + 1) * n, out.r.data<double>() + i * n + i);
  for (std::int64_t i = 0; i < m; ++i) std::copy_n(packed + i * n, k, out.q.data<double>() + i * k);
  check_info("qr", LAPACKE_dorgqr(LAPACK_ROW_MAJOR, size(m), size(k), size(k), out.q.data<double>(), size(k),
                                  tau.data<double>()));
  return out;
}

Tensor cholesky(const Tensor& a) {
  check_square("cholesky", a);
  const std::int64_t n = a.dim(0);
  Tensor l = a.clone();
  if (n == 0) return l;
  double* const numbers = l.data<double>();
  for (std::int64_t i = 0; i < n; ++i) std::fill(numbers + i * n + i + 1, numbers + (i + 1) * n, 0.0);
  blas::use_one_thread();
  const lapack_int info = LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'L', size(n), numbers, size(n));
  if (info > 0)
    fail<NumericError>("[cholesky] a {} is not positive definite: its leading {} x {} block is not", a.shape(), info,
                       info);
  check_info("cholesky", info);
  return l;
}

Tensor cholesky_solve(const Tensor& l, const Tensor& b) {
  check_square("cholesky_solve", l);
  const Tensor right = as_matrix("cholesky_solve", l, b);
  const std::int64_t n = l.dim(0), r = right.dim(1);
  for (std::int64_t i = 0; i < n; ++i)
    if (const double d = l.data<double>()[i * n + i]; d <= 0)
      fail<NumericError>("[cholesky_solve] l {} has {} at ({}, {}); the diagonal of a factor is positive", l.shape(), d,
                         i, i);
  Tensor x = right.clone();
  blas::use_one_thread();
  if (x.size() > 0)
    check_info("cholesky_solve", LAPACKE_dpotrs(LAPACK_ROW_MAJOR, 'L', size(n), size(r), l.data<double>(), size(n),
                                                x.data<double>(), size(r)));
  return x.reshape(b.shape());
}

}  // namespace glocal::lapack
