#include <glocal/autodiff/transforms.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <glocal/autodiff/op.h>
#include <glocal/autodiff/tape.h>
#include <glocal/autodiff/trace.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>

namespace glocal {
namespace {

// The outputs of f seen from one level down, and their slots.
void strip(Recording& r, const Trace& trace, const Vars& outputs) {
  for (const Var& y : outputs) {
    const bool mine = trace.owns(y);
    r.outputs.push_back(mine ? y.box()->slot : -1);
    r.y.push_back(mine ? y.box()->primal : y);
  }
}

Vars concatenated(In a, In b) {
  Vars all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

// A result of a checkpointed function can be at the level of its arguments only through a value it captured.
void refuse_captured(In y, const Box& top) {
  for (const Var& v : y)
    if (v.level() >= top.level)
      fail<TraceError>("[checkpoint] the function uses a traced value that is not among its arguments; pass it in");
}

// The node that checkpoint() leaves on a tape: x and f, from which it makes everything else when asked.
struct Replay : Rule {
  Function f;
  explicit Replay(Function function) : f(std::move(function)) {}
  const char* name() const override { return "checkpoint"; }
  Reads reads(Wants) const override { return Reads::only_inputs(); }

  void push(In x, In, In dx, Out dy) const override {
    // Itself checkpointed, so that forward mode through a recorded unroll stays small: (x, dx) -> dy.
    const std::size_t n = x.size();
    const Function tangent = [f = f, n](const Vars& both) {
      const Vars direction(both.begin() + static_cast<std::ptrdiff_t>(n), both.end());
      return push_forward(f, In(both).first(n), std::span(&direction, 1)).dy[0];
    };
    std::ranges::copy(checkpoint_flat(tangent, concatenated(x, dx)), dy.begin());
  }

  void pull(In x, In, In gy, Wants, Out gx) const override {
    // Itself checkpointed, for reverse over reverse: (x, gy) -> gx.
    const std::size_t n = x.size();
    const Function gradient = [f = f, n](const Vars& both) {
      return record(f, In(both).first(n)).pull(In(both).subspan(n), /*release=*/true);
    };
    std::ranges::copy(checkpoint_flat(gradient, concatenated(x, gy)), gx.begin());
  }
};

}  // namespace

void detail::check_like(const char* where, In given, In like) {
  if (given.size() != like.size())
    fail<ShapeError>("[{}] {} leaves were given, needs {}", where, given.size(), like.size());
  for (std::size_t i = 0; i < like.size(); ++i)
    if (given[i] && like[i] && (given[i].shape() != like[i].shape() || given[i].dtype() != like[i].dtype()))
      fail<ShapeError>("[{}] leaf {} is {} {}, needs {} {}", where, i, given[i].dtype(), given[i].shape(),
                       like[i].dtype(), like[i].shape());
}

Vars Recording::pull(In gy, bool release) const {
  detail::check_like("vjp", gy, y);
  return tape->pull(inputs, outputs, gy, release);
}

Recording record(const Function& f, In x) {
  const Trace trace;
  Recording r;
  r.tape = std::make_shared<Tape>();
  Vars inputs;
  for (const Var& v : x) {
    r.inputs.push_back(v ? r.tape->add_input() : -1);
    inputs.push_back(v ? trace.traced(v, r.tape, r.inputs.back()) : Var());
  }
  strip(r, trace, f(inputs));
  return r;
}

Pushed push_forward(const Function& f, In x, std::span<const Vars> dx) {
  const Trace trace;
  for (const Vars& direction : dx) detail::check_like("jvp", direction, x);
  Vars inputs(x.begin(), x.end());
  for (std::size_t i = 0; i < x.size(); ++i) {
    Vars tangents;
    bool any = false;
    for (const Vars& direction : dx) {
      tangents.push_back(direction[i]);
      any = any || direction[i];
    }
    if (any && x[i]) inputs[i] = trace.dual(x[i], std::move(tangents));
  }
  const Vars outputs = f(inputs);
  Pushed pushed{{}, std::vector<Vars>(dx.size())};
  for (const Var& y : outputs) {
    const bool mine = trace.owns(y);
    pushed.y.push_back(mine ? y.box()->primal : y);
    for (std::size_t k = 0; k < dx.size(); ++k) pushed.dy[k].push_back(mine ? y.box()->tangents[k] : Var());
  }
  return pushed;
}

Vars checkpoint_flat(const Function& f, In x) {
  const Box* top = highest(x, "checkpoint");
  if (!top) return f(Vars(x.begin(), x.end()));
  const std::size_t n = x.size();
  Vars primals;
  for (const Var& v : x) primals.push_back(v.level() == top->level ? v.box()->primal : v);

  if (!top->tape) {
    // Forward mode carries (x, dx_1..dx_q) through; what is recorded lies below, so checkpoint that function.
    const std::size_t q = top->tangents.size();
    Vars all = primals;
    for (std::size_t k = 0; k < q; ++k)
      for (const Var& v : x) all.push_back(v.level() == top->level ? v.box()->tangents[k] : Var());
    const Function both = [f, n, q](const Vars& a) {
      std::vector<Vars> directions;
      for (std::size_t k = 1; k <= q; ++k) {
        const In d = In(a).subspan(k * n, n);
        directions.emplace_back(d.begin(), d.end());
      }
      Pushed pushed = push_forward(f, In(a).first(n), directions);
      for (const Vars& dy : pushed.dy) pushed.y.insert(pushed.y.end(), dy.begin(), dy.end());
      return pushed.y;
    };
    const Vars y = checkpoint_flat(both, all);
    refuse_captured(y, *top);
    const std::size_t outputs = y.size() / (q + 1);
    Vars result;
    for (std::size_t i = 0; i < outputs; ++i) {
      Vars tangents;
      for (std::size_t k = 1; k <= q; ++k) tangents.push_back(y[k * outputs + i]);
      result.push_back(dual(*top, y[i], std::move(tangents)));
    }
    return result;
  }

  const Vars y = checkpoint_flat(f, primals);
  refuse_captured(y, *top);
  std::vector<std::int32_t> parents;
  for (const Var& v : x) parents.push_back(v.level() == top->level ? v.box()->slot : -1);
  std::int32_t slot = top->tape->append(std::make_shared<Replay>(f), primals, parents, y);
  Vars result;
  for (const Var& v : y) result.push_back(traced(*top, v, slot++));
  return result;
}

}  // namespace glocal
