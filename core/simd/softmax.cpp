#include <glocal/core/simd/softmax.h>

#include <cstdint>

#include <glocal/core/simd/math.h>
#include <glocal/core/simd/vec.h>

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

// A value and whether its place is one of the leading ones, those where the largest entry of the row stands.
template <class T>
struct Entry {
  Vec<T> value;
  Bits<Vec<T>> leads;
};

// x - largest: 0 where the largest stands, an infinite one too. A row of -inf alone gives NaN.
template <class At, class T>
[[gnu::always_inline]] inline Entry<T> shifted(At at, const T* x, Vec<T> m) {
  constexpr T infinity = static_cast<T>(__builtin_inff());
  const Vec<T> v = at.load(x);
  const Bits<Vec<T>> leads = (v == m) & (m > -infinity);
  return {leads ? Vec<T>{} : v - m, leads};
}

// A sum in two parts, so that what is left of it without a leading entry keeps its digits.
template <class T>
struct Parts {
  Vec<T> leading{}, rest{};

  template <class At>
  [[gnu::always_inline]] void add(At at, Vec<T> v, Bits<Vec<T>> leads) {
    leading += at.fill(leads ? v : Vec<T>{}, T(0));
    rest += at.fill(leads ? Vec<T>{} : v, T(0));
  }
  // Of all lanes, in every lane.
  [[gnu::always_inline]] Parts over_lanes() const {
    const auto plus = [](Vec<T> a, Vec<T> b) { return a + b; };
    return {across(leading, plus), across(rest, plus)};
  }
  [[gnu::always_inline]] Vec<T> total() const { return leading + rest; }
  [[gnu::always_inline]] Vec<T> without(Vec<T> v, Bits<Vec<T>> leads) const {
    return leads ? rest + (leading - v) : total() - v;
  }
};

template <class T>
[[gnu::always_inline]] inline Vec<T> dot(Int K, const T* a, const T* b) {
  return sum_of<T>(K, [=](auto at) { return at.load(a) * at.load(b); });
}

// The sum of e^(x - m), by parts; body(at, e) sees each.
template <class T, class F>
[[gnu::always_inline]] inline Parts<T> exponentials(Int K, const T* x, Vec<T> m, F body) {
  Parts<T> sum;
  for_each_vector<T>(K, [&](auto at) {
    const Entry<T> z = shifted(at, x, m);
    const Vec<T> e = exp(z.value);
    sum.add(at, e, z.leads);
    body(at, e);
  });
  return sum.over_lanes();
}

template <class T>
void softmax(Int rows, Int K, const T* x, T* y) {
  for (Int i = 0; i < rows; ++i, x += K, y += K) {
    const Parts<T> sum = exponentials(K, x, largest(K, x), [=](auto at, Vec<T> e) { at.store(y, e); });
    const Vec<T> factor = 1 / sum.total();
    for_each_vector<T>(K, [=](auto at) { at.store(y, factor * at.load(y)); });
  }
}

// The logarithm of the sum is log1p of what it has beyond one leading entry, e^0.
template <class T>
void log_softmax(Int rows, Int K, const T* x, T* y) {
  for (Int i = 0; i < rows; ++i, x += K, y += K) {
    const Vec<T> m = largest(K, x);
    const Parts<T> sum = exponentials(K, x, m, [](auto, Vec<T>) {});
    const Vec<T> log_sum = log1p(sum.rest + (sum.leading - 1));
    for_each_vector<T>(K, [=](auto at) { at.store(y, shifted(at, x, m).value - log_sum); });
  }
}

// d - <s, d> with s = softmax(x), from the differences to the d of a leading entry: where its s is nearly 1, d - <s, d>
// itself is the difference of nearly equal numbers.
template <bool times_s, class T>
[[gnu::always_inline]] inline void centred_rows(Int rows, Int K, const T* d, const T* x, T* y) {
  constexpr T lowest = -static_cast<T>(__builtin_inff());
  for (Int i = 0; i < rows; ++i, d += K, x += K, y += K) {
    const Vec<T> m = largest(K, x);
    Vec<T> of_leading = splat(lowest);
    for_each_vector<T>(K, [&](auto at) {
      of_leading = larger(at.fill(shifted(at, x, m).leads ? at.load(d) : splat(lowest), lowest), of_leading);
    });
    const Vec<T> origin = across(of_leading, larger<Vec<T>>);
    Vec<T> along{};
    const Parts<T> sum = exponentials(K, x, m, [&](auto at, Vec<T> e) {
      along += at.fill(e * (at.load(d) - origin), T(0));
      if constexpr (times_s) at.store(y, e);
    });
    const Vec<T> factor = 1 / sum.total(), mean = factor * across(along, [](Vec<T> a, Vec<T> b) { return a + b; });
    for_each_vector<T>(K, [=](auto at) {
      const Vec<T> centred = (at.load(d) - origin) - mean;
      if constexpr (times_s)
        at.store(y, factor * at.load(y) * centred);
      else
        at.store(y, centred);
    });
  }
}

template <class T>
void centred(Int rows, Int K, const T* d, const T* x, T* y) {
  centred_rows<false>(rows, K, d, x, y);
}

template <class T>
void softmax_lin(Int rows, Int K, const T* d, const T* x, T* y) {
  centred_rows<true>(rows, K, d, x, y);
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
      Parts<T> sum;
      for_each_vector<T>(K, [&](auto at) {
        const Vec<T> target = at.load(p);
        const Entry<T> z = shifted(at, x, m);
        weight += target;
        product += at.fill(target == 0 ? Vec<T>{} : target * z.value, T(0));
        sum.add(at, exp(z.value), z.leads);
      });
      sum = sum.over_lanes();
      exponentials[i] = (sum.rest + (sum.leading - 1))[0];  // beyond one leading entry
      weights[i] = GLOCAL_ISA::sum<T>(weight);
      products[i] = GLOCAL_ISA::sum<T>(product);
    }
    for_each_vector<T>(count, [&](auto at) {
      at.store(loss + first, at.load(weights) * log1p(at.load(exponentials)) - at.load(products));
    });
  }
}

// W s_k - p_k with W = sum p is the difference of s_k times the other p and p_k times the other s, so that the entry
// of a class that is right and nearly certain keeps its digits. Leading are the p of the largest size.
template <class T>
void cross_entropy_slope(Int rows, Int K, const T* x, const T* p, const T* g, T* y) {
  for (Int i = 0; i < rows; ++i, x += K, p += K, y += K) {
    const Vec<T> m = largest(K, x);
    Vec<T> size{};
    for_each_vector<T>(K, [&](auto at) { size = larger(abs(at.load(p)), size); });
    const Vec<T> top = across(size, larger<Vec<T>>);
    Parts<T> weight;
    const Parts<T> sum = exponentials(K, x, m, [&](auto at, Vec<T> e) {
      const Vec<T> target = at.load(p);
      weight.add(at, target, abs(target) == top);
      at.store(y, e);
    });
    weight = weight.over_lanes();
    const Vec<T> scale = splat(g[i]) / sum.total();
    for_each_vector<T>(K, [=](auto at) {
      const Vec<T> target = at.load(p), e = at.load(y);
      at.store(y, scale * (e * weight.without(target, abs(target) == top) -
                           target * sum.without(e, shifted(at, x, m).leads)));
    });
  }
}

}  // namespace

constinit const SoftmaxKernels<float> softmax_f32{softmax,     log_softmax,   softmax_lin,        centred,
                                                  row_dot_mul, cross_entropy, cross_entropy_slope};
constinit const SoftmaxKernels<double> softmax_f64{softmax,     log_softmax,   softmax_lin,        centred,
                                                   row_dot_mul, cross_entropy, cross_entropy_slope};

}  // namespace glocal::simd::GLOCAL_ISA
