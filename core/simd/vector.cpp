#include <glocal/core/simd/vector.h>

#include <glocal/core/simd/vec.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

template <class T>
void axpy(std::int64_t n, T alpha, const T* x, T* y) {
  const Vec<T> a = splat(alpha);
  std::int64_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) store(y + i, a * load(x + i) + load(y + i));
  store(y + i, a * load(x + i, n - i) + load(y + i, n - i), n - i);
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

}  // namespace

constinit const VectorKernels<float> vector_f32{axpy<float>, dot<float>};
constinit const VectorKernels<double> vector_f64{axpy<double>, dot<double>};

}  // namespace glocal::simd::GLOCAL_ISA
