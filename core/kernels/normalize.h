// The normalisation family on numbers (A, C, B), with one mean and variance per channel c over A and B.
// T in {float, double}; sums run in double over chunks that depend on the sizes alone: same bits for any threads.
#pragma once
#include <cstdint>

namespace glocal::kernels {

/// Batch norm of (N, C, H, W) is {N, C, H * W}; layer norm of (N, K) is {1, N, K}. Every size is >= 1.
struct ChannelLayout {
  std::int64_t A = 1, C = 1, B = 1;
  std::int64_t count() const { return A * B; }  ///< numbers per channel
};

/// Statistics (4, C): the mean in two parts (their sum has twice the digits of T), r = 1 / sqrt(variance + eps), and
/// the biased variance. Below, c stands for x - mean, and u for c r.
template <class T>
struct Moments {
  const T *high, *low, *r, *variance;
  Moments(const T* rows, std::int64_t C) : high(rows), low(rows + C), r(rows + 2 * C), variance(rows + 3 * C) {}
};

/// What relu leaves: numbers d of d-type arguments count where shift + scale u > 0; everywhere when scale is null.
template <class T>
struct Gate {
  const T *shift = nullptr, *scale = nullptr;  // (C,) each
};

/// The statistics of x into moments (4, C).
template <class T>
void channel_moments(const ChannelLayout&, const T* x, double eps, T* moments);
/// y := shift + scale u, or its relu.
template <class T>
void normalize(const ChannelLayout&, const T* x, const Moments<T>&, const T* shift, const T* scale, bool relu, T* y);
/// sums (2, C): of d and of d u.
template <class T>
void normalize_sums(const ChannelLayout&, const T* d, const T* x, const Moments<T>&, Gate<T>, T* sums);
/// z := w P d with P d = r (d - mean(d) - u mean(u d)), the derivative of u along d; sums (2, C): of d and of d u.
template <class T>
void normalize_lin(const ChannelLayout&, const T* d, const T* x, const Moments<T>&, Gate<T>, const T* w, T* z, T* sums);
/// z := d where the gate is open, 0 elsewhere.
template <class T>
void normalize_gate(const ChannelLayout&, const T* d, const T* x, const Moments<T>&, Gate<T>, T* z);
/// q (C,) := sum of d P e.
template <class T>
void normalize_form(const ChannelLayout&, const T* d, const T* e, const T* x, const Moments<T>&, T* q);
/// z := w H(d, e), the derivative of P d along e: H = -r (mean(u e) P d + mean(u d) P e + mean(d P e) u).
template <class T>
void normalize_bend(const ChannelLayout&, const T* d, const T* e, const T* x, const Moments<T>&, const T* w, T* z);

}  // namespace glocal::kernels
