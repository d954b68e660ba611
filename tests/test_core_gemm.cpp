#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/linalg/blas.h>
#include <glocal/core/parallel.h>
#include <glocal/core/random.h>
#include <glocal/core/simd/gemm.h>

using namespace glocal;

namespace {

template <class T>
std::vector<T> numbers(std::uint64_t seed, std::int64_t n) {
  const Tensor x = normal(key(seed), {n}, 0, 1, dtype_of<T>);
  return {x.data<T>(), x.data<T>() + n};
}

// Rows of `length` numbers, `stride` apart; nothing behind the last one, so that a sanitizer sees what is read there.
std::int64_t extent(std::int64_t rows, std::int64_t length, std::int64_t stride) {
  return rows > 0 && length > 0 ? (rows - 1) * stride + length : 0;
}

struct Shape3 {
  std::int64_t m, n, k;
  bool ta, tb;
};

template <class T>
const simd::GemmKernels<T>& kernels(Isa set) {
  if constexpr (sizeof(T) == sizeof(float))
    return simd::gemm_f32(set);
  else
    return simd::gemm_f64(set);
}

template <class T>
struct Operands {
  Shape3 s;
  std::int64_t lda, ldb, ldc;
  std::vector<T> a, b, c, bias;

  Operands(Shape3 shape, bool overwritten)
      : s(shape), lda((s.ta ? s.m : s.k) + 3), ldb((s.tb ? s.k : s.n) + 1), ldc(s.n + 2) {
    a = numbers<T>(1, s.ta ? extent(s.k, s.m, lda) : extent(s.m, s.k, lda));
    b = numbers<T>(2, s.tb ? extent(s.n, s.k, ldb) : extent(s.k, s.n, ldb));
    c = overwritten ? std::vector<T>(static_cast<std::size_t>(s.m * ldc), T(NAN)) : numbers<T>(3, s.m * ldc);
    bias = numbers<T>(4, s.n);
  }

  simd::Product<T> product(T alpha, T beta, T* out) const {
    return {s.m,   s.n,  s.k, a.data(), s.ta ? 1 : lda, s.ta ? lda : 1, b.data(), s.tb ? 1 : ldb, s.tb ? ldb : 1,
            alpha, beta, out, ldc};
  }
};

// What the product should be, in double, and the sum of the sizes of all terms: the scale of its rounding.
template <class T>
void naive(const simd::Product<T>& p, const std::vector<T>& c, std::vector<double>& value, std::vector<double>& size) {
  value.clear(), size.clear();
  for (std::int64_t i = 0; i < p.m; ++i)
    for (std::int64_t j = 0; j < p.n; ++j) {
      double sum = 0, absolute = 0;
      for (std::int64_t l = 0; l < p.k; ++l) {
        const double term = double{p.a[i * p.a_row + l * p.a_col]} * double{p.b[l * p.b_row + j * p.b_col]};
        sum += term, absolute += std::abs(term);
      }
      sum *= double{p.alpha}, absolute *= std::abs(double{p.alpha});
      const double old = p.beta == T(0) ? 0 : double{p.beta} * double{c[static_cast<std::size_t>(i * p.c_row + j)]};
      const double bias = p.bias ? double{p.bias[j]} : 0;
      value.push_back(p.relu && sum + old + bias < 0 ? 0 : sum + old + bias);
      size.push_back(absolute + std::abs(old) + std::abs(bias));
    }
}

// Largest error in units of epsilon times the size of the terms; infinite when a number between the rows was touched.
template <class T>
double error(const simd::Product<T>& p, const std::vector<T>& before, const std::vector<T>& got,
             const std::vector<double>& value, const std::vector<double>& size) {
  double worst = 0;
  for (std::int64_t i = 0; i < p.m; ++i)
    for (std::int64_t j = 0; j < p.c_row; ++j) {
      const auto at = static_cast<std::size_t>(i * p.c_row + j), of = static_cast<std::size_t>(i * p.n + j);
      const bool same = got[at] == before[at] || (std::isnan(got[at]) && std::isnan(before[at]));
      if (j >= p.n) {
        if (!same) return INFINITY;
        continue;
      }
      const double off = std::abs(double{got[at]} - value[of]);
      if (!(off <= std::numeric_limits<double>::max())) return INFINITY;
      worst = std::max(worst, off == 0 ? 0 : off / size[of] / double{std::numeric_limits<T>::epsilon()});
    }
  return worst;
}

template <class T>
void check_all_sets(Shape3 s, int variant) {
  const T alpha = variant % 2 ? T(0.7) : T(1), beta = variant % 3 == 0 ? T(0) : variant % 3 == 1 ? T(1) : T(-1.3);
  const Operands<T> x(s, beta == T(0));
  std::vector<double> value, size;
  for (const Isa set : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    if (set > isa()) continue;
    std::vector<T> c = x.c, scratch(static_cast<std::size_t>(kernels<T>(set).scratch_size + 64));
    simd::Product<T> p = x.product(alpha, beta, c.data());
    p.relu = variant % 4 == 1 || variant % 4 == 2, p.bias = variant % 4 >= 2 ? x.bias.data() : nullptr;
    if (value.empty()) naive(p, x.c, value, size);
    const auto past = reinterpret_cast<std::uintptr_t>(scratch.data()) % 64;
    kernels<T>(set).run(p, scratch.data() + (64 - past) % 64 / sizeof(T));
    const double worst = error(p, x.c, c, value, size);
    INFO(to_string(set), " m ", s.m, " n ", s.n, " k ", s.k, " ta ", s.ta, " tb ", s.tb, " variant ", variant);
    CHECK(worst <= 2 + std::sqrt(static_cast<double>(s.k)) / 2);
  }
}

}  // namespace

TEST_SUITE("fast") {
  // Accuracy: 2 + sqrt(k) / 2 epsilon of the sum of |terms|.
  TEST_CASE_TEMPLATE("gemm kernels: equal the triple loop in double on every instruction set", T, float, double) {
    int variant = 0;
    for (const bool ta : {false, true})
      for (const bool tb : {false, true})
        for (const std::int64_t m : {0, 1, 2, 3, 5, 7, 15, 17, 31, 33, 65, 100})
          for (const std::int64_t n : {0, 1, 2, 3, 5, 7, 10, 15, 17, 31, 33, 63, 65, 100})
            for (const int turn : {0, 2}) {
              const std::int64_t ks[] = {0, 1, 3, 17, 64};
              check_all_sets<T>({m, n, ks[(variant + turn) % 5], ta, tb}, variant);
              variant += turn / 2;
            }
  }

  TEST_CASE_TEMPLATE("gemm kernels: equal the triple loop over several blocks of k, m and n", T, float, double) {
    int variant = 0;
    for (const bool ta : {false, true})
      for (const bool tb : {false, true}) {
        check_all_sets<T>({170, 65, 1001, ta, tb}, variant++);
        check_all_sets<T>({45, 1025, 67, ta, tb}, variant++);
        check_all_sets<T>({301, 600, 33, ta, tb}, variant++);
        check_all_sets<T>({3, 130, 2003, ta, tb}, variant++);
        check_all_sets<T>({10, 9, 2003, ta, tb}, variant++);
      }
  }

  TEST_CASE_TEMPLATE("linear: x w + bias and relu, the same bits for every thread count", T, float, double) {
    const int before = threads();
    for (const Shape3 s : {Shape3{128, 120, 400, 0, 0}, {40, 515, 300, 0, 0}, {1, 10, 84, 0, 0}, {3, 2, 0, 0, 0}}) {
      const auto x = numbers<T>(1, s.m * s.k), w = numbers<T>(2, s.k * s.n), bias = numbers<T>(3, s.n);
      for (const bool relu : {false, true})
        for (const T* b : {static_cast<const T*>(nullptr), bias.data()}) {
          std::vector<T> one;
          for (const int count : {1, 2, 3}) {
            set_threads(count);
            std::vector<T> y(static_cast<std::size_t>(s.m * s.n), T(NAN));
            blas::linear<T>(s.m, s.n, s.k, x.data(), w.data(), b, relu, y.data());
            if (one.empty()) one = y;
            CHECK(y == one);
          }
          simd::Product<T> p{s.m, s.n, s.k, x.data(), s.k, 1, w.data(), s.n, 1, T(1), T(0), nullptr, s.n, b, relu};
          std::vector<double> value, size;
          naive(p, one, value, size);
          CHECK(error(p, one, one, value, size) <= 2 + std::sqrt(static_cast<double>(s.k)) / 2);
        }
    }
    set_threads(before);
  }

  TEST_CASE("linear: NaN stays NaN under relu, sizes out of range are refused by name") {
    const std::vector<double> x{NAN, -1, 2}, w{1};
    std::vector<double> y(3);
    blas::linear<double>(3, 1, 1, x.data(), w.data(), nullptr, true, y.data());
    CHECK(std::isnan(y[0]));
    CHECK(y[1] == 0);
    CHECK(y[2] == 2);
    CHECK_THROWS_WITH_AS(blas::linear<double>(-1, 1, 1, x.data(), w.data(), nullptr, true, y.data()),
                         "[linear] m = -1 is outside what BLAS takes, 0 to 2^31-1", ShapeError);
  }

  TEST_CASE_TEMPLATE("gemm_parallel: the same bits for one thread and two, rows and columns cut", T, float, double) {
    const int before = threads();
    for (const Shape3 s : {Shape3{784, 128, 64, true, false},
                           {128, 300, 200, false, true},
                           {20, 1000, 300, false, false},
                           {300, 40, 700, true, true}}) {
      const Operands<T> x(s, true);
      std::vector<T> one;
      for (const int count : {1, 2}) {
        set_threads(count);
        std::vector<T> c(x.c.size(), T(0));
        blas::gemm_parallel<T>(s.ta, s.tb, s.m, s.n, s.k, 1, x.a.data(), x.lda, x.b.data(), x.ldb, 0, c.data(), x.ldc);
        if (one.empty()) one = c;
        CHECK(c == one);
      }
    }
    set_threads(before);
  }
}
