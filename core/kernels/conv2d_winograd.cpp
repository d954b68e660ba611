#include <glocal/core/kernels/conv2d_winograd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include <glocal/core/isa.h>
#include <glocal/core/kernels/conv2d_sizes.h>
#include <glocal/core/kernels/scratch.h>
#include <glocal/core/parallel.h>
#include <glocal/core/simd/winograd.h>

namespace glocal::kernels {
namespace {

using Int = std::int64_t;
using simd::WinogradKernels;
using simd::WinogradSizes;

const WinogradKernels& kernels_of(int tile, Isa set) {
  return tile == 2 ? simd::winograd_2(set) : simd::winograd_4(set);
}

Int points(const WinogradKernels& k) { return (k.tile + 2) * (k.tile + 2); }
Int blocks(const WinogradSizes& z) {
  return ceil_div(z.N, z.images) * ceil_div(z.tile_rows, z.rows) * ceil_div(z.tile_columns, z.columns);
}

// Cuts y into tiles and these into blocks whose transforms, `width` numbers per tile and point, stay in the L2 cache.
void plan_blocks(WinogradSizes& z, const WinogradKernels& k, Int width) {
  constexpr Int numbers = 112 << 10;
  z.tile_rows = ceil_div(z.OH, k.tile);
  z.tile_columns = ceil_div(z.OW, k.tile);
  const Int tiles = std::clamp<Int>(numbers / (points(k) * width), 24, 128);
  z.columns = std::min(tiles, z.tile_columns);
  z.rows = std::clamp<Int>(tiles / z.columns, 1, z.tile_rows);
  z.rows = ceil_div(z.tile_rows, ceil_div(z.tile_rows, z.rows));
  z.images = z.rows < z.tile_rows ? 1 : std::clamp<Int>(tiles / (z.rows * z.columns), 1, z.N);
}

WinogradSizes sizes_of(const Conv2dSizes& s, const WinogradKernels& k) {
  WinogradSizes z{.N = s.N,
                  .C = s.C,
                  .H = s.H,
                  .W = s.W,
                  .O = s.O,
                  .OH = s.OH,
                  .OW = s.OW,
                  .pad_h = s.padding[0],
                  .pad_w = s.padding[1]};
  z.C_padded = ceil_div(s.C, k.lanes) * k.lanes;
  z.O_padded = ceil_div(s.O, k.lanes) * k.lanes;
  return z;
}

// The adjoint in x is a convolution of gy with the rotated weights, the channels' roles exchanged.
Conv2dSizes adjoint(const Conv2dSizes& s) {
  Conv2dSizes t = s;
  t.C = s.O, t.H = s.OH, t.W = s.OW, t.O = s.C, t.OH = s.H, t.OW = s.W;
  t.padding = {2 - s.padding[0], 2 - s.padding[1]};
  return t;
}

void convolve(const Conv2dSizes& sizes, const float* x, const float* weight, bool rotated, const float* bias, float* y,
              const WinogradKernels& k) {
  WinogradSizes z = sizes_of(sizes, k);
  plan_blocks(z, k, z.C_padded + 2 * k.lanes);
  const Scratch<float> u(k.weights_size(z));
  k.filters(z, weight, rotated, u.data());
  const Int all = blocks(z);
  parallel_for(all, 1, [&](Int begin, Int end) {
    const Scratch<float> scratch(k.convolve_scratch(z));
    for (Int block = begin; block < end; ++block)
      k.convolve(z, block, std::min(block + threads(), all - 1), x, u.data(), bias, y, scratch.data());
  });
}

}  // namespace

bool winograd_applies(const Conv2dSizes& s) {
  const auto small = [](Int padding) { return padding >= 0 && padding <= 2; };
  const bool empty = s.N * s.C * s.H * s.W == 0 || s.O * s.OH * s.OW == 0;
  return !empty && s.KH == 3 && s.KW == 3 && s.groups == 1 && s.stride == std::array<Int, 2>{1, 1} &&
         s.dilation == std::array<Int, 2>{1, 1} && small(s.padding[0]) && small(s.padding[1]);
}

// Measured with AVX2 and AVX-512: fewer channels are left to direct sums, as are tiles that are mostly outside of y.
bool winograd_suits(const Conv2dSizes& s) {
  const Int tile = winograd_tile, covered = ceil_div(s.OH, tile) * ceil_div(s.OW, tile) * tile * tile;
  return winograd_applies(s) && s.C >= 8 && s.O >= 8 && s.C * s.O >= 128 && 2 * s.OH * s.OW >= covered;
}

void winograd_conv2d(const Conv2dSizes& sizes, const float* x, const float* weight, const float* bias, float* y,
                     int tile, Isa set) {
  convolve(sizes, x, weight, false, bias, y, kernels_of(tile, set));
}

void winograd_conv2d_input(const Conv2dSizes& sizes, const float* gy, const float* weight, float* gx, int tile,
                           Isa set) {
  convolve(adjoint(sizes), gy, weight, true, nullptr, gx, kernels_of(tile, set));
}

void winograd_conv2d_weight(const Conv2dSizes& sizes, const float* x, const float* gy, float* gw, int tile, Isa set) {
  const Int weights = sizes.O * sizes.C * 9;
  const WinogradKernels& k = kernels_of(tile, set);
  WinogradSizes z = sizes_of(sizes, k);
  plan_blocks(z, k, z.C_padded + z.O_padded);
  // Each slot sums its own blocks; slots are added in order, whoever computed them.
  const Int all = blocks(z),
            slots = std::clamp<Int>(static_cast<Int>(std::bit_floor(static_cast<std::uint64_t>(all / 4))), 1, 8);
  const Scratch<float> partial((slots - 1) * weights + 1);
  parallel_for(slots, 1, [&](Int begin, Int end) {
    const Scratch<float> sums(k.weights_size(z)), scratch(k.correlate_scratch(z));
    for (Int slot = begin; slot < end; ++slot) {
      const Int first = slot * all / slots, last = (slot + 1) * all / slots;
      for (Int block = first; block < last; ++block)
        k.correlate(z, block, std::min(block + 1, all - 1), x, gy, block > first, sums.data(), scratch.data());
      k.gradient(z, sums.data(), slot == 0 ? gw : partial.data() + (slot - 1) * weights);
    }
  });
  parallel_for(weights, 1 << 14, [&](Int begin, Int end) {
    for (Int slot = 1; slot < slots; ++slot) {
      const float* term = partial.data() + (slot - 1) * weights;
      for (Int i = begin; i < end; ++i) gw[i] += term[i];
    }
  });
}

}  // namespace glocal::kernels
