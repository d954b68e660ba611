// Between planes of numbers, one per channel, and pixels of one vector each, a lane per channel.
#pragma once
#include <cstdint>

#include <glocal/core/simd/transpose.h>
#include <glocal/core/simd/vec.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

using Int = std::int64_t;
constexpr Int L = lanes<float>;

/// Pixels along lines of `width`, the lines `pitch` apart.
struct Walk {
  Int width, pitch, column = 0;

  // place(i) is told the address of each of the next n pixels.
  template <class T, class Place>
  [[gnu::always_inline]] T* advance(T* pixel, Int n, Place place) {
    if (n == L && width - column >= L) {
#pragma GCC unroll 16
      for (Int i = 0; i < L; ++i) place(pixel + i * L, i);
      column += L;
      pixel += L * L;
      if (column == width) {
        column = 0;
        pixel += (pitch - width) * L;
      }
      return pixel;
    }
    for (Int i = 0; i < n; ++i) {
      place(pixel, i);
      pixel += L;
      if (++column == width) {
        column = 0;
        pixel += (pitch - width) * L;
      }
    }
    return pixel;
  }
};

/// n numbers of each of `channels` planes, `step` apart, become n pixels; the lanes left over are 0.
inline void to_pixels(const float* planes, Int step, Int channels, Int n, float* pixel, Walk walk) {
  Vec<float> v[L];
  for (Int p = 0; p < n; p += L) {
    const Int some = n - p < L ? n - p : L;
    if (channels == L && some == L) {
#pragma GCC unroll 16
      for (Int c = 0; c < L; ++c) v[c] = load(planes + c * step + p);
    } else {
      for (Int c = 0; c < L; ++c) v[c] = c < channels ? load(planes + c * step + p, some) : Vec<float>{};
    }
    transpose<float>(v);
    pixel = walk.advance(pixel, some, [&](float* at, Int i) { store(at, v[i]); });
  }
}

/// The inverse.
inline void to_planes(const float* pixel, Walk walk, Int n, Int channels, float* planes, Int step) {
  Vec<float> v[L];
  for (Int p = 0; p < n; p += L) {
    const Int some = n - p < L ? n - p : L;
    for (Int i = some; i < L; ++i) v[i] = Vec<float>{};
    pixel = walk.advance(pixel, some, [&](const float* at, Int i) { v[i] = load(at); });
    transpose<float>(v);
    if (channels == L && some == L) {
#pragma GCC unroll 16
      for (Int c = 0; c < L; ++c) store(planes + c * step + p, v[c]);
    } else {
      for (Int c = 0; c < channels; ++c) store(planes + c * step + p, v[c], some);
    }
  }
}

/// A window of planes of H x W numbers, from (row, column) on, both perhaps negative.
struct Window {
  Int H, W, row, column, rows, columns;
};

inline void clear(float* pixel, Int n) {
  for (Int i = 0; i < n; ++i) store(pixel + i * L, Vec<float>{});
}

/// pixels (rows, columns, L) := what the window shows of the planes, 0 outside of them.
inline void read_window(const Window& w, const float* planes, Int channels, float* pixels) {
  const Int top = w.row < 0 ? -w.row : 0, left = w.column < 0 ? -w.column : 0;
  const Int bottom = w.H - w.row < w.rows ? w.H - w.row : w.rows,
            right = w.W - w.column < w.columns ? w.W - w.column : w.columns;
  if (bottom <= top || right <= left) return clear(pixels, w.rows * w.columns);
  const Int width = right - left, step = w.H * w.W;
  clear(pixels, top * w.columns);
  clear(pixels + bottom * w.columns * L, (w.rows - bottom) * w.columns);
  for (Int r = top; r < bottom; ++r) {
    clear(pixels + r * w.columns * L, left);
    clear(pixels + (r * w.columns + right) * L, w.columns - right);
  }
  const float* from = planes + (w.row + top) * w.W + w.column + left;
  float* to = pixels + (top * w.columns + left) * L;
  if (width == w.W) return to_pixels(from, step, channels, (bottom - top) * width, to, {width, w.columns});
  for (Int r = top; r < bottom; ++r, from += w.W, to += w.columns * L)
    to_pixels(from, step, channels, width, to, {width, w.columns});
}

/// The part of the window inside the planes := pixels; row and column are not negative.
inline void write_window(const Window& w, const float* pixels, Int channels, float* planes) {
  const Int rows = w.H - w.row < w.rows ? w.H - w.row : w.rows,
            width = w.W - w.column < w.columns ? w.W - w.column : w.columns;
  const Int step = w.H * w.W;
  float* to = planes + w.row * w.W + w.column;
  if (width == w.W) return to_planes(pixels, {width, w.columns}, rows * width, channels, to, step);
  for (Int r = 0; r < rows; ++r, pixels += w.columns * L, to += w.W)
    to_planes(pixels, {width, w.columns}, width, channels, to, step);
}

/// Brings the rows that a window shows of some planes nearer, a few cache lines per call, while products keep the core
/// busy. `run` planes lie side by side, the next such run `image` numbers further; all `count` are done in `calls`
/// calls.
template <bool to_write>
class Prefetch {
 public:
  Prefetch(const Window& w, const float* planes, Int run, Int image, Int count, Int calls)
      : plane_(planes), step_(w.H * w.W), run_(run), jump_(image - run * step_), left_(w.columns < w.W ? 0 : count) {
    first_ = (w.row < 0 ? 0 : w.row) * w.W;
    last_ = (w.H - w.row < w.rows ? w.H : w.row + w.rows) * w.W;
    offset_ = first_;
    lines_ = (count * ((last_ - first_ + line - 1) / line) + calls - 1) / calls;
  }
  [[gnu::always_inline]] void fetch() {
    for (Int i = 0; i < lines_ && left_ > 0; ++i) {
      __builtin_prefetch(plane_ + offset_, to_write, 2);
      offset_ += line;
      if (offset_ < last_) continue;
      offset_ = first_;
      plane_ += step_;
      if (--left_ % run_ == 0) plane_ += jump_;
    }
  }

 private:
  static constexpr Int line = 64 / sizeof(float);
  const float* plane_;
  Int step_, run_, jump_, left_, first_, last_, offset_, lines_;
};

}  // namespace
}  // namespace glocal::simd::GLOCAL_ISA
