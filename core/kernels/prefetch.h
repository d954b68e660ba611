// Memory that is needed later, asked for beside the sums of now.
#pragma once
#include <algorithm>
#include <cstdint>

#include <glocal/core/kernels/conv2d_sizes.h>

namespace glocal::kernels {

/// Asks for `size` numbers in so many calls, a few lines of the cache at a time.
class Prefetch {
 public:
  Prefetch() = default;
  template <class T>
  Prefetch(const T* begin, std::int64_t size, std::int64_t calls)
      : at_(reinterpret_cast<const char*>(begin)),
        end_(at_ + size * static_cast<std::int64_t>(sizeof(T))),
        step_(ceil_div((end_ - at_) / line, std::max<std::int64_t>(1, calls))) {}
  void ask() {
    for (std::int64_t i = 0; i < step_ && at_ < end_; ++i, at_ += line) __builtin_prefetch(at_, 0, 2);
  }

 private:
  static constexpr std::int64_t line = 64;
  const char *at_ = nullptr, *end_ = nullptr;
  std::int64_t step_ = 0;
};

}  // namespace glocal::kernels
