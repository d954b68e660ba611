// Row-wise softmax family on (rows, K) pointers, K >= 1; T in {float, double}. All are stable for large logits.
#pragma once
#include <cstdint>

namespace glocal::kernels {

/// y := e^(x - max) / sum.
template <class T>
void softmax(std::int64_t rows, std::int64_t K, const T* x, T* y);
/// y := x - logsumexp(x).
template <class T>
void log_softmax(std::int64_t rows, std::int64_t K, const T* x, T* y);
/// y := s (d - <s, d>) with s = softmax(x).
template <class T>
void softmax_lin(std::int64_t rows, std::int64_t K, const T* d, const T* x, T* y);
/// y := d - <s, d> with s = softmax(x).
template <class T>
void centred(std::int64_t rows, std::int64_t K, const T* d, const T* x, T* y);
/// y := a <b, c>.
template <class T>
void row_dot_mul(std::int64_t rows, std::int64_t K, const T* a, const T* b, const T* c, T* y);
/// loss (rows,) := sum_k p_k (logsumexp(x) - x_k); terms with p_k = 0 are exactly 0.
template <class T>
void cross_entropy(std::int64_t rows, std::int64_t K, const T* x, const T* p, T* loss);
/// y := g ((sum_k p_k) softmax(x) - p), the gradient of <g, cross_entropy> in x; g (rows,).
template <class T>
void cross_entropy_slope(std::int64_t rows, std::int64_t K, const T* x, const T* p, const T* g, T* y);

}  // namespace glocal::kernels
