// Work that is done one step before it is asked for.
#pragma once
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <utility>

#include <glocal/core/parallel.h>

namespace glocal::datasets {

/// f(t) for steps t, made ahead on a thread of its own: whoever asks for t after t - d (d = 1 or -1) finds t + d begun.
/// f has to be a pure function that may run beside its caller; what it throws, the call for that t throws. Copies
/// share.
template <class T>
class Ahead {
 public:
  explicit Ahead(std::function<T(std::int64_t)> f) : shared_(std::make_shared<Shared>(std::move(f))) {}

  T operator()(std::int64_t t) const {
    Shared& s = *shared_;
    const std::lock_guard lock(s.mutex);
    const std::int64_t step = t - s.last;
    s.last = t;
    std::future<T> begun = std::move(s.begun);
    const bool hit = begun.valid() && s.next == t;
    if (step == 1 || step == -1) s.next = t + step;
    const auto begin_next = [&] {
      if ((step == 1 || step == -1) && s.next >= 0)
        s.begun = std::async(std::launch::async, [f = s.f, next = s.next] {
          const LoopsInline alone;  // the other threads belong to the caller's loops
          return f(next);
        });
    };
    if (!hit) {
      T value = s.f(t);
      begin_next();
      return value;
    }
    T value = begun.get();
    begin_next();
    return value;
  }

 private:
  struct Shared {
    explicit Shared(std::function<T(std::int64_t)> function) : f(std::move(function)) {}
    const std::function<T(std::int64_t)> f;
    std::mutex mutex;
    std::int64_t last = -2, next = -1;
    std::future<T> begun;  // f(next); its destructor waits
  };
  std::shared_ptr<Shared> shared_;
};

}  // namespace glocal::datasets
