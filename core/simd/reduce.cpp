#include <glocal/core/simd/reduce.h>

#include <cstdint>

#include <glocal/core/simd/wide.h>

namespace glocal::simd::GLOCAL_ISA {
namespace {

using Int = std::int64_t;

template <class T>
double sum(Int n, const T* x) {
  constexpr Int chains = 4;
  Wide<T> chain[chains]{};
  Int i = 0;
  for (; i + chains * lanes<T> <= n; i += chains * lanes<T>)
    for (Int c = 0; c < chains; ++c) add<T>(chain[c], widen<T>(load(x + i + c * lanes<T>)));
  for (; i + lanes<T> <= n; i += lanes<T>) add<T>(chain[0], widen<T>(load(x + i)));
  if (i < n) add<T>(chain[1], widen<T>(load(x + i, n - i)));
  add<T>(chain[0], chain[1]);
  add<T>(chain[2], chain[3]);
  add<T>(chain[0], chain[2]);
  return total<T>(chain[0]);
}

template <class T>
void add_rows(Int rows, Int columns, Int stride, const T* x, double* sum) {
  constexpr Int few = 64;  // so narrow a strip is read column by column, its sums in registers
  if (columns <= few) {
    Int j = 0;
    for (; j + lanes<T> <= columns; j += lanes<T>) {
      Wide<T> column{};
      for (Int i = 0; i < rows; ++i) add<T>(column, widen<T>(load(x + i * stride + j)));
      add_to<T>(sum + j, column);
    }
    if (j == columns) return;
    Wide<T> column{};
    for (Int i = 0; i < rows; ++i) add<T>(column, widen<T>(load(x + i * stride + j, columns - j)));
    add_to<T>(sum + j, column, columns - j);
    return;
  }
  for (Int i = 0; i < rows; ++i, x += stride) {
    Int j = 0;
    for (; j + lanes<T> <= columns; j += lanes<T>) add_to<T>(sum + j, widen<T>(load(x + j)));
    if (j < columns) add_to<T>(sum + j, widen<T>(load(x + j, columns - j)), columns - j);
  }
}

}  // namespace

constinit const ReduceKernels<float> reduce_f32{sum<float>, add_rows<float>};
constinit const ReduceKernels<double> reduce_f64{sum<double>, add_rows<double>};

}  // namespace glocal::simd::GLOCAL_ISA
