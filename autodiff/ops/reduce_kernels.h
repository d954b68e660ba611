// Sums along and copies along the middle axis of (outer, middle, inner); every broadcast is a chain of these.
// Sums run in double over chunks that depend on the sizes alone: same bits for any number of threads.
#pragma once
#include <algorithm>
#include <cstdint>

#include <glocal/core/memory.h>
#include <glocal/core/parallel.h>
#include <glocal/core/simd/reduce.h>

namespace glocal {

constexpr std::int64_t reduce_task = 1 << 15;  // elements

/// y (outer, inner) := sum over the middle axis of x (outer, rows, inner). Wide x are cut into blocks of columns,
/// narrow ones that are long into chunks of rows.
template <class From, class To>
void sum_middle(std::int64_t outer, std::int64_t rows, std::int64_t inner, const From* x, To* y) {
  if (inner == 0) return;
  constexpr std::int64_t block = 512, most_chunks = 64;
  const std::int64_t columns = std::min(inner, block), blocks = (inner + block - 1) / block;
  const std::int64_t chunk = blocks > 1 ? std::max<std::int64_t>(rows, 1)
                                        : std::max(reduce_task / columns, (rows + most_chunks - 1) / most_chunks);
  const std::int64_t chunks = blocks > 1 || rows <= chunk ? 1 : (rows + chunk - 1) / chunk;
  const std::int64_t tasks = outer * blocks * chunks;
  const std::int64_t grain =
      std::max<std::int64_t>(1, reduce_task / (std::max<std::int64_t>(1, std::min(rows, chunk)) * columns));
  const MemoryBlock partial(chunks > 1 ? tasks * inner * static_cast<std::int64_t>(sizeof(double)) : 0);
  double* const parts = static_cast<double*>(partial.data());
  parallel_for(tasks, grain, [=](std::int64_t begin, std::int64_t end) {
    double sums[block];
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t o = task / chunks / blocks, first = task % chunks * chunk, j = task / chunks % blocks * block;
      const std::int64_t n = std::min(chunk, rows - first), width = std::min(block, inner - j);
      const From* from = x + (o * rows + first) * inner + j;
      if (inner == 1) {
        sums[0] = simd::reduce<From>().sum(n, from);
      } else {
        std::fill_n(sums, width, 0.0);
        simd::reduce<From>().add_rows(n, width, inner, from, sums);
      }
      if (chunks > 1)
        std::copy_n(sums, width, parts + task * inner);
      else
        std::transform(sums, sums + width, y + o * inner + j, [](double v) { return static_cast<To>(v); });
    }
  });
  for (std::int64_t o = 0; chunks > 1 && o < outer; ++o) {
    double* const total = parts + o * chunks * inner;
    for (std::int64_t c = 1; c < chunks; ++c)
      for (std::int64_t j = 0; j < inner; ++j) total[j] += total[c * inner + j];
    std::transform(total, total + inner, y + o * inner, [](double v) { return static_cast<To>(v); });
  }
}

/// y (outer, times, inner) := x (outer, inner), each row repeated.
template <class T>
void repeat_middle(std::int64_t outer, std::int64_t times, std::int64_t inner, const T* x, T* y) {
  if (inner == 0) return;  // or rows of nothing, 2^59 perhaps, would be visited
  const auto run = [=](std::int64_t row, std::int64_t end) {
    while (row < end) {
      const std::int64_t o = row / times, stop = std::min(end, (o + 1) * times);
      if (inner == 1) std::fill(y + row, y + stop, x[o]);
      for (; inner != 1 && row < stop; ++row) std::copy_n(x + o * inner, inner, y + row * inner);
      row = stop;
    }
  };
  const std::int64_t grain = std::max<std::int64_t>(1, reduce_task / std::max<std::int64_t>(inner, 1));
  if (outer * times <= grain) {
    run(0, outer * times);
  } else {
    parallel_for(outer * times, grain, run);
  }
}

}  // namespace glocal
