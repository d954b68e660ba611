// How the direct convolutions lay out images in vectors.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <glocal/core/isa.h>
#include <glocal/core/kernels/conv2d.h>
#include <glocal/core/kernels/conv2d_sizes.h>
#include <glocal/core/simd/conv.h>

namespace glocal::kernels {

/// Part number i of `parts` nearly equal ones of [0, n).
struct Part {
  std::int64_t first, size;
  Part(std::int64_t n, std::int64_t parts, std::int64_t i) : first(i * n / parts), size((i + 1) * n / parts - first) {}
};

/// Copies of images with their padding. Either the lanes of a vector are a block of L images, or one image is flat: the
/// lanes are pixels that follow each other, row after row. There a stride is undone by cutting the image into phases,
/// in each of which neighbouring outputs read neighbouring pixels. The padding of z is that before the first row and
/// column; behind the last ones lies what the outputs read. Or y is flat itself, in rows without gaps, and of x there
/// is a copy for each column of the weight, so that every tap of consecutive outputs reads consecutive numbers.
template <class T>
struct Layout {
  using Int = std::int64_t;
  const simd::ConvKernels<T>& simd;
  Conv2dSizes z;
  Int L;
  Int Cg, Og, K, P;           // channels and outputs per group, length of a patch, pixels of an output image
  bool images;                // lanes are images
  bool in_place;              // y is flat itself
  Int S;                      // numbers from one pixel to the next: L or 1
  std::array<Int, 2> phases;  // along rows and columns
  Int Hq, Wq;                 // rows and columns of a phase
  Int blocks;                 // of L images, or of one
  Int channel;                // numbers of a channel

  Layout(const Conv2dSizes& sizes, bool flat_only, Isa set, bool may_be_in_place = false)
      : simd(simd::conv<T>(set)), z(sizes), L(simd.lanes) {
    Cg = z.C / z.groups;
    Og = z.O / z.groups;
    K = Cg * z.KH * z.KW;
    P = z.OH * z.OW;
    in_place = may_be_in_place && in_place_pays();
    images = !flat_only && !in_place && lanes_are_images();
    S = images ? L : 1;
    if (images)
      phases = {1, 1};
    else
      phases = z.stride;
    Hq = ceil_div(padded(0), phases[0]);
    Wq = phases[1] == 1 ? pitch() : ceil_div(padded(1), phases[1]);
    blocks = images ? ceil_div(z.N, L) : z.N;
    if (in_place) Wq = z.OW;
    channel = (in_place ? z.KW : 1) * phases[0] * phases[1] * Hq * Wq * S;
  }

  Int padded(std::size_t axis) const {
    const Int size = axis == 0 ? z.H : z.W, taps = axis == 0 ? z.KH : z.KW, outputs = axis == 0 ? z.OH : z.OW;
    return std::max(size + z.padding[axis], (outputs - 1) * z.stride[axis] + (taps - 1) * z.dilation[axis] + 1);
  }
  // The zeros behind a row are those before the next one.
  Int pitch() const { return padded(1) - std::clamp<Int>(padded(1) - z.W - z.padding[1], 0, z.padding[1]); }
  // An output image in rows of the pitch of a phase, as one vector after the other.
  Int flat_vectors() const {
    const Int width = in_place ? z.OW : z.stride[1] == 1 ? pitch() : ceil_div(padded(1), z.stride[1]);
    return ceil_div((z.OH - 1) * width + z.OW, L);
  }

  // Copies of few channels cost less than one of y. One channel is left to images as lanes, which pooling joins.
  bool in_place_pays() const {
    return L >= 8 && z.stride == std::array<Int, 2>{1, 1} && P % L == 0 && Cg > 1 && Cg * z.KW <= Og;
  }

  // Useful lanes either way. Interleaving costs about six multiplications per output, and fits the L2 cache or not;
  // taps of flat images straddle cache lines.
  bool lanes_are_images() const {
    const bool fits = Cg * padded(0) * padded(1) * L * static_cast<Int>(sizeof(T)) < (Int(3) << 18);
    const double by_images = double(z.N) / double(ceil_div(z.N, L) * L) * double(K) / double(K + 6) * (fits ? 1 : 0.8);
    const double by_pixels = 0.88 * double(P) / double(flat_vectors() * L) * double(K) / double(K + 4);
    return by_images > by_pixels;
  }

  Int x_size() const { return Cg * channel + z.padding[1] * S + L; }
  Int images_in(Int block) const { return images ? std::min(L, z.N - block * L) : 1; }
  Int image(Int block) const { return images ? block * L : block; }
  // Where tap (u, v) of the output pixel (0, 0) lies in a channel, and the steps to the next row and column.
  Int tap(Int u, Int v) const {
    const Int h = u * z.dilation[0], w = v * z.dilation[1];
    if (in_place) return (v * Hq + h) * Wq;
    const Int phase = h % phases[0] * phases[1] + w % phases[1];
    return ((phase * Hq + h / phases[0]) * Wq + w / phases[1]) * S;
  }
  Int row_step() const { return z.stride[0] / phases[0] * Wq * S; }
  Int column_step() const { return z.stride[1] / phases[1] * S; }
  // Blocks of images per parallel chunk: about 2^18 multiplications of vectors.
  Int grain() const {
    const Int vectors = (images ? P : flat_vectors()) * Og;
    return std::max<Int>(1, (Int(1) << 18) / std::max<Int>(1, vectors * K));
  }

  /// Sets the zeros beside the rows of images; above and below them nothing is set.
  void clear_sides(T* to) const {
    const Int side = z.padding[1] * S, row = Wq * S;
    if (side == 0 && Wq == z.W) return;
    for (Int c = 0; c < Cg; ++c, to += channel) {
      T* from = to + z.padding[0] * row;
      T* last = from + side;
      for (Int h = 0; h <= z.H; ++h, from = last + z.W * S, last += row) std::fill(from, last, T(0));
    }
  }

  /// to := the copy of group g of one block of images; its padding was set to zero before.
  void load_images(const T* x, Int block, Int g, T* to) const {
    const Int stride = z.C * z.H * z.W;
    const T* from = x + image(block) * stride + g * Cg * z.H * z.W;
    if (images) {
      const bool whole = channel == z.H * z.W * L;  // no padding anywhere
      for (Int c = 0; c < (whole ? 1 : Cg); ++c, to += channel, from += z.H * z.W)
        simd.interleave(images_in(block), whole ? Cg * z.H : z.H, z.W, from, stride,
                        to + (z.padding[0] * Wq + z.padding[1]) * L, Wq * L);
      return;
    }
    for (Int c = 0; in_place && c < Cg; ++c)
      for (Int v = 0; v < z.KW; ++v, to += Hq * Wq) {
        const Int shift = v * z.dilation[1] - z.padding[1], first = std::max<Int>(0, -shift);
        const Int last = std::min(z.OW, z.W - shift);
        simd.copy_rows(z.H, std::max<Int>(0, last - first), from + c * z.H * z.W + first + shift, z.W,
                       to + z.padding[0] * Wq + first, Wq);
      }
    for (Int c = 0; !in_place && c < Cg; ++c, to += channel)
      for (Int h = 0; h < z.H; ++h, from += z.W) {
        const Int row = h + z.padding[0];
        cut_row(from, to + (row % phases[0] * phases[1] * Hq + row / phases[0]) * Wq);
      }
  }

  /// As load_images, from one pixel of each 2 x 2 window of x (N, C, H / 2, W / 2), the others being 0; with room for
  /// C H / 2 W / 2 vectors.
  void load_windows(const T* x, const T* corner, Int block, T* room, T* to) const {
    const Int windows = (z.H / 2) * (z.W / 2), all = z.C * windows;
    simd.interleave(images_in(block), 1, all, x + image(block) * all, all, room, 0);
    for (Int c = 0; c < z.C; ++c)
      simd.put_corners(z.H / 2, z.W / 2, room + c * windows * L, corner + (block * z.C + c) * windows * L,
                       to + c * channel + (z.padding[0] * Wq + z.padding[1]) * L, Wq * L);
  }

 private:
  void cut_row(const T* from, T* out) const {
    if (phases[1] == 1) return void(std::copy_n(from, z.W, out + z.padding[1]));
    for (Int b = 0; b < phases[1]; ++b) {
      const Int first = ceil_div(z.padding[1] - b, phases[1]);  // first column of the phase inside the image
      T* column = out + b * Hq * Wq + first;
      for (Int w = first * phases[1] + b - z.padding[1]; w < z.W; w += phases[1]) *column++ = from[w];
    }
  }
};

}  // namespace glocal::kernels
