// Sums over channels, and maps with a set of coefficients per channel: the steps of the normalisation family, for one
// thread. Memory is read in order. Sums are taken in double, also of f32.
#pragma once
#include <cstdint>

#include <glocal/core/simd/dispatch.h>

namespace glocal::simd {

/// Numbers (images, channels, length), each image contiguous and `stride` numbers after the one before.
struct ChannelSlab {
  std::int64_t images, channels, length, stride;
};

/// The centred number is (x - high) - low: the mean in two parts, so that the difference is exact to rounding.
template <class T>
struct ChannelMean {
  const T *high, *low;
};
/// Numbers d count where shift + scale (centred x) > 0; everywhere when `scale` is null.
template <class T>
struct ChannelGate {
  const T *shift = nullptr, *scale = nullptr;
};

template <class T>
struct NormalizeKernels {
  /// sums (2, channels): of x - origin and of its square.
  void (*moments)(const ChannelSlab&, const T* x, const T* origin, double* sums);
  /// y := shift + scale c with c the centred x; negative ones become 0 with relu.
  void (*affine)(const ChannelSlab&, const T* x, ChannelMean<T>, const T* shift, const T* scale, bool relu, T* y);
  /// sums (2, channels): of d and of d c, d behind the gate.
  void (*sums)(const ChannelSlab&, const T* d, const T* x, ChannelMean<T>, ChannelGate<T>, double* sums);
  /// z := by_1 + by_d d + by_c c, with d behind the gate.
  void (*combine)(const ChannelSlab&, const T* d, const T* x, ChannelMean<T>, ChannelGate<T>, const T* by_1,
                  const T* by_d, const T* by_c, T* z);
  /// sums (5, channels): of d, d c, e, e c and d e.
  void (*pair_sums)(const ChannelSlab&, const T* d, const T* e, const T* x, ChannelMean<T>, double* sums);
  /// z := by_1 + by_d d + by_e e + by_c c.
  void (*pair_combine)(const ChannelSlab&, const T* d, const T* e, const T* x, ChannelMean<T>, const T* by_1,
                       const T* by_d, const T* by_e, const T* by_c, T* z);
};

GLOCAL_KERNELS(NormalizeKernels<float>, normalize_f32)
GLOCAL_KERNELS(NormalizeKernels<double>, normalize_f64)

template <class T>
const NormalizeKernels<T>& normalize() {
  if constexpr (sizeof(T) == sizeof(float))
    return normalize_f32();
  else
    return normalize_f64();
}

}  // namespace glocal::simd
