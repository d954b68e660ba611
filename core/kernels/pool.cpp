#include <glocal/core/kernels/pool.h>

#include <algorithm>

#include <glocal/core/parallel.h>

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

// 2 x 2 windows side by side, the common case: three comparisons without a loop.
template <class T>
void max_index_2x2(const Pool2dSizes& z, const T* x, Int base, std::int32_t* index) {
  for (Int r = 0; r < z.OH; ++r) {
    const T *a = x + 2 * r * z.W, *b = a + z.W;
    const Int at = base + 2 * r * z.W;
    for (Int q = 0; q < z.OW; ++q, a += 2, b += 2) {
      const Int top = beats(a[1], a[0]), low = beats(b[1], b[0]);
      const Int down = beats(b[low], a[top]);
      *index++ = static_cast<std::int32_t>(at + 2 * q + (down ? z.W + low : top));
    }
  }
}

template <class T>
void max_index(const Pool2dSizes& z, const T* x, Int base, std::int32_t* index) {
  for (Int r = 0; r < z.OH; ++r)
    for (Int q = 0; q < z.OW; ++q) {
      const Window rows(z, 0, r, z.H), columns(z, 1, q, z.W);
      Int best = rows.first * z.W + columns.first;
      for (Int h = rows.first; h < rows.last; ++h)
        for (Int w = columns.first; w < columns.last; ++w)
          if (beats(x[h * z.W + w], x[best])) best = h * z.W + w;
      *index++ = static_cast<std::int32_t>(base + best);
    }
}

}  // namespace

template <class T>
void max_pool2d_index(const Pool2dSizes& z, const T* x, std::int32_t* index) {
  using Pair = std::array<Int, 2>;
  const bool common = z.kernel == Pair{2, 2} && z.stride == Pair{2, 2} && z.padding == Pair{0, 0};
  parallel_for(z.images, grain(z), [&](Int begin, Int end) {
    for (Int k = begin; k < end; ++k) {
      const Int base = k * z.H * z.W;
      std::int32_t* out = index + k * z.OH * z.OW;
      common ? max_index_2x2(z, x + base, base, out) : max_index(z, x + base, base, out);
    }
  });
}

template <class T>
void avg_pool2d(const Pool2dSizes& z, const T* x, T* y) {
  const T factor = T(1) / static_cast<T>(z.kernel[0] * z.kernel[1]);
  parallel_for(z.images, grain(z), [&](Int begin, Int end) {
    const T* image = x + begin * z.H * z.W;
    T* out = y + begin * z.OH * z.OW;
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

template void max_pool2d_index<float>(const Pool2dSizes&, const float*, std::int32_t*);
template void max_pool2d_index<double>(const Pool2dSizes&, const double*, std::int32_t*);
template void avg_pool2d<float>(const Pool2dSizes&, const float*, float*);
template void avg_pool2d<double>(const Pool2dSizes&, const double*, double*);
template void avg_pool2d_input<float>(const Pool2dSizes&, const float*, float*);
template void avg_pool2d_input<double>(const Pool2dSizes&, const double*, double*);

}  // namespace glocal::kernels
