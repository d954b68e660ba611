// Convolution as products of matrices: the patches of a tile of pixels, gathered where they fit the L2 cache.
#include <algorithm>
#include <array>
#include <cstdint>

#include <glocal/core/kernels/conv2d.h>
#include <glocal/core/kernels/conv2d_algorithms.h>
#include <glocal/core/kernels/scratch.h>
#include <glocal/core/linalg/blas.h>
#include <glocal/core/parallel.h>

namespace glocal::kernels {
namespace {

using Int = std::int64_t;

// Output pixels that share one product: a band of rows of one image, or all rows of a few small images.
struct Tile {
  Int image, images, row, rows;
};

// Cuts the output into tiles by sizes alone, so that a tile's matrix of patches stays in the L2 cache.
struct Plan {
  Conv2dSizes z;
  Int Cg, Og, K, P;  // channels and outputs per group, length of a patch, pixels of an output image
  Int images, rows, blocks, bands;
  bool pointwise;  // a patch is a pixel: x itself is the matrix of patches

  explicit Plan(const Conv2dSizes& sizes) : z(sizes) {
    constexpr Int patches = 128, elements = 1 << 16;
    Cg = z.C / z.groups;
    Og = z.O / z.groups;
    K = Cg * z.KH * z.KW;
    P = z.OH * z.OW;
    images = std::clamp<Int>((patches + P - 1) / P, 1, z.N);
    rows = images > 1 ? z.OH : std::clamp<Int>(std::max(patches, elements / K) / z.OW, 1, z.OH);
    blocks = (z.N + images - 1) / images;
    bands = (z.OH + rows - 1) / rows;
    pointwise = images == 1 && z.KH == 1 && z.KW == 1 && z.stride == std::array<Int, 2>{1, 1} &&
                z.padding == std::array<Int, 2>{0, 0};
  }

  Tile tile(Int block, Int band) const {
    const Int n = block * images, r = band * rows;
    return {n, std::min(images, z.N - n), r, std::min(rows, z.OH - r)};
  }
  Int pixels(const Tile& t) const { return t.images * t.rows * z.OW; }
  Int x_at(Int image, Int group) const { return (image * z.C + group * Cg) * z.H * z.W; }
  Int y_at(const Tile& t, Int group) const { return (t.image * z.O + group * Og) * P + t.row * z.OW; }
};

// The output columns [first, last) whose input column q * stride + offset lies in [0, W).
struct Span {
  Int first, last;
  Span(Int offset, Int stride, Int W, Int OW) {
    first = std::min(OW, offset >= 0 ? 0 : (-offset + stride - 1) / stride);
    last = std::max(first, std::min(OW, (W - offset + stride - 1) / stride));
  }
};

// Walks the rows of the patch matrix (K, pixels) of one tile: visit(row of the image or nullptr, offset, span, place).
template <class Image, class F>
void for_each_patch_row(const Plan& p, const Tile& t, Int group, Image* x, F visit) {
  const Conv2dSizes& z = p.z;
  Int place = 0;
  for (Int c = 0; c < p.Cg; ++c)
    for (Int i = 0; i < z.KH; ++i)
      for (Int j = 0; j < z.KW; ++j) {
        const Int offset = j * z.dilation[1] - z.padding[1];
        const Span span(offset, z.stride[1], z.W, z.OW);
        for (Int n = 0; n < t.images; ++n) {
          Image* channel = x + p.x_at(t.image + n, group) + c * z.H * z.W;
          for (Int r = t.row; r < t.row + t.rows; ++r, place += z.OW) {
            const Int h = r * z.stride[0] - z.padding[0] + i * z.dilation[0];
            visit(h < 0 || h >= z.H ? nullptr : channel + h * z.W, offset, span, place);
          }
        }
      }
}

// cols (K, pixels) := the patches of x.
template <class T>
void gather_patches(const Plan& p, const Tile& t, Int group, const T* x, T* cols) {
  const Int OW = p.z.OW, stride = p.z.stride[1];
  for_each_patch_row(p, t, group, x, [=](const T* row, Int offset, Span span, Int place) {
    T* out = cols + place;
    if (!row) return void(std::fill_n(out, OW, T(0)));
    for (Int q = 0; q < span.first; ++q) out[q] = 0;
    if (stride == 1) {
      for (Int q = span.first; q < span.last; ++q) out[q] = row[q + offset];
    } else {
      for (Int q = span.first; q < span.last; ++q) out[q] = row[q * stride + offset];
    }
    for (Int q = span.last; q < OW; ++q) out[q] = 0;
  });
}

// gx += the patches in cols, each put back to where it was read.
template <class T>
void scatter_patches(const Plan& p, const Tile& t, Int group, const T* cols, T* gx) {
  const Int stride = p.z.stride[1];
  for_each_patch_row(p, t, group, gx, [=](T* row, Int offset, Span span, Int place) {
    if (!row) return;
    const T* in = cols + place;
    if (stride == 1) {
      for (Int q = span.first; q < span.last; ++q) row[q + offset] += in[q];
    } else {
      for (Int q = span.first; q < span.last; ++q) row[q * stride + offset] += in[q];
    }
  });
}

// Between y, where the pixels of a channel lie in one image, and the side by side (Og, pixels) of several images.
template <class T, class Copy>
void for_each_channel(const Plan& p, const Tile& t, Int group, T* y, Copy copy) {
  for (Int o = 0; o < p.Og; ++o)
    for (Int n = 0; n < t.images; ++n)
      copy(y + ((t.image + n) * p.z.O + group * p.Og + o) * p.P, (o * t.images + n) * p.P);
}

}  // namespace

template <class T>
void tiled_conv2d(const Conv2dSizes& sizes, const T* x, const T* weight, const T* bias, T* y) {
  const Plan p(sizes);
  parallel_for(p.blocks * p.bands, 1, [&](Int begin, Int end) {
    const Scratch<T> cols(p.pointwise ? 1 : p.K * p.pixels(p.tile(0, 0)));
    const Scratch<T> side(p.images > 1 ? p.Og * p.images * p.P : 1);
    for (Int k = begin; k < end; ++k) {
      const Tile t = p.tile(k / p.bands, k % p.bands);
      const Int pixels = p.pixels(t);
      for (Int g = 0; g < sizes.groups; ++g) {
        const T* b = p.pointwise ? x + p.x_at(t.image, g) + t.row * sizes.W : cols.data();
        if (!p.pointwise) gather_patches(p, t, g, x, cols.data());
        T* c = p.images > 1 ? side.data() : y + p.y_at(t, g);
        const Int row = p.images > 1 ? pixels : p.P;
        for (Int o = 0; bias && o < p.Og; ++o) std::fill_n(c + o * row, pixels, bias[g * p.Og + o]);
        blas::gemm<T>(false, false, p.Og, pixels, p.K, 1, weight + g * p.Og * p.K, p.K, b, p.pointwise ? p.P : pixels,
                      bias ? T(1) : T(0), c, row);
        if (p.images > 1)
          for_each_channel(p, t, g, y, [&](T* channel, Int place) { std::copy_n(c + place, p.P, channel); });
      }
    }
  });
}

template <class T>
void tiled_conv2d_input(const Conv2dSizes& sizes, const T* gy, const T* weight, T* gx) {
  const Int area = sizes.H * sizes.W;
  const Plan p(sizes);
  parallel_for(p.blocks * sizes.groups, 1, [&](Int begin, Int end) {
    const Scratch<T> cols(p.pointwise ? 1 : p.K * p.pixels(p.tile(0, 0)));
    const Scratch<T> side(p.images > 1 ? p.Og * p.images * p.P : 1);
    for (Int k = begin; k < end; ++k) {
      const Int block = k / sizes.groups, g = k % sizes.groups;
      const Tile whole = p.tile(block, 0);
      for (Int n = 0; n < whole.images && !p.pointwise; ++n)
        std::fill_n(gx + p.x_at(whole.image + n, g), p.Cg * area, T(0));
      for (Int band = 0; band < p.bands; ++band) {
        const Tile t = p.tile(block, band);
        const Int pixels = p.pixels(t);
        const T* b = p.images > 1 ? side.data() : gy + p.y_at(t, g);
        if (p.images > 1)
          for_each_channel(p, t, g, gy,
                           [&](const T* channel, Int place) { std::copy_n(channel, p.P, side.data() + place); });
        T* c = p.pointwise ? gx + p.x_at(t.image, g) + t.row * sizes.W : cols.data();
        blas::gemm<T>(true, false, p.K, pixels, p.Og, 1, weight + g * p.Og * p.K, p.K, b, p.images > 1 ? pixels : p.P,
                      0, c, p.pointwise ? p.P : pixels);
        if (!p.pointwise) scatter_patches(p, t, g, cols.data(), gx);
      }
    }
  });
}

template <class T>
void tiled_conv2d_weight(const Conv2dSizes& sizes, const T* x, const T* gy, T* gw) {
  const Int weights = sizes.O * (sizes.C / sizes.groups) * sizes.KH * sizes.KW;
  const Plan p(sizes);
  // Each slot sums its own images; slots are added in order, whoever computed them.
  constexpr Int most_elements = 1 << 22;
  const Int slots = std::clamp<Int>(std::min<Int>(16, most_elements / weights), 1, p.blocks);
  const Scratch<T> partial((slots - 1) * weights + 1);
  parallel_for(slots, 1, [&](Int begin, Int end) {
    const Scratch<T> cols(p.pointwise ? 1 : p.K * p.pixels(p.tile(0, 0)));
    const Scratch<T> side(p.images > 1 ? p.Og * p.images * p.P : 1);
    for (Int slot = begin; slot < end; ++slot) {
      T* sum = slot == 0 ? gw : partial.data() + (slot - 1) * weights;
      const Int first = slot * p.blocks / slots * p.bands, last = (slot + 1) * p.blocks / slots * p.bands;
      for (Int k = first; k < last; ++k) {
        const Tile t = p.tile(k / p.bands, k % p.bands);
        const Int pixels = p.pixels(t);
        for (Int g = 0; g < sizes.groups; ++g) {
          const T* a = p.images > 1 ? side.data() : gy + p.y_at(t, g);
          if (p.images > 1)
            for_each_channel(p, t, g, gy,
                             [&](const T* channel, Int place) { std::copy_n(channel, p.P, side.data() + place); });
          const T* b = p.pointwise ? x + p.x_at(t.image, g) + t.row * sizes.W : cols.data();
          if (!p.pointwise) gather_patches(p, t, g, x, cols.data());
          blas::gemm<T>(false, true, p.Og, p.K, pixels, 1, a, p.images > 1 ? pixels : p.P, b,
                        p.pointwise ? p.P : pixels, k == first ? T(0) : T(1), sum + g * p.Og * p.K, p.K);
        }
      }
    }
  });
  parallel_for(weights, 1 << 14, [&](Int begin, Int end) {
    for (Int slot = 1; slot < slots; ++slot) {
      const T* term = partial.data() + (slot - 1) * weights;
      for (Int i = begin; i < end; ++i) gw[i] += term[i];
    }
  });
}

template void tiled_conv2d(const Conv2dSizes&, const float*, const float*, const float*, float*);
template void tiled_conv2d(const Conv2dSizes&, const double*, const double*, const double*, double*);
template void tiled_conv2d_input(const Conv2dSizes&, const float*, const float*, float*);
template void tiled_conv2d_input(const Conv2dSizes&, const double*, const double*, double*);
template void tiled_conv2d_weight(const Conv2dSizes&, const float*, const float*, float*);
template void tiled_conv2d_weight(const Conv2dSizes&, const double*, const double*, double*);

}  // namespace glocal::kernels
