// Small matrices, row by row.
#pragma once
#include <cstdint>

#include <glocal/core/tensor.h>

namespace glocal::hpo {

/// C (m, n) := A (m, k) B (k, n), a row after the other, B contiguous: too small for blas to pay.
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, const double* a, std::int64_t lda, const double* b,
              double* c, std::int64_t ldc);
Tensor rows_of(const Tensor& a, std::int64_t begin,
               std::int64_t end);  ///< rows begin .. end - 1 of a matrix

}  // namespace glocal::hpo
