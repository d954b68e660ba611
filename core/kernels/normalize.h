// Sums over all but one axis, and the normalisation family, on pointers (A, C, B) reduced over A and B.
// T in {float, double}; sums run in double in a fixed order, so the bits do not depend on the threads.
#pragma once
#include <cstdint>

namespace glocal::kernels {

/// Batch norm of (N, C, H, W) is {N, C, H * W}; layer norm of (N, K) is {1, N, K}. Every size is >= 1.
struct ChannelLayout {
  std::int64_t A = 1, C = 1, B = 1;
  std::int64_t count() const { return A * B; }  ///< numbers reduced per channel
};

/// r (C,) := 1 / sqrt(var + eps), and y := (x - mean) r unless y is null.
template <class T>
void normalize(const ChannelLayout& layout, const T* x, double eps, T* y, T* r);
/// z := r (d - mean(d) - y mean(y d)).
template <class T>
void normalize_lin(const ChannelLayout& layout, const T* d, const T* y, const T* r, T* z);
/// s (C,) := sum of a b per channel.
template <class T>
void channel_dot(const ChannelLayout& layout, const T* a, const T* b, T* s);
/// y := a s with s (C,).
template <class T>
void channel_mul(const ChannelLayout& layout, const T* a, const T* s, T* y);

}  // namespace glocal::kernels
