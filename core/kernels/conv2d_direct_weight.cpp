// The adjoint of a direct convolution in its weight: sums over pixels and images stay in vectors to the end.
#include <algorithm>
#include <cstdint>

#include <glocal/core/isa.h>
#include <glocal/core/kernels/conv2d.h>
#include <glocal/core/kernels/conv2d_algorithms.h>
#include <glocal/core/kernels/conv2d_layout.h>
#include <glocal/core/kernels/scratch.h>
#include <glocal/core/parallel.h>
#include <glocal/core/simd/conv.h>

namespace glocal::kernels {
namespace {

using Int = std::int64_t;

// gw := adjoint in weight. Sums are vectors (group, output, tap) until the images of a slot are through.
template <class T>
struct Weight {
  Layout<T> f;
  Int tiles, tap_tiles;
  Int rows;   // of gy that are copied at a time when lanes are images, so that a tile of them stays in the L1 cache
  Int flats;  // flat images copied at a time: more of them, fewer passes over the sums; all of them in the L2 cache
  Int passes, slots;
  Corners<T> corners;  // of gy

  Weight(const Conv2dSizes& z, Isa set, Corners<T> of) : f(z, /*flat_only=*/false, set, /*in_place=*/!of), corners(of) {
    tiles = ceil_div(f.Og, f.simd.most_weight_outputs);
    tap_tiles = ceil_div(f.K, f.simd.most_weight_taps);
    constexpr Int L1 = 32 << 10, L2 = 512 << 10, number = sizeof(T);
    const Int bands = ceil_div(ceil_div(f.Og, tiles) * f.P * f.L * number, L1);
    rows = ceil_div(z.OH, std::min(bands, z.OH));
    if (corners) rows += rows % 2;
    flats =
        f.images || f.in_place ? 1 : std::clamp<Int>(L2 / ((f.x_size() + f.Og * gy_channel()) * number), 1, f.blocks);
    passes = ceil_div(f.blocks, flats);
    constexpr Int multiplications = Int(1) << 23;  // per slot
    slots = std::clamp<Int>(z.N * f.P * z.O * f.K / multiplications, 1, std::min<Int>(passes, 16));
  }

  Int sums() const { return f.z.O * f.K; }
  Int gy_channel() const { return f.in_place ? f.P : f.L * (f.images ? rows * f.z.OW : f.flat_vectors()); }
  Int gy_size() const { return f.Og * gy_channel(); }
  Int windows() const { return (f.z.OH / 2) * (f.z.OW / 2); }

  // Rows [begin, end) of a block of images, or a whole flat image in rows of the pitch of x with zeros between them.
  void load_slopes(const T* gy, Int block, Int g, Int begin, Int end, T* to) const {
    const Int stride = f.z.O * f.P;
    const T* from = gy + f.image(block) * stride + g * f.Og * f.P + begin * f.z.OW;
    const Int pixels = (end - begin) * f.z.OW, whole = rows == f.z.OH ? f.Og : 1;
    for (Int o = 0; o < f.Og; o += f.images ? whole : 1, from += f.P, to += gy_channel()) {
      if (f.images)
        f.simd.interleave(f.images_in(block), 1, whole * pixels, from, stride, to, 0);
      else
        for (Int r = 0; r < f.z.OH; ++r) std::copy_n(from + r * f.z.OW, f.z.OW, to + r * f.Wq);
    }
  }

  // Rows [begin, end) from their windows, already in vectors.
  void load_windows(const T* pooled, Int block, Int begin, Int end, T* to) const {
    const Int columns = f.z.OW / 2;
    for (Int o = 0; o < f.z.O; ++o, to += gy_channel()) {
      const Int at = o * windows() + begin / 2 * columns;
      f.simd.put_corners((end - begin) / 2, columns, pooled + at * f.L,
                         corners.of + (block * f.z.O * windows() + at) * f.L, to, f.z.OW * f.L);
    }
  }

  void add(simd::ConvWeightTile<T> t, const Int* offset, T* sums) const {
    const T* const gy = t.gy;
    t.sum_output = f.K * f.L;
    t.gy_output = gy_channel();
    for (Int i = 0; i < tiles; ++i)
      for (Int j = 0; j < tap_tiles; ++j) {
        const Part outputs(f.Og, tiles, i), taps(f.K, tap_tiles, j);
        t.outputs = outputs.size;
        t.taps = taps.size;
        t.offset = offset + taps.first;
        t.gy = gy + outputs.first * t.gy_output;
        t.sum = sums + (outputs.first * f.K + taps.first) * f.L;
        f.simd.weight_tile(t);
      }
  }

  void add_images(const T* x, const T* gy, Int block, Int g, const Int* offset, T* xs, T* gys, T* room, T* sums) const {
    f.load_images(x, block, g, xs);
    const Int all = f.z.O * windows();
    if (corners) f.simd.interleave(f.images_in(block), 1, all, gy + f.image(block) * all, all, room, 0);
    simd::ConvWeightTile<T> t{};
    t.gy = gys;
    t.vectors = f.z.OW;
    t.x_row = f.row_step();
    t.x_vector = f.column_step();
    t.gy_row = f.z.OW * f.L;
    for (Int r = 0; r < f.z.OH; r += rows) {
      t.rows = std::min(rows, f.z.OH - r);
      if (corners)
        load_windows(room, block, r, r + t.rows, gys);
      else
        load_slopes(gy, block, g, r, r + t.rows, gys);
      t.x = xs + r * t.x_row;
      add(t, offset, sums);
    }
  }

  void add_flats(const T* x, const T* gy, Int pass, Int g, const Int* offset, T* xs, T* gys, T* sums) const {
    simd::ConvWeightTile<T> t{};
    t.x = xs;
    t.gy = gys;
    t.vectors = f.flat_vectors();
    t.x_row = f.x_size();
    t.x_vector = f.L;
    t.gy_row = gy_size();
    t.rows = std::min(flats, f.blocks - pass * flats);
    for (Int i = 0; i < t.rows; ++i) f.load_images(x, pass * flats + i, g, xs + i * t.x_row);
    if (f.in_place) t.gy = gy + (pass * f.z.O + g * f.Og) * f.P;
    for (Int i = 0; !f.in_place && i < t.rows; ++i) {
      load_slopes(gy, pass * flats + i, g, 0, f.z.OH, gys + i * t.gy_row);
    }
    add(t, offset, sums);
  }

  void run(const T* x, const T* gy, T* gw) const {
    const Conv2dSizes& z = f.z;
    const Scratch<Int> offset(f.K);
    for (Int c = 0, k = 0; c < f.Cg; ++c)
      for (Int u = 0; u < z.KH; ++u)
        for (Int v = 0; v < z.KW; ++v, ++k) offset.data()[k] = c * f.channel + f.tap(u, v);
    const Scratch<T> partial(slots * sums());
    parallel_for(slots, 1, [&](Int begin, Int end) {
      const Int x_all = flats * f.x_size(), gy_all = f.in_place ? 1 : flats * gy_size();
      const Scratch<T> xs(x_all), gys(gy_all), sum(sums() * f.L), room(corners ? z.O * windows() * f.L : 0);
      std::fill_n(xs.data(), x_all, T(0));
      std::fill_n(gys.data(), gy_all, T(0));
      for (Int slot = begin; slot < end; ++slot) {
        std::fill_n(sum.data(), sums() * f.L, T(0));
        const Part part(passes, slots, slot);
        for (Int pass = part.first; pass < part.first + part.size; ++pass)
          for (Int g = 0; g < z.groups; ++g) {
            T* const of_group = sum.data() + g * f.Og * f.K * f.L;
            f.images ? add_images(x, gy, pass, g, offset.data(), xs.data(), gys.data(), room.data(), of_group)
                     : add_flats(x, gy, pass, g, offset.data(), xs.data(), gys.data(), of_group);
          }
        f.simd.sum_lanes(sums(), sum.data(), slot == 0 ? gw : partial.data() + slot * sums());
      }
    });
    for (Int slot = 1; slot < slots; ++slot)
      std::transform(gw, gw + sums(), partial.data() + slot * sums(), gw, [](T a, T b) { return a + b; });
  }
};

}  // namespace

template <class T>
void direct_conv2d_weight(const Conv2dSizes& z, const T* x, const T* gy, T* gw, Isa set, Corners<T> corners) {
  Weight<T>(z, set, corners).run(x, gy, gw);
}

template void direct_conv2d_weight(const Conv2dSizes&, const float*, const float*, float*, Isa, Corners<float>);
template void direct_conv2d_weight(const Conv2dSizes&, const double*, const double*, double*, Isa, Corners<double>);

}  // namespace glocal::kernels
