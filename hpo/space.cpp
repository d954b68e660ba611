#include <glocal/hpo/space.h>

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/core/text/nearest.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/transform.h>

namespace glocal::hpo {

void Space::add(Hyperparameter p) {
  for (const Hyperparameter& other : all_)
    if (other.name == p.name) fail<ValueError>("[space] {} is there twice; name each hyperparameter once", p.name);
  if (static_cast<std::int64_t>(p.initial.size()) != p.shape.size())
    fail<ValueError>("[space] {} of shape {} needs {} initial values, got {}", p.name, p.shape, p.shape.size(),
                     p.initial.size());
  for (double v : p.initial) unconstrained(p, v);
  all_.push_back(std::move(p));
}

std::size_t Space::index(std::string_view name) const {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    if (all_[i].name == name) return i;
    known.push_back(all_[i].name);
  }
  fail<ValueError>("[space] {}", unknown_name(name, "hyperparameter of this space", known, ""));
}

Vars Space::initial(DType dtype) const {
  Vars phi;
  for (const Hyperparameter& p : all_) {
    std::vector<double> u;
    for (double v : p.initial) {
      u.push_back(unconstrained(p, v));
      if (!usable(p, transformed(p, Tensor::scalar(u.back(), dtype)).item(), dtype))
        fail<ValueError>("[space] {}", at_an_end(p, std::ssize(u) - 1, v, v, dtype));
    }
    phi.push_back(Tensor::from(u, p.shape).to(dtype));
  }
  return phi;
}

Var Space::value(std::size_t i, const Var& u) const {
  const Hyperparameter& p = all_[i];
  const Var v = transformed(p, u);
  visit_float(v.dtype(), "space", [&]<class T>() {
    const std::span<const T> numbers = v.value().span<T>();
    const auto end = std::ranges::find_if_not(numbers, [&](T number) { return usable(p, number, v.dtype()); });
    if (end == numbers.end()) return;
    const double number = *end;
    fail<NumericError>("[space] {}; take smaller steps in it (a smaller meta lr)",
                       at_an_end(p, end - numbers.begin(), number, number, v.dtype()));
  });
  return v;
}

std::vector<double> Space::values(In phi) const {
  std::vector<double> all;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    const Tensor v = transformed(all_[i], phi[i]).value();
    for (std::int64_t j = 0; j < v.size(); ++j) all.push_back(v.at(j));
  }
  return all;
}

std::vector<Extent> Space::extents() const {
  std::vector<Extent> all;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    const Hyperparameter& p = all_[i];
    const auto count = static_cast<std::size_t>(p.shape.size());
    if (i > 0 && !p.of.empty() && all_[i - 1].of == p.of)
      all.back().count += count;
    else if (p.of.empty())
      all.push_back({p.name, begin, count, p.shape.rank() > 0});
    else
      all.push_back({p.of, begin, count, true});
    begin += count;
  }
  return all;
}

std::vector<std::string> Space::component_names() const {
  std::vector<std::string> names;
  for (const Hyperparameter& p : all_)
    for (std::int64_t j = 0; j < p.shape.size(); ++j)
      names.push_back(p.shape.rank() == 0 ? p.name : fmt::format("{}[{}]", p.name, j));
  return names;
}

Vars to_leaves(const std::vector<double>& numbers, In like) {
  if (static_cast<std::int64_t>(numbers.size()) != components(like))
    fail<ShapeError>("[space] {} numbers for {} hyperparameter components", numbers.size(), components(like));
  Vars leaves;
  std::size_t next = 0;
  for (const Var& leaf : like) {
    const auto n = static_cast<std::size_t>(leaf.size());
    leaves.push_back(Tensor::from(std::span<const double>(numbers).subspan(next, n), leaf.shape()).to(leaf.dtype()));
    next += n;
  }
  return leaves;
}

}  // namespace glocal::hpo
