// Trees of Vars: a Var, a struct with fields(), and vectors, arrays, optionals, pairs and tuples of trees.
#pragma once
#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>

namespace glocal {

template <class T>
concept HasFields = requires(T& tree) {
  tree.fields();
};

namespace detail {
template <class T>
struct is_tree : std::bool_constant<HasFields<T>> {};
template <>
struct is_tree<Var> : std::true_type {};
template <class T>
struct is_tree<std::vector<T>> : is_tree<T> {};
template <class T>
struct is_tree<std::optional<T>> : is_tree<T> {};
template <class T, std::size_t n>
struct is_tree<std::array<T, n>> : is_tree<T> {};
template <class A, class B>
struct is_tree<std::pair<A, B>> : std::bool_constant<is_tree<A>::value && is_tree<B>::value> {};
template <class... T>
struct is_tree<std::tuple<T...>> : std::bool_constant<(is_tree<T>::value && ...)> {};
template <class T>
struct is_tree<T&> : is_tree<T> {};
}  // namespace detail

template <class T>
concept Tree = detail::is_tree<std::remove_cvref_t<T>>::value;

/// Calls f(Var&) on every leaf, in the order of the fields.
template <Tree T, class F>
void for_each_leaf(T& tree, F&& f) {
  if constexpr (std::same_as<T, Var>) {
    f(tree);
  } else if constexpr (HasFields<T>) {
    std::apply([&](auto&... field) { (for_each_leaf(field, f), ...); }, tree.fields());
  } else if constexpr (requires { tree.has_value(); }) {
    if (tree) for_each_leaf(*tree, f);
  } else if constexpr (requires { tree.begin(); }) {
    for (auto& branch : tree) for_each_leaf(branch, f);
  } else {
    std::apply([&](auto&... branch) { (for_each_leaf(branch, f), ...); }, tree);
  }
}

/// The leaves of a tree, in the order of the fields.
template <Tree T>
Vars flatten(const T& tree) {
  Vars leaves;
  // fields() hands out references, so it is not const; nothing is written here.
  for_each_leaf(const_cast<T&>(tree), [&](const Var& leaf) { leaves.push_back(leaf); });
  return leaves;
}

/// A tree built like `like`, its leaves replaced. Throws ShapeError when their count differs.
template <Tree T>
T unflatten(T like, In leaves) {
  std::size_t next = 0;
  for_each_leaf(like, [&](Var& leaf) {
    if (next < leaves.size()) leaf = leaves[next];
    ++next;
  });
  if (next != leaves.size()) fail<ShapeError>("[unflatten] the tree has {} leaves, {} were given", next, leaves.size());
  return like;
}

/// f applied leaf by leaf to trees of one structure: map_leaves(plus, a, b).
template <class F, Tree T, class... Rest>
T map_leaves(F&& f, const T& tree, const Rest&... rest) {
  Vars leaves = flatten(tree);
  const std::array<Vars, sizeof...(Rest)> others{flatten(rest)...};
  for (const Vars& other : others)
    if (other.size() != leaves.size())
      fail<ShapeError>("[map_leaves] trees have {} and {} leaves", leaves.size(), other.size());
  for (std::size_t i = 0; i < leaves.size(); ++i) leaves[i] = [&]<std::size_t... k>(std::index_sequence<k...>) {
      return f(leaves[i], others[k][i]...);
    }
  (std::make_index_sequence<sizeof...(Rest)>{});
  return unflatten(tree, leaves);
}

}  // namespace glocal
