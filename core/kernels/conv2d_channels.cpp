// Strided convolutions whose lanes are channels: sums stay in registers while a list of taps runs, each tap one number
// of a padded copy of the image.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <glocal/core/isa.h>
#include <glocal/core/kernels/conv2d_algorithms.h>
#include <glocal/core/kernels/conv2d_phase.h>
#include <glocal/core/kernels/conv2d_sizes.h>
#include <glocal/core/kernels/prefetch.h>
#include <glocal/core/kernels/scratch.h>
#include <glocal/core/parallel.h>
#include <glocal/core/simd/channels.h>
#include <glocal/core/simd/conv.h>

namespace glocal::kernels {
namespace {

using Int = std::int64_t;

// Part number i of `parts` nearly equal ones of [0, n).
struct Part {
  Int first, size;
  Part(Int n, Int parts, Int i) : first(i * n / parts), size((i + 1) * n / parts - first) {}
};

// Images (C, H, W) copied one after the other into (C, rows, columns) with zeros around them, cut off where nothing
// reads them; or those images themselves, where nothing beside them is read.
struct Padded {
  Int C, H, W, top, left, rows, columns;
  bool itself = false;

  Padded(std::array<Int, 3> image, std::array<Int, 2> padding, std::array<Int, 2> size)
      : C(image[0]), H(image[1]), W(image[2]), top(padding[0]), left(padding[1]), rows(size[0]), columns(size[1]) {
    itself = top == 0 && left == 0 && rows <= H && columns <= W;
    if (itself) rows = H, columns = W;
  }

  Int room() const { return itself ? 1 : C * rows * columns; }
  /// The image, in `to` if it must be copied; there the zeros stand already.
  template <class T>
  const T* load(const simd::ConvKernels<T>& simd, const T* x, T* to) const {
    if (itself) return x;
    const Int high = std::min(H, rows - top), wide = std::min(W, columns - left);
    for (Int c = 0; c < C; ++c)
      simd.copy_rows(high, wide, x + c * H * W, W, to + (c * rows + top) * columns + left, columns);
    return to;
  }
  // Where the taps of a pixel lie, from its first one on.
  std::vector<Int> taps(Int high, Int wide, std::array<Int, 2> dilation) const {
    std::vector<Int> at;
    for (Int c = 0; c < C; ++c)
      for (Int u = 0; u < high; ++u)
        for (Int v = 0; v < wide; ++v) at.push_back((c * rows + u * dilation[0]) * columns + v * dilation[1]);
    return at;
  }
};

// What forward convolution reads.
Padded copy_of_x(const Conv2dSizes& z) {
  const auto read = [&](Int outputs, Int taps, std::size_t axis) {
    return (outputs - 1) * z.stride[axis] + (taps - 1) * z.dilation[axis] + 1;
  };
  return {{z.C / z.groups, z.H, z.W}, z.padding, {read(z.OH, z.KH, 0), read(z.OW, z.KW, 1)}};
}

// Along one axis of the result the pixels first + i step, i < count.
struct Comb {
  Int first, step, count;
  // The i of those in [begin, end).
  Int from(Int begin) const { return std::clamp<Int>(ceil_div(begin - first, step), 0, count); }
};

// The pixels of the result that sum over the same taps.
struct Pixels {
  Comb rows, columns;
  Int x;                    // where pixel (0, 0) begins to read
  std::vector<Int> offset;  // of its taps
  Int weights;              // where theirs begin, in those of a group
};

template <class T>
struct Channels {
  const simd::ChannelKernels<T>& simd;
  const simd::ConvKernels<T>& lanes;
  Int L;
  Padded copy;
  Int images, groups;
  Int O, OH, OW;       // of the result; O per group
  Int x_row, x_pixel;  // from one pixel to the next, in the copy
  std::vector<Pixels> all{};
  bool gaps = false;  // some pixels have no taps
  Int weights = 0;    // of a group

  Channels(Isa set, const Padded& of, Int n, Int g, std::array<Int, 3> result, std::array<Int, 2> stride)
      : simd(simd::channels<T>(set)),
        lanes(simd::conv<T>(set)),
        L(simd.lanes),
        copy(of),
        images(n),
        groups(g),
        O(result[0]),
        OH(result[1]),
        OW(result[2]),
        x_row(stride[0] * of.columns),
        x_pixel(stride[1]) {}

  Int vectors() const { return ceil_div(O, L); }
  Part vectors(Int part) const { return {vectors(), parts(), part}; }
  Int parts() const { return ceil_div(vectors(), simd.most_vectors); }

  void add(const Comb& rows, const Comb& columns, Int x, std::vector<Int> offset) {
    const Int taps = static_cast<Int>(offset.size());
    all.push_back({rows, columns, x, std::move(offset), weights});
    weights += taps * vectors() * L;
  }

  // The weights of number `of` of `all` in group g; weight(o, number of the tap).
  template <class Weight>
  void load_weights(std::size_t of, Int g, T* to, Weight weight) const {
    to += g * weights + all[of].weights;
    const Int K = static_cast<Int>(all[of].offset.size());
    for (Int i = 0; i < parts(); ++i)
      for (Int k = 0; k < K; ++k)
        for (Int o = vectors(i).first * L; o < (vectors(i).first + vectors(i).size) * L; ++o)
          *to++ = o < O ? weight(o, k) : T(0);
  }

  // Rows whose sums stay in the cache until they are put in order.
  Int band() const {
    constexpr Int bytes = 128 << 10;
    const Int most = std::clamp<Int>(bytes / static_cast<Int>(sizeof(T)) / (vectors() * OW * L), 1, OH);
    return ceil_div(OH, ceil_div(OH, most));
  }
  // Taps at a time, so that their weights stay in the L1 cache while the rows pass.
  Int tap_blocks(Int taps, Int vectors) const {
    constexpr Int bytes = 20 << 10;
    return ceil_div(taps * vectors * L * static_cast<Int>(sizeof(T)), bytes);
  }
  Int calls() const {
    Int n = 0;
    for (Int part = 0; part < parts(); ++part)
      for (const Pixels& some : all) {
        const Int size = vectors(part).size;
        n += tap_blocks(static_cast<Int>(some.offset.size()), size) * some.rows.count *
             ceil_div(some.columns.count, simd.most_pixels[size]);
      }
    return n;
  }

  void rows_of_part(Int part, Int begin, Int end, const T* xs, const T* w, const T* bias, T* ys, Prefetch& next_x,
                    Prefetch& next_y) const {
    const Part mine = vectors(part);
    simd::ChannelTile<T> t{};
    t.vectors = mine.size;
    t.bias = bias ? bias + mine.first * L : nullptr;
    t.x_pixel = x_pixel;
    t.y_vector = (end - begin) * OW * L;
    for (const Pixels& some : all) {
      const Int K = static_cast<Int>(some.offset.size()), blocks = tap_blocks(K, mine.size);
      t.y_pixel = some.columns.step * L;
      const Int tiles = ceil_div(some.columns.count, simd.most_pixels[mine.size]);
      for (Int block = 0; block < blocks; ++block) {
        const Part taps(K, blocks, block);
        t.add = block > 0;
        t.offset = some.offset.data() + taps.first;
        t.k = taps.size;
        t.w = w + some.weights + (K * mine.first + taps.first * mine.size) * L;
        for (Int i = some.rows.from(begin); i < some.rows.from(end); ++i) {
          const Int row = some.rows.first + i * some.rows.step - begin;
          T* const y = ys + (mine.first * (end - begin) + row) * OW * L;
          for (Int j = 0; j < tiles; ++j) {
            const Part pixels(some.columns.count, tiles, j);
            t.pixels = pixels.size;
            t.x = xs + some.x + i * x_row + pixels.first * x_pixel;
            t.y = y + (some.columns.first + pixels.first * some.columns.step) * L;
            next_x.ask();
            next_y.ask();
            simd.tile(t);
          }
        }
      }
    }
  }

  void run(const T* x, const T* w, const T* bias, T* y) const {
    const Int padded = vectors() * L;
    const Scratch<T> biases(bias ? groups * padded : 1);
    for (Int g = 0; bias && g < groups; ++g) {
      std::fill_n(std::copy_n(bias + g * O, O, biases.data() + g * padded), padded - O, T(0));
    }
    const Int units = images * groups, grain = std::max<Int>(1, units / 32), x_size = copy.C * copy.H * copy.W,
              y_size = O * OH * OW;
    parallel_for(units, grain, [&](Int first, Int last) {
      const Scratch<T> room(copy.room()), ys(vectors() * band() * OW * L);
      std::fill_n(room.data(), copy.room(), T(0));
      for (Int k = first; k < last; ++k) {
        const Int g = k % groups, next = k + 1 < last ? k + 1 : k;
        Prefetch next_x(x + next * x_size, x_size, calls()), next_y(y + next * y_size, y_size, calls());
        const T* const xs = copy.load(lanes, x + k * x_size, room.data());
        for (Int begin = 0; begin < OH; begin += band()) {
          const Int end = std::min(OH, begin + band()), pixels = (end - begin) * OW;
          if (gaps) std::fill_n(ys.data(), vectors() * pixels * L, T(0));
          for (Int i = 0; i < parts(); ++i)
            rows_of_part(i, begin, end, xs, w + g * weights, bias ? biases.data() + g * padded : nullptr, ys.data(),
                         next_x, next_y);
          for (Int v = 0; v < vectors(); ++v)
            lanes.deinterleave(std::min(L, O - v * L), pixels, ys.data() + v * pixels * L,
                               y + k * y_size + v * L * OH * OW + begin * OW, OH * OW);
        }
      }
    });
  }
};

template <class T>
struct ChannelWeight {
  Conv2dSizes z;
  const simd::ChannelKernels<T>& simd;
  const simd::ConvKernels<T>& lanes;
  Int L, Og, P, vectors, parts;
  Padded copy;
  std::vector<Int> offset;
  Int K, slots;

  ChannelWeight(const Conv2dSizes& sizes, Isa set)
      : z(sizes),
        simd(simd::channels<T>(set)),
        lanes(simd::conv<T>(set)),
        L(simd.lanes),
        Og(z.O / z.groups),
        P(z.OH * z.OW),
        vectors(ceil_div(Og, L)),
        parts(ceil_div(vectors, simd.most_vectors)),
        copy(copy_of_x(z)),
        offset(copy.taps(z.KH, z.KW, z.dilation)),
        K(static_cast<Int>(offset.size())) {
    constexpr Int multiplications = Int(1) << 24;  // per slot
    slots = std::clamp<Int>(z.N * P * z.O * K / multiplications, 1, std::min<Int>(z.N, 8));
  }

  // Rows of gy that are copied at a time: those of a tile's vectors stay in the L1 cache.
  Int band() const {
    constexpr Int bytes = 16 << 10;
    const Int wide = std::min<Int>(vectors, simd.most_vectors) * z.OW * L;
    const Int most = std::clamp<Int>(bytes / static_cast<Int>(sizeof(T)) / wide, 1, z.OH);
    return ceil_div(z.OH, ceil_div(z.OH, most));
  }
  Int calls() const {
    Int n = 0;
    for (Int i = 0; i < parts; ++i) n += ceil_div(K, simd.most_taps[Part(vectors, parts, i).size]);
    return n * ceil_div(z.OH, band());
  }
  Int sums() const { return K * vectors * L; }  // of a group

  void add_rows(Int rows, const T* xs, const T* gys, T* sums, Prefetch& next_x, Prefetch& next_gy) const {
    simd::ChannelWeightTile<T> t{};
    t.x = xs;
    t.rows = rows;
    t.columns = z.OW;
    t.x_row = z.stride[0] * copy.columns;
    t.x_column = z.stride[1];
    t.gy_vector = rows * z.OW * L;
    for (Int i = 0; i < parts; ++i) {
      const Part mine(vectors, parts, i);
      const Int tiles = ceil_div(K, simd.most_taps[mine.size]);
      t.vectors = mine.size;
      t.gy = gys + mine.first * t.gy_vector;
      for (Int j = 0; j < tiles; ++j) {
        const Part taps(K, tiles, j);
        t.taps = taps.size;
        t.offset = offset.data() + taps.first;
        t.sum = sums + (K * mine.first + taps.first * mine.size) * L;
        next_x.ask();
        next_gy.ask();
        simd.weight_tile(t);
      }
    }
  }

  void run(const T* x, const T* gy, T* gw) const {
    const Int all = z.groups * sums();
    const Scratch<T> partial(slots * all);
    parallel_for(slots, 1, [&](Int begin, Int end) {
      const Scratch<T> room(copy.room()), gys(vectors * band() * z.OW * L);
      std::fill_n(room.data(), copy.room(), T(0));
      for (Int slot = begin; slot < end; ++slot) {
        T* const sum = partial.data() + slot * all;
        std::fill_n(sum, all, T(0));
        const Part mine(z.N, slots, slot);
        for (Int k = mine.first * z.groups; k < (mine.first + mine.size) * z.groups; ++k) {
          const Int x_size = copy.C * z.H * z.W, gy_size = Og * P, next = std::min(k + 1, z.N * z.groups - 1);
          Prefetch next_x(x + next * x_size, x_size, calls()), next_gy(gy + next * gy_size, gy_size, calls());
          const T* const xs = copy.load(lanes, x + k * x_size, room.data());
          for (Int r = 0; r < z.OH; r += band()) {
            const Int rows = std::min(band(), z.OH - r), pixels = rows * z.OW;
            for (Int v = 0; v < vectors; ++v)
              lanes.interleave(std::min(L, Og - v * L), 1, pixels, gy + (k * Og + v * L) * P + r * z.OW, P,
                               gys.data() + v * pixels * L, 0);
            add_rows(rows, xs + r * z.stride[0] * copy.columns, gys.data(), sum + k % z.groups * sums(), next_x,
                     next_gy);
          }
        }
      }
    });
    parallel_for(all, 1 << 14, [&](Int begin, Int end) {
      for (Int slot = 1; slot < slots; ++slot)
        for (Int i = begin; i < end; ++i) partial.data()[i] += partial.data()[slot * all + i];
    });
    for (Int g = 0; g < z.groups; ++g)
      for (Int i = 0; i < parts; ++i) {
        const Part mine(vectors, parts, i);
        const T* const from = partial.data() + g * sums() + K * mine.first * L;
        for (Int o = mine.first * L; o < std::min(Og, (mine.first + mine.size) * L); ++o)
          for (Int k = 0; k < K; ++k) gw[(g * Og + o) * K + k] = from[k * mine.size * L + o - mine.first * L];
      }
  }
};

}  // namespace

template <class T>
bool channels_suit(const Conv2dSizes& z, Int channels, Isa set) {
  const Int L = simd::channels<T>(set).lanes;
  return z.stride[0] * z.stride[1] > 1 && 2 * channels > ceil_div(channels, L) * L;
}

template <class T>
void channel_conv2d(const Conv2dSizes& z, const T* x, const T* weight, const T* bias, T* y, Isa set) {
  const Int Og = z.O / z.groups;
  const Padded copy = copy_of_x(z);
  Channels<T> channels(set, copy, z.N, z.groups, {Og, z.OH, z.OW}, z.stride);
  channels.add({0, 1, z.OH}, {0, 1, z.OW}, 0, copy.taps(z.KH, z.KW, z.dilation));
  const Scratch<T> weights(z.groups * channels.weights);
  const Int K = copy.C * z.KH * z.KW;
  for (Int g = 0; g < z.groups; ++g)
    channels.load_weights(0, g, weights.data(), [&](Int o, Int k) { return weight[(g * Og + o) * K + k]; });
  channels.run(x, weights.data(), bias, y);
}

template <class T>
void channel_conv2d_input(const Conv2dSizes& z, const T* gy, const T* weight, T* gx, Isa set) {
  const Int Og = z.O / z.groups, Cg = z.C / z.groups, s0 = z.stride[0], s1 = z.stride[1];
  std::vector<Phase> rows, columns;
  for (Int a = 0; a < s0; ++a) rows.emplace_back(z, 0, a);
  for (Int b = 0; b < s1; ++b) columns.emplace_back(z, 1, b);
  // One copy serves all phases: it begins with the widest padding and ends with what is read last.
  std::array<Int, 2> padding{0, 0}, size{1, 1}, dilation{1, 1};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const std::vector<Phase>& phases = axis == 0 ? rows : columns;
    Int &before = padding[axis], &all = size[axis];
    const auto used = [](const Phase& p) { return p.count > 0 && p.taps > 0; };
    for (const Phase& p : phases)
      if (used(p)) before = std::max(before, p.padding);
    if (z.stride[axis] == 1) dilation[axis] = z.dilation[axis];
    for (const Phase& p : phases)
      if (used(p)) all = std::max(all, before - p.padding + p.count + (p.taps - 1) * dilation[axis]);
  }
  const Padded copy({Og, z.OH, z.OW}, padding, size);
  Channels<T> channels(set, copy, z.N, z.groups, {Cg, z.H, z.W}, {1, 1});
  std::vector<std::array<Int, 2>> phases;
  for (Int a = 0; a < s0; ++a)
    for (Int b = 0; b < s1; ++b) {
      const Phase &r = rows[static_cast<std::size_t>(a)], &c = columns[static_cast<std::size_t>(b)];
      if (r.count <= 0 || c.count <= 0) continue;
      if (r.taps <= 0 || c.taps <= 0) {
        channels.gaps = true;
        continue;
      }
      channels.add({r.first * s0 + a - z.padding[0], s0, r.count}, {c.first * s1 + b - z.padding[1], s1, c.count},
                   (copy.top - r.padding) * copy.columns + copy.left - c.padding, copy.taps(r.taps, c.taps, dilation));
      phases.push_back({a, b});
    }
  const Scratch<T> weights(z.groups * channels.weights);
  for (std::size_t i = 0; i < phases.size(); ++i) {
    const auto [a, b] = phases[i];
    std::vector<Int> place;  // of each tap's weight for the first channel; the taps in reverse
    for (Int o = 0; o < Og; ++o)
      for (Int u = rows[static_cast<std::size_t>(a)].taps - 1; u >= 0; --u)
        for (Int v = columns[static_cast<std::size_t>(b)].taps - 1; v >= 0; --v)
          place.push_back((o * Cg * z.KH + a + u * s0) * z.KW + b + v * s1);
    for (Int g = 0; g < z.groups; ++g) {
      const T* const of_group = weight + g * Og * Cg * z.KH * z.KW;
      channels.load_weights(i, g, weights.data(), [&](Int c, Int k) {
        return of_group[place[static_cast<std::size_t>(k)] + c * z.KH * z.KW];
      });
    }
  }
  channels.run(gy, weights.data(), nullptr, gx);
}

template <class T>
void channel_conv2d_weight(const Conv2dSizes& z, const T* x, const T* gy, T* gw, Isa set) {
  ChannelWeight<T>(z, set).run(x, gy, gw);
}

template bool channels_suit<float>(const Conv2dSizes&, Int, Isa);
template bool channels_suit<double>(const Conv2dSizes&, Int, Isa);
template void channel_conv2d(const Conv2dSizes&, const float*, const float*, const float*, float*, Isa);
template void channel_conv2d(const Conv2dSizes&, const double*, const double*, const double*, double*, Isa);
template void channel_conv2d_input(const Conv2dSizes&, const float*, const float*, float*, Isa);
template void channel_conv2d_input(const Conv2dSizes&, const double*, const double*, double*, Isa);
template void channel_conv2d_weight(const Conv2dSizes&, const float*, const float*, float*, Isa);
template void channel_conv2d_weight(const Conv2dSizes&, const double*, const double*, double*, Isa);

}  // namespace glocal::kernels
