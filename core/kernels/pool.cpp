#include <glocal/core/kernels/pool.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <glocal/core/parallel.h>
#include <glocal/core/simd/pool.h>

namespace glocal::kernels {
namespace {

using Int = std::int64_t;

// Images per parallel chunk: about 2^15 input pixels.
Int grain(const Pool2dSizes& z) { return std::max<Int>(1, (1 << 15) / std::max<Int>(1, z.H * z.W)); }

// The part of window number q that lies inside [0, size).
struct Window {
  Int first, last;
  Window(const Pool2dSizes& z, std::size_t axis, Int q, Int size)
      : first(std::max<Int>(0, q * z.stride[axis] - z.padding[axis])),
        last(std::min(size, q * z.stride[axis] - z.padding[axis] + z.kernel[axis])) {}
};

template <class T>
bool beats(T candidate, T best) {
  return candidate > best || candidate != candidate;
}

template <class T>
void max_of_windows(const Pool2dSizes& z, const T* x, T* y, std::int32_t* index, Int base) {
  for (Int r = 0; r < z.OH; ++r)
    for (Int q = 0; q < z.OW; ++q) {
      const Window rows(z, 0, r, z.H), columns(z, 1, q, z.W);
      Int best = rows.first * z.W + columns.first;
      for (Int h = rows.first; h < rows.last; ++h)
        for (Int w = columns.first; w < columns.last; ++w)
          if (beats(x[h * z.W + w], x[best])) best = h * z.W + w;
      *y++ = x[best];
      *index++ = static_cast<std::int32_t>(base + best);
    }
}

// 2 x 2 windows side by side, the common case.
bool common(const Pool2dSizes& z) {
  using Pair = std::array<Int, 2>;
  return z.kernel == Pair{2, 2} && z.stride == Pair{2, 2} && z.padding == Pair{0, 0};
}

}  // namespace

template <class T>
void max_pool2d(const Pool2dSizes& z, const T* x, T* y, std::int32_t* index) {
  parallel_for(z.images, grain(z), [&](Int begin, Int end) {
    const Int from = begin * z.H * z.W, to = begin * z.OH * z.OW;
    if (common(z))
      return simd::pool<T>().max(end - begin, z.H, z.W, x + from, y + to, index + to, static_cast<std::int32_t>(from));
    for (Int k = begin; k < end; ++k)
      max_of_windows(z, x + k * z.H * z.W, y + k * z.OH * z.OW, index + k * z.OH * z.OW, k * z.H * z.W);
  });
}

template <class T>
void avg_pool2d(const Pool2dSizes& z, const T* x, T* y) {
  const T factor = T(1) / static_cast<T>(z.kernel[0] * z.kernel[1]);
  parallel_for(z.images, grain(z), [&](Int begin, Int end) {
    const T* image = x + begin * z.H * z.W;
    T* out = y + begin * z.OH * z.OW;
    if (common(z)) {
      for (Int k = begin; k < end; ++k, image += z.H * z.W, out += z.OH * z.OW)
        simd::pool<T>().mean(z.H, z.W, image, out);
      return;
    }
    for (Int k = begin; k < end; ++k, image += z.H * z.W)
      for (Int r = 0; r < z.OH; ++r)
        for (Int q = 0; q < z.OW; ++q) {
          const Window rows(z, 0, r, z.H), columns(z, 1, q, z.W);
          T sum = 0;
          for (Int h = rows.first; h < rows.last; ++h)
            for (Int w = columns.first; w < columns.last; ++w) sum += image[h * z.W + w];
          *out++ = factor * sum;
        }
  });
}

template <class T>
void avg_pool2d_input(const Pool2dSizes& z, const T* gy, T* gx) {
  const T factor = T(1) / static_cast<T>(z.kernel[0] * z.kernel[1]);
  parallel_for(z.images, grain(z), [&](Int begin, Int end) {
    const T* in = gy + begin * z.OH * z.OW;
    if (common(z)) {
      for (Int k = begin; k < end; ++k) simd::pool<T>().mean_input(z.H, z.W, gy + k * z.OH * z.OW, gx + k * z.H * z.W);
      return;
    }
    std::fill(gx + begin * z.H * z.W, gx + end * z.H * z.W, T(0));
    for (Int k = begin; k < end; ++k) {
      T* image = gx + k * z.H * z.W;
      for (Int r = 0; r < z.OH; ++r)
        for (Int q = 0; q < z.OW; ++q) {
          const Window rows(z, 0, r, z.H), columns(z, 1, q, z.W);
          const T term = factor * *in++;
          for (Int h = rows.first; h < rows.last; ++h)
            for (Int w = columns.first; w < columns.last; ++w) image[h * z.W + w] += term;
        }
    }
  });
}

template void max_pool2d<float>(const Pool2dSizes&, const float*, float*, std::int32_t*);
template void max_pool2d<double>(const Pool2dSizes&, const double*, double*, std::int32_t*);
template void avg_pool2d<float>(const Pool2dSizes&, const float*, float*);
template void avg_pool2d<double>(const Pool2dSizes&, const double*, double*);
template void avg_pool2d_input<float>(const Pool2dSizes&, const float*, float*);
template void avg_pool2d_input<double>(const Pool2dSizes&, const double*, double*);

}  // namespace glocal::kernels
