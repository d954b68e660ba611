#include <glocal/hpo/dmd/model/matrix.h>

#include <cstddef>
#include <cstdint>

#include <glocal/core/simd/orthogonal.h>
#include <glocal/core/tensor.h>

namespace glocal::hpo {

void multiply(std::int64_t m, std::int64_t n, std::int64_t k, const double* a, std::int64_t lda, const double* b,
              double* c, std::int64_t ldc) {
  simd::orthogonal().product(m, n, k, a, lda, b, c, ldc);
}

Tensor rows_of(const Tensor& a, std::int64_t begin, std::int64_t end) {
  const std::int64_t width = a.dim(1);
  return Tensor::from(a.span<double>().subspan(static_cast<std::size_t>(begin * width),
                                               static_cast<std::size_t>((end - begin) * width)),
                      {end - begin, width});
}

}  // namespace glocal::hpo
