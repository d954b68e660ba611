#include <glocal/core/simd/winograd.h>

#include <glocal/core/simd/vec.h>
#include <glocal/core/simd/winograd_layout.h>
#include <glocal/core/simd/winograd_points.h>
#include <glocal/core/simd/winograd_product.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

Int least(Int a, Int b) { return a < b ? a : b; }

/// The tiles of one block, and where their parts of x and y lie.
template <int M>
struct Block {
  const WinogradSizes& z;
  Int image, row, column, images, rows, columns;

  Block(const WinogradSizes& sizes, Int block) : z(sizes) {
    const Int across = (z.tile_columns + z.columns - 1) / z.columns, down = (z.tile_rows + z.rows - 1) / z.rows;
    column = block % across * z.columns;
    row = block / across % down * z.rows;
    image = block / across / down * z.images;
    columns = least(z.columns, z.tile_columns - column);
    rows = least(z.rows, z.tile_rows - row);
    images = least(z.images, z.N - image);
  }
  Int tiles_of_image() const { return rows * columns; }
  Int tiles() const { return images * rows * columns; }
  Window x_window() const { return {z.H, z.W, M * row - z.pad_h, M * column - z.pad_w, M * rows + 2, M * columns + 2}; }
  Window y_window() const { return {z.OH, z.OW, M * row, M * column, M * rows, M * columns}; }
};

// The planes of a window of consecutive images, `channels` of `all` from `planes` on, to be fetched in `calls` calls.
template <bool to_write, int M>
Prefetch<to_write> prefetch(const Block<M>& block, const Window& w, const float* planes, Int channels, Int all,
                            Int calls) {
  const Int image = all * w.H * w.W;
  return {w, planes + block.image * image, channels, image, block.images * channels, calls};
}

template <int M>
constexpr Int points = (M + 2) * (M + 2);

// Numbers from one point's matrix to the next's: one vector more than the matrix, so that caches do not alias.
Int point_step(const WinogradSizes& z, Int width) { return z.images * z.rows * z.columns * width + L; }
Int weights_step(const WinogradSizes& z) { return z.C * z.O_padded + L; }
template <int M>
Int window_size(const WinogradSizes& z) {
  return (M * z.rows + 2) * (M * z.columns + 2) * L;
}

// f(offset, tile) for the tiles of one image: offset is that of the tile's first pixel in a window with tiles M apart.
template <int M, class F>
[[gnu::always_inline]] inline void for_each_tile(const Block<M>& block, Int window_columns, F f) {
  Int tile = 0;
  for (Int r = 0; r < block.rows; ++r)
    for (Int q = 0; q < block.columns; ++q) f(M * (r * window_columns + q) * L, tile++);
}

// v (points, tiles, C_padded) := B^T x B of all tiles.
template <int M>
void transform_inputs(const Block<M>& block, const float* x, float* v, float* pixels) {
  const WinogradSizes& z = block.z;
  const Int step = point_step(z, z.C_padded);
  const Window window = block.x_window();
  for (Int c = 0; c < z.C; c += L)
    for (Int n = 0; n < block.images; ++n) {
      read_window(window, x + ((block.image + n) * z.C + c) * z.H * z.W, least(L, z.C - c), pixels);
      float* first = v + n * block.tiles_of_image() * z.C_padded + c;
      for_each_tile<M>(block, window.columns, [&](Int offset, Int tile) {
        const float* in = pixels + offset;
        float* out = first + tile * z.C_padded;
        square<M + 2, M + 2>([](auto from, auto to) { Points<M>::input(from, to); },
                             [&](int i, int j) { return load(in + (i * window.columns + j) * L); },
                             [&](int e, Vec<float> value) { store(out + e * step, value); });
      });
    }
}

// p (points, tiles, O_padded) := A gy A^T of all tiles.
template <int M>
void transform_gradients(const Block<M>& block, const float* gy, float* p, float* pixels) {
  const WinogradSizes& z = block.z;
  const Int step = point_step(z, z.O_padded);
  const Window window = block.y_window();
  for (Int o = 0; o < z.O; o += L)
    for (Int n = 0; n < block.images; ++n) {
      read_window(window, gy + ((block.image + n) * z.O + o) * z.OH * z.OW, least(L, z.O - o), pixels);
      float* first = p + n * block.tiles_of_image() * z.O_padded + o;
      for_each_tile<M>(block, window.columns, [&](Int offset, Int tile) {
        const float* in = pixels + offset;
        float* out = first + tile * z.O_padded;
        square<M, M + 2>([](auto from, auto to) { Points<M>::output_adjoint(from, to); },
                         [&](int i, int j) { return load(in + (i * window.columns + j) * L); },
                         [&](int e, Vec<float> value) { store(out + e * step, value); });
      });
    }
}

// L channels of y from o on := A^T p A + bias; p (points, tiles, width), the numbers of a point `step` apart.
template <int M>
void transform_outputs(const Block<M>& block, Int o, const float* p, Int width, Int step, const float* bias, float* y,
                       float* pixels) {
  const WinogradSizes& z = block.z;
  const Vec<float> shift = bias ? load(bias + o, least(L, z.O - o)) : Vec<float>{};
  const Window window = block.y_window();
  for (Int n = 0; n < block.images; ++n) {
    const float* first = p + n * block.tiles_of_image() * width;
    for_each_tile<M>(block, window.columns, [&](Int offset, Int tile) {
      const float* in = first + tile * width;
      float* out = pixels + offset;
      square<M + 2, M>(
          [](auto from, auto to) { Points<M>::output(from, to); },
          [&](int i, int j) { return load(in + (i * (M + 2) + j) * step); },
          [&](int e, Vec<float> value) { store(out + (e / M * window.columns + e % M) * L, value + shift); });
    });
    write_window(window, pixels, least(L, z.O - o), y + ((block.image + n) * z.O + o) * z.OH * z.OW);
  }
}

Int panels(const WinogradSizes& z) { return (z.O_padded + 2 * L - 1) / (2 * L); }

// f(o, V) for the columns of a product, two vectors at a time and perhaps one at last; V as a constant.
template <int V>
struct Vectors {};
template <class F>
[[gnu::always_inline]] inline void for_each_panel(const WinogradSizes& z, F f) {
  Int o = 0;
  for (; o + 2 * L <= z.O_padded; o += 2 * L) f(o, Vectors<2>{});
  if (o < z.O_padded) f(o, Vectors<1>{});
}

// u (points, panel, C, width of the panel)
template <int M>
void filters(const WinogradSizes& z, const float* w, bool rotated, float* u) {
  const Int step = weights_step(z), o_step = rotated ? 9 : 9 * z.C, c_step = rotated ? 9 * z.O : 9;
  for_each_panel(z, [&]<int V>(Int panel, Vectors<V>) {
    for (Int c = 0; c < z.C; ++c)
      for (Int o = panel; o < panel + V * L && o < z.O; o += L) {
        alignas(64) float taps[9 * L];
        to_pixels(w + o * o_step + c * c_step, o_step, least(L, z.O - o), 9, taps, {9, 9});
        float* out = u + panel * z.C + c * V * L + o - panel;
        square<3, M + 2>([](auto from, auto to) { Points<M>::filter(from, to); },
                         [&](int i, int j) { return load(taps + (rotated ? 8 - i * 3 - j : i * 3 + j) * L); },
                         [&](int e, Vec<float> value) { store(out + e * step, value); });
      }
  });
}

template <int M>
Int weights_size(const WinogradSizes& z) {
  return points<M> * weights_step(z);
}

template <int M>
Int convolve_scratch(const WinogradSizes& z) {
  return points<M> * (point_step(z, z.C_padded) + point_step(z, 2 * L)) + window_size<M>(z);
}

template <int M>
void convolve(const WinogradSizes& z, Int index, Int next, const float* x, const float* u, const float* bias, float* y,
              float* scratch) {
  const Block<M> block(z, index), following(z, next);
  const Int v_step = point_step(z, z.C_padded), p_step = point_step(z, 2 * L);
  float *v = scratch, *p = v + points<M> * v_step, *pixels = p + points<M> * p_step;
  transform_inputs<M>(block, x, v, pixels);
  const Int calls = points<M> * product_tile_count<2>(block.tiles());
  auto next_x = prefetch<false>(following, following.x_window(), x, z.C, z.C, calls * panels(z));
  for_each_panel(z, [&]<int V>(Int o, Vectors<V>) {
    const Product product{z.C, z.C_padded, V * L, V * L, false};
    auto this_y = prefetch<true>(block, block.y_window(), y + o * z.OH * z.OW, least(V * L, z.O - o), z.O, calls);
    for (Int e = 0; e < points<M>; ++e)
      multiply<V, true>(product, block.tiles(), v + e * v_step, u + e * weights_step(z) + o * z.C, p + e * p_step, [&] {
        this_y.fetch();
        next_x.fetch();
      });
    for (Int i = 0; i < V && o + i * L < z.O; ++i)
      transform_outputs<M>(block, o + i * L, p + i * L, V * L, p_step, bias, y, pixels);
  });
}

template <int M>
Int correlate_scratch(const WinogradSizes& z) {
  return points<M> * (point_step(z, z.C_padded) + point_step(z, z.O_padded)) + window_size<M>(z);
}

// sums (points, C, O_padded)
template <int M>
void correlate(const WinogradSizes& z, Int index, Int next, const float* x, const float* gy, bool add, float* sums,
               float* scratch) {
  const Block<M> block(z, index), following(z, next);
  const Int v_step = point_step(z, z.C_padded), p_step = point_step(z, z.O_padded);
  float *v = scratch, *p = v + points<M> * v_step, *pixels = p + points<M> * p_step;
  transform_inputs<M>(block, x, v, pixels);
  transform_gradients<M>(block, gy, p, pixels);
  const Product product{block.tiles(), z.C_padded, z.O_padded, z.O_padded, add};
  const Int calls = points<M> * product_tile_count<2>(z.C) * panels(z);
  auto next_x = prefetch<false>(following, following.x_window(), x, z.C, z.C, calls);
  auto next_gy = prefetch<false>(following, following.y_window(), gy, z.O, z.O, calls);
  for (Int e = 0; e < points<M>; ++e)
    for_each_panel(z, [&]<int V>(Int o, Vectors<V>) {
      multiply<V, false>(product, z.C, v + e * v_step, p + e * p_step + o, sums + e * weights_step(z) + o, [&] {
        next_x.fetch();
        next_gy.fetch();
      });
    });
}

template <int M>
void gradient(const WinogradSizes& z, const float* sums, float* gw) {
  for (Int c = 0; c < z.C; ++c)
    for (Int o = 0; o < z.O; o += L) {
      alignas(64) float taps[9 * L];
      const float* in = sums + c * z.O_padded + o;
      square<M + 2, 3>([](auto from, auto to) { Points<M>::filter_adjoint(from, to); },
                       [&](int i, int j) { return load(in + (i * (M + 2) + j) * weights_step(z)); },
                       [&](int e, Vec<float> value) { store(taps + e * L, value); });
      to_planes(taps, {9, 9}, 9, least(L, z.O - o), gw + (o * z.C + c) * 9, z.C * 9);
    }
}

template <int M>
constexpr WinogradKernels kernels{
    M,          L, weights_size<M>, filters<M>, convolve<M>, convolve_scratch<M>, correlate<M>, correlate_scratch<M>,
    gradient<M>};

}  // namespace

constinit const WinogradKernels winograd_2 = kernels<2>;
constinit const WinogradKernels winograd_4 = kernels<4>;

}  // namespace glocal::simd::GLOCAL_ISA
