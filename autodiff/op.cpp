#include <glocal/autodiff/op.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <glocal/autodiff/tape.h>
#include <glocal/autodiff/trace.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>

namespace glocal {
namespace {

// A few Vars without a heap allocation; many with one.
class FewVars {
 public:
  explicit FewVars(std::size_t n) : n_(n) {
    if (n > few_.size()) many_.resize(n);
  }
  std::span<Var> span() { return {n_ > few_.size() ? many_.data() : few_.data(), n_}; }

 private:
  std::array<Var, 4> few_;
  Vars many_;
  std::size_t n_;
};

Var push_tangents(const Op& op, const Box& top, In x, In primals, const Var& y) {
  Vars tangents(top.tangents.size());
  FewVars storage(x.size());
  const std::span<Var> dx = storage.span();
  for (std::size_t k = 0; k < tangents.size(); ++k) {
    bool some = false;
    for (std::size_t i = 0; i < x.size(); ++i) {
      dx[i] = x[i].level() == top.level ? x[i].box()->tangents[k] : Var();
      some = some || dx[i];
    }
    if (some) tangents[k] = op.jvp(primals, y, dx);
  }
  return dual(top, y, std::move(tangents));
}

Var record_node(std::shared_ptr<const Op> op, const Box& top, In x, In primals, const Var& y) {
  std::array<std::int32_t, 4> few{};
  std::vector<std::int32_t> many(x.size() > few.size() ? x.size() : 0);
  const std::span<std::int32_t> parents(many.empty() ? few.data() : many.data(), x.size());
  for (std::size_t i = 0; i < x.size(); ++i) parents[i] = x[i].level() == top.level ? x[i].box()->slot : -1;
  return traced(top, y, top.tape->append(std::move(op), primals, parents, In(&y, 1)));
}

}  // namespace

Var evaluate(const Op& op, In x) { return op.eval(Values(x)); }

Var call(std::shared_ptr<const Op> op, In x) {
  for (const Var& v : x)
    if (!v) fail<TraceError>("[{}] an input is the symbolic zero; use instantiate() or plus()", op->name());
  const Box* top = highest(x, op->name());
  if (!top) return evaluate(*op, x);
  FewVars storage(x.size());
  const std::span<Var> primals = storage.span();
  for (std::size_t i = 0; i < x.size(); ++i) primals[i] = x[i].level() == top->level ? x[i].box()->primal : x[i];
  const Var y = call(op, primals);
  return top->tape ? record_node(std::move(op), *top, x, primals, y) : push_tangents(*op, *top, x, primals, y);
}

}  // namespace glocal
