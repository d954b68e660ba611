#include <glocal/core/simd/orthogonal.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>

#include <glocal/core/simd/vec.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

using V = Vec<double>;

[[gnu::always_inline]] inline double dot(std::int64_t n, const double* x, const double* y) {
  V sum{};
  for_each_vector<double>(n, [&](auto at) { sum += at.load(x) * at.load(y); });
  return GLOCAL_ISA::sum<double>(sum);
}

// One reflection and the products that the next one needs, in one pass over the rows from the first on:
// a -= v w^T, then products := next^T a, where next is a column of the new a.
void reflect(std::int64_t m, std::int64_t n, double* a, std::int64_t lda, const double* v, const double* w,
             const double* next, double* products) {
  for_each_vector<double>(n, [&](auto at) {
    const V weight = at.load(w);
    V even{}, odd{};
    const auto row = [&](std::int64_t i, V& sum) {
      const V x = at.load(a + i * lda) - v[i] * weight;
      at.store(a + i * lda, x);
      sum += next[i] * x;
    };
    std::int64_t i = 0;
    for (; i + 2 <= m; i += 2) {
      row(i, even);
      row(i + 1, odd);
    }
    if (i < m) row(i, even);
    at.store(products, even + odd);
  });
}

void triangularize(bool pivot, std::int64_t m, std::int64_t n, std::int64_t steps, double* a, std::int64_t lda,
                   double* work) {
  if (steps == 0) return;
  double *v = work, *next = v + m, *w = next + m, *products = w + n, *rest = products + n;
  // rest: squared lengths of the columns below the rows that are done; -1 marks a chosen column.
  for (std::int64_t j = 0; j < n; ++j) w[j] = rest[j] = 0;
  for (std::int64_t i = 0; i < m && pivot; ++i)
    for_each_vector<double>(n, [&](auto at) {
      const V x = at.load(a + i * lda);
      at.store(rest, at.load(rest) + x * x);
    });
  const auto choose = [&](std::int64_t k) {
    std::int64_t best = pivot ? 0 : k;
    for (std::int64_t j = 1; j < n && pivot; ++j)
      if (rest[j] > rest[best]) best = j;
    return best;
  };
  std::int64_t column = choose(0);
  for (std::int64_t i = 0; i < m; ++i) {
    v[i] = 0;
    next[i] = a[i * lda + column];
  }
  reflect(m, n, a, lda, v, w, next, products);
  for (std::int64_t k = 0; k < steps; ++k) {
    // v = x - alpha e_k takes x to alpha e_k; w = 2 v^T a / v^T v with v^T a = x^T a - alpha a_k.
    double* const top = a + k * lda;
    const double length = std::sqrt(products[column]), alpha = next[k] > 0 ? -length : length;
    const double half = length * (length + std::abs(next[k]));  // v^T v / 2
    for (std::int64_t j = 0; j < n; ++j) w[j] = rest[j] != -1 && half != 0 ? (products[j] - alpha * top[j]) / half : 0;
    double* const spent = v;
    v = next;
    next = spent;
    if (half != 0) v[k] -= alpha;
    for (std::int64_t j = 0; j < n; ++j) {
      top[j] = rest[j] != -1 ? top[j] - v[k] * w[j] : 0;
      if (rest[j] != -1 && pivot) rest[j] = rest[j] > top[j] * top[j] ? rest[j] - top[j] * top[j] : 0;
    }
    rest[column] = -1;
    w[column] = 0;
    if (k + 1 == n || k + 1 == m) return;
    column = choose(k + 1 < steps ? k + 1 : k);
    for (std::int64_t i = k + 1; i < m; ++i) next[i] = a[i * lda + column] - v[i] * w[column];
    reflect(m - k - 1, n, top + lda, lda, v + k + 1, w, next + k + 1, products);
  }
}

// Pairs of rows that have no row in common: their rotations do not wait for each other.
struct Pairs {
  static constexpr std::int64_t most = 32;
  std::int64_t count = 0, p[most], q[most];
};

// Golub and Van Loan, Matrix Computations, 8.6.3: the rotations that make the rows of each pair orthogonal. False if
// all are already. tan 2 angle = 2 x.y / (|y|^2 - |x|^2).
bool rotate(const Pairs& pairs, std::int64_t n, double* a, std::int64_t lda, double* squares) {
  double xy[Pairs::most] = {}, xx[Pairs::most] = {}, yy[Pairs::most] = {}, tangent[Pairs::most], cosine[Pairs::most];
  for (std::int64_t i = 0; i < pairs.count; ++i) {
    xy[i] = dot(n, a + pairs.p[i] * lda, a + pairs.q[i] * lda);
    xx[i] = squares[pairs.p[i]];
    yy[i] = squares[pairs.q[i]];
  }
  for (std::int64_t i = 0; i < pairs.count; i += lanes<double>) {
    const V product = load(xy + i), u = load(xx + i), v = load(yy + i), far = v > u ? v - u : u - v;
    const auto skew = product * product > (0x1p-104 * static_cast<double>(n * n)) * (u * v);
    const V root = skew ? sqrt(far * far + 4 * (product * product)) : splat(1.0), sum = far + root;
    store(tangent + i, skew ? 2 * (v > u ? product : -product) / sum : V{});
    store(cosine + i, sqrt(sum / (2 * root)));
  }
  bool moved = false;
  for (std::int64_t i = 0; i < pairs.count; ++i) {
    if (tangent[i] == 0) continue;
    moved = true;
    double *const x = a + pairs.p[i] * lda, *const y = a + pairs.q[i] * lda;
    const V c = splat(cosine[i]), s = splat(cosine[i] * tangent[i]);
    for_each_vector<double>(n, [=](auto at) {
      const V u = at.load(x), v = at.load(y);
      at.store(x, c * u - s * v);
      at.store(y, s * u + c * v);
    });
    squares[pairs.p[i]] -= tangent[i] * xy[i];
    squares[pairs.q[i]] += tangent[i] * xy[i];
  }
  return moved;
}

// A sweep meets every pair once, in rounds of disjoint pairs: in round r, rows p and q with p + q = 2 r modulo one less
// than the (even) number of players, the last of whom meets the one left over.
int orthogonalize(std::int64_t k, std::int64_t n, double* a, std::int64_t lda, double* squares, int limit) {
  const std::int64_t last = k + k % 2 - 1;
  for (int sweep = 1; sweep <= limit; ++sweep) {
    for (std::int64_t p = 0; p < k; ++p) squares[p] = dot(n, a + p * lda, a + p * lda);
    bool moved = false;
    for (std::int64_t round = 0; round < last; ++round) {
      Pairs pairs;
      for (std::int64_t i = 0; i <= last / 2; ++i) {
        const std::int64_t p = round + i < last ? round + i : round + i - last;
        const std::int64_t q = i == 0 ? last : round < i ? round - i + last : round - i;
        if (q < k) {
          pairs.p[pairs.count] = p;
          pairs.q[pairs.count++] = q;
        }
        if (pairs.count == Pairs::most || i == last / 2) {
          if (rotate(pairs, n, a, lda, squares)) moved = true;
          pairs.count = 0;
        }
      }
    }
    if (!moved) return sweep;
  }
  return 0;
}

void product(std::int64_t m, std::int64_t n, std::int64_t k, const double* a, std::int64_t lda, const double* b,
             double* c, std::int64_t ldc) {
  for (std::int64_t i = 0; i < m; ++i)
    for_each_vector<double>(n, [=](auto at) {
      const double* const row = a + i * lda;
      V even{}, odd{};
      std::int64_t l = 0;
      for (; l + 2 <= k; l += 2) {
        even += row[l] * at.load(b + l * n);
        odd += row[l + 1] * at.load(b + (l + 1) * n);
      }
      if (l < k) even += row[l] * at.load(b + l * n);
      at.store(c + i * ldc, even + odd);
    });
}

}  // namespace

constinit const OrthogonalKernels orthogonal{triangularize, orthogonalize, product};

}  // namespace glocal::simd::GLOCAL_ISA
