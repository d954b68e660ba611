// Sums along and copies along the middle axis of (outer, middle, inner); every broadcast is a chain of these.
// Sums run in double over chunks that depend on the sizes alone: same bits for any number of threads.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include <glocal/core/parallel.h>

namespace glocal {

constexpr std::int64_t reduce_task = 1 << 15;  // elements

/// Sum of n numbers.
template <class T>
double sum_row(std::int64_t n, const T* x) {
  double lane[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int j = 0; j < 8; ++j) lane[j] += static_cast<double>(x[i + j]);
  double tail = 0;
  for (; i < n; ++i) tail += static_cast<double>(x[i]);
  return ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7])) + tail;
}

/// sum[j] += x[j] for n numbers.
template <class T>
void add_row(std::int64_t n, const T* __restrict x, double* __restrict sum) {
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int j = 0; j < 16; ++j) sum[i + j] += static_cast<double>(x[i + j]);
  for (; i < n; ++i) sum[i] += static_cast<double>(x[i]);
}

/// sum (inner) := the sum of the rows of x (rows, inner).
template <class T>
void sum_rows(std::int64_t rows, std::int64_t inner, const T* x, double* sum) {
  if (inner == 1) {
    *sum = sum_row(rows, x);
    return;
  }
  std::fill_n(sum, inner, 0.0);
  for (std::int64_t r = 0; r < rows; ++r) add_row(inner, x + r * inner, sum);
}

/// y (outer, inner) := sum over the middle axis of x (outer, rows, inner).
template <class From, class To>
void sum_middle(std::int64_t outer, std::int64_t rows, std::int64_t inner, const From* x, To* y) {
  const std::int64_t chunk = std::max<std::int64_t>(16, reduce_task / std::max<std::int64_t>(inner, 1));
  const std::int64_t chunks = std::max<std::int64_t>(1, (rows + chunk - 1) / chunk);
  const std::int64_t work = std::max<std::int64_t>(1, std::min(rows, chunk) * inner);
  const std::int64_t grain = std::max<std::int64_t>(1, reduce_task / work);
  std::vector<double> partial(chunks > 1 ? static_cast<std::size_t>(outer * chunks * inner) : 0);
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> own(chunks > 1 ? 0 : static_cast<std::size_t>(inner));
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t o = task / chunks, first = task % chunks * chunk;
      double* sum = chunks > 1 ? &partial[static_cast<std::size_t>(task * inner)] : own.data();
      sum_rows(std::min(chunk, rows - first), inner, x + (o * rows + first) * inner, sum);
      if (chunks == 1) std::transform(sum, sum + inner, y + o * inner, [](double v) { return static_cast<To>(v); });
    }
  };
  if (inner == 0) return;
  if (outer * chunks <= grain) {
    run(0, outer * chunks);
  } else {
    parallel_for(outer * chunks, grain, run);
  }
  std::vector<double> total(chunks > 1 ? static_cast<std::size_t>(inner) : 0);
  for (std::int64_t o = 0; chunks > 1 && o < outer; ++o) {
    std::fill(total.begin(), total.end(), 0.0);
    for (std::int64_t c = 0; c < chunks; ++c)
      add_row(inner, &partial[static_cast<std::size_t>((o * chunks + c) * inner)], total.data());
    std::transform(total.begin(), total.end(), y + o * inner, [](double v) { return static_cast<To>(v); });
  }
}

/// y (outer, times, inner) := x (outer, inner), each row repeated.
template <class T>
void repeat_middle(std::int64_t outer, std::int64_t times, std::int64_t inner, const T* x, T* y) {
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
