#include <glocal/core/parallel.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <span>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include <glocal/core/error.h>

namespace glocal {
namespace {

constexpr int max_threads = 1024;
constexpr int spins_before_sleep = 2000;  // about 20 us: longer than the gap between two loops of one training step

thread_local bool inside_loop = false;

struct Loop {
  std::int64_t n, grain, chunks;
  RangeFunction<void> body;
  std::atomic<std::int64_t> next{0};
  std::atomic<bool> failed{false};
  std::exception_ptr error{};  // written once, by whoever set failed

  void run_chunks() {
    inside_loop = true;
    for (std::int64_t i; !failed.load(std::memory_order_relaxed) && (i = next.fetch_add(1)) < chunks;) {
      try {
        body(i * grain, i + 1 == chunks ? n : (i + 1) * grain);
      } catch (...) {
        if (!failed.exchange(true)) error = std::current_exception();
      }
    }
    inside_loop = false;
  }
};

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

// Workers take the posted loop under the lock and count themselves in, so a loop is gone only when nobody uses it.
class Pool {
 public:
  explicit Pool(int threads) : threads_(threads) {}

  int threads() const { return threads_; }

  void resize(int threads) {
    std::lock_guard one_loop(one_loop_);
    stop_workers();
    threads_ = threads;
  }

  void run(Loop& loop) {
    std::unique_lock one_loop(one_loop_, std::try_to_lock);
    if (!one_loop) return loop.run_chunks();  // another thread's loop has the workers
    start_workers();
    post(&loop);
    loop.run_chunks();
    withdraw();
  }

 private:
  void post(Loop* loop) {
    std::lock_guard lock(mutex_);
    loop_ = loop;
    posted_.fetch_add(1);
    wake_.notify_all();
  }

  void withdraw() {
    std::unique_lock lock(mutex_);
    loop_ = nullptr;
    idle_.wait(lock, [&] { return users_ == 0; });
  }

  void work() {
    for (std::uint64_t seen = 0;;) {
      for (int i = 0; i < spins_before_sleep && posted_.load() == seen; ++i) pause();
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return posted_.load() != seen || stopping_; });
      if (stopping_) return;
      seen = posted_.load();
      Loop* const loop = loop_;
      if (!loop) continue;
      ++users_;
      lock.unlock();
      loop->run_chunks();
      lock.lock();
      if (--users_ == 0) idle_.notify_one();
    }
  }

  void start_workers() {
    while (static_cast<int>(workers_.size()) < threads_ - 1) workers_.emplace_back([this] { work(); });
  }

  void stop_workers() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      wake_.notify_all();
    }
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    stopping_ = false;
  }

  std::atomic<int> threads_;
  std::mutex one_loop_;  // held by the loop that uses the workers
  std::vector<std::thread> workers_;
  std::mutex mutex_;  // guards the four below
  std::condition_variable wake_, idle_;
  Loop* loop_ = nullptr;
  int users_ = 0;
  bool stopping_ = false;
  std::atomic<std::uint64_t> posted_{0};
};

int initial_threads() {
  const char* text = std::getenv("GLOCAL_THREADS");
  if (!text || !*text) return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, max_threads);
  const std::string_view digits(text);
  int count = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), count);
  if (error != std::errc() || end != digits.end() || count < 1 || count > max_threads)
    fail<ValueError>("[threads] GLOCAL_THREADS is \"{}\"; set a whole number from 1 to {}", digits, max_threads);
  return count;
}

// Never destroyed: the workers sleep until the process ends.
Pool& pool() {
  static Pool& instance = *new Pool(initial_threads());
  return instance;
}

std::int64_t chunk_count(std::int64_t n, std::int64_t grain) {
  if (n < 0 || grain < 1) fail<ValueError>("[parallel_for] needs n >= 0 and grain >= 1, got n {} grain {}", n, grain);
  return n / grain + (n % grain != 0);
}

double pairwise_sum(std::span<const double> x) {
  if (x.size() <= 2) return x.empty() ? 0 : x.size() == 1 ? x[0] : x[0] + x[1];
  const std::size_t half = x.size() / 2;
  return pairwise_sum(x.first(half)) + pairwise_sum(x.subspan(half));
}

}  // namespace

void parallel_for(std::int64_t n, std::int64_t grain, RangeFunction<void> body) {
  const std::int64_t chunks = chunk_count(n, grain);
  if (inside_loop || chunks <= 1 || pool().threads() == 1) {
    for (std::int64_t i = 0; i < chunks; ++i) body(i * grain, i + 1 == chunks ? n : (i + 1) * grain);
    return;
  }
  Loop loop{n, grain, chunks, body};
  pool().run(loop);
  if (loop.error) std::rethrow_exception(loop.error);
}

double parallel_sum(std::int64_t n, std::int64_t grain, RangeFunction<double> f) {
  std::vector<double> partial(static_cast<std::size_t>(chunk_count(n, grain)));
  parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end) {
    partial[static_cast<std::size_t>(begin / grain)] = f(begin, end);
  });
  return pairwise_sum(partial);
}

LoopsInline::LoopsInline() : before_(inside_loop) { inside_loop = true; }
LoopsInline::~LoopsInline() { inside_loop = before_; }

int threads() { return pool().threads(); }

void set_threads(int count) {
  if (count < 1 || count > max_threads)
    fail<ValueError>("[set_threads] {} threads asked for; use 1 to {}", count, max_threads);
  if (inside_loop) fail<ValueError>("[set_threads] called inside a parallel loop; call it before the loop");
  pool().resize(count);
}

}  // namespace glocal
