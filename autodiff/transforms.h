// Functions to functions, over any tree of Vars. They nest in any order and any mixture of modes.
//   y, dy  = jvp(f, x, dx)          one direction, forward mode
//   y, dys = jvps(f, x, {dx...})    q directions in one forward pass
//   y, pullback = vjp(f, x)         pullback(gy) = gx, reverse mode, as often as wanted
//   y, pushforward = linearize(f, x)
//   grad(f)(x), value_and_grad(f)(x), hvp(f, x, v), checkpoint(f)(x), scan(step, s, T)
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <glocal/autodiff/tape.h>
#include <glocal/autodiff/tree.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>

namespace glocal {

// ---- the transforms on flat lists of Vars; everything below the line is these over trees ----

using Function = std::function<Vars(const Vars&)>;

/// One run of a function, recorded. Inputs and outputs that are the symbolic zero stay so.
struct Recording {
  Vars y;  ///< outputs, one level down
  std::shared_ptr<Tape> tape;
  Tape::Slots inputs, outputs;

  /// Gradients of the inputs; may be symbolic zeros. With release the tape is freed on the way: call once.
  /// Throws ShapeError unless gy has an entry per output, shaped as the output or the symbolic zero.
  Vars pull(In gy, bool release = false) const;
  /// Tangents of the outputs; may be symbolic zeros.
  Vars push(In dx) const { return tape->push(inputs, outputs, dx); }
};
Recording record(const Function& f, In x);

struct Pushed {
  Vars y;
  std::vector<Vars> dy;  ///< dy[k]: tangents of y in direction k, possibly symbolic zeros
};
/// Forward mode in the directions dx[k]. Throws ShapeError unless each has an entry per input, shaped as the input or
/// the symbolic zero.
Pushed push_forward(const Function& f, In x, std::span<const Vars> dx);

/// f(x), of which reverse mode keeps only x and runs f again when asked (Griewank & Walther 2008, ch. 12).
/// f must take every traced value it uses as an argument; throws TraceError otherwise.
Vars checkpoint_flat(const Function& f, In x);

// ---------------------------------------------------------------------------------------------------------

namespace detail {

template <class F, Tree X>
using Result = std::remove_cvref_t<std::invoke_result_t<F&, const X&>>;

// A tree function as a flat one; `y` receives the structure of its result.
template <class F, Tree X>
Function flat(F& f, const X& x, std::optional<Result<F, X>>& y) {
  return [&f, &x, &y](const Vars& leaves) {
    y = f(unflatten(x, leaves));
    return flatten(*y);
  };
}

/// Throws ShapeError unless `given` has an entry per leaf of `like`, of its shape and element type or the symbolic
/// zero.
void check_like(const char* where, In given, In like);

// A function in the closure of a transform. As with std::function, the closure may be called where it is const, whether
// or not F may.
template <class F>
struct Held {
  mutable F f;
};

inline Vars instantiate_all(Vars v, In like) {
  for (std::size_t i = 0; i < v.size(); ++i)
    if (like[i]) v[i] = instantiate(v[i], like[i]);
  return v;
}

}  // namespace detail

/// q directions in one pass: returns f(x) and one tangent tree per direction.
template <class F, Tree X>
auto jvps(F&& f, const X& x, const std::vector<X>& dx) {
  using Y = detail::Result<F, X>;
  std::optional<Y> like;
  std::vector<Vars> directions;
  for (const X& d : dx) directions.push_back(flatten(d));
  Pushed pushed = push_forward(detail::flat(f, x, like), flatten(x), directions);
  std::vector<Y> dy;
  for (Vars& d : pushed.dy) dy.push_back(unflatten(*like, detail::instantiate_all(std::move(d), pushed.y)));
  return std::pair<Y, std::vector<Y>>(unflatten(*like, pushed.y), std::move(dy));
}

/// One direction: returns f(x) and its derivative along dx.
template <class F, Tree X>
auto jvp(F&& f, const X& x, const std::type_identity_t<X>& dx) {
  auto [y, dy] = jvps(f, x, std::vector<X>{dx});
  return std::pair(std::move(y), std::move(dy[0]));
}

/// Returns f(x) and the pullback gy -> gx.
template <class F, Tree X>
auto vjp(F&& f, const X& x) {
  using Y = detail::Result<F, X>;
  std::optional<Y> like;
  const Vars leaves = flatten(x);
  const Recording recording = record(detail::flat(f, x, like), leaves);
  auto pullback = [recording, x, leaves](const Y& gy) {
    return unflatten(x, detail::instantiate_all(recording.pull(flatten(gy)), leaves));
  };
  return std::pair(unflatten(*like, recording.y), std::move(pullback));
}

/// Returns f(x) and the pushforward dx -> dy; the function runs once however many directions follow.
template <class F, Tree X>
auto linearize(F&& f, const X& x) {
  using Y = detail::Result<F, X>;
  std::optional<Y> like;
  const Vars leaves = flatten(x);
  const Recording recording = record(detail::flat(f, x, like), leaves);
  const Y y = unflatten(*like, recording.y);
  auto pushforward = [recording, y, leaves](const X& dx) {
    const Vars direction = flatten(dx);
    detail::check_like("linearize", direction, leaves);
    return unflatten(y, detail::instantiate_all(recording.push(direction), recording.y));
  };
  return std::pair(y, std::move(pushforward));
}

/// The function x -> (f(x), gradient). f returns a scalar Var, or a pair (scalar, extra) whose extra tree is
/// passed through undifferentiated (running statistics, logits). Throws ShapeError when f(x) is not a scalar.
template <class F>
auto value_and_grad(F f) {
  return [held = detail::Held<F>{std::move(f)}]<Tree X>(const X& x) {
    using Y = detail::Result<F, X>;
    std::optional<Y> like;
    const Vars leaves = flatten(x);
    const Recording recording = record(detail::flat(held.f, x, like), leaves);
    const Var& loss = recording.y[0];
    if (loss.size() != 1) fail<ShapeError>("[grad] the function must return one number, its shape is {}", loss.shape());
    Vars gy(recording.y.size());
    gy[0] = ones_like(loss);
    X gradient = unflatten(x, detail::instantiate_all(recording.pull(gy, /*release=*/true), leaves));
    return std::pair<Y, X>(unflatten(*like, recording.y), std::move(gradient));
  };
}

/// The gradient function of a scalar function.
template <class F>
auto grad(F f) {
  return [g = value_and_grad(std::move(f))]<Tree X>(const X& x) { return g(x).second; };
}

/// Hessian of the scalar f at x times v, forward over reverse: about four evaluations of f.
template <class F, Tree X>
X hvp(F&& f, const X& x, const std::type_identity_t<X>& v) {
  return jvp(grad(std::forward<F>(f)), x, v).second;
}

/// checkpoint(f)(x) = f(x), kept in reverse mode as x alone. See checkpoint_flat.
template <class F>
auto checkpoint(F f) {
  return [f]<Tree X>(const X& x) {
    using Y = detail::Result<F, X>;
    // The replay outlives this call, so it owns f and the structure of x, without the leaves: those hold the tape that
    // holds the replay. The structure of the result comes from the first run.
    const Vars inputs = flatten(x);
    const X structure = unflatten(x, Vars(inputs.size()));
    auto like = std::make_shared<std::optional<Y>>();
    const Function flat = [f, structure, like](const Vars& leaves) mutable {
      Y y = f(unflatten(structure, leaves));
      Vars out = flatten(y);
      if (!*like) *like = unflatten(y, Vars(out.size()));
      return out;
    };
    const Vars y = checkpoint_flat(flat, inputs);
    return unflatten(**like, y);
  };
}

/// s_T of s_{t+1} = step(s_t, t). Reverse mode stores one state per segment and re-records one segment at a time:
/// memory O(T / segment + segment) steps. segment = 0 takes ceil(sqrt(T)).
template <class F, Tree S>
S scan(F step, S s, std::int64_t T, std::int64_t segment = 0) {
  if (T < 0 || segment < 0) fail<ValueError>("[scan] T = {} and segment = {} must not be negative", T, segment);
  if (segment == 0) segment = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(std::sqrt(double(T)))));
  for (std::int64_t begin = 0; begin < T; begin += segment) {
    const std::int64_t end = std::min(T, begin + segment);
    s = checkpoint([step, begin, end](S state) mutable {
      for (std::int64_t t = begin; t < end; ++t) state = step(state, t);
      return state;
    })(s);
  }
  return s;
}

}  // namespace glocal
