// The choice of an algorithm by sizes and element type.
#include <glocal/core/kernels/conv2d.h>

#include <algorithm>
#include <concepts>
#include <cstdint>

#include <glocal/core/isa.h>
#include <glocal/core/kernels/conv2d_algorithms.h>
#include <glocal/core/kernels/conv2d_winograd.h>

namespace glocal::kernels {
namespace {

using Int = std::int64_t;

bool empty(const Conv2dSizes& z) { return z.N * z.C * z.H * z.W == 0 || z.O * z.KH * z.KW * z.OH * z.OW == 0; }

// x itself, or every s-th pixel of it, is the matrix of patches.
bool pointwise(const Conv2dSizes& z) { return z.KH * z.KW == 1; }

// Outputs or inputs as lanes; the result's.
template <class T>
bool outputs_suit(const Conv2dSizes& z) {
  return channels_suit<T>(z, z.O / z.groups);
}

}  // namespace

template <class T>
Int conv2d_corners(const Conv2dSizes& z) {
  if (empty(z) || pointwise(z) || (std::same_as<T, float> && winograd_suits(z))) return 0;
  return direct_corners<T>(z);
}

template <class T>
void conv2d(const Conv2dSizes& z, const T* x, const T* weight, const T* bias, T* y, Corners<T> corners) {
  if (corners) return direct_conv2d(z, x, weight, bias, y, isa(), corners);
  if (empty(z)) {
    const Int P = z.OH * z.OW;
    for (Int k = 0; k < z.N * z.O; ++k) std::fill_n(y + k * P, P, bias ? bias[k % z.O] : T(0));
    return;
  }
  if constexpr (std::same_as<T, float>)
    if (winograd_suits(z)) return winograd_conv2d(z, x, weight, bias, y);
  if (outputs_suit<T>(z)) return channel_conv2d(z, x, weight, bias, y);
  pointwise(z) ? tiled_conv2d(z, x, weight, bias, y) : direct_conv2d(z, x, weight, bias, y);
}

template <class T>
void conv2d_input(const Conv2dSizes& z, const T* gy, const T* weight, T* gx, Corners<T> corners) {
  if (corners) return direct_conv2d_input(z, gy, weight, gx, isa(), corners);
  if (empty(z)) return void(std::fill_n(gx, z.N * z.C * z.H * z.W, T(0)));
  if constexpr (std::same_as<T, float>)
    if (winograd_suits(z)) return winograd_conv2d_input(z, gy, weight, gx);
  if (direct_suits_input(z) && channels_suit<T>(z, z.C / z.groups)) return channel_conv2d_input(z, gy, weight, gx);
  !pointwise(z) && direct_suits_input(z) ? direct_conv2d_input(z, gy, weight, gx)
                                         : tiled_conv2d_input(z, gy, weight, gx);
}

template <class T>
void conv2d_weight(const Conv2dSizes& z, const T* x, const T* gy, T* gw, Corners<T> corners) {
  if (corners) return direct_conv2d_weight(z, x, gy, gw, isa(), corners);
  if (empty(z)) return void(std::fill_n(gw, z.O * (z.C / z.groups) * z.KH * z.KW, T(0)));
  if constexpr (std::same_as<T, float>)
    if (winograd_suits(z)) return winograd_conv2d_weight(z, x, gy, gw);
  if (outputs_suit<T>(z)) return channel_conv2d_weight(z, x, gy, gw);
  pointwise(z) ? tiled_conv2d_weight(z, x, gy, gw) : direct_conv2d_weight(z, x, gy, gw);
}

template Int conv2d_corners<float>(const Conv2dSizes&);
template Int conv2d_corners<double>(const Conv2dSizes&);
template void conv2d(const Conv2dSizes&, const float*, const float*, const float*, float*, Corners<float>);
template void conv2d(const Conv2dSizes&, const double*, const double*, const double*, double*, Corners<double>);
template void conv2d_input(const Conv2dSizes&, const float*, const float*, float*, Corners<float>);
template void conv2d_input(const Conv2dSizes&, const double*, const double*, double*, Corners<double>);
template void conv2d_weight(const Conv2dSizes&, const float*, const float*, float*, Corners<float>);
template void conv2d_weight(const Conv2dSizes&, const double*, const double*, double*, Corners<double>);

}  // namespace glocal::kernels
