#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>

#include <glocal/core/error.h>
#include <glocal/core/memory.h>
#include <glocal/core/tensor.h>

using namespace glocal;

TEST_SUITE("fast") {
  TEST_CASE("memory: live and peak bytes follow tensors") {
    reset_peak_memory();
    const MemoryUse before = memory_use();
    {
      const Tensor a({1 << 16}, DType::f64);
      CHECK(memory_use().live_bytes - before.live_bytes == 1 << 19);
      const Tensor b = a;
      CHECK(memory_use().live_bytes - before.live_bytes == 1 << 19);
      const Tensor c = a.clone();
      CHECK(memory_use().peak_bytes - before.live_bytes == 1 << 20);
    }
    CHECK(memory_use().live_bytes == before.live_bytes);
    CHECK(memory_use().peak_bytes - before.live_bytes == 1 << 20);
    reset_peak_memory();
    CHECK(memory_use().peak_bytes == before.live_bytes);
  }

  TEST_CASE("memory: blocks are 64-byte aligned and at most an eighth too big") {
    for (const std::int64_t bytes : {0, 1, 63, 64, 65, 500, 513, 1000, 4097, 100000, 1234567}) {
      const std::int64_t before = memory_use().live_bytes;
      const MemoryBlock block(bytes);
      CHECK(reinterpret_cast<std::uintptr_t>(block.data()) % 64 == 0);
      const std::int64_t held = memory_use().live_bytes - before;
      CHECK(held >= bytes);
      CHECK(held <= bytes + bytes / 8 + 64);
    }
  }

#if !defined(__SANITIZE_ADDRESS__)
  TEST_CASE("memory: a warm loop asks the system for nothing") {
    const auto work = [] {
      const Tensor a({1000}), b({2000}, DType::f64);
      const Tensor c = a.clone();
    };
    work();
    const std::int64_t warm = memory_use().system_allocations;
    for (int i = 0; i < 100; ++i) work();
    CHECK(memory_use().system_allocations == warm);
    release_cached_memory();
    work();
    CHECK(memory_use().system_allocations == warm + 3);
  }
#endif

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  TEST_CASE("memory: recycled blocks make room when the system has none left") {
    constexpr std::int64_t megabyte = 1 << 20;
    release_cached_memory();
    { const MemoryBlock a(256 * megabyte), b(256 * megabyte); }  // 512 MB, free but kept
    std::int64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
    const rlimit tight{static_cast<rlim_t>(pages * sysconf(_SC_PAGESIZE) + 64 * megabyte), before.rlim_max};
    REQUIRE(setrlimit(RLIMIT_AS, &tight) == 0);
    const bool fits = [] {
      try {
        return MemoryBlock(400 * megabyte).data() != nullptr;
      } catch (const MemoryError&) {
        return false;
      }
    }();
    REQUIRE(setrlimit(RLIMIT_AS, &before) == 0);
    CHECK(fits);
    release_cached_memory();
  }
#endif

  TEST_CASE("memory: nothing is allocated above a ceiling while it lives") {
    const std::int64_t live = memory_use().live_bytes;
    {
      const MemoryCeiling ceiling(live + 4096);
      const MemoryBlock fits(4096);
      CHECK_THROWS_AS(MemoryBlock(64), MemoryError);
      CHECK(memory_use().live_bytes == live + 4096);
    }
    CHECK(MemoryBlock(8192).data() != nullptr);
    CHECK(memory_use().live_bytes == live);
  }

  TEST_CASE("memory: an absurd request is a MemoryError that names the bytes") {
    CHECK_THROWS_WITH_AS(MemoryBlock(std::int64_t{1} << 50), doctest::Contains("1125899906842624 bytes"), MemoryError);
    CHECK_THROWS_AS(Tensor({std::int64_t{1} << 61}), ShapeError);
  }
}
