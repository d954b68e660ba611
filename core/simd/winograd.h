// 3x3 convolution with stride 1 by Winograd's F(m x m, 3x3), one block of tiles at a time, for one thread.
//
// A tile is m x m outputs. With the matrices B, G, A of winograd_points.h (Lavin and Gray, 2016):
//   y = A^T [ sum_c (G w G^T) . (B^T x B) ] A,     gw = G^T [ sum_tiles (B^T x B) . (A gy A^T) ] G,
// where . multiplies each of the (m + 2)^2 points apart: at each point there is a matrix product over channels or
// tiles.
#pragma once
#include <cstdint>

#include <glocal/core/simd/dispatch.h>

namespace glocal::simd {

/// x (N, C, H, W) and y (N, O, OH, OW), and how their tiles are cut into blocks that stay in the L2 cache.
struct WinogradSizes {
  std::int64_t N = 0, C = 0, H = 0, W = 0, O = 0, OH = 0, OW = 0, pad_h = 0, pad_w = 0;
  std::int64_t tile_rows = 0, tile_columns = 0;    // of an image
  std::int64_t images = 0, rows = 0, columns = 0;  // of a block: images, and rows and columns of tiles in each
  std::int64_t C_padded = 0, O_padded = 0;         // to whole vectors
};

/// `next` is the block that will probably follow: its numbers are brought nearer on the way.
struct WinogradKernels {
  std::int64_t tile, lanes;
  std::int64_t (*weights_size)(const WinogradSizes&);  ///< numbers in u, and in sums
  /// u := G w G^T; w is (O, C, 3, 3), or (C, O, 3, 3) to be rotated by 180 degrees.
  void (*filters)(const WinogradSizes&, const float* w, bool rotated, float* u);
  /// One block of y := x * w + bias (O,), which may be null; scratch as convolve_scratch says, in numbers.
  void (*convolve)(const WinogradSizes&, std::int64_t block, std::int64_t next, const float* x, const float* u,
                   const float* bias, float* y, float* scratch);
  std::int64_t (*convolve_scratch)(const WinogradSizes&);
  /// sums := what one block adds to it, or += when `add`.
  void (*correlate)(const WinogradSizes&, std::int64_t block, std::int64_t next, const float* x, const float* gy,
                    bool add, float* sums, float* scratch);
  std::int64_t (*correlate_scratch)(const WinogradSizes&);
  /// gw (O, C, 3, 3) := G^T sums G.
  void (*gradient)(const WinogradSizes&, const float* sums, float* gw);
};

GLOCAL_KERNELS(WinogradKernels, winograd_2)
GLOCAL_KERNELS(WinogradKernels, winograd_4)

}  // namespace glocal::simd
