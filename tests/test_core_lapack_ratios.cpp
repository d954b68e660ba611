// Every factorisation by the residual ratios of LAPACK's own test programs (LAPACK Working Note 41): below 30, of
// eigenvalues below 20, of singular values below 50.
#include <doctest/doctest.h>

#include <map>

#include <glocal/core/linalg/orthogonal.h>

#include "matrix_types.h"

using namespace glocal;
using namespace glocal::matrices;

namespace {

using M = std::int64_t;

// The worst ratio of each kind, and where it was.
class Worst {
 public:
  explicit Worst(double limit) : limit_(limit) {}
  ~Worst() {
    CHECK_FALSE(worst_.empty());  // something was seen
    for (const auto& [what, found] : worst_) MESSAGE(what << ": " << found.first << " (" << found.second << ")");
  }
  void see(const std::string& what, double value, const std::string& where) {
    auto& found = worst_[what];
    if (!(value <= found.first)) found = {value, where};
    if (!(value < limit_)) FAIL_CHECK(what << " of " << where << " is " << value << ", the limit " << limit_);
  }

 private:
  double limit_;
  std::map<std::string, std::pair<double, std::string>> worst_;
};

std::string at(const Kind& kind, M m, M n) { return kind.name + " " + std::to_string(m) + " x " + std::to_string(n); }

long double wide(M n) { return static_cast<long double>(std::max<M>(n, 1)); }

template <class F>
void each_rectangular(F f) {
  for (const M m : sizes)
    for (const M n : sizes)
      for (const Kind& kind : rectangular(m, n)) f(kind, m, n);
  for (const auto& [m, n] : {std::pair<M, M>{300, 7}, {7, 300}, {70, 60}})
    for (const Kind& kind : rectangular(m, n))
      if (kind.name.find("near") == std::string::npos) f(kind, m, n);
}

bool descending_and_not_negative(std::span<const double> s) {
  for (std::size_t i = 0; i < s.size(); ++i)
    if (!(s[i] >= 0) || (i > 0 && s[i] > s[i - 1])) return false;
  return true;
}

// b = A x0 + noise; x0 of the size of 1.
Tensor right_side(const Tensor& a, M r, double noise) {
  const M m = a.dim(0), n = a.dim(1);
  const Real product = Real(a) * Real(random_entries(n, r, key(3)));
  const Tensor rest = random_entries(m, r, key(4));
  const long double size = norm1(Real(a));
  Tensor b({m, r}, DType::f64);
  for (M i = 0; i < b.size(); ++i)
    b.data<double>()[i] = static_cast<double>(product.numbers[static_cast<std::size_t>(i)] / 64 +
                                              static_cast<long double>(noise * rest.at(i)) * size / 64);
  return b;
}

template <class T>
long double normwise(const Wide<T>& a, const Wide<T>& x, const Wide<T>& b) {
  return norm1(a) * norm1(x) + norm1(b);
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("lapack ratios: svd") {
    Worst worst(50);
    each_rectangular([&](const Kind& kind, M m, M n) {
      const auto [u, s, vt] = lapack::svd(kind.a);
      const M k = std::min(m, n);
      REQUIRE(u.shape() == Shape{m, k});
      REQUIRE(s.shape() == Shape{k});
      REQUIRE(vt.shape() == Shape{k, n});
      const Real a(kind.a);
      Real us(u);
      for (M i = 0; i < m; ++i)
        for (M j = 0; j < k; ++j) us(i, j) *= s.at(j);
      const std::string where = at(kind, m, n);
      worst.see("svd |A - U S V^T| / (|A| max(M,N) ulp)",
                ratio(norm1(a - us * Real(vt)), norm1(a) * wide(std::max(m, n))), where);
      worst.see("svd |I - U^T U| / (M ulp)", ratio(off_orthonormal(Real(u)), wide(m)), where);
      worst.see("svd |I - V^T V| / (N ulp)", ratio(off_orthonormal(Real(vt).adjoint()), wide(n)), where);
      INFO(where);
      CHECK(descending_and_not_negative(s.span<double>()));
    });
  }

  TEST_CASE("lapack ratios: qr") {
    Worst worst(30);
    each_rectangular([&](const Kind& kind, M m, M n) {
      const auto [q, r] = lapack::qr(kind.a);
      const M k = std::min(m, n);
      REQUIRE(q.shape() == Shape{m, k});
      REQUIRE(r.shape() == Shape{k, n});
      const Real a(kind.a);
      const std::string where = at(kind, m, n);
      worst.see("qr |A - Q R| / (|A| M ulp)", ratio(norm1(a - Real(q) * Real(r)), norm1(a) * wide(m)), where);
      worst.see("qr |I - Q^T Q| / (M ulp)", ratio(off_orthonormal(Real(q)), wide(m)), where);
      for (M i = 0; i < k; ++i)
        for (M j = 0; j < std::min(i, n); ++j) CHECK(r.at(i * n + j) == 0);
    });
  }

  // x minimises |A x - b| of an A, b that differ from the given ones by rounding; where the rank is plain, x has no
  // part outside the row space.
  TEST_CASE("lapack ratios: lstsq by singular values and by pivoted QR") {
    Worst worst(30);
    each_rectangular([&](const Kind& kind, M m, M n) {
      const Real a(kind.a);
      const std::string where = at(kind, m, n);
      const auto known = lapack::svd(kind.a);
      for (const double noise : {0.0, 1.0}) {
        const Tensor right = right_side(kind.a, 2, noise);
        const Real b(right);
        for (const bool by_qr : {false, true}) {
          const std::string routine = by_qr ? "lstsq_qr" : "lstsq";
          const auto found = by_qr ? lapack::lstsq_qr(kind.a, right) : lapack::lstsq(kind.a, right);
          REQUIRE(found.x.shape() == Shape{n, 2});
          const Real x(found.x), rest = b - a * x;
          const long double size = normwise(a, x, b) * wide(std::max(m, n));
          worst.see(routine + " |A^T (b - A x)| / (|A| (|A| |x| + |b|) max(M,N) ulp)",
                    ratio(norm1(a.adjoint() * rest), norm1(a) * size), where);
          if (noise == 0)
            worst.see(routine + " |b - A x| / ((|A| |x| + |b|) max(M,N) ulp)", ratio(norm1(rest), size), where);
          if (!by_qr)
            for (M i = 0; i < std::min(m, n); ++i)
              worst.see("lstsq |s - s of svd| / (|s| max(M,N) ulp)",
                        ratio(std::abs(static_cast<long double>(found.singular_values.at(i)) - known.s.at(i)),
                              static_cast<long double>(known.s.at(0)) * wide(std::max(m, n))),
                        where);
          if (!kind.separated) continue;
          M rank = 0;
          for (M i = 0; i < std::min(m, n); ++i) rank += known.s.at(i) > 1e-8 * known.s.at(0);
          INFO(where, " ", routine);
          CHECK(found.rank == rank);
          Tensor rows = zeros(rank, n);
          std::copy_n(known.vt.data<double>(), rank * n, rows.data<double>());
          const Real v(rows);
          worst.see(routine + " |x - V V^T x| / (|x| max(M,N) ulp)",
                    ratio(norm1(x - v.adjoint() * (v * x)), norm1(x) * wide(std::max(m, n))), where);
        }
      }
    });
  }

  TEST_CASE("lapack ratios: complex lstsq") {
    Worst worst(30);
    for (const M m : sizes)
      for (const M n : sizes) {
        const auto real = rectangular(m, n);
        for (std::size_t i = 0; i < real.size(); ++i) {
          // The rows turned by phases, so that the real and imaginary parts differ and the singular values do not.
          lapack::CMatrix a(m, n), b(m, 2);
          for (M r = 0; r < m; ++r)
            for (M c = 0; c < n; ++c) a(r, c) = real[i].a.at(r * n + c) * std::polar(1.0, double(r) + 0.3 * double(c));
          const Tensor right = right_side(real[i].a, 2, i % 2 ? 1 : 0);
          for (M r = 0; r < m; ++r)
            for (M c = 0; c < 2; ++c) b(r, c) = right.at(r * 2 + c) * std::polar(double(c + 1), double(c));
          const auto found = lapack::lstsq(a, b);
          REQUIRE(found.x.rows == n);
          REQUIRE(found.x.cols == 2);
          const Complex wide_a(a), x(found.x), rest = Complex(b) - wide_a * x;
          worst.see("complex lstsq |A^H (b - A x)| / (|A| (|A| |x| + |b|) max(M,N) ulp)",
                    ratio(norm1(wide_a.adjoint() * rest),
                          norm1(wide_a) * normwise(wide_a, x, Complex(b)) * wide(std::max(m, n))),
                    at(real[i], m, n));
          CHECK(descending_and_not_negative(found.singular_values));
        }
      }
  }

  TEST_CASE("lapack ratios: eig") {
    Worst worst(20);
    for (const M n : sizes)
      for (const Kind& kind : square(n)) {
        const auto found = lapack::eig(kind.a);
        const std::string where = at(kind, n, n);
        REQUIRE(found.values.size() == static_cast<std::size_t>(n));
        const Real a(kind.a);
        Complex wide_a(n, n);
        for (std::size_t i = 0; i < a.numbers.size(); ++i) wide_a.numbers[i] = a.numbers[i];
        const Complex right(found.vectors), left(found.left);
        Complex right_w = right, left_w = left;
        for (M j = 0; j < n; ++j) {
          const std::complex<long double> w(found.values[static_cast<std::size_t>(j)]);
          long double length = 0, left_length = 0;
          for (M i = 0; i < n; ++i) {
            right_w(i, j) *= w;
            left_w(i, j) *= std::conj(w);
            length += std::norm(right(i, j));
            left_length += std::norm(left(i, j));
          }
          worst.see("eig | |v| - 1 | / (N ulp)",
                    ratio(std::max(std::abs(std::sqrt(length) - 1), std::abs(std::sqrt(left_length) - 1)), wide(n)),
                    where);
        }
        worst.see("eig |A V - V W| / (|A| N ulp)", ratio(norm1(wide_a * right - right_w), norm1(wide_a) * wide(n)),
                  where);
        worst.see("eig |A^H U - U W^H| / (|A| N ulp)",
                  ratio(norm1(wide_a.adjoint() * left - left_w), norm1(wide_a) * wide(n)), where);
        INFO(where);
        for (std::size_t j = 0; j < found.values.size(); ++j)
          if (found.values[j].imag() != 0) {
            REQUIRE(j + 1 < found.values.size());
            CHECK(found.values[j] == std::conj(found.values[j + 1]));
            ++j;
          }
      }
  }

  TEST_CASE("lapack ratios: cholesky and its solve") {
    Worst worst(30);
    for (const M n : sizes)
      for (const Kind& kind : positive_definite(n)) {
        const Tensor l = lapack::cholesky(kind.a);
        const Real a(kind.a), factor(l);
        const std::string where = at(kind, n, n);
        worst.see("cholesky |A - L L^T| / (|A| N ulp)", ratio(norm1(a - factor * factor.adjoint()), norm1(a) * wide(n)),
                  where);
        const Tensor b = right_side(kind.a, 3, 0);
        const Real x(lapack::cholesky_solve(l, b));
        worst.see("cholesky_solve |b - A x| / (|A| |x| N ulp)",
                  ratio(norm1(Real(b) - a * x), norm1(a) * norm1(x) * wide(n)), where);
      }
  }

  // X = U S V^T has U^T X = S V^T, whose rows are orthogonal and as long as the singular values.
  TEST_CASE("lapack ratios: own pivoted QR and Jacobi") {
    Worst worst(30);
    const auto see = [&](const Kind& kind, M m, M n) {  // the rows of kind.a are the columns of X
      const auto found = orthogonal::left_svd(kind.a.data<double>(), m, n, n);
      const M k = std::min(m, n);
      const std::string where = at(kind, m, n);
      REQUIRE(found.ut.shape() == Shape{k, n});
      const Real x = Real(kind.a).adjoint();
      const long double size = norm1(x) * wide(std::max(m, n));
      M solid = 0;  // u is arbitrary where s is 0
      while (solid < k && found.s[static_cast<std::size_t>(solid)] > 0) ++solid;
      Tensor rows = zeros(solid, n);
      std::copy_n(found.ut.data<double>(), solid * n, rows.data<double>());
      const Real u = Real(rows).adjoint(), projected = Real(rows) * x;
      worst.see("left_svd |X - U U^T X| / (|X| max(M,N) ulp)", ratio(norm1(x - u * projected), size), where);
      worst.see("left_svd |I - U^T U| / (N ulp)", ratio(off_orthonormal(u), wide(n)), where);
      Real gram = projected * projected.adjoint();
      for (M i = 0; i < solid; ++i) {
        const long double s = found.s[static_cast<std::size_t>(i)];
        gram(i, i) -= s * s;
      }
      worst.see("left_svd |U^T X X^T U - S^2| / (|X| |X^T| max(M,N) ulp)",
                ratio(norm1(gram), size * norm1(x.adjoint())), where);
      INFO(where);
      CHECK(descending_and_not_negative(found.s));
      const Tensor s = lapack::svd(kind.a).s;
      for (M i = 0; i < k; ++i)
        worst.see("left_svd |s - s of svd| / (|s| max(M,N) ulp)",
                  ratio(std::abs(static_cast<long double>(found.s[static_cast<std::size_t>(i)]) - s.at(i)),
                        static_cast<long double>(s.at(0)) * wide(std::max(m, n))),
                  where);
    };
    each_rectangular(see);
    for (const Kind& kind : rectangular(131, 130))  // above the sizes of Jacobi
      if (kind.name == "rank deficient" || kind.name == "rank deficient, near overflow") see(kind, 131, 130);
  }

  TEST_CASE("lapack ratios: own least squares without pivoting") {
    Worst worst(30);
    each_rectangular([&](const Kind& kind, M m, M n) {
      if (m < n || n == 0) return;
      for (const double noise : {0.0, 1.0}) {
        const Tensor right = right_side(kind.a, 2, noise);
        Tensor ab({m, n + 2}, DType::f64);
        for (M i = 0; i < m; ++i) {
          std::copy_n(kind.a.data<double>() + i * n, n, ab.data<double>() + i * (n + 2));
          std::copy_n(right.data<double>() + i * 2, 2, ab.data<double>() + i * (n + 2) + n);
        }
        const auto found = orthogonal::least_squares(ab, n);
        const std::string where = at(kind, m, n);
        INFO(where);
        CHECK(found.condition >= 0.99);
        if (!(found.condition < 0.1 / ulp)) continue;  // said to be of no use
        const Real a(kind.a), x(found.x), b(right), rest = b - a * x;
        const long double size = normwise(a, x, b) * wide(std::max(m, n));
        worst.see("least_squares |A^T (b - A x)| / (|A| (|A| |x| + |b|) max(M,N) ulp)",
                  ratio(norm1(a.adjoint() * rest), norm1(a) * size), where);
        long double square = 0;
        for (const long double v : rest.numbers) square += v * v;
        worst.see("least_squares |residual - |b - A x|| / ((|A| |x| + |b|) max(M,N) ulp)",
                  ratio(std::abs(std::sqrt(square) - static_cast<long double>(found.residual)), size), where);
      }
    });
  }

  TEST_CASE("lapack: NaN and Inf are refused first, in the middle and last, by every routine") {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
    const Tensor good = with_singular_values(6, 6, spaced(6, Spacing::even, 2), key(1));
    const Tensor spd = positive_definite(6)[1].a, b = random_entries(6, 2, key(2)), l = lapack::cholesky(spd);
    const auto complex = [](const Tensor& a, bool imaginary) {
      lapack::CMatrix out(a.dim(0), a.dim(1));
      for (std::size_t i = 0; i < out.numbers.size(); ++i) {
        const double v = a.at(static_cast<M>(i));
        out.numbers[i] = imaginary ? std::complex<double>(1, v) : std::complex<double>(v, 1);
      }
      return out;
    };
    for (const double bad : {nan, inf, -inf})
      for (const M place : {M{0}, M{15}, M{35}}) {
        const auto spoilt = [&](const Tensor& a) {
          Tensor out = a.clone();
          out.data<double>()[place % out.size()] = bad;
          return out;
        };
        CAPTURE(bad);
        CAPTURE(place);
        const Tensor a = spoilt(good), bad_b = spoilt(b);
        CHECK_THROWS_AS(lapack::svd(a), NumericError);
        CHECK_THROWS_AS(lapack::qr(a), NumericError);
        CHECK_THROWS_AS(lapack::eig(a), NumericError);
        CHECK_THROWS_AS(lapack::lstsq(a, b), NumericError);
        CHECK_THROWS_AS(lapack::lstsq(good, bad_b), NumericError);
        CHECK_THROWS_AS(lapack::lstsq_qr(a, b), NumericError);
        CHECK_THROWS_AS(lapack::lstsq_qr(good, bad_b), NumericError);
        for (const bool imaginary : {false, true}) {
          CHECK_THROWS_AS(lapack::lstsq(complex(a, imaginary), complex(b, false)), NumericError);
          CHECK_THROWS_AS(lapack::lstsq(complex(good, false), complex(bad_b, imaginary)), NumericError);
        }
        CHECK_THROWS_AS(lapack::cholesky(spoilt(spd)), NumericError);
        CHECK_THROWS_AS(lapack::cholesky_solve(spoilt(l), b), NumericError);
        CHECK_THROWS_AS(lapack::cholesky_solve(l, bad_b), NumericError);
        CHECK_THROWS_AS(orthogonal::left_svd(a.data<double>(), 6, 6, 6), NumericError);
        Tensor ab = spoilt(random_entries(6, 6, key(9)));
        CHECK_THROWS_AS(orthogonal::least_squares(ab, 4), NumericError);
      }
  }
}
