#include <glocal/core/memory.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <glocal/core/error.h>

#if defined(__SANITIZE_ADDRESS__)
constexpr bool recycle = false;  // let the sanitizer see every allocation and every use after free
#else
constexpr bool recycle = true;
#endif

namespace glocal {
namespace {

constexpr std::int64_t alignment = 64;

// Eight classes per power of two: at most 12.5 % of a block is slack.
struct SizeClass {
  std::size_t index;
  std::int64_t bytes;

  explicit SizeClass(std::int64_t wanted) {
    const std::int64_t small = 8 * alignment;
    if (wanted <= small) {
      bytes = wanted <= 0 ? alignment : (wanted + alignment - 1) / alignment * alignment;
      index = static_cast<std::size_t>(bytes / alignment);
      return;
    }
    const auto width = static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(wanted - 1)));
    const std::int64_t step = std::int64_t{1} << (width - 4);
    bytes = (wanted + step - 1) / step * step;
    index = static_cast<std::size_t>(8 * (width - 9) + bytes / step - 8);
  }
};

// Held for a few instructions only: a mutex would cost more than the work under it.
class SpinLock {
 public:
  void lock() {
    while (taken_.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
  }
  void unlock() { taken_.clear(std::memory_order_release); }

 private:
  std::atomic_flag taken_;
};

struct Pool {
  SpinLock mutex;
  std::array<std::vector<void*>, 8 * 40> free_blocks;  // by size class
  MemoryUse use;
  std::int64_t ceiling = std::numeric_limits<std::int64_t>::max();

  void release() {
    for (auto& blocks : free_blocks) {
      for (void* block : blocks) std::free(block);
      blocks.clear();
    }
  }
};

// Never destroyed: tensors in static storage may outlive every other static object.
Pool& pool() {
  static Pool& instance = *new Pool;
  return instance;
}

}  // namespace

MemoryUse memory_use() {
  std::lock_guard lock(pool().mutex);
  return pool().use;
}

void reset_peak_memory() {
  std::lock_guard lock(pool().mutex);
  pool().use.peak_bytes = pool().use.live_bytes;
}

void release_cached_memory() {
  std::lock_guard lock(pool().mutex);
  pool().release();
}

MemoryCeiling::MemoryCeiling(std::int64_t bytes) {
  std::lock_guard lock(pool().mutex);
  before_ = std::exchange(pool().ceiling, bytes);
}

MemoryCeiling::~MemoryCeiling() {
  std::lock_guard lock(pool().mutex);
  pool().ceiling = before_;
}

MemoryBlock::MemoryBlock(std::int64_t bytes) {
  constexpr std::int64_t limit = std::int64_t{1} << 46;
  if (bytes > limit) fail<MemoryError>("[memory] {} bytes is above what any machine holds; check the shapes", bytes);
  const SizeClass size(bytes);
  bytes_ = size.bytes;
  class_ = size.index;
  Pool& p = pool();
  std::lock_guard lock(p.mutex);
  if (bytes_ > p.ceiling - p.use.live_bytes)
    fail<MemoryError>("[memory] {} bytes more than the {} in use would pass the limit of {}; use smaller batches",
                      bytes_, p.use.live_bytes, p.ceiling);
  if (std::vector<void*>& free = p.free_blocks[class_]; !free.empty()) {
    data_ = free.back();
    free.pop_back();
  } else {
    data_ = std::aligned_alloc(alignment, static_cast<std::size_t>(bytes_));
    if (!data_) {  // what is kept for other sizes may be just what is missing
      p.release();
      data_ = std::aligned_alloc(alignment, static_cast<std::size_t>(bytes_));
    }
    if (!data_)
      fail<MemoryError>("[memory] the system has no room for {} bytes; use smaller batches or a shorter horizon",
                        bytes_);
    ++p.use.system_allocations;
  }
  p.use.live_bytes += bytes_;
  if (p.use.live_bytes > p.use.peak_bytes) p.use.peak_bytes = p.use.live_bytes;
}

MemoryBlock::~MemoryBlock() {
  Pool& p = pool();
  std::lock_guard lock(p.mutex);
  p.use.live_bytes -= bytes_;
  if (recycle)
    p.free_blocks[class_].push_back(data_);
  else
    std::free(data_);
}

}  // namespace glocal
