#include <doctest/doctest.h>

#include <cmath>
#include <concepts>
#include <limits>
#include <tuple>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/linalg/blas.h>
#include <glocal/core/parallel.h>
#include <glocal/core/random.h>

using namespace glocal;

namespace {

template <class T>
Tensor numbers(std::uint64_t seed, std::int64_t n) {
  return normal(key(seed), {n}, 0, 1, dtype_of<T>);
}

// C as gemm should make it, in double; a, b, c hold rows of the given strides.
template <class T>
std::vector<double> naive_gemm(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, double alpha,
                               const T* a, std::int64_t lda, const T* b, std::int64_t ldb, double beta, const T* c,
                               std::int64_t ldc) {
  std::vector<double> out(static_cast<std::size_t>(m * n));
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (std::int64_t l = 0; l < k; ++l)
        sum += double{a[ta ? l * lda + i : i * lda + l]} * double{b[tb ? j * ldb + l : l * ldb + j]};
      out[static_cast<std::size_t>(i * n + j)] = alpha * sum + beta * double{c[i * ldc + j]};
    }
  return out;
}

template <class T, class Gemm>
void check_against_naive(Gemm gemm, std::int64_t m, std::int64_t n, std::int64_t k, bool ta, bool tb) {
  const std::int64_t lda = (ta ? m : k) + 3, ldb = (tb ? k : n) + 1, ldc = n + 2;
  const Tensor a = numbers<T>(1, (ta ? k : m) * lda), b = numbers<T>(2, (tb ? n : k) * ldb), c = numbers<T>(3, m * ldc);
  const T alpha = T(0.7), beta = T(-1.3);
  Tensor got = c.clone();
  gemm(ta, tb, m, n, k, alpha, a.data<T>(), lda, b.data<T>(), ldb, beta, got.data<T>(), ldc);
  const auto want =
      naive_gemm<T>(ta, tb, m, n, k, double{alpha}, a.data<T>(), lda, b.data<T>(), ldb, double{beta}, c.data<T>(), ldc);
  double worst = 0;
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j)
      worst = std::max(worst, std::abs(got.at(i * ldc + j) - want[static_cast<std::size_t>(i * n + j)]));
    for (std::int64_t j = n; j < ldc; ++j)
      REQUIRE(got.at(i * ldc + j) == c.at(i * ldc + j));  // beyond the row: untouched
  }
  CHECK(worst <= 8 * std::numeric_limits<T>::epsilon() * static_cast<double>(k + 4));
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE_TEMPLATE("gemm: equals the triple loop for all transposes and strides", T, float, double) {
    for (const bool ta : {false, true})
      for (const bool tb : {false, true})
        for (const auto& [m, n, k] :
             {std::tuple{1, 1, 1}, {3, 5, 7}, {17, 4, 33}, {64, 65, 2}, {2, 130, 31}, {5, 3, 0}}) {
          check_against_naive<T>(blas::gemm<T>, m, n, k, ta, tb);
          check_against_naive<T>(blas::gemm_parallel<T>, m, n, k, ta, tb);
        }
  }

  TEST_CASE_TEMPLATE("gemm_parallel: equals the triple loop where it splits rows and columns", T, float, double) {
    for (const bool ta : {false, true})
      for (const bool tb : {false, true}) {
        check_against_naive<T>(blas::gemm_parallel<T>, 517, 70, 130, ta, tb);
        check_against_naive<T>(blas::gemm_parallel<T>, 70, 517, 130, ta, tb);
      }
  }

  TEST_CASE_TEMPLATE("gemm_parallel: same bits for every thread count", T, float, double) {
    const int before = threads();
    const std::int64_t m = 301, n = 403, k = 201;
    const Tensor a = numbers<T>(1, m * k), b = numbers<T>(2, k * n);
    Tensor one;
    for (const int count : {1, 2, 3, 4}) {
      set_threads(count);
      Tensor c({m, n}, dtype_of<T>);
      blas::gemm_parallel<T>(false, false, m, n, k, 1, a.data<T>(), k, b.data<T>(), n, 0, c.data<T>(), n);
      if (!one) one = c;
      CHECK(same_bits(one, c));
    }
    set_threads(before);
  }

  TEST_CASE("gemm: beta 0 overwrites NaN, k 0 only scales, empty sizes do nothing") {
    std::vector<double> c(4, std::nan("")), a{1, 2, 3, 4};
    blas::gemm<double>(false, false, 2, 2, 2, 1, a.data(), 2, a.data(), 2, 0, c.data(), 2);
    CHECK(c == std::vector<double>{7, 10, 15, 22});
    blas::gemm<double>(false, false, 2, 2, 0, 1, a.data(), 0, a.data(), 2, 0.5, c.data(), 2);
    CHECK(c == std::vector<double>{3.5, 5, 7.5, 11});
    blas::gemm<double>(false, false, 2, 2, 0, 1, nullptr, 0, nullptr, 2, 0, c.data(), 2);
    CHECK(c == std::vector<double>{0, 0, 0, 0});
    blas::gemm<double>(false, false, 0, 2, 2, 1, nullptr, 2, a.data(), 2, 0, nullptr, 2);
    blas::gemm_parallel<double>(false, false, 2, 0, 2, 1, a.data(), 2, nullptr, 0, 0, nullptr, 0);
  }

  TEST_CASE("gemm: sizes and strides out of range are refused by name") {
    double x = 0;
    const std::int64_t big = std::int64_t{1} << 31;
    CHECK_THROWS_WITH_AS(blas::gemm<double>(false, false, big, 1, 1, 1, &x, 1, &x, 1, 0, &x, 1),
                         "[gemm] m = 2147483648 is outside what BLAS takes, 0 to 2^31-1", ShapeError);
    CHECK_THROWS_AS(blas::gemm<double>(false, false, 1, -1, 1, 1, &x, 1, &x, 1, 0, &x, 1), ShapeError);
    CHECK_THROWS_AS(blas::gemm_parallel<double>(false, false, 1, -1, 1, 1, &x, 1, &x, 1, 0, &x, 1), ShapeError);
    CHECK_THROWS_AS(blas::gemm<double>(false, false, 1, 1, 5, 1, &x, 4, &x, 1, 0, &x, 1), ShapeError);
    CHECK_THROWS_AS(blas::gemm<double>(false, false, 1, 3, 1, 1, &x, 1, &x, 3, 0, &x, 2), ShapeError);
  }

  TEST_CASE_TEMPLATE("gemv: equals the loop, beta 0 overwrites NaN", T, float, double) {
    const std::int64_t m = 13, n = 29, lda = 31;
    const Tensor a = numbers<T>(1, m * lda);
    for (const bool ta : {false, true}) {
      const Tensor x = numbers<T>(2, ta ? m : n);
      Tensor y = Tensor::full({ta ? n : m}, std::nan(""), dtype_of<T>);
      blas::gemv<T>(ta, m, n, T(2), a.data<T>(), lda, x.data<T>(), T(0), y.data<T>());
      for (std::int64_t i = 0; i < y.size(); ++i) {
        double want = 0;
        for (std::int64_t j = 0; j < x.size(); ++j) want += 2 * a.at(ta ? j * lda + i : i * lda + j) * x.at(j);
        CHECK(std::abs(y.at(i) - want) < 200 * std::numeric_limits<T>::epsilon());
      }
    }
  }

  TEST_CASE_TEMPLATE("dot and axpy: right, and the same bits for every thread count", T, float, double) {
    const int before = threads();
    const std::int64_t n = 100003;
    const Tensor x = numbers<T>(1, n), y = numbers<T>(2, n);
    long double want = 0;
    for (std::int64_t i = 0; i < n; ++i) want += static_cast<long double>(x.at(i)) * static_cast<long double>(y.at(i));
    set_threads(1);
    const double one = blas::dot(n, x.data<T>(), y.data<T>());
    CHECK(std::abs(one - static_cast<double>(want)) < 1e-10);
    for (const int count : {2, 3}) {
      set_threads(count);
      CHECK(blas::dot(n, x.data<T>(), y.data<T>()) == one);
    }
    Tensor z = y.clone();
    blas::axpy<T>(n, T(0.5), x.data<T>(), z.data<T>());
    for (std::int64_t i = 0; i < n; i += 997)
      CHECK(z.at(i) == static_cast<double>(static_cast<T>(y.at(i)) + T(0.5) * static_cast<T>(x.at(i))));
    CHECK(blas::dot<T>(0, nullptr, nullptr) == 0);
    set_threads(before);
  }

  TEST_CASE("dot: f32 is accumulated in double") {
    std::vector<float> x(3, 1), y{1e8F, 1, -1e8F};
    CHECK(blas::dot(3, x.data(), y.data()) == 1);
  }

  TEST_CASE("blas: says which library it is") { CHECK(blas::library().find("BLAS") != std::string::npos); }
}
