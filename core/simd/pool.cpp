#include <glocal/core/simd/pool.h>

#include <cstdint>
#include <utility>

#include <glocal/core/simd/transpose.h>
#include <glocal/core/simd/vec.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

using Int = std::int64_t;

// Numbers 0 2 4 ... (first 0) or 1 3 5 ... (first 1) of a followed by b.
template <class T, int first, int... i>
[[gnu::always_inline]] inline Vec<T> alternate(Vec<T> a, Vec<T> b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, (2 * i + first)...);
}

// Two numbers side by side for each of the first n lanes.
template <class T>
struct Pairs {
  Vec<T> left, right;
  [[gnu::always_inline]] Pairs(const T* p, Int n, bool whole) {
    constexpr Int L = lanes<T>;
    const Vec<T> a = whole ? load(p) : load(p, 2 * n < L ? 2 * n : L);
    const Vec<T> b = whole ? load(p + L) : 2 * n > L ? load(p + L, 2 * n - L) : Vec<T>{};
    constexpr auto all = std::make_integer_sequence<int, static_cast<int>(L)>();
    left = alternate<T, 0>(a, b, all);
    right = alternate<T, 1>(a, b, all);
  }
};

template <class T>
[[gnu::always_inline]] inline auto beats(Vec<T> candidate, Vec<T> best) {
  return (candidate > best) | (candidate != candidate);
}

template <class T>
using Mask = decltype(Vec<T>{} > Vec<T>{});

// 0 2 4 ...: the first columns of windows side by side.
template <class T>
[[gnu::always_inline]] inline Mask<T> even() {
  Mask<T> m;
  for (Int i = 0; i < lanes<T>; ++i) m[i] = static_cast<std::int32_t>(2 * i);
  return m;
}

// The first n entries of an index; `whole` if all lanes may be read.
template <class T>
[[gnu::always_inline]] inline Mask<T> load_index(const std::int32_t* index, Int n, bool whole) {
  if constexpr (sizeof(T) == sizeof(std::int32_t)) {
    return reinterpret_cast<Mask<T>>(whole ? load(index) : load(index, n));
  } else {
    Mask<T> m{};
    for (Int i = 0; i < n; ++i) m[i] = index[i];
    return m;
  }
}

// The corner of its window that each index names, from place = its distance from the window's first pixel.
template <class T>
struct Corners {
  Mask<T> lower, right, strange;  // strange: not 0 in lanes that name none
  [[gnu::always_inline]] Corners(Mask<T> place, Int W) {
    const Mask<T> width = Mask<T>{} + static_cast<std::int32_t>(W);
    lower = place >= width;
    const Mask<T> column = lower ? place - width : place;
    right = column != 0;
    strange = column & ~1;
  }
};

template <class T>
[[gnu::always_inline]] inline bool none(Mask<T> m) {
  return across(m, [](Mask<T> a, Mask<T> b) { return a | b; })[0] == 0;
}

// Windows are written in order, so a vector of a narrow row may reach into what is written next. Only at the very end
// the lanes are cut off.
template <class T>
void max(Int planes, Int H, Int W, const T* x, T* y, std::int32_t* index, std::int32_t base) {
  constexpr Int L = lanes<T>;
  const Mask<T> twice = even<T>();
  const Int OW = W / 2, windows = planes * (H / 2) * OW, pixels = planes * H * W;
  const Mask<T> below = Mask<T>{} + static_cast<std::int32_t>(W);
  Int to = 0;
  for (Int k = 0; k < planes; ++k)
    for (Int r = 0; r < H / 2; ++r, to += OW)
      for (Int q = 0; q < OW; q += L) {
        const Int n = OW - q < L ? OW - q : L, at = (k * H + 2 * r) * W + 2 * q;
        const bool whole = at + W + 2 * L <= pixels && to + q + L <= windows;
        const Pairs<T> a(x + at, n, whole), b(x + at + W, n, whole);
        const Mask<T> up = beats<T>(a.right, a.left), down = beats<T>(b.right, b.left);
        const Vec<T> top = up ? a.right : a.left, low = down ? b.right : b.left;
        const Mask<T> lower = beats<T>(low, top);
        const Vec<T> largest = lower ? low : top;
        // A mask is 0 or -1.
        const Mask<T> place = twice + (base + static_cast<std::int32_t>(at)) + (lower ? below - down : -up);
        if (whole)
          store(y + to + q, largest);
        else
          store(y + to + q, largest, n);
        if constexpr (sizeof(T) == sizeof(std::int32_t)) {
          if (whole)
            store(index + to + q, reinterpret_cast<Vec<std::int32_t>>(place));
          else
            store(index + to + q, reinterpret_cast<Vec<std::int32_t>>(place), n);
        } else {
          for (Int i = 0; i < n; ++i) index[to + q + i] = static_cast<std::int32_t>(place[i]);
        }
      }
}

template <class T>
bool take(Int planes, Int H, Int W, const T* x, const std::int32_t* index, std::int32_t base, T* y) {
  constexpr Int L = lanes<T>;
  const Int OW = W / 2, windows = planes * (H / 2) * OW, pixels = planes * H * W;
  const Mask<T> twice = even<T>(), tail = twice < Mask<T>{} + static_cast<std::int32_t>(2 * ((OW - 1) % L + 1));
  Mask<T> strange{};
  Int to = 0;
  for (Int k = 0; k < planes; ++k)
    for (Int r = 0; r < H / 2; ++r, to += OW)
      for (Int q = 0; q < OW; q += L) {
        const Int n = OW - q < L ? OW - q : L, at = (k * H + 2 * r) * W + 2 * q;
        const bool whole = at + W + 2 * L <= pixels && to + q + L <= windows;
        const Mask<T> places = load_index<T>(index + to + q, n, whole);
        const Corners<T> corner(places - twice - (base + static_cast<std::int32_t>(at)), W);
        strange |= n < L ? corner.strange & tail : corner.strange;
        const Pairs<T> a(x + at, n, whole), b(x + at + W, n, whole);
        const Vec<T> left = corner.lower ? b.left : a.left, right = corner.lower ? b.right : a.right;
        const Vec<T> value = corner.right ? right : left;
        if (whole)
          store(y + to + q, value);
        else
          store(y + to + q, value, n);
      }
  return none<T>(strange);
}

// As the vectors of max, those of a single one per row may reach into what is written next.
template <class T>
bool put(Int planes, Int H, Int W, const T* y, const std::int32_t* index, std::int32_t base, T* x) {
  constexpr Int L = lanes<T>;
  const Int OW = W / 2, windows = planes * (H / 2) * OW, pixels = planes * H * W;
  const Mask<T> twice = even<T>(), tail = twice < Mask<T>{} + static_cast<std::int32_t>(2 * ((OW - 1) % L + 1));
  Mask<T> strange{};
  Int from = 0;
  for (Int k = 0; k < planes; ++k, x += H * W) {
    for (Int r = 0; r < H / 2; ++r, from += OW) {
      T* const row = x + 2 * r * W;
      for (Int q = 0; q < OW; q += L) {
        const Int n = OW - q < L ? OW - q : L, at = (k * H + 2 * r) * W + 2 * q;
        const bool whole = n == L || (OW < L && at + W + 2 * L <= pixels && from + L <= windows);
        const Mask<T> places = load_index<T>(index + from + q, n, whole);
        const Corners<T> corner(places - twice - (base + static_cast<std::int32_t>(at)), W);
        strange |= n < L ? corner.strange & tail : corner.strange;
        const Vec<T> zero{}, g = (whole ? load(y + from + q) : load(y + from + q, n)) + zero;
        const Vec<T> left = corner.right ? zero : g, right = corner.right ? g : zero;
        const Vec<T> pairs[2][2] = {{corner.lower ? zero : left, corner.lower ? zero : right},
                                    {corner.lower ? left : zero, corner.lower ? right : zero}};
#pragma GCC unroll 2
        for (int i = 0; i < 2; ++i) {
          T* const to = row + i * W + 2 * q;
          const Vec<T> low = interleave_low<T>(pairs[i][0], pairs[i][1]);
          const Vec<T> high = interleave_high<T>(pairs[i][0], pairs[i][1]);
          if (whole) {
            store(to, low);
            store(to + L, high);
          } else {
            store(to, low, 2 * n < L ? 2 * n : L);
            if (2 * n > L) store(to + L, high, 2 * n - L);
          }
        }
      }
      if (W % 2 == 1) row[W - 1] = row[2 * W - 1] = 0;
    }
    for (Int q = 0; H % 2 == 1 && q < W; ++q) x[(H - 1) * W + q] = 0;
  }
  return none<T>(strange);
}

template <class T>
void mean(Int H, Int W, const T* x, T* y) {
  constexpr Int L = lanes<T>;
  for (Int r = 0; r < H / 2; ++r, y += W / 2)
    for (Int q = 0; q < W / 2; q += L) {
      const Int n = W / 2 - q < L ? W / 2 - q : L;
      const T* window = x + 2 * (r * W + q);
      const Pairs<T> a(window, n, n == L), b(window + W, n, n == L);
      const Vec<T> y4 = T(0.25) * ((a.left + a.right) + (b.left + b.right));
      if (n == L)
        store(y + q, y4);
      else
        store(y + q, y4, n);
    }
}

template <class T>
void mean_input(Int H, Int W, const T* gy, T* gx) {
  constexpr Int L = lanes<T>;
  for (Int r = 0; r < H / 2; ++r, gy += W / 2, gx += 2 * W) {
    for (Int q = 0; q < W / 2; q += L) {
      const Int n = W / 2 - q < L ? W / 2 - q : L;
      const Vec<T> g = T(0.25) * (n == L ? load(gy + q) : load(gy + q, n));
      const Vec<T> low = interleave_low<T>(g, g), high = interleave_high<T>(g, g);
      for (T* row = gx + 2 * q; row < gx + 2 * W; row += W) {
        if (n == L) {
          store(row, low);
          store(row + L, high);
        } else {
          store(row, low, 2 * n < L ? 2 * n : L);
          if (2 * n > L) store(row + L, high, 2 * n - L);
        }
      }
    }
    if (W % 2 == 1) gx[W - 1] = gx[2 * W - 1] = 0;
  }
  for (Int q = 0; H % 2 == 1 && q < W; ++q) gx[q] = 0;
}

}  // namespace

constinit const PoolKernels<float> pool_f32{max<float>, take<float>, put<float>, mean<float>, mean_input<float>};
constinit const PoolKernels<double> pool_f64{max<double>, take<double>, put<double>, mean<double>, mean_input<double>};

}  // namespace glocal::simd::GLOCAL_ISA
