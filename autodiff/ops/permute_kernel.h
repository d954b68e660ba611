// Reordering of axes: merges axes that stay together, then copies rows or transposes square blocks.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include <glocal/core/parallel.h>

namespace glocal {

/// One axis of a permuted copy: its size, and the distance of neighbours in source and result.
struct PermuteAxis {
  std::int64_t size, from, to;
};

/// y := x with axes reordered; axes in the order of the result, `to` strides contiguous. Needs at least one axis.
template <class T>
void permute_copy(const std::vector<PermuteAxis>& axes, const T* x, T* y) {
  constexpr std::int64_t block = 32;
  // The last axis of the result, and the axis that is last in the source: the same one when rows are copied whole.
  const PermuteAxis fast_y = axes.back();
  const PermuteAxis fast_x = *std::find_if(axes.begin(), axes.end(), [](const PermuteAxis& a) { return a.from == 1; });
  const bool rows = fast_y.from == 1;
  std::vector<PermuteAxis> outer;
  std::int64_t count = 1;
  for (const PermuteAxis& a : axes)
    if (a.from != 1 && a.to != 1) {
      outer.push_back(a);
      count *= a.size;
    }
  const std::int64_t strips = rows ? 1 : (fast_x.size + block - 1) / block;
  const std::int64_t work = rows ? fast_y.size : fast_y.size * std::min(block, fast_x.size);
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end; ++task) {
      const T* p = x;
      T* q = y;
      std::int64_t rest = task / strips;
      for (auto a = outer.rbegin(); a != outer.rend(); ++a) {
        p += rest % a->size * a->from;
        q += rest % a->size * a->to;
        rest /= a->size;
      }
      if (rows) {
        std::copy_n(p, fast_y.size, q);
        continue;
      }
      const std::int64_t first = task % strips * block, last = std::min(fast_x.size, first + block);
      for (std::int64_t j0 = 0; j0 < fast_y.size; j0 += block)
        for (std::int64_t i = first; i < last; ++i)
          for (std::int64_t j = j0; j < std::min(fast_y.size, j0 + block); ++j)
            q[i * fast_x.to + j] = p[j * fast_y.from + i];
    }
  };
  const std::int64_t grain = std::max<std::int64_t>(1, (1 << 15) / std::max<std::int64_t>(work, 1));
  if (count * strips <= grain) {
    run(0, count * strips);
  } else {
    parallel_for(count * strips, grain, run);
  }
}

}  // namespace glocal
