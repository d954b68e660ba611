#include <glocal/core/kernels/softmax.h>

#include <algorithm>
#include <cstdint>

#include <glocal/core/parallel.h>
#include <glocal/core/simd/softmax.h>

namespace glocal::kernels {
namespace {

using Int = std::int64_t;

// body(first row, number of rows, offset of the first row), about 2^13 numbers to a chunk.
template <class F>
void for_rows(Int rows, Int K, F body) {
  parallel_for(rows, std::max<Int>(1, (1 << 13) / K), [&](Int begin, Int end) { body(begin, end - begin, begin * K); });
}

}  // namespace

template <class T>
void softmax(Int rows, Int K, const T* x, T* y) {
  for_rows(rows, K, [=](Int, Int n, Int at) { simd::softmax<T>().softmax(n, K, x + at, y + at); });
}

template <class T>
void log_softmax(Int rows, Int K, const T* x, T* y) {
  for_rows(rows, K, [=](Int, Int n, Int at) { simd::softmax<T>().log_softmax(n, K, x + at, y + at); });
}

template <class T>
void softmax_lin(Int rows, Int K, const T* d, const T* x, T* y) {
  for_rows(rows, K, [=](Int, Int n, Int at) { simd::softmax<T>().softmax_lin(n, K, d + at, x + at, y + at); });
}

template <class T>
void centred(Int rows, Int K, const T* d, const T* x, T* y) {
  for_rows(rows, K, [=](Int, Int n, Int at) { simd::softmax<T>().centred(n, K, d + at, x + at, y + at); });
}

template <class T>
void row_dot_mul(Int rows, Int K, const T* a, const T* b, const T* c, T* y) {
  for_rows(rows, K, [=](Int, Int n, Int at) { simd::softmax<T>().row_dot_mul(n, K, a + at, b + at, c + at, y + at); });
}

template <class T>
void cross_entropy(Int rows, Int K, const T* x, const T* p, T* loss) {
  for_rows(rows, K, [=](Int i, Int n, Int at) { simd::softmax<T>().cross_entropy(n, K, x + at, p + at, loss + i); });
}

template <class T>
void cross_entropy_slope(Int rows, Int K, const T* x, const T* p, const T* g, T* y) {
  for_rows(rows, K,
           [=](Int i, Int n, Int at) { simd::softmax<T>().cross_entropy_slope(n, K, x + at, p + at, g + i, y + at); });
}

template void softmax<float>(Int, Int, const float*, float*);
template void softmax<double>(Int, Int, const double*, double*);
template void log_softmax<float>(Int, Int, const float*, float*);
template void log_softmax<double>(Int, Int, const double*, double*);
template void softmax_lin<float>(Int, Int, const float*, const float*, float*);
template void softmax_lin<double>(Int, Int, const double*, const double*, double*);
template void centred<float>(Int, Int, const float*, const float*, float*);
template void centred<double>(Int, Int, const double*, const double*, double*);
template void row_dot_mul<float>(Int, Int, const float*, const float*, const float*, float*);
template void row_dot_mul<double>(Int, Int, const double*, const double*, const double*, double*);
template void cross_entropy<float>(Int, Int, const float*, const float*, float*);
template void cross_entropy<double>(Int, Int, const double*, const double*, double*);
template void cross_entropy_slope<float>(Int, Int, const float*, const float*, const float*, float*);
template void cross_entropy_slope<double>(Int, Int, const double*, const double*, const double*, double*);

}  // namespace glocal::kernels
