#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <glocal/core/linalg/lapack.h>
#include <glocal/core/linalg/orthogonal.h>
#include <glocal/core/random.h>
#include <glocal/core/simd/orthogonal.h>

using namespace glocal;

namespace {

constexpr double eps = std::numeric_limits<double>::epsilon();

Tensor random(std::uint64_t seed, const Shape& shape) { return normal(key(seed), shape, 0, 1, DType::f64); }

// C = A^T A or A A^T by sums.
Tensor gram(const Tensor& a, std::int64_t rows, std::int64_t cols, bool of_rows) {
  const std::int64_t n = of_rows ? rows : cols, inner = of_rows ? cols : rows;
  Tensor out = Tensor::zeros({n, n}, DType::f64);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t k = 0; k < inner; ++k)
        out.data<double>()[i * n + j] +=
            of_rows ? a.at(i * a.dim(1) + k) * a.at(j * a.dim(1) + k) : a.at(k * a.dim(1) + i) * a.at(k * a.dim(1) + j);
  return out;
}

double largest(const Tensor& a) {
  double out = 0;
  for (const double v : a.span<double>()) out = std::max(out, std::abs(v));
  return out;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  double out = 0;
  for (std::int64_t i = 0; i < a.size(); ++i) out = std::max(out, std::abs(a.at(i) - b.at(i)));
  return out;
}

Tensor transpose(const Tensor& a) {
  const std::int64_t m = a.dim(0), n = a.dim(1);
  Tensor out({n, m}, DType::f64);
  for (std::int64_t i = 0; i < m * n; ++i) out.data<double>()[i % n * m + i / n] = a.at(i);
  return out;
}

Tensor graded(std::int64_t m, std::int64_t n) {
  Tensor a = random(21, {m, n});
  for (std::int64_t i = 0; i < m * n; ++i) a.data<double>()[i] *= std::pow(1e-2, static_cast<double>(i % n));
  return a;
}

Tensor rank_two(std::int64_t m, std::int64_t n) {
  Tensor a({m, n}, DType::f64);
  for (std::int64_t i = 0; i < m * n; ++i) a.data<double>()[i] = std::cos(static_cast<double>(i / n + i % n));
  return a;
}

std::vector<Isa> sets() {
  std::vector<Isa> out;
  for (const Isa set : {Isa::baseline, Isa::avx2, Isa::avx512})
    if (set <= isa()) out.push_back(set);
  return out;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("orthogonal kernels: triangularize keeps A^T A and clears what it says, pivoted or not") {
    for (const Isa set : sets())
      for (const Shape& shape : {Shape{1, 1}, Shape{5, 3}, Shape{3, 5}, Shape{40, 30}, Shape{91, 17}})
        for (const Tensor& a : {random(1, shape), graded(shape[0], shape[1]), rank_two(shape[0], shape[1])})
          for (const bool pivot : {false, true}) {
            const std::int64_t m = shape[0], n = shape[1], k = std::min(m, n);
            Tensor r = a.clone(), work({2 * m + 3 * n}, DType::f64);
            simd::orthogonal(set).triangularize(pivot, m, n, k, r.data<double>(), n, work.data<double>());
            CHECK(largest_difference(gram(r, k, n, false), gram(a, m, n, false)) <=
                  20 * eps * largest(gram(a, m, n, false)));
            std::vector<int> zeros_per_row(static_cast<std::size_t>(k));
            for (std::int64_t i = 0; i < k; ++i)
              for (std::int64_t j = 0; j < n; ++j) zeros_per_row[static_cast<std::size_t>(i)] += r.at(i * n + j) == 0;
            for (std::int64_t i = 0; i < k; ++i) CHECK(zeros_per_row[static_cast<std::size_t>(i)] >= i);
            for (std::int64_t i = 1; i < k && !pivot; ++i)
              for (std::int64_t j = 0; j < i; ++j) CHECK(r.at(i * n + j) == 0);
          }
  }

  TEST_CASE("orthogonal kernels: rotations leave rows orthogonal to 4e-15 and keep A^T A") {
    for (const Isa set : sets())
      for (const Shape& shape : {Shape{1, 4}, Shape{2, 2}, Shape{3, 8}, Shape{30, 30}, Shape{67, 70}})
        for (const Tensor& a : {random(2, shape), graded(shape[0], shape[1]), rank_two(shape[0], shape[1])}) {
          const std::int64_t k = shape[0], n = shape[1];
          Tensor rows = a.clone();
          std::vector<double> squares(static_cast<std::size_t>(k));
          REQUIRE(simd::orthogonal(set).orthogonalize(k, n, rows.data<double>(), n, squares.data(), 60) > 0);
          const Tensor before = gram(a, k, n, false), products = gram(rows, k, n, true);
          CHECK(largest_difference(gram(rows, k, n, false), before) <= 200 * eps * largest(before));
          for (std::int64_t p = 0; p < k; ++p) {
            CHECK(std::abs(squares[static_cast<std::size_t>(p)] - products.at(p * k + p)) <=
                  50 * eps * products.at(p * k + p));
            for (std::int64_t q = 0; q < p; ++q)  // squares below 1e-150 come near underflow
              CHECK(std::abs(products.at(p * k + q)) <=
                    2 * static_cast<double>(n) * eps * std::sqrt(products.at(p * k + p) * products.at(q * k + q)) +
                        1e-150);
          }
        }
  }

  TEST_CASE("orthogonal kernels: too few sweeps are reported") {
    Tensor a = random(3, {20, 20});
    std::vector<double> squares(20);
    for (const Isa set : sets())
      CHECK(simd::orthogonal(set).orthogonalize(20, 20, a.clone().data<double>(), 20, squares.data(), 2) == 0);
  }

  TEST_CASE("orthogonal kernels: product, also of rows that it has just written") {
    for (const Isa set : sets())
      for (const std::int64_t n : {1, 3, 8, 19}) {
        const Tensor a = random(4, {5, n}), b = random(5, {n, n});
        Tensor c({5 + 5, n}, DType::f64);
        std::copy_n(a.data<double>(), 2 * n, c.data<double>());
        double* const rows = c.data<double>();
        simd::orthogonal(set).product(8, n, n, rows, n, b.data<double>(), rows + 2 * n, n);
        for (std::int64_t i = 2; i < 10; ++i)
          for (std::int64_t j = 0; j < n; ++j) {
            double sum = 0, size = 0;
            for (std::int64_t l = 0; l < n; ++l) {
              const double term = rows[(i - 2) * n + l] * b.at(l * n + j);
              sum += term;
              size += std::abs(term);
            }
            CHECK(std::abs(rows[i * n + j] - sum) <= 20 * eps * size);
          }
      }
  }

  TEST_CASE("left_svd: singular values and vectors as svd's, by Jacobi and above its size") {
    for (const Shape& shape : {Shape{1, 1}, Shape{9, 4}, Shape{4, 9}, Shape{400, 30}, Shape{200, 130}})
      for (const Tensor& a : {random(6, shape), graded(shape[0], shape[1]), rank_two(shape[0], shape[1])}) {
        const std::int64_t m = shape[0], n = shape[1], k = std::min(m, n);
        const auto [ut, s] = orthogonal::left_svd(a.data<double>(), m, n, n);
        const auto peer = lapack::svd(transpose(a));
        const double rounding = 20 * static_cast<double>(std::max(m, n)) * eps * peer.s.at(0);
        REQUIRE(ut.shape() == Shape{k, n});
        const Tensor products = gram(ut, k, n, true);
        for (std::int64_t i = 0; i < k; ++i) {
          CHECK(std::abs(s[static_cast<std::size_t>(i)] - peer.s.at(i)) <= rounding);
          if (i > 0) CHECK(s[static_cast<std::size_t>(i)] <= s[static_cast<std::size_t>(i - 1)]);
          if (peer.s.at(i) < rounding) continue;
          for (std::int64_t j = 0; j <= i; ++j)
            CHECK(std::abs(products.at(i * k + j) - static_cast<double>(i == j)) <= 4 * static_cast<double>(n) * eps);
          // |X^T u_i| = s_i
          double length = 0;
          for (std::int64_t t = 0; t < m; ++t) {
            double sum = 0;
            for (std::int64_t j = 0; j < n; ++j) sum += a.at(t * n + j) * ut.at(i * n + j);
            length += sum * sum;
          }
          CHECK(std::abs(std::sqrt(length) - peer.s.at(i)) <= rounding);
        }
      }
  }

  TEST_CASE("left_svd: rows of other scales keep the digits of every singular value, above the size of Jacobi too") {
    for (const std::int64_t n : {40, 140}) {
      // Row i of an orthogonal matrix times 10^(-12 i / n): these are the singular values.
      Tensor rows({n, n}, DType::f64);
      const auto size = [=](std::int64_t i) { return std::pow(10.0, -12.0 * double(i) / double(n)); };
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = 0; j < n; ++j)
          rows.data<double>()[i * n + j] = size(i) * std::sqrt((i == 0 ? 1.0 : 2.0) / double(n)) *
                                           std::cos(M_PI * double((2 * j + 1) * i) / double(2 * n));
      const auto [ut, s] = orthogonal::left_svd(rows.data<double>(), n, n, n);
      for (std::int64_t i = 0; i < n; ++i) CHECK(std::abs(s[std::size_t(i)] / size(i) - 1) <= 1e-11);
    }
  }

  TEST_CASE("left_svd: rows that overlap are a Hankel matrix") {
    const Tensor h = random(7, {40, 2});
    Tensor copied({35, 12}, DType::f64);
    for (std::int64_t t = 0; t < 35; ++t)
      for (std::int64_t i = 0; i < 12; ++i) copied.data<double>()[t * 12 + i] = h.at(t * 2 + i);
    const auto overlapping = orthogonal::left_svd(h.data<double>(), 35, 12, 2);
    const auto apart = orthogonal::left_svd(copied.data<double>(), 35, 12, 12);
    CHECK(overlapping.s == apart.s);
    CHECK(same_bits(overlapping.ut, apart.ut));
  }

  TEST_CASE("left_svd: NaN and Inf are refused") {
    for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
      Tensor a = random(10, {20, 6});
      a.data<double>()[50] = bad;
      CHECK_THROWS_AS(orthogonal::left_svd(a.data<double>(), 20, 6, 6), NumericError);
    }
  }

  TEST_CASE("least_squares: as gelsd where the matrix is well conditioned, else it says so") {
    for (const Shape& shape : {Shape{1, 1}, Shape{9, 9}, Shape{30, 12}, Shape{300, 7}}) {
      const std::int64_t m = shape[0], n = shape[1];
      const Tensor a = random(8, shape), b = random(9, {m, 3});
      Tensor ab({m, n + 3}, DType::f64);
      for (std::int64_t i = 0; i < m; ++i) {
        std::copy_n(a.data<double>() + i * n, n, ab.data<double>() + i * (n + 3));
        std::copy_n(b.data<double>() + i * 3, 3, ab.data<double>() + i * (n + 3) + n);
      }
      const auto solved = orthogonal::least_squares(ab, n);
      const auto peer = lapack::lstsq(a, b);
      CHECK(largest_difference(solved.x, peer.x) <= 100 * solved.condition * eps * (1 + largest(peer.x)));
      const double ratio = peer.singular_values.at(0) / peer.singular_values.at(n - 1);
      CHECK(solved.condition >= ratio * (1 - 1e-9));
      CHECK(solved.condition <= static_cast<double>(n) * ratio * (1 + 1e-9));
      double residual = 0;
      for (std::int64_t i = 0; i < m; ++i)
        for (std::int64_t j = 0; j < 3; ++j) {
          double sum = -b.at(i * 3 + j);
          for (std::int64_t k = 0; k < n; ++k) sum += a.at(i * n + k) * peer.x.at(k * 3 + j);
          residual += sum * sum;
        }
      CHECK(std::abs(solved.residual - std::sqrt(residual)) <= 1e-12 * (1 + std::sqrt(residual)));
    }
    Tensor deficient = rank_two(20, 5);
    CHECK(orthogonal::least_squares(deficient, 4).condition > 1e13);
    Tensor zeros = Tensor::zeros({6, 3}, DType::f64);
    CHECK(std::isinf(orthogonal::least_squares(zeros, 2).condition));
  }
}
