#include <glocal/core/simd/pool.h>

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
  [[gnu::always_inline]] Pairs(const T* p, Int n) {
    constexpr Int L = lanes<T>;
    const bool whole = n == L;
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
void max(Int H, Int W, const T* x, T* y, std::int32_t* index, std::int32_t base) {
  constexpr Int L = lanes<T>;
  using Mask = decltype(Vec<T>{} > Vec<T>{});
  Mask twice;
  for (Int i = 0; i < L; ++i) twice[i] = static_cast<std::int32_t>(2 * i);
  const Int OW = W / 2;
  const Mask below = Mask{} + static_cast<std::int32_t>(W);
  for (Int r = 0; r < H / 2; ++r, y += OW, index += OW)
    for (Int q = 0; q < OW; q += L) {
      const Int n = OW - q < L ? OW - q : L, at = 2 * (r * W + q);
      const Pairs<T> a(x + at, n), b(x + at + W, n);
      const Mask up = beats<T>(a.right, a.left), down = beats<T>(b.right, b.left);
      const Vec<T> top = up ? a.right : a.left, low = down ? b.right : b.left;
      const Mask lower = beats<T>(low, top);
      const Vec<T> largest = lower ? low : top;
      // A mask is 0 or -1.
      const Mask place = twice + static_cast<std::int32_t>(base + at) + (lower ? below - down : -up);
      if (n == L)
        store(y + q, largest);
      else
        store(y + q, largest, n);
      if constexpr (sizeof(T) == sizeof(std::int32_t)) {
        if (n == L)
          store(index + q, reinterpret_cast<Vec<std::int32_t>>(place));
        else
          store(index + q, reinterpret_cast<Vec<std::int32_t>>(place), n);
      } else {
        for (Int i = 0; i < n; ++i) index[q + i] = static_cast<std::int32_t>(place[i]);
      }
    }
}

template <class T>
void mean(Int H, Int W, const T* x, T* y) {
  constexpr Int L = lanes<T>;
  for (Int r = 0; r < H / 2; ++r, y += W / 2)
    for (Int q = 0; q < W / 2; q += L) {
      const Int n = W / 2 - q < L ? W / 2 - q : L;
      const T* window = x + 2 * (r * W + q);
      const Pairs<T> a(window, n), b(window + W, n);
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

constinit const PoolKernels<float> pool_f32{max<float>, mean<float>, mean_input<float>};
constinit const PoolKernels<double> pool_f64{max<double>, mean<double>, mean_input<double>};

}  // namespace glocal::simd::GLOCAL_ISA
