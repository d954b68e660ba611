#include <glocal/core/kernels/normalize.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <glocal/core/parallel.h>

namespace glocal::kernels {
namespace {

using Int = std::int64_t;
constexpr Int lanes = 8, column_block = 64, chunk = 1 << 15;

// Two sums at once are enough for every member of the family.
struct Sums {
  double first = 0, second = 0;
};

// Sums term(i, first, second) over [begin, begin + n) in `lanes` independent chains.
template <class F>
Sums sum_run(Int begin, Int n, F term) {
  double first[lanes] = {}, second[lanes] = {};
  const Int whole = n - n % lanes;
  for (Int i = begin; i < begin + whole; i += lanes)
    for (Int l = 0; l < lanes; ++l) term(i + l, first[l], second[l]);
  for (Int i = begin + whole; i < begin + n; ++i) term(i, first[0], second[0]);
  Sums s;
  for (Int l = 0; l < lanes; ++l) s = {s.first + first[l], s.second + second[l]};
  return s;
}

// write(c, sums over the channel of term_of(c)). Short runs go by blocks of channels, to read memory in order.
template <class TermOf, class Write>
void sum_channels(const ChannelLayout& z, TermOf term_of, Write write) {
  if (z.B >= lanes) {
    parallel_for(z.C, std::max<Int>(1, chunk / z.count()), [&](Int begin, Int end) {
      for (Int c = begin; c < end; ++c) {
        const auto term = term_of(c);
        Sums s;
        for (Int a = 0; a < z.A; ++a) {
          const Sums run = sum_run((a * z.C + c) * z.B, z.B, term);
          s = {s.first + run.first, s.second + run.second};
        }
        write(c, s);
      }
    });
    return;
  }
  parallel_for(z.C, column_block, [&](Int begin, Int end) {
    double first[column_block] = {}, second[column_block] = {};
    for (Int a = 0; a < z.A; ++a)
      for (Int c = begin; c < end; ++c)
        for (Int i = (a * z.C + c) * z.B; i < (a * z.C + c + 1) * z.B; ++i)
          term_of(c)(i, first[c - begin], second[c - begin]);
    for (Int c = begin; c < end; ++c) write(c, Sums{first[c - begin], second[c - begin]});
  });
}

// map_of(c)(i) for every element i of every channel c, in order of memory.
template <class MapOf>
void map_channels(const ChannelLayout& z, MapOf map_of) {
  parallel_for(z.A * z.C, std::max<Int>(1, chunk / z.B), [&](Int begin, Int end) {
    Int c = begin % z.C;
    for (Int run = begin; run < end; ++run, c = c + 1 == z.C ? 0 : c + 1) {
      const auto map = map_of(c);
      for (Int i = run * z.B; i < (run + 1) * z.B; ++i) map(i);
    }
  });
}

}  // namespace

template <class T>
void normalize(const ChannelLayout& z, const T* x, double eps, T* y, T* r) {
  const auto count = static_cast<double>(z.count());
  std::vector<T> high(static_cast<std::size_t>(z.C)), low(high);  // the mean, in two parts so that x - mean is exact
  const auto term_of = [=](Int c) {
    // Sums about one of the numbers themselves, so that a large mean does not cancel.
    return [=, origin = double(x[c * z.B])](Int i, double& sum, double& squares) {
      const double d = double(x[i]) - origin;
      sum += d;
      squares += d * d;
    };
  };
  sum_channels(z, term_of, [&](Int c, const Sums& s) {
    const double origin = double(x[c * z.B]), shift = s.first / count, mean = origin + shift;
    const double variance = s.second / count - shift * shift;
    const auto k = static_cast<std::size_t>(c);
    r[c] = static_cast<T>(1 / std::sqrt((variance < 0 ? 0 : variance) + eps));
    high[k] = static_cast<T>(mean);
    low[k] = static_cast<T>((origin - double(high[k])) + shift);
  });
  if (!y) return;
  map_channels(z, [=, &high, &low](Int c) {
    const auto k = static_cast<std::size_t>(c);
    return [=, h = high[k], l = low[k], factor = r[c]](Int i) { y[i] = ((x[i] - h) - l) * factor; };
  });
}

template <class T>
void normalize_lin(const ChannelLayout& z, const T* d, const T* y, const T* r, T* out) {
  const auto count = static_cast<double>(z.count());
  std::vector<T> mean(static_cast<std::size_t>(z.C)), slope(mean);
  const auto term_of = [=](Int) {
    return [=](Int i, double& sum, double& product) {
      sum += double(d[i]);
      product += double(y[i]) * double(d[i]);
    };
  };
  sum_channels(z, term_of, [&](Int c, const Sums& s) {
    const auto k = static_cast<std::size_t>(c);
    mean[k] = static_cast<T>(s.first / count);
    slope[k] = static_cast<T>(s.second / count);
  });
  map_channels(z, [=, &mean, &slope](Int c) {
    const auto k = static_cast<std::size_t>(c);
    return [=, m = mean[k], b = slope[k], factor = r[c]](Int i) { out[i] = factor * (d[i] - m - y[i] * b); };
  });
}

template <class T>
void channel_dot(const ChannelLayout& z, const T* a, const T* b, T* s) {
  const auto term_of = [=](Int) { return [=](Int i, double& sum, double&) { sum += double(a[i]) * double(b[i]); }; };
  sum_channels(z, term_of, [=](Int c, const Sums& sums) { s[c] = static_cast<T>(sums.first); });
}

template <class T>
void channel_mul(const ChannelLayout& z, const T* a, const T* s, T* y) {
  map_channels(z, [=](Int c) { return [=, factor = s[c]](Int i) { y[i] = a[i] * factor; }; });
}

template void normalize<float>(const ChannelLayout&, const float*, double, float*, float*);
template void normalize<double>(const ChannelLayout&, const double*, double, double*, double*);
template void normalize_lin<float>(const ChannelLayout&, const float*, const float*, const float*, float*);
template void normalize_lin<double>(const ChannelLayout&, const double*, const double*, const double*, double*);
template void channel_dot<float>(const ChannelLayout&, const float*, const float*, float*);
template void channel_dot<double>(const ChannelLayout&, const double*, const double*, double*);
template void channel_mul<float>(const ChannelLayout&, const float*, const float*, float*);
template void channel_mul<double>(const ChannelLayout&, const double*, const double*, double*);

}  // namespace glocal::kernels
