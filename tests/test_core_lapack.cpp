#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <functional>
#include <limits>
#include <vector>

#include <glocal/core/linalg/blas.h>
#include <glocal/core/linalg/lapack.h>
#include <glocal/core/random.h>

using namespace glocal;
using lapack::CMatrix;

namespace {

constexpr double eps = std::numeric_limits<double>::epsilon();

Tensor matrix(std::int64_t m, std::int64_t n, const std::function<double(std::int64_t, std::int64_t)>& f) {
  Tensor a({m, n}, DType::f64);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) a.data<double>()[i * n + j] = f(i, j);
  return a;
}

Tensor random(std::uint64_t seed, const Shape& shape) { return normal(key(seed), shape, 0, 1, DType::f64); }

Tensor product(const Tensor& a, const Tensor& b, bool ta = false, bool tb = false) {
  const std::int64_t m = a.dim(ta ? 1 : 0), k = a.dim(ta ? 0 : 1), n = b.dim(tb ? 0 : 1);
  Tensor c({m, n}, DType::f64);
  blas::gemm<double>(ta, tb, m, n, k, 1, a.data<double>(), a.dim(1), b.data<double>(), b.dim(1), 0, c.data<double>(),
                     n);
  return c;
}

double norm(const Tensor& a) { return std::sqrt(blas::dot(a.size(), a.data<double>(), a.data<double>())); }

Tensor minus(const Tensor& a, const Tensor& b) {
  Tensor c = a.clone();
  blas::axpy(c.size(), -1.0, b.data<double>(), c.data<double>());
  return c;
}

Tensor identity(std::int64_t n) {
  return matrix(n, n, [](auto i, auto j) { return i == j; });
}

// LAPACK's own measure: ||a - b|| / (||a|| max(M, N) eps); its testers accept below 30 (50 for the SVD).
double ratio(const Tensor& a, const Tensor& b) {
  const double scale = norm(a) * static_cast<double>(std::max(a.dim(0), a.dim(1))) * eps;
  return norm(minus(a, b)) / (scale > 0 ? scale : 1);
}

double orthogonality(const Tensor& q, bool rows = false) {
  const Tensor g = product(q, q, !rows, rows);
  return ratio(identity(g.dim(0)), g);
}

// Random, rank-deficient, graded over 300 orders of magnitude, Hilbert, nearly singular, zero, huge, tiny.
std::vector<Tensor> hard_matrices(std::int64_t m, std::int64_t n) {
  const auto power = [](double base) {
    return [=](std::int64_t i, std::int64_t j) {
      return std::pow(base, static_cast<double>(i)) * std::cos(static_cast<double>(i + 3 * j));
    };
  };
  return {random(1, {m, n}),
          product(random(2, {m, 2}), random(3, {2, n})),
          matrix(m, n, power(1e-3)),
          matrix(m, n, [](auto i, auto j) { return 1.0 / static_cast<double>(i + j + 1); }),
          matrix(m, n, [](auto i, auto j) { return i == j  ? 1.0
                                                   : j > i ? -1.0
                                                           : 0.0; }),
          Tensor::zeros({m, n}, DType::f64),
          matrix(m, n, [](auto i, auto j) { return 1e150 * std::sin(static_cast<double>(i * i + j + 1)); }),
          matrix(m, n, [](auto i, auto j) { return 1e-150 * std::sin(static_cast<double>(i * i + j + 1)); })};
}

const std::vector<Shape> shapes{{1, 1}, {2, 3}, {7, 7}, {30, 12}, {12, 30}, {60, 50}};

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("svd: rebuilds hard matrices with orthonormal factors") {
    for (const Shape& shape : shapes)
      for (const Tensor& a : hard_matrices(shape[0], shape[1])) {
        const auto [u, s, vt] = lapack::svd(a);
        const std::int64_t k = s.size();
        CHECK(orthogonality(u) < 50);
        CHECK(orthogonality(vt, true) < 50);
        for (std::int64_t i = 0; i + 1 < k; ++i) CHECK(s.at(i) >= s.at(i + 1));
        const Tensor us = matrix(a.dim(0), k, [&u, &s, k](auto i, auto j) { return u.at(i * k + j) * s.at(j); });
        CHECK(ratio(a, product(us, vt)) < 50);
      }
  }

  TEST_CASE("svd: known singular values") {
    const Tensor s = lapack::svd(Tensor::from<double>({3, 0, 4, 5}, {2, 2})).s;
    CHECK(s.at(0) == doctest::Approx(std::sqrt(45.0)).epsilon(1e-14));
    CHECK(s.at(1) == doctest::Approx(std::sqrt(5.0)).epsilon(1e-14));
  }

  TEST_CASE("svd: small singular values of a companion matrix keep their digits") {
    // Of (x - 1)(x - 2) ... (x - 26), coefficients c up to 4e27: all singular values are 1 but the largest and the
    // least, whose product is |c_0| and whose squares sum to 1 + |c|^2 (Kenney and Laub 1988).
    constexpr std::int64_t n = 26;
    std::vector<long double> c{1};
    for (int root = 1; root <= n; ++root) {
      c.push_back(0);
      for (std::size_t i = c.size() - 1; i > 0; --i) c[i] -= root * c[i - 1];
    }
    long double squares = 1;
    for (std::size_t i = 1; i < c.size(); ++i) squares += c[i] * c[i];
    const double largest = static_cast<double>(std::sqrt(squares)),
                 least = static_cast<double>(std::abs(c.back()) / std::sqrt(squares));
    const Tensor a = matrix(n, n, [&](auto i, auto j) {
      return i == 0 ? static_cast<double>(-c[static_cast<std::size_t>(j + 1)]) : double(i == j + 1);
    });
    const Tensor transposed = matrix(n, n, [&](auto i, auto j) { return a.at(j * n + i); });
    for (const Tensor& either : {a, transposed}) {
      const Tensor s = lapack::svd(either).s;
      CHECK(std::abs(s.at(0) / largest - 1) <= 1e-14);
      for (std::int64_t i = 1; i + 1 < n; ++i) CHECK(std::abs(s.at(i) - 1) <= 1e-14);
      CHECK(std::abs(s.at(n - 1) / least - 1) <= 1e-13);
    }
  }

  TEST_CASE("svd: rows and columns of other scales keep the digits of every singular value") {
    // An orthogonal matrix (the discrete cosine transform) with its columns, or rows, times d: the singular values.
    constexpr std::int64_t n = 40;
    const auto d = [](std::int64_t j) { return std::pow(10.0, -static_cast<double>(7 * j % n)); };
    const auto cosine = [](std::int64_t i, std::int64_t j) {
      return std::sqrt((i == 0 ? 1.0 : 2.0) / n) * std::cos(M_PI * static_cast<double>((2 * j + 1) * i) / (2 * n));
    };
    for (const Tensor& a : {matrix(n, n, [&](auto i, auto j) { return cosine(i, j) * d(j); }),
                            matrix(n, n, [&](auto i, auto j) { return cosine(i, j) * d(i); })}) {
      const Tensor s = lapack::svd(a).s;
      for (std::int64_t i = 0; i < n; ++i) CHECK(std::abs(s.at(i) / std::pow(10.0, -double(i)) - 1) <= 1e-13);
    }
  }

  TEST_CASE("qr: rebuilds hard matrices, q orthonormal, r upper triangular") {
    for (const Shape& shape : shapes)
      for (const Tensor& a : hard_matrices(shape[0], shape[1])) {
        const auto [q, r] = lapack::qr(a);
        CHECK(orthogonality(q) < 30);
        CHECK(ratio(a, product(q, r)) < 30);
        for (std::int64_t i = 0; i < r.dim(0); ++i)
          for (std::int64_t j = 0; j < i; ++j) CHECK(r.at(i * r.dim(1) + j) == 0);
      }
  }

  TEST_CASE("lstsq: gelsd and gelsy meet the normal equations and find the rank") {
    for (const Shape& shape : {Shape{30, 12}, Shape{12, 30}, Shape{9, 9}}) {
      const Tensor a = random(4, shape), b = random(5, {shape[0], 3});
      const auto by_svd = lapack::lstsq(a, b), by_qr = lapack::lstsq_qr(a, b);
      const Tensor gradient = product(a, minus(product(a, by_svd.x), b), true);
      CHECK(norm(gradient) < 30 * eps * norm(a) * (norm(a) * norm(by_svd.x) + norm(b)));
      CHECK(by_svd.rank == std::min(shape[0], shape[1]));
      CHECK(by_qr.rank == by_svd.rank);
      CHECK(norm(minus(by_svd.x, by_qr.x)) < 1e-11 * norm(by_svd.x));
      CHECK(norm(minus(by_svd.singular_values, lapack::svd(a).s)) < 1e-13 * norm(a));
      CHECK_FALSE(static_cast<bool>(by_qr.singular_values));
    }
  }

  TEST_CASE("lstsq: a rank-deficient system gets the shortest solution") {
    const Tensor a = product(random(6, {20, 3}), random(7, {3, 8})), b = random(8, {20});
    const auto by_svd = lapack::lstsq(a, b), by_qr = lapack::lstsq_qr(a, b, 1e-12);
    CHECK(by_svd.rank == 3);
    CHECK(by_qr.rank == 3);
    CHECK(by_svd.x.shape() == Shape{8});
    CHECK(norm(minus(by_svd.x, by_qr.x)) < 1e-11);
    // Shortest: x lies in the row space, so that projecting it there changes nothing.
    const Tensor vt = lapack::svd(a).vt;
    const Tensor top = Tensor::from(vt.span<double>().first(24), {3, 8});
    const Tensor x = by_svd.x.reshape({8, 1});
    CHECK(norm(minus(product(top, product(top, x), true), x)) < 1e-12);
    CHECK(lapack::lstsq(a, b, 0.9).rank < 3);
  }

  TEST_CASE("lstsq: complex systems") {
    const Tensor re = random(9, {10, 4}), im = random(10, {10, 4}), xr = random(11, {4, 2}), xi = random(12, {4, 2});
    CMatrix a(10, 4), b(10, 2);
    for (std::int64_t i = 0; i < 40; ++i) a.numbers[static_cast<std::size_t>(i)] = {re.at(i), im.at(i)};
    for (std::int64_t i = 0; i < 10; ++i)
      for (std::int64_t r = 0; r < 2; ++r)
        for (std::int64_t j = 0; j < 4; ++j)
          b(i, r) += a(i, j) * std::complex<double>(xr.at(j * 2 + r), xi.at(j * 2 + r));
    const auto solved = lapack::lstsq(a, b);
    CHECK(solved.rank == 4);
    for (std::int64_t j = 0; j < 8; ++j)
      CHECK(std::abs(solved.x.numbers[static_cast<std::size_t>(j)] - std::complex<double>(xr.at(j), xi.at(j))) < 1e-13);
    a(3, 1) = {0, std::nan("")};
    CHECK_THROWS_WITH_AS(lapack::lstsq(a, b), doctest::Contains("at (3, 1)"), NumericError);
    CHECK_THROWS_AS(lapack::lstsq(CMatrix(3, 2), CMatrix(4, 1)), ShapeError);
    CHECK(lapack::lstsq(CMatrix(0, 2), CMatrix(0, 1)).x.numbers == std::vector<std::complex<double>>(2));
  }

  TEST_CASE("eig: both kinds of eigenvectors of hard matrices") {
    for (const std::int64_t n : {1, 2, 5, 20, 40})
      for (const Tensor& a : hard_matrices(n, n)) {
        const auto [values, v, u] = lapack::eig(a);
        const double scale = norm(a) * static_cast<double>(n) * eps;
        for (std::int64_t k = 0; k < n; ++k) {
          double right = 0, left = 0, length = 0;
          const auto lambda = values[static_cast<std::size_t>(k)];
          for (std::int64_t i = 0; i < n; ++i) {
            std::complex<double> av = -lambda * v(i, k), ua = -lambda * std::conj(u(i, k));
            for (std::int64_t j = 0; j < n; ++j) {
              av += a.at(i * n + j) * v(j, k);
              ua += std::conj(u(j, k)) * a.at(j * n + i);
            }
            right += std::norm(av);
            left += std::norm(ua);
            length += std::norm(v(i, k));
          }
          CHECK(std::sqrt(right) <= 20 * scale);
          CHECK(std::sqrt(left) <= 20 * scale);
          CHECK(length == doctest::Approx(1).epsilon(1e-12));
        }
      }
  }

  TEST_CASE("eig: a rotation has the pair exp(+-i angle)") {
    const double c = std::cos(0.3), s = std::sin(0.3);
    const auto values = lapack::eig(Tensor::from<double>({c, -s, s, c}, {2, 2})).values;
    CHECK(std::abs(values[0] - std::polar(1.0, 0.3)) < 1e-15);
    CHECK(values[1] == std::conj(values[0]));
  }

  TEST_CASE("cholesky: rebuilds, solves, and tells where a matrix is not positive definite") {
    for (const std::int64_t n : {1, 3, 25}) {
      const Tensor g = random(13, {n, n + 5}), a = product(g, g, false, true), b = random(14, {n, 2});
      const Tensor l = lapack::cholesky(a);
      CHECK(ratio(a, product(l, l, false, true)) < 30);
      const Tensor x = lapack::cholesky_solve(l, b);
      CHECK(norm(minus(product(a, x), b)) < 100 * eps * norm(a) * norm(x));
      if (n > 1) CHECK(l.at(n - 1) == 0);
      CHECK(lapack::cholesky_solve(l, random(15, {n})).shape() == Shape{n});
    }
    CHECK_THROWS_WITH_AS(lapack::cholesky(Tensor::from<double>({1, 2, 2, 1}, {2, 2})),
                         "[cholesky] a (2, 2) is not positive definite: its leading 2 x 2 block is not", NumericError);
    CHECK_THROWS_AS(lapack::cholesky_solve(Tensor::zeros({2, 2}, DType::f64), Tensor::zeros({2}, DType::f64)),
                    NumericError);
  }

  TEST_CASE("lapack: NaN and Inf are refused by routine, matrix and index") {
    for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
      Tensor a = random(16, {4, 4}), b = random(17, {4});
      const Tensor good = a.clone();
      a.data<double>()[4 * 2 + 3] = bad;
      b.data<double>()[1] = bad;
      CHECK_THROWS_WITH_AS(lapack::svd(a), doctest::Contains("[svd] a (4, 4) holds"), NumericError);
      CHECK_THROWS_WITH_AS(lapack::eig(a), doctest::Contains("at (2, 3)"), NumericError);
      CHECK_THROWS_AS(lapack::qr(a), NumericError);
      CHECK_THROWS_AS(lapack::cholesky(a), NumericError);
      CHECK_THROWS_AS(lapack::lstsq(a, good), NumericError);
      CHECK_THROWS_WITH_AS(lapack::lstsq(good, b), doctest::Contains("[lstsq] b"), NumericError);
      CHECK_THROWS_AS(lapack::lstsq_qr(good, b), NumericError);
      CHECK_THROWS_AS(lapack::cholesky_solve(good, b), NumericError);
    }
  }

  TEST_CASE("lapack: wrong shapes and types are refused") {
    CHECK_THROWS_AS(lapack::svd(Tensor::zeros({3}, DType::f64)), ShapeError);
    CHECK_THROWS_AS(lapack::svd(Tensor()), ShapeError);
    CHECK_THROWS_AS(lapack::svd(Tensor::zeros({3, 3})), DTypeError);
    CHECK_THROWS_AS(lapack::eig(Tensor::zeros({3, 2}, DType::f64)), ShapeError);
    CHECK_THROWS_AS(lapack::cholesky(Tensor::zeros({3, 2}, DType::f64)), ShapeError);
    CHECK_THROWS_AS(lapack::lstsq(Tensor::zeros({3, 2}, DType::f64), Tensor::zeros({2}, DType::f64)), ShapeError);
    CHECK_THROWS_AS(lapack::lstsq(Tensor::zeros({3, 2}, DType::f64), Tensor::zeros({3})), DTypeError);
    CHECK_THROWS_AS(CMatrix(-1, 2), ShapeError);
    // 2^32 rows of nothing: no number is held, LAPACK still could not count them.
    CHECK_THROWS_AS(lapack::svd(Tensor({std::int64_t{1} << 32, 0}, DType::f64)), ShapeError);
  }

  TEST_CASE("lapack: size zero is handled") {
    const Tensor empty({0, 3}, DType::f64), no_columns({3, 0}, DType::f64), none({0, 0}, DType::f64);
    CHECK(lapack::svd(empty).vt.shape() == Shape{0, 3});
    CHECK(lapack::qr(no_columns).q.shape() == Shape{3, 0});
    CHECK(lapack::eig(none).values.empty());
    CHECK(lapack::cholesky(none).size() == 0);
    CHECK(lapack::cholesky_solve(none, Tensor({0}, DType::f64)).shape() == Shape{0});
    const auto underdetermined = lapack::lstsq(empty, Tensor({0}, DType::f64));
    CHECK(same_bits(underdetermined.x, Tensor::zeros({3}, DType::f64)));
    CHECK(underdetermined.rank == 0);
    CHECK(lapack::lstsq(no_columns, Tensor::ones({3, 2}, DType::f64)).x.shape() == Shape{0, 2});
    const auto no_right_side = lapack::lstsq(identity(3), Tensor({3, 0}, DType::f64));
    CHECK(no_right_side.x.shape() == Shape{3, 0});
    CHECK(no_right_side.rank == 3);
  }
}
