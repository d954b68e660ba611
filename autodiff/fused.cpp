#include <glocal/autodiff/fused.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <glocal/autodiff/op.h>
#include <glocal/autodiff/tape.h>  // IWYU pragma: keep (complete behind top->tape)
#include <glocal/autodiff/trace.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/autodiff/var.h>

namespace glocal {
namespace {

std::vector<Vars> push_tangents(const Fused& f, const Box& top, In x, In primals, In y) {
  std::vector<Vars> dx(top.tangents.size(), Vars(x.size()));
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t k = 0; k < dx.size() && x[i].level() == top.level; ++k) dx[k][i] = x[i].box()->tangents[k];
  return f.push_all(primals, y, dx);
}

}  // namespace

std::vector<Vars> Fused::push_all(In x, In, std::span<const Vars> dx) const {
  return push_forward([this](const Vars& v) { return composed(v); }, x, dx).dy;
}

void Fused::push(In x, In y, In dx, Out dy) const {
  const Vars direction(dx.begin(), dx.end());
  std::ranges::copy(push_all(x, y, std::span(&direction, 1))[0], dy.begin());
}

void Fused::pull(In x, In, In gy, Wants w, Out gx) const {
  Vars wanted;
  for (std::size_t i = 0; i < x.size(); ++i)
    if (w[i]) wanted.push_back(x[i]);
  const Function f = [&](const Vars& traced) {
    Vars all(x.begin(), x.end());
    for (std::size_t i = 0, next = 0; i < all.size(); ++i)
      if (w[i]) all[i] = traced[next++];
    return composed(all);
  };
  Vars gradient = record(f, wanted).pull(gy, /*release=*/true);
  for (std::size_t i = 0, next = 0; i < x.size(); ++i)
    if (w[i]) gx[i] = std::move(gradient[next++]);
}

Vars call(std::shared_ptr<const Fused> f, Vars x) {
  const Box* top = highest(x, f->name());
  if (!top) return f->eval(x);
  Vars primals;
  for (const Var& v : x) primals.push_back(v.level() == top->level ? v.box()->primal : v);
  const Vars y = call(f, primals);
  Vars result;
  if (top->tape) {
    std::vector<std::int32_t> parents;
    for (const Var& v : x) parents.push_back(v.level() == top->level ? v.box()->slot : -1);
    std::int32_t slot = top->tape->append(std::move(f), primals, parents, y);
    for (const Var& v : y) result.push_back(traced(*top, v, slot++));
    return result;
  }
  const std::vector<Vars> dy = push_tangents(*f, *top, x, primals, y);
  for (std::size_t i = 0; i < y.size(); ++i) {
    Vars tangents;
    for (const Vars& d : dy) tangents.push_back(d[i]);
    result.push_back(dual(*top, y[i], std::move(tangents)));
  }
  return result;
}

}  // namespace glocal
