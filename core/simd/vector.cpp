#include <glocal/core/simd/vector.h>

#include <cstdint>

#include <glocal/core/simd/vec.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

template <class T>
void axpy(std::int64_t n, T alpha, const T* x, T* y) {
  const Vec<T> a = splat(alpha);
  for_each_vector<T>(n, [=](auto at) { at.store(y, a * at.load(x) + at.load(y)); });
}

template <class T>
double dot(std::int64_t n, const T* x, const T* y) {
  constexpr std::int64_t chains = 16;
  double sum[chains] = {};
  std::int64_t i = 0;
  for (; i + chains <= n; i += chains)
    for (std::int64_t j = 0; j < chains; ++j) sum[j] += static_cast<double>(x[i + j]) * static_cast<double>(y[i + j]);
  for (; i < n; ++i) sum[0] += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  for (std::int64_t half = chains / 2; half > 0; half /= 2)
    for (std::int64_t j = 0; j < half; ++j) sum[j] += sum[j + half];
  return sum[0];
}

template <class T>
void lincomb(std::int64_t n, T a, const T* x0, T b, const T* x1, T* y) {
  const Vec<T> va = splat(a), vb = splat(b);
  for_each_vector<T>(n, [=](auto at) { at.store(y, vb * at.load(x1) + va * at.load(x0)); });
}

}  // namespace

constinit const VectorKernels<float> vector_f32{axpy<float>, dot<float>, lincomb<float>};
constinit const VectorKernels<double> vector_f64{axpy<double>, dot<double>, lincomb<double>};

}  // namespace glocal::simd::GLOCAL_ISA
