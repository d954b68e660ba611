// What an update rule returns, and the checks they all share.
#pragma once
#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <tuple>
#include <type_traits>

#include <glocal/autodiff/tree.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/parallel.h>
#include <glocal/core/tensor.h>

namespace glocal::optim {

template <Tree State>
struct Updated {
  Vars params;
  State state;
  auto fields() { return std::tie(params, state); }
};

/// Calls on_list(Vars&) for each field of a state that is a list, on_number(Var&) for each that is one Var.
template <Tree State, class OnList, class OnNumber>
void for_each_field(State& state, OnList on_list, OnNumber on_number) {
  const auto visit = [&](auto& field) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field)>, Var>)
      on_number(field);
    else
      on_list(field);
  };
  std::apply([&](auto&... field) { (visit(field), ...); }, state.fields());
}

template <Tree State, class OnList>
void for_each_list(State& state, OnList on_list) {
  for_each_field(state, on_list, [](Var&) {});
}

/// The state of a rule before the first step: zeros shaped as the parameters in each of its lists, and numbers 0.
template <Tree State>
State zero_state(const Vars& params) {
  State state;
  for_each_field(
      state,
      [&](Vars& list) {
        for (const Var& w : params) list.push_back(zeros_like(w));
      },
      [&](Var& number) { number = Tensor::zeros({}, params.empty() ? DType::f32 : params[0].dtype()); });
  return state;
}

/// Throws ShapeError unless gradients and every list of the state fit the parameters; a gradient may be the symbolic
/// zero.
void check_fit(const char* rule, const Vars& params, const Vars& grads, std::initializer_list<const Vars*> state);

/// Throws DTypeError unless every hyperparameter has the element type of the parameters; symbolic zeros pass.
void check_dtype(const char* rule, const Vars& params, In hyper);

/// True for the symbolic zero and for a constant 0: terms with this factor are left out.
bool vanishes(const Var& hyper);

/// g + weight_decay * w, the gradient of the loss plus weight_decay |w|^2 / 2; g may be the symbolic zero.
Var decayed(const Var& g, const Var& w, const Var& weight_decay);

// ---- for update rules that look at all parameters at once ----

/// Gradients plus weight_decay times the parameters, where the decay is given; no entry is the symbolic zero.
Vars decayed(const Vars& grads, const Vars& params, const Var& weight_decay);

Var inner(const Vars& a, const Vars& b);                               ///< sum over all lists' entries of a b -> ()
Var squared_norm(const Vars& a);                                       ///< inner(a, a)
Var one_norm(const Vars& a);                                           ///< sum of |a| -> ()
Vars difference(const Vars& a, const Vars& b);                         ///< a - b, entry by entry
Vars moved_by(const Vars& x, const Var& step, const Vars& direction);  ///< x + step direction, step one number

/// The larger and the smaller of two numbers; the derivative is that of the one taken.
Var larger(const Var& a, const Var& b);
Var smaller(const Var& a, const Var& b);
/// sqrt(x), and a constant 0 at 0, where its slope is infinite.
Var root(const Var& x);

// ---- for update rules that run in one pass over memory ----

/// Where the new value of x goes: into x itself when nobody else can see it.
Tensor result_in(const Var& x);

/// The inputs of one update as a list, moved and not copied: a copy would keep them from being overwritten.
template <class... V>
Vars moved(V&&... inputs) {
  Vars list;
  list.reserve(sizeof...(V));
  (list.push_back(std::forward<V>(inputs)), ...);
  return list;
}

/// Calls body(first, count) for chunks of n numbers, on all threads; a chunk's numbers fit the L1 cache several times.
constexpr std::int64_t chunk = 1 << 11;
template <class F>
void for_each_chunk(std::int64_t n, F body) {
  parallel_for(n, 8 * chunk, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; i += chunk) body(i, std::min(chunk, end - i));
  });
}

}  // namespace glocal::optim
