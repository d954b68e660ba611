// One pass over all elements, on all threads when the tensor is large: by the kernel of a formula, or, where speed does
// not matter, by any small function.
#pragma once
#include <cstdint>
#include <string_view>

#include <glocal/autodiff/op.h>
#include <glocal/core/parallel.h>
#include <glocal/core/simd/elementwise.h>
#include <glocal/core/tensor.h>

namespace glocal {

using simd::Formula;

constexpr std::int64_t elements_per_task = 1 << 15;

/// A tensor of formula(a, b, p), where a is the first and b the last of x, both of one shape and element type.
Tensor elementwise(Formula formula, Values x, double p = 0);

/// y[i] = f(x[i]...) for i in [begin, end). Blocks of a constant length are what -O2 turns into vector code.
template <class F, class To, class... From>
void map_range(std::int64_t begin, std::int64_t end, F f, To* __restrict y, const From* __restrict... x) {
  constexpr std::int64_t block = 16;
  std::int64_t i = begin;
  for (; i + block <= end; i += block)
    for (std::int64_t j = 0; j < block; ++j) y[i + j] = f(x[i + j]...);
  for (; i < end; ++i) y[i] = f(x[i]...);
}

template <class F, class To, class... From>
void map_pointers(std::int64_t n, F f, To* y, const From*... x) {
  if (n <= elements_per_task) return map_range(0, n, f, y, x...);
  parallel_for(n, elements_per_task, [=](std::int64_t begin, std::int64_t end) { map_range(begin, end, f, y, x...); });
}

/// A tensor of f(x[i]), f(a[i], b[i]) or f(a[i], b[i], c[i]); all operands have one shape and element type.
template <class F, class... More>
Tensor map(std::string_view where, F f, const Tensor& x, const More&... more) {
  Tensor y(x.shape(), x.dtype());
  visit_float(x.dtype(), where,
              [&]<class T>() { map_pointers(x.size(), f, y.data<T>(), x.data<T>(), more.template data<T>()...); });
  return y;
}

}  // namespace glocal
