#include <glocal/core/simd/softmax.h>

#include <glocal/core/simd/math.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

using Int = std::int64_t;

// f(at) summed over the lanes of a row; the sum stands in every lane. Lanes behind the row must give 0.
template <class T, class F>
[[gnu::always_inline]] inline Vec<T> sum_of(Int K, F f) {
  Vec<T> sum{};
  for_each_vector<T>(K, [&](auto at) { sum += f(at); });
  return across(sum, [](Vec<T> a, Vec<T> b) { return a + b; });
}

// A NaN does not win here; it surfaces in the sum of the exponentials.
template <class T>
[[gnu::always_inline]] inline Vec<T> largest(Int K, const T* x) {
  constexpr T lowest = -static_cast<T>(__builtin_inff());
  Vec<T> m = splat(lowest);
  for_each_vector<T>(K, [&](auto at) { m = larger(at.fill(at.load(x), lowest), m); });
  return across(m, larger<Vec<T>>);
}

// e^(x - largest), 0 in the lanes behind the row.
template <class At, class T>
[[gnu::always_inline]] inline Vec<T> exponential(At at, const T* x, Vec<T> m) {
  return at.fill(exp(at.load(x) - m), T(0));
}

template <class T>
[[gnu::always_inline]] inline Vec<T> dot(Int K, const T* a, const T* b) {
  return sum_of<T>(K, [=](auto at) { return at.load(a) * at.load(b); });
}

// log of the sum of e^(x - m)
template <class T>
[[gnu::always_inline]] inline Vec<T> log_sum(Int K, const T* x, Vec<T> m) {
  return log(sum_of<T>(K, [=](auto at) { return exponential(at, x, m); }));
}

// Writes e^(x - largest) and returns the sum.
template <class T>
[[gnu::always_inline]] inline Vec<T> exponentials(Int K, const T* x, T* y) {
  const Vec<T> m = largest(K, x);
  return sum_of<T>(K, [=](auto at) {
    const Vec<T> e = exponential(at, x, m);
    at.store(y, e);
    return e;
  });
}

template <class T>
void softmax(Int rows, Int K, const T* x, T* y) {
  for (Int i = 0; i < rows; ++i, x += K, y += K) {
    const Vec<T> factor = 1 / exponentials(K, x, y);
    for_each_vector<T>(K, [=](auto at) { at.store(y, factor * at.load(y)); });
  }
}

template <class T>
void log_softmax(Int rows, Int K, const T* x, T* y) {
  for (Int i = 0; i < rows; ++i, x += K, y += K) {
    const Vec<T> m = largest(K, x), s = log_sum(K, x, m);
    for_each_vector<T>(K, [=](auto at) { at.store(y, (at.load(x) - m) - s); });
  }
}

template <class T>
void softmax_lin(Int rows, Int K, const T* d, const T* s, T* y) {
  for (Int i = 0; i < rows; ++i, d += K, s += K, y += K) {
    const Vec<T> u = dot(K, s, d);
    for_each_vector<T>(K, [=](auto at) { at.store(y, at.load(s) * (at.load(d) - u)); });
  }
}

template <class T>
void row_dot_mul(Int rows, Int K, const T* a, const T* b, const T* c, T* y) {
  for (Int i = 0; i < rows; ++i, a += K, b += K, c += K, y += K) {
    const Vec<T> u = dot(K, b, c);
    for_each_vector<T>(K, [=](auto at) { at.store(y, at.load(a) * u); });
  }
}

// Per row: sum(p) log sum(e^(x - m)) - <p, x - m>, where no term is negative. The logarithms are taken of many rows at
// once.
template <class T>
void cross_entropy(Int rows, Int K, const T* x, const T* p, T* loss) {
  constexpr Int block = lanes<T>;
  for (Int first = 0; first < rows; first += block) {
    const Int count = rows - first < block ? rows - first : block;
    T exponentials[block], weights[block], products[block];
    for (Int i = 0; i < count; ++i, x += K, p += K) {
      const Vec<T> m = largest(K, x);
      Vec<T> weight{}, product{};
      const Vec<T> sum = sum_of<T>(K, [&](auto at) {
        const Vec<T> target = at.load(p), z = at.load(x) - m;
        weight += target;
        product += target == 0 ? Vec<T>{} : target * z;
        return at.fill(exp(z), T(0));
      });
      exponentials[i] = sum[0];
      weights[i] = GLOCAL_ISA::sum<T>(weight);
      products[i] = GLOCAL_ISA::sum<T>(product);
    }
    for_each_vector<T>(count, [&](auto at) {
      at.store(loss + first, at.load(weights) * log(at.load(exponentials)) - at.load(products));
    });
  }
}

template <class T>
void cross_entropy_slope(Int rows, Int K, const T* x, const T* p, const T* g, T* y) {
  for (Int i = 0; i < rows; ++i, x += K, p += K, y += K) {
    const Vec<T> scale = splat(g[i]), weight = scale * sum_of<T>(K, [=](auto at) { return at.load(p); });
    const Vec<T> factor = weight / exponentials(K, x, y);
    for_each_vector<T>(K, [=](auto at) { at.store(y, factor * at.load(y) - scale * at.load(p)); });
  }
}

}  // namespace

constinit const SoftmaxKernels<float> softmax_f32{softmax,     log_softmax,   softmax_lin,
                                                  row_dot_mul, cross_entropy, cross_entropy_slope};
constinit const SoftmaxKernels<double> softmax_f64{softmax,     log_softmax,   softmax_lin,
                                                   row_dot_mul, cross_entropy, cross_entropy_slope};

}  // namespace glocal::simd::GLOCAL_ISA
