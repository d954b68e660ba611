// Tensor memory: 64-byte aligned blocks, recycled by size class, with live and peak counters.
#pragma once
#include <cstddef>
#include <cstdint>

namespace glocal {

/// Bytes and blocks held by tensors (recycled blocks that nobody holds are not live).
struct MemoryUse {
  std::int64_t live_bytes = 0;
  std::int64_t peak_bytes = 0;          ///< highest live_bytes since start or reset_peak_memory()
  std::int64_t system_allocations = 0;  ///< blocks ever asked from the operating system: constant in a warm loop
};

MemoryUse memory_use();
void reset_peak_memory();      ///< peak_bytes := live_bytes
void release_cached_memory();  ///< gives recycled blocks back to the operating system

/// While one lives, a block that would take live_bytes above `bytes` throws MemoryError instead.
class MemoryCeiling {
 public:
  explicit MemoryCeiling(std::int64_t bytes);
  ~MemoryCeiling();
  MemoryCeiling(const MemoryCeiling&) = delete;
  MemoryCeiling& operator=(const MemoryCeiling&) = delete;

 private:
  std::int64_t before_;
};

/// One aligned block. Throws MemoryError, naming the bytes, when the system has no room even after the recycled blocks
/// have been given back to it.
class MemoryBlock {
 public:
  explicit MemoryBlock(std::int64_t bytes);
  ~MemoryBlock();
  MemoryBlock(const MemoryBlock&) = delete;
  MemoryBlock& operator=(const MemoryBlock&) = delete;
  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
  std::int64_t bytes_ = 0;  // rounded up to its size class
  std::size_t class_ = 0;
};

}  // namespace glocal
