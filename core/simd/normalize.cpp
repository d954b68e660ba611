#include <glocal/core/simd/normalize.h>

#include <cstdint>

#include <glocal/core/simd/vec.h>
#include <glocal/core/simd/wide.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

using Int = std::int64_t;

// Asks for what comes 8 KB later: the prefetchers of some CPUs lose two streams that advance side by side.
template <class... T>
[[gnu::always_inline]] inline void fetch(Int i, const T*... p) {
  (__builtin_prefetch(p + i + 8192 / static_cast<Int>(sizeof(T))), ...);
}

// v where there are numbers, 0 behind them.
template <class T>
[[gnu::always_inline]] inline Vec<T> keep(Whole<T>, Vec<T> v) {
  return v;
}
template <class T>
[[gnu::always_inline]] inline Vec<T> keep(Part<T> at, Vec<T> v) {
  Vec<T> place;
  for (Int i = 0; i < lanes<T>; ++i) place[i] = static_cast<T>(i);
  return place < splat(static_cast<T>(at.n)) ? v : Vec<T>{};
}

template <class T>
[[gnu::always_inline]] inline Whole<T> moved(Whole<T> at, Int by) {
  return {at.i + by};
}
template <class T>
[[gnu::always_inline]] inline Part<T> moved(Part<T> at, Int by) {
  return {at.i + by, at.n};
}

// Adds term(at, sums) along n numbers from place i on, in two chains.
template <class T, int K, class Term>
[[gnu::always_inline]] inline void add_run(Int i, Int n, Term term, Wide<T>* sums) {
  const Int end = i + n;
  Wide<T> even[K]{}, odd[K]{};
  for (; i + 2 * lanes<T> <= end; i += 2 * lanes<T>) {
    term(Whole<T>{i}, even);
    term(Whole<T>{i + lanes<T>}, odd);
  }
  for (; i + lanes<T> <= end; i += lanes<T>) term(Whole<T>{i}, even);
  if (i < end) term(Part<T>{i, end - i}, odd);
  for (int k = 0; k < K; ++k) {
    add<T>(even[k], odd[k]);
    add<T>(sums[k], even[k]);
  }
}

// make(coefficient) gives term(at, sums), which adds to K sums; coefficient(p) is the vector of p[channel].
template <class T, int K, class Make>
[[gnu::always_inline]] inline void reduce(const ChannelSlab& z, Make make, double* result) {
  if (z.length == 1) {  // channels lie side by side
    for_each_vector<T>(z.channels, [&](auto at) {
      const auto term = make([&](const T* p) { return at.load(p); });
      Wide<T> sums[K]{};
      for (Int image = 0; image < z.images; ++image) term(moved(at, image * z.stride), sums);
      double lane[K][lanes<T>];
      for (int k = 0; k < K; ++k)
        for (int h = 0; h < Wide<T>::parts; ++h) store(lane[k] + h * lanes<double>, sums[k].part[h]);
      for (int k = 0; k < K; ++k)
        for (Int c = at.i; c < z.channels && c < at.i + lanes<T>; ++c) result[k * z.channels + c] = lane[k][c - at.i];
    });
    return;
  }
  constexpr Int block = 32;     // channels whose sums stay in the first cache
  constexpr Int segment = 512;  // numbers summed from zero on, so that rounding does not grow with the length
  for (Int first = 0; first < z.channels; first += block) {
    const Int last = z.channels < first + block ? z.channels : first + block;
    Wide<T> sums[block][K]{};
    for (Int image = 0; image < z.images; ++image)
      for (Int c = first; c < last; ++c)
        for (Int i = 0; i < z.length; i += segment)
          add_run<T, K>(image * z.stride + c * z.length + i, z.length - i < segment ? z.length - i : segment,
                        make([=](const T* p) { return splat(p[c]); }), sums[c - first]);
    for (Int c = first; c < last; ++c)
      for (int k = 0; k < K; ++k) result[k * z.channels + c] = total<T>(sums[c - first][k]);
  }
}

// make(coefficient) gives map(at).
template <class T, class Make>
[[gnu::always_inline]] inline void each(const ChannelSlab& z, Make make) {
  if (z.length == 1) {
    for_each_vector<T>(z.channels, [&](auto at) {
      const auto map = make([&](const T* p) { return at.load(p); });
      for (Int image = 0; image < z.images; ++image) map(moved(at, image * z.stride));
    });
    return;
  }
  for (Int image = 0; image < z.images; ++image)
    for (Int c = 0; c < z.channels; ++c) {
      const auto map = make([=](const T* p) { return splat(p[c]); });
      for_each_vector<T>(z.length, [&](auto at) { map(moved(at, image * z.stride + c * z.length)); });
    }
}

template <class T>
void moments(const ChannelSlab& z, const T* x, const T* origin, double* sums) {
  reduce<T, 2>(
      z,
      [=](auto coefficient) {
        return [=, o = coefficient(origin)](auto at, Wide<T>* s) {
          const Wide<T> d = widen<T>(keep(at, at.load(x) - o));
          add<T>(s[0], d);
          add_product<T>(s[1], d, d);
        };
      },
      sums);
}

template <class T>
void affine(const ChannelSlab& z, const T* x, ChannelMean<T> mean, const T* shift, const T* scale, bool relu, T* y) {
  const auto with = [=](auto then) {
    return [=](auto coefficient) {
      return [=, h = coefficient(mean.high), l = coefficient(mean.low), a = coefficient(scale),
              b = coefficient(shift)](auto at) { at.store(y, then(a * ((at.load(x) - h) - l) + b)); };
    };
  };
  if (relu)
    each<T>(z, with([](Vec<T> v) { return v < Vec<T>{} ? Vec<T>{} : v; }));
  else
    each<T>(z, with([](Vec<T> v) { return v; }));
}

// body(open) with open(coefficient) giving the function (d, c) -> d where the gate is open, 0 elsewhere.
template <class T, class F>
[[gnu::always_inline]] inline void behind(ChannelGate<T> gate, F body) {
  if (gate.scale)
    body([=](auto coefficient) {
      return [a = coefficient(gate.scale), b = coefficient(gate.shift)](Vec<T> d, Vec<T> c) {
        return a * c + b > Vec<T>{} ? d : Vec<T>{};
      };
    });
  else
    body([](auto) { return [](Vec<T> d, Vec<T>) { return d; }; });
}

template <class T>
void gated_sums(const ChannelSlab& z, const T* d, const T* x, ChannelMean<T> mean, ChannelGate<T> gate, double* sums) {
  behind<T>(gate, [&](auto open) {
    reduce<T, 2>(
        z,
        [=](auto coefficient) {
          return [=, h = coefficient(mean.high), l = coefficient(mean.low), pass = open(coefficient)](auto at,
                                                                                                      Wide<T>* s) {
            fetch(at.i, d, x);
            const Vec<T> c = (at.load(x) - h) - l;
            const Wide<T> v = widen<T>(pass(at.load(d), c));
            add<T>(s[0], v);
            add_product<T>(s[1], v, widen<T>(c));
          };
        },
        sums);
  });
}

template <class T>
void combine(const ChannelSlab& z, const T* d, const T* x, ChannelMean<T> mean, ChannelGate<T> gate, const T* by_1,
             const T* by_d, const T* by_c, T* y) {
  behind<T>(gate, [&](auto open) {
    each<T>(z, [=](auto coefficient) {
      return [=, h = coefficient(mean.high), l = coefficient(mean.low), pass = open(coefficient), k = coefficient(by_1),
              a = coefficient(by_d), b = coefficient(by_c)](auto at) {
        fetch(at.i, d, x);
        const Vec<T> c = (at.load(x) - h) - l;
        at.store(y, a * pass(at.load(d), c) + (b * c + k));
      };
    });
  });
}

template <class T>
void pair_sums(const ChannelSlab& z, const T* d, const T* e, const T* x, ChannelMean<T> mean, double* sums) {
  reduce<T, 5>(
      z,
      [=](auto coefficient) {
        return [=, h = coefficient(mean.high), l = coefficient(mean.low)](auto at, Wide<T>* s) {
          fetch(at.i, d, e, x);
          const Wide<T> u = widen<T>(at.load(d)), v = widen<T>(at.load(e)), c = widen<T>((at.load(x) - h) - l);
          add<T>(s[0], u);
          add_product<T>(s[1], u, c);
          add<T>(s[2], v);
          add_product<T>(s[3], v, c);
          add_product<T>(s[4], u, v);
        };
      },
      sums);
}

template <class T>
void pair_combine(const ChannelSlab& z, const T* d, const T* e, const T* x, ChannelMean<T> mean, const T* by_1,
                  const T* by_d, const T* by_e, const T* by_c, T* y) {
  each<T>(z, [=](auto coefficient) {
    return [=, h = coefficient(mean.high), l = coefficient(mean.low), k = coefficient(by_1), a = coefficient(by_d),
            b = coefficient(by_e), g = coefficient(by_c)](auto at) {
      fetch(at.i, d, e, x);
      at.store(y, a * at.load(d) + (b * at.load(e) + (g * ((at.load(x) - h) - l) + k)));
    };
  });
}

}  // namespace

constinit const NormalizeKernels<float> normalize_f32{moments<float>, affine<float>,    gated_sums<float>,
                                                      combine<float>, pair_sums<float>, pair_combine<float>};
constinit const NormalizeKernels<double> normalize_f64{moments<double>, affine<double>,    gated_sums<double>,
                                                       combine<double>, pair_sums<double>, pair_combine<double>};

}  // namespace glocal::simd::GLOCAL_ISA
