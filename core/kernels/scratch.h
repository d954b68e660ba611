// Memory for the copies that a kernel makes.
#pragma once
#include <cstdint>

#include <glocal/core/memory.h>

namespace glocal::kernels {

/// n numbers, 64-byte aligned, not set; the block is recycled, so a warm loop asks the system for nothing.
template <class T>
class Scratch {
 public:
  explicit Scratch(std::int64_t n) : block_(n * static_cast<std::int64_t>(sizeof(T))) {}
  T* data() const { return static_cast<T*>(block_.data()); }

 private:
  MemoryBlock block_;
};

}  // namespace glocal::kernels
