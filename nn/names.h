// Names of the leaves of a tree, as "features.0.weight": from field_names where a struct has them, else by position.
#pragma once
#include <concepts>
#include <cstddef>
#include <string>
#include <vector>

#include <glocal/autodiff/tree.h>
#include <glocal/autodiff/var.h>

namespace glocal::nn {

template <class T>
concept HasFieldNames = HasFields<T> && requires {
  T::field_names.size();
};

namespace detail {
// The name of branch i of T.
template <class T>
std::string branch_name(std::size_t i) {
  if constexpr (HasFieldNames<T>) {
    return std::string(T::field_names[i]);
  } else {
    return std::to_string(i);
  }
}
}  // namespace detail

/// Calls f(name, leaf) on every leaf, in the order of flatten().
template <Tree T, class F>
void for_each_named_leaf(T& tree, const std::string& name, F&& f) {
  [[maybe_unused]] std::size_t i = 0;
  const auto visit = [&](auto& branch) {
    const std::string part = detail::branch_name<T>(i++);
    for_each_named_leaf(branch, name.empty() ? part : name + "." + part, f);
  };
  if constexpr (std::same_as<T, Var>) {
    f(name, tree);
  } else if constexpr (HasFields<T>) {
    std::apply(
        [&](auto&... branch) {
          if constexpr (HasFieldNames<T>)
            static_assert(T::field_names.size() == sizeof...(branch), "field_names and fields() differ in length");
          (visit(branch), ...);
        },
        tree.fields());
  } else if constexpr (requires { tree.has_value(); }) {
    if (tree) for_each_named_leaf(*tree, name, f);
  } else if constexpr (requires { tree.begin(); }) {
    for (auto& branch : tree) visit(branch);
  } else {
    std::apply([&](auto&... branch) { (visit(branch), ...); }, tree);
  }
}

/// One name per leaf, in the order of flatten().
template <Tree T>
std::vector<std::string> leaf_names(const T& tree) {
  std::vector<std::string> names;
  // fields() is not const; nothing is written here.
  for_each_named_leaf(const_cast<T&>(tree), "", [&](const std::string& name, const Var&) { names.push_back(name); });
  return names;
}

}  // namespace glocal::nn
