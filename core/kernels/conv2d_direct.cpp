// Direct convolution without a matrix of patches: sums stay in registers while channels and taps run.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <glocal/core/isa.h>
#include <glocal/core/kernels/conv2d.h>
#include <glocal/core/kernels/conv2d_algorithms.h>
#include <glocal/core/kernels/conv2d_layout.h>
#include <glocal/core/kernels/conv2d_phase.h>
#include <glocal/core/kernels/scratch.h>
#include <glocal/core/parallel.h>
#include <glocal/core/simd/conv.h>

namespace glocal::kernels {
namespace {

using Int = std::int64_t;

// The taps [first, last) that meet the image from some of the outputs [begin, end) along one axis.
struct Taps {
  Int first, last;
  Taps(const Conv2dSizes& z, std::size_t axis, Int begin, Int end) {
    const Int size = axis == 0 ? z.H : z.W, count = axis == 0 ? z.KH : z.KW;
    const Int s = z.stride[axis], p = z.padding[axis], d = z.dilation[axis];
    first = std::clamp<Int>(ceil_div(p - (end - 1) * s, d), 0, count);
    last = std::clamp<Int>(floor_div(size - 1 + p - begin * s, d) + 1, first, count);
  }
  Int size() const { return last - first; }
};

// Where a pixel of the result lies: rows and columns may have gaps when lanes are pixels.
template <class T>
struct Target {
  T* data;
  Int row, column, channel, image;
};

// y := x * weight + bias on vectors; the weight comes as (tile of outputs, c, u, v, output in the tile).
template <class T>
struct Forward {
  Layout<T> f;
  Int tiles;         // of outputs
  Int column_tiles;  // of vectors, in a row of images or in a flat image
  Corners<T> of_x{}, of_y{};

  Forward(const Conv2dSizes& z, bool flat_only, Isa set, bool in_place = false) : f(z, flat_only, set, in_place) {
    tiles = ceil_div(f.Og, f.simd.most_outputs);
    column_tiles = f.images ? best_column_tiles() : ceil_div(f.flat_vectors(), f.simd.most_vectors);
  }

  // Narrow tiles skip more taps that meet padding only, wide ones start less often; costs in half cycles.
  Int best_column_tiles() const {
    const Int outputs = ceil_div(f.Og, tiles);
    constexpr Int start = 60;  // of a tile: the call, the bias, the first taps
    Int best = 0, least = 0;
    for (Int n = ceil_div(f.z.OW, f.simd.most_vectors); n <= f.z.OW; ++n) {
      Int cost = 0;
      for (Int i = 0; i < n; ++i) {
        const Part part(f.z.OW, n, i);
        const Taps taps(f.z, 1, part.first, part.first + part.size);
        cost += std::max<Int>({8, outputs * part.size, outputs + part.size}) * taps.size() * f.z.KH * f.Cg;
        cost += 2 * outputs * part.size + start;
      }
      if (best == 0 || cost < least) best = n, least = cost;
    }
    return best;
  }

  Int widest() const { return ceil_div(f.Og, tiles); }
  Int weights_size() const { return f.z.O * f.K; }

  template <class Weight>
  void load_weights(T* to, Weight weight) const {
    for (Int g = 0; g < f.z.groups; ++g)
      for (Int i = 0; i < tiles; ++i) {
        const Part part(f.Og, tiles, i);
        for (Int c = 0; c < f.Cg; ++c)
          for (Int u = 0; u < f.z.KH; ++u)
            for (Int v = 0; v < f.z.KW; ++v)
              for (Int o = 0; o < part.size; ++o) *to++ = weight(g, part.first + o, c, u, v);
      }
  }

  // One list per tile of columns: its first column, its columns and its taps per row, then place and number of every
  // tap; with images as lanes, of those that meet the image.
  Int lists() const { return f.images ? column_tiles : 1; }
  Int list_size() const { return 3 + 2 * f.z.KH * f.z.KW; }
  Taps columns(Int i) const {
    const Part part(f.images ? f.z.OW : 1, lists(), i);
    return f.images ? Taps(f.z, 1, part.first, part.first + part.size) : Taps(f.z, 1, 0, f.z.OW);
  }
  void list_taps(Int* to) const {
    for (Int i = 0; i < lists(); ++i, to += list_size()) {
      const Part part(f.images ? f.z.OW : 1, lists(), i);
      const Taps taps = columns(i);
      Int* at = to;
      for (Int number : {part.first, part.size, taps.size()}) *at++ = number;
      for (Int u = 0; u < f.z.KH; ++u)
        for (Int v = taps.first; v < taps.last; ++v) {
          *at++ = f.tap(u, v);
          *at++ = u * f.z.KW + v;
        }
    }
  }

  simd::ConvTile<T> tile_of(const Part& outputs, const T* weights, const T* bias, Int g) const {
    simd::ConvTile<T> t{};
    t.w = weights + (g * f.Og + outputs.first) * f.K;
    t.bias = bias ? bias + g * f.Og + outputs.first : nullptr;
    t.outputs = outputs.size;
    t.channels = f.Cg;
    t.x_channel = f.channel;
    t.x_vector = f.images ? f.column_step() : f.L;
    t.w_channel = f.z.KH * f.z.KW * outputs.size;
    t.y_vector = f.L;
    return t;
  }

  // Rows of one tile of outputs whose sums stay in the L1 cache until they are put back in order.
  Int band() const {
    constexpr Int bytes = 24 << 10;
    const Int rows = bytes / static_cast<Int>(sizeof(T)) / (widest() * f.z.OW * f.L);
    return of_y ? std::clamp<Int>(rows / 2 * 2, 2, f.z.OH) : std::clamp<Int>(rows, 1, f.z.OH);
  }
  Int y_size() const { return widest() * f.L * (f.images ? band() * f.z.OW : f.flat_vectors()); }
  Int windows() const { return (f.z.OH / 2) * (f.z.OW / 2); }

  // Rows of one output of a tile: a pixel of each of their windows, the one that `of_y` names or finds.
  void pool_rows(Int rows, const T* ys, Int at, T* pooled) const {
    const Int columns = f.z.OW / 2, pitch = f.z.OW * f.L;
    if (of_y.found)
      f.simd.max_windows(rows / 2, columns, ys, pitch, pooled, of_y.found + at);
    else
      f.simd.take_corners(rows / 2, columns, ys, pitch, of_y.of + at, pooled);
  }

  // y: the first image and output of the tile, whose first window is number `window`; with room for the tile's windows.
  void rows_of_images(simd::ConvTile<T> tile, Int count, const Int* lists, const T* xs, T* ys, T* room, Int window,
                      const Target<T>& y) const {
    const Conv2dSizes& z = f.z;
    for (Int begin = 0; begin < z.OH; begin += band()) {
      const Int end = std::min(z.OH, begin + band());
      tile.y_output = (end - begin) * z.OW * f.L;
      for (Int r = begin; r < end; ++r) {
        const Taps rows(z, 0, r, r + 1);
        for (Int i = 0; i < column_tiles; ++i) {
          const Int *list = lists + i * list_size(), first = list[0], across = list[2];
          tile.vectors = list[1];
          tile.tap = list + 3 + 2 * rows.first * across;
          tile.taps = rows.size() * across;
          tile.x = xs + r * f.row_step() + first * f.column_step();
          tile.y = ys + ((r - begin) * z.OW + first) * f.L;
          f.simd.tile(tile);
        }
      }
      for (Int o = 0; of_y && o < tile.outputs; ++o) {
        const Int at = o * windows() + begin / 2 * (z.OW / 2);
        pool_rows(end - begin, ys + o * tile.y_output, (window + at) * f.L, room + at * f.L);
      }
      if (of_y) continue;
      const Int together = end - begin == z.OH ? tile.outputs : 1;
      for (Int o = 0; o < tile.outputs; o += together)
        f.simd.deinterleave(count, together * (end - begin) * z.OW, ys + o * tile.y_output,
                            y.data + o * y.channel + begin * z.OW, y.image);
    }
    if (of_y) f.simd.deinterleave(count, tile.outputs * windows(), room, y.data, y.image);
  }

  void flat_image(simd::ConvTile<T> tile, const Int* list, const T* xs, T* ys, const Target<T>& y) const {
    const Conv2dSizes& z = f.z;
    tile.y_output = f.in_place ? y.channel : f.flat_vectors() * f.L;
    if (f.in_place) ys = y.data;
    tile.tap = list + 3;
    tile.taps = z.KH * list[2];
    for (Int i = 0; i < column_tiles; ++i) {
      const Part part(f.flat_vectors(), column_tiles, i);
      tile.vectors = part.size;
      tile.x = xs + part.first * f.L;
      tile.y = ys + part.first * f.L;
      f.simd.tile(tile);
    }
    for (Int o = 0; !f.in_place && o < tile.outputs; ++o)
      for (Int r = 0; r < z.OH; ++r) {
        const T* from = ys + o * tile.y_output + r * f.Wq;
        T* to = y.data + o * y.channel + r * y.row;
        if (y.column == 1)
          std::copy_n(from, z.OW, to);
        else
          for (Int q = 0; q < z.OW; ++q) to[q * y.column] = from[q];
      }
  }

  void run(const T* x, const T* weights, const T* bias, const Target<T>& y) const {
    const Scratch<Int> list(lists() * list_size());
    list_taps(list.data());
    parallel_for(f.blocks * f.z.groups, f.grain(), [&](Int begin, Int end) {
      const Scratch<T> xs(f.x_size()), ys(y_size());
      const Int pooled = of_x ? f.z.C * (f.z.H / 2) * (f.z.W / 2) : of_y ? widest() * windows() : 0;
      const Scratch<T> room(pooled * f.L);
      if (f.images)
        f.clear_sides(xs.data());  // taps above or below the image are left out
      else
        std::fill_n(xs.data(), f.x_size(), T(0));
      for (Int k = begin; k < end; ++k) {
        const Int block = k / f.z.groups, g = k % f.z.groups;
        if (of_x)
          f.load_windows(x, of_x.of, block, room.data(), xs.data());
        else
          f.load_images(x, block, g, xs.data());
        for (Int i = 0; i < tiles; ++i) {
          const Part part(f.Og, tiles, i);
          const simd::ConvTile<T> tile = tile_of(part, weights, bias, g);
          Target<T> to = y;
          to.data += f.image(block) * y.image + (g * f.Og + part.first) * y.channel;
          const Int window = (block * f.z.O + part.first) * windows();
          f.images
              ? rows_of_images(tile, f.images_in(block), list.data(), xs.data(), ys.data(), room.data(), window, to)
              : flat_image(tile, list.data(), xs.data(), ys.data(), to);
        }
      }
    });
  }
};

// Of the convolution of gy that makes the pixels of one phase.
Conv2dSizes adjoint_sizes(const Conv2dSizes& z, const Phase& rows, const Phase& columns) {
  Conv2dSizes back{z.N, z.O, z.OH, z.OW, z.C, rows.taps, columns.taps, rows.count, columns.count};
  back.padding = {rows.padding, columns.padding};
  back.dilation = {z.stride[0] == 1 ? z.dilation[0] : 1, z.stride[1] == 1 ? z.dilation[1] : 1};
  back.groups = z.groups;
  return back;
}

}  // namespace

template <class T>
Int direct_corners(const Conv2dSizes& z, Isa set) {
  constexpr std::array<Int, 2> one{1, 1};
  if (z.stride != one || z.groups != 1 || z.OH % 2 + z.OW % 2 > 0 || !direct_suits_input(z)) return 0;
  const Layout<T> f(z, /*flat_only=*/false, set);
  const Layout<T> back(adjoint_sizes(z, Phase(z, 0, 0), Phase(z, 1, 0)), /*flat_only=*/false, set);
  return f.images && back.images ? f.blocks * f.L * z.O * f.P / 4 : 0;
}

template <class T>
void direct_conv2d(const Conv2dSizes& z, const T* x, const T* weight, const T* bias, T* y, Isa set,
                   Corners<T> corners) {
  Forward<T> forward(z, /*flat_only=*/false, set, /*in_place=*/!corners);
  forward.of_y = corners;
  const Scratch<T> weights(forward.weights_size());
  const Int Og = z.O / z.groups, Cg = z.C / z.groups;
  forward.load_weights(weights.data(), [&](Int g, Int o, Int c, Int u, Int v) {
    return weight[(((g * Og + o) * Cg + c) * z.KH + u) * z.KW + v];
  });
  const Int pixels = corners ? forward.windows() : z.OH * z.OW;
  forward.run(x, weights.data(), bias, {y, z.OW, 1, pixels, z.O * pixels});
}

bool direct_suits_input(const Conv2dSizes& z) {
  for (std::size_t axis = 0; axis < 2; ++axis) {
    if (z.stride[axis] > 1 && z.dilation[axis] > 1) return false;
    for (Int a = 0; a < z.stride[axis]; ++a)
      if (const Phase phase(z, axis, a); phase.count > 0 && phase.taps > 0 && phase.padding < 0) return false;
  }
  return true;
}

template <class T>
void direct_conv2d_input(const Conv2dSizes& z, const T* gy, const T* weight, T* gx, Isa set, Corners<T> corners) {
  const Int Og = z.O / z.groups, Cg = z.C / z.groups, s0 = z.stride[0], s1 = z.stride[1];
  if (z.KH < s0 || z.KW < s1) std::fill_n(gx, z.N * z.C * z.H * z.W, T(0));  // some pixels were never read
  for (Int a = 0; a < s0; ++a)
    for (Int b = 0; b < s1; ++b) {
      const Phase rows(z, 0, a), columns(z, 1, b);
      if (rows.count <= 0 || columns.count <= 0 || rows.taps <= 0 || columns.taps <= 0) continue;
      Forward<T> forward(adjoint_sizes(z, rows, columns), /*flat_only=*/s0 * s1 > 1, set);
      forward.of_x = corners;
      const Scratch<T> weights(forward.weights_size());
      forward.load_weights(weights.data(), [&](Int g, Int c, Int o, Int u, Int v) {
        const Int row = a + (rows.taps - 1 - u) * s0, column = b + (columns.taps - 1 - v) * s1;
        return weight[(((g * Og + o) * Cg + c) * z.KH + row) * z.KW + column];
      });
      T* const first = gx + (rows.first * s0 + a - z.padding[0]) * z.W + columns.first * s1 + b - z.padding[1];
      forward.run(gy, weights.data(), nullptr, {first, s0 * z.W, s1, z.H * z.W, z.C * z.H * z.W});
    }
}

template Int direct_corners<float>(const Conv2dSizes&, Isa);
template Int direct_corners<double>(const Conv2dSizes&, Isa);
template void direct_conv2d(const Conv2dSizes&, const float*, const float*, const float*, float*, Isa, Corners<float>);
template void direct_conv2d(const Conv2dSizes&, const double*, const double*, const double*, double*, Isa,
                            Corners<double>);
template void direct_conv2d_input(const Conv2dSizes&, const float*, const float*, float*, Isa, Corners<float>);
template void direct_conv2d_input(const Conv2dSizes&, const double*, const double*, double*, Isa, Corners<double>);

}  // namespace glocal::kernels
