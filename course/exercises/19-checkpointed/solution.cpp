// Reverse mode over a long run in the memory of a short one.
#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>

#include "exercise.h"

using namespace glocal;

struct Run {
  std::function<Var(const Var& s, const Var& phi, int t)> step;
  std::function<Var(const Var& s)> outer;  // E, one number
};

// Where states are kept; more than `room` at a time is an error.
class Shelf {
 public:
  explicit Shelf(std::size_t room) : room_(room) {}
  void push(const Var& s) {
    if (states_.size() == room_) throw std::length_error("more states on the shelf than there is room for");
    states_.push_back(s);
  }
  Var pop() {
    Var s = states_.back();
    states_.pop_back();
    return s;
  }
  const Var& top() const { return states_.back(); }
  std::size_t size() const { return states_.size(); }

 private:
  std::size_t room_;
  std::vector<Var> states_;
};

// The segment length k >= 1 for which ceil(T / k) + k is least; of equals the smallest.
inline int best_segment(int T) {
  // BEGIN SOLUTION
  int best = 1;
  for (int k = 1; k <= T; ++k)
    if ((T + k - 1) / k + k < (T + best - 1) / best + best) best = k;
  return best;
  // END SOLUTION
}

// dE(s_T) / dphi with segments of k steps; all states that are kept stand on the shelf.
inline Var global_checkpointed(const Run& run, const Var& s0, const Var& phi, int T, int k, Shelf& shelf) {
  // BEGIN SOLUTION
  Var s = s0;
  for (int t = 0; t < T; ++t) {
    if (t % k == 0) shelf.push(s);
    s = run.step(s, phi, t);
  }
  Var a = grad(run.outer)(s), h = zeros_like(phi);
  for (int end = T; end > 0;) {
    const int begin = (end - 1) / k * k;
    for (int t = begin; t + 1 < end; ++t) shelf.push(run.step(shelf.top(), phi, t));
    for (int t = end; t-- > begin;) {
      const auto step = [&](const std::pair<Var, Var>& both) { return run.step(both.first, both.second, t); };
      const auto [ds, dphi] = vjp(step, std::pair(shelf.pop(), phi)).second(a);
      h = h + dphi;
      a = ds;
    }
    end = begin;
  }
  return h;
  // END SOLUTION
}
