#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/parallel.h>

using namespace glocal;

namespace {

struct Threads {  // restores the number of threads
  explicit Threads(int count) { set_threads(count); }
  ~Threads() { set_threads(before); }
  int before = threads();
};

using Chunks = std::multiset<std::pair<std::int64_t, std::int64_t>>;

Chunks chunks_of(std::int64_t n, std::int64_t grain) {
  Chunks chunks;
  std::mutex mutex;
  parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end) {
    std::lock_guard lock(mutex);
    chunks.emplace(begin, end);
  });
  return chunks;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("parallel_for: chunks of exactly the grain for every thread count") {
    for (const int count : {1, 2, 3, 8}) {
      const Threads use(count);
      CHECK(chunks_of(10, 4) == Chunks{{0, 4}, {4, 8}, {8, 10}});
      CHECK(chunks_of(8, 4) == Chunks{{0, 4}, {4, 8}});
      CHECK(chunks_of(3, 4) == Chunks{{0, 3}});
      CHECK(chunks_of(0, 4).empty());
      CHECK(chunks_of(5, INT64_MAX) == Chunks{{0, 5}});
    }
    CHECK_THROWS_AS(chunks_of(-1, 4), ValueError);
    CHECK_THROWS_AS(chunks_of(4, 0), ValueError);
  }

  TEST_CASE("parallel_for: every index once in many short loops") {
    const Threads use(4);
    std::vector<int> hits(1000);
    for (int loop = 0; loop < 2000; ++loop)
      parallel_for(1000, 37, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) ++hits[static_cast<std::size_t>(i)];
      });
    for (const int count : hits) REQUIRE(count == 2000);
  }

  TEST_CASE("parallel_for: several threads run chunks at the same time") {
    const Threads use(2);
    std::atomic<int> arrived{0};
    parallel_for(2, 1, [&](std::int64_t, std::int64_t) {
      ++arrived;
      while (arrived < 2) std::this_thread::yield();  // ends only when both chunks are running
    });
    CHECK(arrived == 2);
  }

  TEST_CASE("parallel_for: nested loops run inline in the thread that asks") {
    const Threads use(4);
    std::atomic<int> total{0}, strangers{0};
    parallel_for(8, 1, [&](std::int64_t, std::int64_t) {
      const auto me = std::this_thread::get_id();
      parallel_for(10, 3, [&](std::int64_t begin, std::int64_t end) {
        strangers += std::this_thread::get_id() != me;
        total += static_cast<int>(end - begin);
      });
    });
    CHECK(total == 80);
    CHECK(strangers == 0);
  }

  TEST_CASE("parallel_for: an exception reaches the caller and the pool goes on") {
    for (const int count : {1, 4}) {
      const Threads use(count);
      for (int loop = 0; loop < 50; ++loop)
        CHECK_THROWS_WITH_AS(parallel_for(100, 1,
                                          [](std::int64_t begin, std::int64_t) {
                                            if (begin == 17) throw std::runtime_error("chunk 17");
                                          }),
                             "chunk 17", std::runtime_error);
      CHECK(chunks_of(10, 4).size() == 3);
    }
  }

  TEST_CASE("parallel_for: loops from several threads at once all finish") {
    const Threads use(3);
    std::atomic<std::int64_t> total{0};
    std::vector<std::thread> callers;
    for (int i = 0; i < 4; ++i)
      callers.emplace_back([&] {
        for (int loop = 0; loop < 200; ++loop)
          parallel_for(100, 7, [&](std::int64_t begin, std::int64_t end) { total += end - begin; });
      });
    for (std::thread& caller : callers) caller.join();
    CHECK(total == 4 * 200 * 100);
  }

  TEST_CASE("parallel_sum: same bits for every thread count, and the right sum") {
    const auto harmonic = [] {
      return parallel_sum(100000, 1000, [](std::int64_t begin, std::int64_t end) {
        double sum = 0;
        for (std::int64_t i = begin; i < end; ++i) sum += 1.0 / static_cast<double>(i + 1);
        return sum;
      });
    };
    set_threads(1);
    const double one = harmonic();
    CHECK(std::abs(one - 12.090146129863428) < 1e-13);
    for (const int count : {2, 3, 7}) {
      const Threads use(count);
      for (int loop = 0; loop < 20; ++loop) REQUIRE(harmonic() == one);
    }
    CHECK(parallel_sum(0, 5, [](std::int64_t, std::int64_t) { return 1.0; }) == 0);
  }

  TEST_CASE("set_threads: refuses nonsense and calls inside a loop") {
    CHECK_THROWS_AS(set_threads(0), ValueError);
    CHECK_THROWS_AS(set_threads(1025), ValueError);
    const Threads use(2);
    CHECK(threads() == 2);
    CHECK_THROWS_AS(parallel_for(4, 1, [](std::int64_t, std::int64_t) { set_threads(1); }), ValueError);
  }
}
