// Loops over threads whose partition depends on sizes alone, so results have the same bits for any thread count.
#pragma once
#include <concepts>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace glocal {

/// A reference to any callable (int64 begin, int64 end) -> R. Does not own it: pass it down, never store it.
template <class R>
class RangeFunction {
 public:
  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, RangeFunction> &&
           std::is_invocable_r_v<R, F&, std::int64_t, std::int64_t>) RangeFunction(F&& f)
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* object, std::int64_t begin, std::int64_t end) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(begin, end);
        }) {}
  R operator()(std::int64_t begin, std::int64_t end) const { return call_(object_, begin, end); }

 private:
  void* object_;
  R (*call_)(void*, std::int64_t, std::int64_t);
};

/// Calls body(begin, end) for [0, grain), [grain, 2 grain), ... up to n, on all threads; the caller works too.
/// Nested calls run inline. The first exception (in time) is rethrown once every running chunk is done; chunks not
/// yet begun are skipped. Throws ValueError when n < 0 or grain < 1.
void parallel_for(std::int64_t n, std::int64_t grain, RangeFunction<void> body);

/// Sum of f(begin, end) over the same chunks; partial sums are added pairwise in chunk order, in double.
double parallel_sum(std::int64_t n, std::int64_t grain, RangeFunction<double> f);

/// While one lives, loops of the thread that made it run on that thread alone: for work beside the main one.
class LoopsInline {
 public:
  LoopsInline();
  ~LoopsInline();
  LoopsInline(const LoopsInline&) = delete;
  LoopsInline& operator=(const LoopsInline&) = delete;

 private:
  bool before_;
};

/// Number of threads that parallel_for uses, the caller included. Initially $GLOCAL_THREADS, else all cores.
/// set_threads throws ValueError outside [1, 1024], or inside a parallel loop.
int threads();
void set_threads(int count);

}  // namespace glocal
