#include <glocal/core/kernels/normalize.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <glocal/core/kernels/scratch.h>
#include <glocal/core/parallel.h>
#include <glocal/core/simd/normalize.h>

namespace glocal::kernels {
namespace {

using Int = std::int64_t;
using simd::ChannelSlab;
constexpr Int chunk = 1 << 16, most_pieces = 64;

// The layout cut into pieces: by images, or by channels where there is one image, or anywhere in a single channel.
class Pieces {
 public:
  explicit Pieces(const ChannelLayout& z) : z_(z), by_(z.C == 1 ? Flat : z.A == 1 ? Channels : Images) {
    const Int units = by_ == Flat ? z.count() : by_ == Channels ? z.C : z.A, unit = z.A * z.C * z.B / units;
    size_ = std::max({Int{1}, chunk / unit, by_ == Channels ? 1 : (units + most_pieces - 1) / most_pieces});
    units_ = units;
  }
  Int count() const { return (units_ + size_ - 1) / size_; }
  bool whole_channels() const { return by_ == Channels; }

  // body(slab, its first number, its first channel) for a piece.
  template <class F>
  void visit(Int piece, F body) const {
    const Int begin = piece * size_, n = std::min(size_, units_ - begin);
    if (by_ == Flat) body(ChannelSlab{1, 1, n, n}, begin, 0);
    if (by_ == Channels) body(ChannelSlab{1, n, z_.B, n * z_.B}, begin * z_.B, begin);
    if (by_ == Images) body(ChannelSlab{n, z_.C, z_.B, z_.C * z_.B}, begin * z_.C * z_.B, 0);
  }

 private:
  enum By { Flat, Channels, Images };
  ChannelLayout z_;
  By by_;
  Int units_ = 0, size_ = 1;
};

// sum(slab, offset, channel, K sums per channel); finish(first, end, sums of these channels, their stride);
// map(slab, offset, channel).
template <Int K, class Sum, class Finish, class Map>
void reduce_then_map(const ChannelLayout& z, Sum sum, Finish finish, Map map) {
  const Pieces pieces(z);
  const Int n = pieces.count();
  const Scratch<double> sums(K * z.C * (pieces.whole_channels() ? 1 : n + 1));
  if (pieces.whole_channels() || n == 1) {  // a piece knows all of its channels
    parallel_for(n, 1, [&](Int begin, Int end) {
      for (Int piece = begin; piece < end; ++piece)
        pieces.visit(piece, [&](const ChannelSlab& slab, Int offset, Int c) {
          double* own = sums.data() + K * c;
          sum(slab, offset, c, own);
          finish(c, c + slab.channels, own, slab.channels);
          map(slab, offset, c);
        });
    });
    return;
  }
  double* const total = sums.data();
  double* const partial = total + K * z.C;
  parallel_for(n, 1, [&](Int begin, Int end) {
    for (Int piece = begin; piece < end; ++piece)
      pieces.visit(
          piece, [&](const ChannelSlab& slab, Int offset, Int c) { sum(slab, offset, c, partial + piece * K * z.C); });
  });
  std::copy_n(partial, K * z.C, total);
  for (Int piece = 1; piece < n; ++piece)
    for (Int i = 0; i < K * z.C; ++i) total[i] += partial[piece * K * z.C + i];
  finish(0, z.C, total, z.C);
  parallel_for(n, 1, [&](Int begin, Int end) {
    for (Int piece = begin; piece < end; ++piece) pieces.visit(piece, map);
  });
}

template <class Map>
void map_pieces(const ChannelLayout& z, Map map) {
  const Pieces pieces(z);
  parallel_for(pieces.count(), 1, [&](Int begin, Int end) {
    for (Int piece = begin; piece < end; ++piece) pieces.visit(piece, map);
  });
}

constexpr auto no_map = [](const ChannelSlab&, Int, Int) {};

template <class T>
simd::ChannelMean<T> mean_from(const Moments<T>& m, Int c) {
  return {m.high + c, m.low + c};
}

// Gates and coefficients count in u = c r; the vector kernels count in c.
template <class T>
class GateOfCentred {
 public:
  GateOfCentred(const ChannelLayout& z, const Moments<T>& m, Gate<T> gate)
      : shift_(gate.shift), scale_(gate.scale ? z.C : 0), open_(!gate.scale) {
    for (Int c = 0; gate.scale && c < z.C; ++c) scale_.data()[c] = gate.scale[c] * m.r[c];
  }
  simd::ChannelGate<T> from(Int c) const {
    return open_ ? simd::ChannelGate<T>{} : simd::ChannelGate<T>{shift_ + c, scale_.data() + c};
  }

 private:
  const T* shift_;
  Scratch<T> scale_;
  bool open_;
};

}  // namespace

template <class T>
void channel_moments(const ChannelLayout& z, const T* x, double eps, T* moments) {
  T *high = moments, *low = high + z.C, *r = low + z.C, *variance = r + z.C;
  // Sums about one of the numbers themselves, so that a large mean does not cancel.
  for (Int c = 0; c < z.C; ++c) high[c] = x[c * z.B];
  const auto sum = [=](const ChannelSlab& slab, Int offset, Int c, double* sums) {
    simd::normalize<T>().moments(slab, x + offset, high + c, sums);
  };
  const auto finish = [=](Int begin, Int end, const double* sums, Int stride) {
    for (Int c = begin; c < end; ++c, ++sums) {
      const auto n = static_cast<double>(z.count());
      const double origin = double(high[c]), shift = sums[0] / n, centred = sums[stride] / n - shift * shift;
      const double v = centred < 0 ? 0 : centred;  // NaN stays NaN
      high[c] = static_cast<T>(origin + shift);
      low[c] = static_cast<T>((origin - double(high[c])) + shift);
      r[c] = static_cast<T>(1 / std::sqrt(v + eps));
      variance[c] = static_cast<T>(v);
    }
  };
  reduce_then_map<2>(z, sum, finish, no_map);
}

template <class T>
void normalize(const ChannelLayout& z, const T* x, const Moments<T>& m, const T* shift, const T* scale, bool relu,
               T* y) {
  const Scratch<T> factor(z.C);
  T* const f = factor.data();
  for (Int c = 0; c < z.C; ++c) f[c] = scale[c] * m.r[c];
  map_pieces(z, [&](const ChannelSlab& slab, Int offset, Int c) {
    simd::normalize<T>().affine(slab, x + offset, mean_from(m, c), shift + c, f + c, relu, y + offset);
  });
}

template <class T>
void normalize_sums(const ChannelLayout& z, const T* d, const T* x, const Moments<T>& m, Gate<T> gate, T* result) {
  const GateOfCentred<T> open(z, m, gate);
  const auto sum = [&](const ChannelSlab& slab, Int offset, Int c, double* sums) {
    simd::normalize<T>().sums(slab, d + offset, x + offset, mean_from(m, c), open.from(c), sums);
  };
  const auto finish = [&](Int begin, Int end, const double* sums, Int stride) {
    for (Int c = begin; c < end; ++c, ++sums) {
      result[c] = static_cast<T>(sums[0]);
      result[z.C + c] = static_cast<T>(double(m.r[c]) * sums[stride]);
    }
  };
  reduce_then_map<2>(z, sum, finish, no_map);
}

template <class T>
void normalize_lin(const ChannelLayout& z, const T* d, const T* x, const Moments<T>& m, Gate<T> gate, const T* w, T* y,
                   T* result) {
  const GateOfCentred<T> open(z, m, gate);
  const Scratch<T> coefficients(3 * z.C);
  T *by_1 = coefficients.data(), *by_d = by_1 + z.C, *by_c = by_d + z.C;
  const auto sum = [&](const ChannelSlab& slab, Int offset, Int c, double* sums) {
    simd::normalize<T>().sums(slab, d + offset, x + offset, mean_from(m, c), open.from(c), sums);
  };
  const auto finish = [&](Int begin, Int end, const double* sums, Int stride) {
    const auto n = static_cast<double>(z.count());
    for (Int c = begin; c < end; ++c, ++sums) {
      const double r = double(m.r[c]), factor = double(w[c]) * r;
      result[c] = static_cast<T>(sums[0]);
      result[z.C + c] = static_cast<T>(r * sums[stride]);
      by_1[c] = static_cast<T>(-factor * sums[0] / n);
      by_d[c] = static_cast<T>(factor);
      by_c[c] = static_cast<T>(-factor * r * r * sums[stride] / n);
    }
  };
  reduce_then_map<2>(z, sum, finish, [&](const ChannelSlab& slab, Int offset, Int c) {
    simd::normalize<T>().combine(slab, d + offset, x + offset, mean_from(m, c), open.from(c), by_1 + c, by_d + c,
                                 by_c + c, y + offset);
  });
}

template <class T>
void normalize_gate(const ChannelLayout& z, const T* d, const T* x, const Moments<T>& m, Gate<T> gate, T* y) {
  const GateOfCentred<T> open(z, m, gate);
  const Scratch<T> coefficients(2 * z.C);
  T *zero = coefficients.data(), *one = zero + z.C;
  std::fill_n(zero, z.C, T(0));
  std::fill_n(one, z.C, T(1));
  map_pieces(z, [&](const ChannelSlab& slab, Int offset, Int c) {
    simd::normalize<T>().combine(slab, d + offset, x + offset, mean_from(m, c), open.from(c), zero + c, one + c,
                                 zero + c, y + offset);
  });
}

template <class T>
void normalize_form(const ChannelLayout& z, const T* d, const T* e, const T* x, const Moments<T>& m, T* q) {
  const auto sum = [&](const ChannelSlab& slab, Int offset, Int c, double* sums) {
    simd::normalize<T>().pair_sums(slab, d + offset, e + offset, x + offset, mean_from(m, c), sums);
  };
  const auto finish = [&](Int begin, Int end, const double* sums, Int stride) {
    const auto n = static_cast<double>(z.count());
    for (Int c = begin; c < end; ++c, ++sums) {
      const double r = double(m.r[c]), d1 = sums[0], du = r * sums[stride], e1 = sums[2 * stride],
                   eu = r * sums[3 * stride], de = sums[4 * stride];
      q[c] = static_cast<T>(r * (de - (d1 * e1 + du * eu) / n));
    }
  };
  reduce_then_map<5>(z, sum, finish, no_map);
}

template <class T>
void normalize_bend(const ChannelLayout& z, const T* d, const T* e, const T* x, const Moments<T>& m, const T* w, T* y) {
  const Scratch<T> coefficients(4 * z.C);
  T *by_1 = coefficients.data(), *by_d = by_1 + z.C, *by_e = by_d + z.C, *by_c = by_e + z.C;
  const auto sum = [&](const ChannelSlab& slab, Int offset, Int c, double* sums) {
    simd::normalize<T>().pair_sums(slab, d + offset, e + offset, x + offset, mean_from(m, c), sums);
  };
  // H = -r^2 (eu (d - d1) + du (e - e1) + u (de - d1 e1 - 3 du eu)), with means for the sums.
  const auto finish = [&](Int begin, Int end, const double* sums, Int stride) {
    const auto n = static_cast<double>(z.count());
    for (Int c = begin; c < end; ++c, ++sums) {
      const double r = double(m.r[c]), d1 = sums[0] / n, du = r * sums[stride] / n, e1 = sums[2 * stride] / n,
                   eu = r * sums[3 * stride] / n, de = sums[4 * stride] / n, factor = -double(w[c]) * r * r;
      by_1[c] = static_cast<T>(-factor * (eu * d1 + du * e1));
      by_d[c] = static_cast<T>(factor * eu);
      by_e[c] = static_cast<T>(factor * du);
      by_c[c] = static_cast<T>(factor * r * (de - d1 * e1 - 3 * du * eu));
    }
  };
  reduce_then_map<5>(z, sum, finish, [&](const ChannelSlab& slab, Int offset, Int c) {
    simd::normalize<T>().pair_combine(slab, d + offset, e + offset, x + offset, mean_from(m, c), by_1 + c, by_d + c,
                                      by_e + c, by_c + c, y + offset);
  });
}

#define GLOCAL_NORMALIZE(T)                                                                                          \
  template void channel_moments<T>(const ChannelLayout&, const T*, double, T*);                                      \
  template void normalize<T>(const ChannelLayout&, const T*, const Moments<T>&, const T*, const T*, bool, T*);       \
  template void normalize_sums<T>(const ChannelLayout&, const T*, const T*, const Moments<T>&, Gate<T>, T*);         \
  template void normalize_lin<T>(const ChannelLayout&, const T*, const T*, const Moments<T>&, Gate<T>, const T*, T*, \
                                 T*);                                                                                \
  template void normalize_gate<T>(const ChannelLayout&, const T*, const T*, const Moments<T>&, Gate<T>, T*);         \
  template void normalize_form<T>(const ChannelLayout&, const T*, const T*, const T*, const Moments<T>&, T*);        \
  template void normalize_bend<T>(const ChannelLayout&, const T*, const T*, const T*, const Moments<T>&, const T*, T*);
GLOCAL_NORMALIZE(float)
GLOCAL_NORMALIZE(double)
#undef GLOCAL_NORMALIZE

}  // namespace glocal::kernels
