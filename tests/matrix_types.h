// The kinds of matrices that LAPACK's own test programs draw (DCHKEV, DDRVBD, DCHKBD, DCHKPO; Anderson et al., LAPACK
// Working Note 41), and norms of residuals in long double, whose range no entry here leaves.
#pragma once
#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include <glocal/core/linalg/lapack.h>
#include <glocal/core/random.h>

namespace glocal::matrices {

constexpr double ulp = std::numeric_limits<double>::epsilon();
constexpr std::int64_t sizes[] = {0, 1, 2, 3, 5, 10, 50};

/// Matrices in long double, row-major: of residuals alone.
template <class T>
struct Wide {
  std::int64_t rows = 0, cols = 0;
  std::vector<T> numbers;

  Wide(std::int64_t m, std::int64_t n) : rows(m), cols(n), numbers(static_cast<std::size_t>(m * n)) {}
  Wide(const Tensor& a) : Wide(a.dim(0), a.rank() == 2 ? a.dim(1) : 1) {
    for (std::int64_t i = 0; i < a.size(); ++i) numbers[static_cast<std::size_t>(i)] = T(a.at(i));
  }
  Wide(const lapack::CMatrix& a) : Wide(a.rows, a.cols) {
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = T(a.numbers[i].real(), a.numbers[i].imag());
  }
  T& operator()(std::int64_t i, std::int64_t j) { return numbers[static_cast<std::size_t>(i * cols + j)]; }
  const T& operator()(std::int64_t i, std::int64_t j) const { return numbers[static_cast<std::size_t>(i * cols + j)]; }

  Wide adjoint() const {
    Wide out(cols, rows);
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < cols; ++j) {
        if constexpr (std::is_same_v<T, long double>)
          out(j, i) = (*this)(i, j);
        else
          out(j, i) = std::conj((*this)(i, j));
      }
    return out;
  }
};
using Real = Wide<long double>;
using Complex = Wide<std::complex<long double>>;

template <class T>
Wide<T> operator*(const Wide<T>& a, const Wide<T>& b) {
  Wide<T> out(a.rows, b.cols);
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t k = 0; k < a.cols; ++k)
      for (std::int64_t j = 0; j < b.cols; ++j) out(i, j) += a(i, k) * b(k, j);
  return out;
}
template <class T>
Wide<T> operator-(Wide<T> a, const Wide<T>& b) {
  for (std::size_t i = 0; i < a.numbers.size(); ++i) a.numbers[i] -= b.numbers[i];
  return a;
}

/// Largest column sum; infinite when any number is NaN.
template <class T>
long double norm1(const Wide<T>& a) {
  long double largest = 0;
  for (std::int64_t j = 0; j < a.cols; ++j) {
    long double sum = 0;
    for (std::int64_t i = 0; i < a.rows; ++i) sum += std::abs(a(i, j));
    largest = sum <= largest ? largest : std::isnan(sum) ? HUGE_VALL : sum;
  }
  return largest;
}

/// |I - A^H A|
template <class T>
long double off_orthonormal(const Wide<T>& a) {
  Wide<T> gram = a.adjoint() * a;
  for (std::int64_t i = 0; i < gram.rows; ++i) gram(i, i) -= T(1);
  return norm1(gram);
}

/// error / (size ulp), where 0 / 0 is 0: LAPACK's ratio.
inline double ratio(long double error, long double size) {
  if (error == 0) return 0;
  return static_cast<double>(error / size / static_cast<long double>(ulp));
}

// ---- the kinds ----

inline Tensor zeros(std::int64_t m, std::int64_t n) { return Tensor::zeros({m, n}, DType::f64); }

inline Tensor diagonal(std::int64_t m, std::int64_t n, const std::vector<double>& d) {
  Tensor a = zeros(m, n);
  for (std::int64_t i = 0; i < std::min(m, n); ++i) a.data<double>()[i * n + i] = d[static_cast<std::size_t>(i)];
  return a;
}

enum class Spacing { even, geometric, clustered };

/// k numbers from 1 down to 1 / condition; clustered: all of them at the lower end but the first.
inline std::vector<double> spaced(std::int64_t k, Spacing spacing, double condition) {
  std::vector<double> d;
  for (std::int64_t i = 0; i < k; ++i) {
    const double share = k == 1 ? 0 : static_cast<double>(i) / static_cast<double>(k - 1);
    d.push_back(spacing == Spacing::even        ? 1 - share * (1 - 1 / condition)
                : spacing == Spacing::geometric ? std::pow(condition, -share)
                : i == 0                        ? 1
                                                : 1 / condition);
  }
  return d;
}

/// a := H a or a H^T with as many random reflections as there are rows: H is orthogonal to a few ulp.
inline Tensor reflected(Tensor a, Key k, bool from_left) {
  const std::int64_t m = a.dim(0), n = a.dim(1), length = from_left ? m : n, others = from_left ? n : m;
  double* const p = a.data<double>();
  const auto at = [&](std::int64_t i, std::int64_t j) -> double& { return from_left ? p[i * n + j] : p[j * n + i]; };
  for (std::int64_t r = 0; r < length; ++r) {
    const Tensor v = normal(split(k, static_cast<std::uint64_t>(r)), {length}, 0, 1, DType::f64);
    double square = 0;
    for (std::int64_t i = 0; i < length; ++i) square += v.at(i) * v.at(i);
    for (std::int64_t j = 0; j < others; ++j) {
      double product = 0;
      for (std::int64_t i = 0; i < length; ++i) product += v.at(i) * at(i, j);
      for (std::int64_t i = 0; i < length; ++i) at(i, j) -= 2 * product / square * v.at(i);
    }
  }
  return a;
}

/// U diag(d) V^T with random orthogonal U and V.
inline Tensor with_singular_values(std::int64_t m, std::int64_t n, const std::vector<double>& d, Key k) {
  return reflected(reflected(diagonal(m, n, d), split(k, 1), true), split(k, 2), false);
}

inline Tensor random_entries(std::int64_t m, std::int64_t n, Key k) { return uniform(k, {m, n}, -1, 1, DType::f64); }

template <class F>
Tensor mapped(Tensor a, F f) {  // a(i, j) := f(i, j, a(i, j))
  a = a.clone();
  const std::int64_t n = a.dim(1);
  for (std::int64_t i = 0; i < a.size(); ++i) a.data<double>()[i] = f(i / n, i % n, a.at(i));
  return a;
}
/// a times a power of two, so that its largest entry is near `size`.
inline Tensor sized(const Tensor& a, double size) {
  double largest = 0;
  for (const double v : a.span<double>()) largest = std::max(largest, std::abs(v));
  const int shift = largest > 0 ? std::ilogb(size) - std::ilogb(largest) : 0;
  return mapped(a, [=](auto, auto, double v) { return std::ldexp(v, shift); });
}

struct Kind {
  std::string name;
  Tensor a;
  bool separated = true;  ///< no singular value lies between ulp^(1/2) and rounding: the rank is plain
};

constexpr double near_underflow = 0x1p-960, near_overflow = 0x1p+1000;

/// The rectangular kinds: DCHKBD's sixteen, with graded, rank-deficient, orthogonal, triangular and sparse ones.
inline std::vector<Kind> rectangular(std::int64_t m, std::int64_t n) {
  const std::int64_t k = std::min(m, n);
  const Key seed = key(static_cast<std::uint64_t>(1000 * m + n));
  std::vector<double> ones(static_cast<std::size_t>(k), 1.0), alternating = ones, half = ones;
  for (std::int64_t i = 0; i < k; ++i) {
    alternating[static_cast<std::size_t>(i)] = i % 2 ? -1 : 1;
    half[static_cast<std::size_t>(i)] = i < (k + 1) / 2 ? 1 : 0;
  }
  std::vector<Kind> out{{"zero", zeros(m, n)},
                        {"identity", diagonal(m, n, ones)},
                        {"orthogonal", with_singular_values(m, n, ones, split(seed, 3))},
                        {"diagonal of either sign", diagonal(m, n, alternating)},
                        {"rank deficient", with_singular_values(m, n, half, split(seed, 4))},
                        {"random entries", random_entries(m, n, split(seed, 5)), false}};
  for (const Spacing spacing : {Spacing::even, Spacing::geometric, Spacing::clustered}) {
    const std::string how = spacing == Spacing::even        ? "evenly"
                            : spacing == Spacing::geometric ? "geometrically"
                                                            : "clustered";
    for (const double condition : {2.0, 1e8, 1 / ulp}) {
      const auto d = spaced(k, spacing, condition);
      const std::string name = how + " spaced to 1/" + std::to_string(condition);
      out.push_back({name + ", diagonal", diagonal(m, n, d), condition == 2});
      out.push_back({name, with_singular_values(m, n, d, split(seed, 6)), condition == 2});
    }
  }
  const Tensor random = random_entries(m, n, split(seed, 7));
  out.push_back({"rows graded",
                 mapped(random, [](auto i, auto, double v) { return v * std::pow(10.0, -double(i) / 3); }), false});
  out.push_back({"columns graded",
                 mapped(random, [](auto, auto j, double v) { return v * std::pow(10.0, -double(j) / 3); }), false});
  out.push_back({"upper triangular", mapped(random, [](auto i, auto j, double v) { return i <= j ? v : 0; }), false});
  out.push_back({"bidiagonal of 2^(-26 .. 26)",
                 mapped(random, [](auto i, auto j, double v) { return j == i || j == i + 1 ? std::exp2(26 * v) : 0; }),
                 false});
  out.push_back({"two equal columns",
                 mapped(random, [&](auto i, auto j, double v) { return j == 1 ? random.at(i * random.dim(1)) : v; }),
                 false});
  const std::size_t count = out.size();
  for (std::size_t i = 2; i < count; ++i)
    for (const double factor : {near_underflow, near_overflow})
      out.push_back({out[i].name + (factor > 1 ? ", near overflow" : ", near underflow"), sized(out[i].a, factor),
                     out[i].separated});
  return out;
}

/// The square kinds of DCHKEV: 21, and a few more that have multiple, defective or orthogonal eigenvectors.
inline std::vector<Kind> square(std::int64_t n) {
  const Key seed = key(static_cast<std::uint64_t>(77 + n));
  std::vector<Kind> out{{"zero", zeros(n, n)},
                        {"identity", diagonal(n, n, std::vector<double>(static_cast<std::size_t>(n), 1.0))}};
  out.push_back({"Jordan block", mapped(zeros(n, n), [](auto i, auto j, double) { return i == j || i == j + 1; })});
  out.push_back({"nilpotent", mapped(zeros(n, n), [](auto i, auto j, double) { return j == i + 1; })});
  out.push_back({"cyclic shift", mapped(zeros(n, n), [&](auto i, auto j, double) { return j == (i + 1) % n; })});
  const Tensor random = random_entries(n, n, split(seed, 1));
  const Tensor sign = mapped(random, [](auto, auto, double v) { return v < 0 ? -1 : 1; });
  for (const Spacing spacing : {Spacing::even, Spacing::geometric, Spacing::clustered}) {
    const auto d = spaced(n, spacing, 1 / ulp);
    const std::string how = spacing == Spacing::even        ? "evenly"
                            : spacing == Spacing::geometric ? "geometrically"
                                                            : "clustered";
    const Tensor diag = mapped(diagonal(n, n, d), [&](auto i, auto j, double v) { return v * sign.at(i * n + j); });
    out.push_back({how + " spaced, diagonal", diag});
    // Upper triangular with these eigenvalues, turned by an orthogonal matrix; or by one of condition 1 / sqrt(ulp).
    const Tensor upper =
        mapped(diag, [&](auto i, auto j, double v) { return i < j ? random.at(i * n + j) / double(n) : v; });
    out.push_back({how + " spaced, U^T T U", reflected(reflected(upper, split(seed, 2), true), split(seed, 2), false)});
    const auto turned = spaced(n, Spacing::geometric, 1 / std::sqrt(ulp));
    out.push_back({how + " spaced, ill-conditioned eigenvectors",
                   reflected(reflected(mapped(upper,
                                              [&](auto i, auto j, double v) {
                                                return v * turned[static_cast<std::size_t>(i)] /
                                                       turned[static_cast<std::size_t>(j)];
                                              }),
                                       split(seed, 3), true),
                             split(seed, 3), false)});
  }
  out.push_back({"random entries", random});
  out.push_back({"symmetric", mapped(random, [&](auto i, auto j, double v) { return v + random.at(j * n + i); })});
  out.push_back({"orthogonal", reflected(diagonal(n, n, std::vector<double>(static_cast<std::size_t>(n), 1.0)),
                                         split(seed, 4), true)});
  out.push_back(
      {"rank one", mapped(random, [&](auto i, auto j, double) { return random.at(i * n) * random.at(j * n); })});
  out.push_back(
      {"graded", mapped(random, [](auto i, auto j, double v) { return v * std::pow(10.0, -double(i + j)); })});
  const std::size_t count = out.size();
  for (std::size_t i = 2; i < count; ++i)
    for (const double factor : {near_underflow, near_overflow})
      out.push_back({out[i].name + (factor > 1 ? ", near overflow" : ", near underflow"), sized(out[i].a, factor)});
  return out;
}

/// Symmetric positive definite ones, as in DCHKPO, with condition up to 0.1 / ulp.
inline std::vector<Kind> positive_definite(std::int64_t n) {
  const Key seed = key(static_cast<std::uint64_t>(500 + n));
  std::vector<Kind> out;
  for (const Spacing spacing : {Spacing::even, Spacing::geometric, Spacing::clustered})
    for (const double condition : {2.0, std::sqrt(0.1 / ulp), 1e13}) {
      const Tensor d = diagonal(n, n, spaced(n, spacing, condition));
      out.push_back({"diagonal", d});
      const Tensor a = reflected(reflected(d, seed, true), seed, false);
      out.push_back({"turned", mapped(a, [&](auto i, auto j, double v) { return i < j ? a.at(j * n + i) : v; })});
    }
  const std::size_t count = out.size();
  for (std::size_t i = 0; i < count; ++i)
    for (const double factor : {near_underflow, near_overflow})
      out.push_back({out[i].name + (factor > 1 ? ", near overflow" : ", near underflow"), sized(out[i].a, factor)});
  return out;
}

}  // namespace glocal::matrices
