#include <doctest/doctest.h>

#include <cstdint>

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

  TEST_CASE("memory: an absurd request is a MemoryError that names the bytes") {
    CHECK_THROWS_WITH_AS(MemoryBlock(std::int64_t{1} << 50), doctest::Contains("1125899906842624 bytes"), MemoryError);
    CHECK_THROWS_AS(Tensor({std::int64_t{1} << 61}), ShapeError);
  }
}
