#include <glocal/core/kernels/softmax.h>

#include <algorithm>
#include <cmath>

#include <glocal/core/parallel.h>

namespace glocal::kernels {
namespace {

using Int = std::int64_t;

// body(offset of the row) for every row, about 2^13 numbers to a chunk.
template <class F>
void for_each_row(Int rows, Int K, F body) {
  parallel_for(rows, std::max<Int>(1, (1 << 13) / K), [&](Int begin, Int end) {
    for (Int i = begin; i < end; ++i) body(i * K);
  });
}

template <class T>
T largest(Int K, const T* x) {
  T m = x[0];
  for (Int k = 1; k < K; ++k) m = x[k] > m ? x[k] : m;
  return m;
}

template <class T>
T dot(Int K, const T* a, const T* b) {
  double sum = 0;
  for (Int k = 0; k < K; ++k) sum += double(a[k]) * double(b[k]);
  return static_cast<T>(sum);
}

// Writes e^(x - m) and returns its sum.
template <class T>
double exponentials(Int K, const T* x, T m, T* e) {
  double sum = 0;
  for (Int k = 0; k < K; ++k) {
    e[k] = std::exp(x[k] - m);
    sum += double(e[k]);
  }
  return sum;
}

template <class T>
double log_sum(Int K, const T* x, T m) {
  double sum = 0;
  for (Int k = 0; k < K; ++k) sum += double(std::exp(x[k] - m));
  return std::log(sum);
}

}  // namespace

template <class T>
void softmax(Int rows, Int K, const T* x, T* y) {
  for_each_row(rows, K, [=](Int at) {
    const T factor = static_cast<T>(1 / exponentials(K, x + at, largest(K, x + at), y + at));
    for (Int k = at; k < at + K; ++k) y[k] *= factor;
  });
}

template <class T>
void log_softmax(Int rows, Int K, const T* x, T* y) {
  for_each_row(rows, K, [=](Int at) {
    const T m = largest(K, x + at), s = static_cast<T>(log_sum(K, x + at, m));
    for (Int k = at; k < at + K; ++k) y[k] = (x[k] - m) - s;
  });
}

template <class T>
void softmax_lin(Int rows, Int K, const T* d, const T* s, T* y) {
  for_each_row(rows, K, [=](Int at) {
    const T u = dot(K, s + at, d + at);
    for (Int k = at; k < at + K; ++k) y[k] = s[k] * (d[k] - u);
  });
}

template <class T>
void row_dot_mul(Int rows, Int K, const T* a, const T* b, const T* c, T* y) {
  for_each_row(rows, K, [=](Int at) {
    const T u = dot(K, b + at, c + at);
    for (Int k = at; k < at + K; ++k) y[k] = a[k] * u;
  });
}

template <class T>
void cross_entropy(Int rows, Int K, const T* x, const T* p, T* loss) {
  for_each_row(rows, K, [=](Int at) {
    const T m = largest(K, x + at);
    const double s = log_sum(K, x + at, m);
    double sum = 0;
    for (Int k = at; k < at + K; ++k) sum += p[k] == 0 ? 0 : double(p[k]) * (s - double(x[k] - m));
    loss[at / K] = static_cast<T>(s != s ? s : sum);  // a NaN among the logits is never hidden by p = 0
  });
}

template <class T>
void cross_entropy_slope(Int rows, Int K, const T* x, const T* p, T* y) {
  for_each_row(rows, K, [=](Int at) {
    double weight = 0;
    for (Int k = at; k < at + K; ++k) weight += double(p[k]);
    const T factor = static_cast<T>(weight / exponentials(K, x + at, largest(K, x + at), y + at));
    for (Int k = at; k < at + K; ++k) y[k] = factor * y[k] - p[k];
  });
}

template void softmax<float>(Int, Int, const float*, float*);
template void softmax<double>(Int, Int, const double*, double*);
template void log_softmax<float>(Int, Int, const float*, float*);
template void log_softmax<double>(Int, Int, const double*, double*);
template void softmax_lin<float>(Int, Int, const float*, const float*, float*);
template void softmax_lin<double>(Int, Int, const double*, const double*, double*);
template void row_dot_mul<float>(Int, Int, const float*, const float*, const float*, float*);
template void row_dot_mul<double>(Int, Int, const double*, const double*, const double*, double*);
template void cross_entropy<float>(Int, Int, const float*, const float*, float*);
template void cross_entropy<double>(Int, Int, const double*, const double*, double*);
template void cross_entropy_slope<float>(Int, Int, const float*, const float*, float*);
template void cross_entropy_slope<double>(Int, Int, const double*, const double*, double*);

}  // namespace glocal::kernels
