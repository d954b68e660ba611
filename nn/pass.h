// What a forward pass needs besides parameters and input: the mode, randomness, and running statistics.
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/random.h>

namespace glocal::nn {

/// One forward pass through a model. Make a new one for every call; layers take what they need in order of use.
struct Pass {
  bool training = true;
  Key key{};       ///< randomness of this pass; the same key gives the same masks
  Vars stats{};    ///< running statistics going in: mean and variance of each BatchNorm, in order of use
  Vars updated{};  ///< running statistics coming out, in the same order; filled in training mode only
  /// In place of each BatchNorm's own: 1 / i in the i-th of several passes makes `updated` the mean over all of them.
  std::optional<double> momentum{};
  Vars takers{};  ///< where no stats go in: the biases of the layers that take a pair, in the same order

  std::uint64_t keys_used = 0;
  std::size_t stats_used = 0;

  /// A key of its own for each layer that asks.
  Key next_key();
  /// The next pair (mean, variance), each (C,), for the layer with this weight (C,). With no stats at all, training
  /// starts from mean 0 and variance 1. Throws ValueError in evaluation mode without stats, ShapeError when the pair is
  /// missing or not of shape (C,).
  std::pair<Var, Var> next_stats(const Var& bias, DType dtype);
};

/// A layer that reads or writes the pass.
template <class L>
concept PassLayer = requires(const L& layer, const Var& x, Pass& pass) {
  { layer(x, pass) } -> std::convertible_to<Var>;
};
/// A layer that needs nothing but its input.
template <class L>
concept PlainLayer = requires(const L& layer, const Var& x) {
  { layer(x) } -> std::convertible_to<Var>;
};
template <class L>
concept Layer = PassLayer<L> || PlainLayer<L>;

/// Calls a layer either way.
template <Layer L>
Var forward(const L& layer, const Var& x, Pass& pass) {
  if constexpr (PassLayer<L>) {
    return layer(x, pass);
  } else {
    return layer(x);
  }
}

}  // namespace glocal::nn
