#include <glocal/core/memory.h>

#include <bit>
#include <cstdlib>
#include <limits>
#include <map>
#include <mutex>
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

struct Pool {
  std::mutex mutex;
  std::map<std::int64_t, std::vector<void*>> free_blocks;  // by size class
  MemoryUse use;
  std::int64_t ceiling = std::numeric_limits<std::int64_t>::max();

  void release() {
    for (auto& [bytes, blocks] : free_blocks)
      for (void* block : blocks) std::free(block);
    free_blocks.clear();
  }
};

// Never destroyed: tensors in static storage may outlive every other static object.
Pool& pool() {
  static Pool& instance = *new Pool;
  return instance;
}

// Eight classes per power of two: at most 12.5 % of a block is slack.
std::int64_t size_class(std::int64_t bytes) {
  if (bytes <= 8 * alignment) return bytes <= 0 ? alignment : (bytes + alignment - 1) / alignment * alignment;
  const auto step = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(bytes)) / 8);
  return (bytes + step - 1) / step * step;
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
  bytes_ = size_class(bytes);
  Pool& p = pool();
  std::lock_guard lock(p.mutex);
  if (bytes_ > p.ceiling - p.use.live_bytes)
    fail<MemoryError>("[memory] {} bytes more than the {} in use would pass the limit of {}; use smaller batches",
                      bytes_, p.use.live_bytes, p.ceiling);
  if (auto found = p.free_blocks.find(bytes_); found != p.free_blocks.end() && !found->second.empty()) {
    data_ = found->second.back();
    found->second.pop_back();
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
    p.free_blocks[bytes_].push_back(data_);
  else
    std::free(data_);
}

}  // namespace glocal
