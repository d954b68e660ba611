// Nothing that a run makes outlives it: every allocation by `new` is counted, and with these all nodes of all tapes.
#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <new>

#include <glocal/core/memory.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/tune/tune.h>

#include "small_net.h"

namespace {
std::atomic<std::int64_t> live = 0;

void* counted(std::size_t size) {
  void* const place = std::malloc(size > 0 ? size : 1);
  if (!place) throw std::bad_alloc();
  ++live;
  return place;
}

void uncounted(void* place) {
  live -= place != nullptr;
  std::free(place);
}
}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
void operator delete(void* place) noexcept { uncounted(place); }
void operator delete[](void* place) noexcept { uncounted(place); }
void operator delete(void* place, std::size_t) noexcept { uncounted(place); }
void operator delete[](void* place, std::size_t) noexcept { uncounted(place); }

using namespace glocal;
using namespace glocal::hpo;

namespace {

// Bytes of tensors and pieces of memory that are there after a run and were not before.
struct Left {
  std::int64_t tensor_bytes, pieces;
};

Left left_by(const std::string& estimator) {
  const Left before{memory_use().live_bytes, live};
  {
    TuneOptions options;
    options.estimator = estimator;
    options.T = 30;
    options.updates = 2;
    options.estimator_options.tau = 10;
    options.estimator_options.K = 3;
    options.estimator_options.particles = 2;
    options.estimator_options.implicit.damping = 1;
    const auto number = [](double value) { return Var(Tensor::scalar(value, DType::f64)); };
    const Vars phi{number(std::log(0.1)), number(1), number(std::log(1e-3))};
    FlatProblem problem = small_net();
    if (estimator.starts_with("implicit")) {  // which tunes what the training loss depends on, the decay alone
      const auto full = [phi](const Vars& decay) { return Vars{phi[0], phi[1], decay[0]}; };
      const FlatProblem whole = problem;
      problem.init = [=](const Vars& decay) { return whole.init(full(decay)); };
      problem.step = [=](const Vars& s, const Vars& decay, std::int64_t t) { return whole.step(s, full(decay), t); };
      problem.loss = [=](const Vars& s, const Vars& decay, std::int64_t t) { return whole.loss(s, full(decay), t); };
      CHECK(tune(problem, {phi[2]}, options).updates > 0);
    } else {
      CHECK(tune(problem, phi, options).updates > 0);
    }
  }
  return {memory_use().live_bytes - before.tensor_bytes, live - before.pieces};
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("live nodes: none is left when a run has ended") {
    for (const std::string& estimator : estimator_names()) {
      CAPTURE(estimator);
      const Left first = left_by(estimator), second = left_by(estimator);
      CHECK(first.tensor_bytes == 0);
      CHECK(second.tensor_bytes == 0);
      CHECK(second.pieces == 0);  // the first fills pools that stay
    }
    std::int64_t before = live;
    void* const one = ::operator new(8);
    CHECK(live == before + 1);
    ::operator delete(one);
    CHECK(live == before);
  }
}
