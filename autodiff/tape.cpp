#include <glocal/autodiff/tape.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/rule.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/linalg/blas.h>
#include <glocal/core/tensor.h>

namespace glocal {
namespace {

// Sums gradients that meet in one slot, in place when nobody else can see the first of them.
void accumulate(Var& sum, Var term) {
  if (!term) return;
  if (!sum) {
    sum = std::move(term);
  } else if (sum.sole_owner() && term.level() == 0 && sum.shape() == term.shape() && sum.dtype() == term.dtype()) {
    Tensor total = sum.value();
    visit_float(total.dtype(), "accumulate",
                [&]<class T>() { blas::axpy<T>(total.size(), T(1), term.value().data<T>(), total.data<T>()); });
  } else {
    sum = plus(sum, term);
  }
}

}  // namespace

std::vector<Tape::Lists>* Tape::spare() {
  static thread_local bool over = false;
  struct Spare {
    std::vector<Lists> lists;
    ~Spare() { over = true; }
  };
  static thread_local Spare spare;
  return over ? nullptr : &spare.lists;
}

Tape::Tape() {
  std::vector<Lists>* const lists = spare();
  if (!lists || lists->empty()) return;
  lists_ = std::move(lists->back());
  lists->pop_back();
}

Tape::~Tape() {
  constexpr std::size_t largest = 1 << 16, most = 1 << 10;
  lists_.nodes.clear();
  lists_.primals.clear();
  lists_.parents.clear();
  lists_.slots.clear();
  lists_.makers.clear();
  std::vector<Lists>* const lists = spare();
  if (lists && lists_.slots.capacity() <= largest && lists->size() < most) lists->push_back(std::move(lists_));
}

std::int32_t Tape::add_slot(Var primal, std::int32_t maker) {
  if (lists_.slots.size() >= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
    fail<TraceError>("[tape] more than 2^31 recorded numbers; use checkpoint() or scan()");
  lists_.slots.push_back(std::move(primal));
  lists_.makers.push_back(maker);
  return static_cast<std::int32_t>(lists_.slots.size()) - 1;
}

std::int32_t Tape::add_input() { return add_slot({}, -1); }

// Large constants made by a quick rule whose own inputs are all kept.
bool Tape::can_be_made_again(const Var& x, std::int32_t parent) const {
  constexpr std::int64_t large = 1 << 14;
  if (parent < 0 || x.level() > 0 || x.size() < large) return false;
  const std::int32_t maker = lists_.makers[static_cast<std::size_t>(parent)];
  if (maker < 0 || !lists_.nodes[static_cast<std::size_t>(maker)].rule->quick()) return false;
  const Node& node = lists_.nodes[static_cast<std::size_t>(maker)];
  return all_constant(In(lists_.primals).subspan(node.first_input, node.inputs));
}

In Tape::inputs_of(const Node& node, Vars& store) const {
  const In kept(lists_.primals.data() + node.first_input, node.inputs);
  if (node.whole) return kept;
  store.assign(kept.begin(), kept.end());
  const std::span<const std::int32_t> parents(lists_.parents.data() + node.first_input, node.inputs);
  const Reads reads = node.rule->reads(Wants(parents));
  for (std::size_t i = 0; i < node.inputs; ++i) {
    if (store[i] || !reads.reads_input(i)) continue;
    const auto maker = static_cast<std::size_t>(lists_.makers[static_cast<std::size_t>(parents[i])]);
    const Node& made_by = lists_.nodes[maker];
    store[i] = made_by.rule->again(Values(In(lists_.primals).subspan(made_by.first_input, made_by.inputs)));
  }
  return store;
}

std::int32_t Tape::append(std::shared_ptr<const Rule> rule, In x, std::span<const std::int32_t> parents, In y) {
  const auto first_output = static_cast<std::int32_t>(lists_.slots.size());
  const Reads reads = rule->reads(Wants(parents));
  lists_.nodes.push_back(
      {std::move(rule), lists_.primals.size(), x.size(), first_output, static_cast<std::int32_t>(y.size())});
  const auto number = static_cast<std::int32_t>(lists_.nodes.size()) - 1;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const bool drop = reads.reads_input(i) && can_be_made_again(x[i], parents[i]);
    if (drop) lists_.nodes.back().whole = false;
    lists_.primals.push_back(reads.reads_input(i) && !drop ? x[i] : Var());
  }
  lists_.parents.insert(lists_.parents.end(), parents.begin(), parents.end());
  for (const Var& v : y) add_slot(reads.outputs ? v : Var(), number);
  return first_output;
}

Vars Tape::pull(const Slots& inputs, const Slots& outputs, In gy, bool release) {
  Vars gradients(lists_.slots.size());
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i] >= 0) accumulate(gradients[static_cast<std::size_t>(outputs[i])], gy[i]);
  Vars gx, made;
  for (auto node = lists_.nodes.rbegin(); node != lists_.nodes.rend(); ++node) {
    const auto first = static_cast<std::size_t>(node->first_output), outs = static_cast<std::size_t>(node->outputs);
    const Out g(gradients.data() + first, outs), y(lists_.slots.data() + first, outs);
    const Out x(lists_.primals.data() + node->first_input, node->inputs);
    const std::span<const std::int32_t> parents(lists_.parents.data() + node->first_input, node->inputs);
    if (std::any_of(g.begin(), g.end(), [](const Var& v) { return bool(v); })) {
      gx.assign(node->inputs, {});
      node->rule->pull(inputs_of(*node, made), y, g, Wants(parents), gx);
      made.clear();
      for (Var& v : g) v = {};
      for (std::size_t i = 0; i < gx.size(); ++i)
        if (parents[i] >= 0) accumulate(gradients[static_cast<std::size_t>(parents[i])], std::move(gx[i]));
    }
    if (release) {
      for (Var& v : x) v = {};
      for (Var& v : y) v = {};
      node->rule.reset();
    }
  }
  Vars result;
  for (std::int32_t slot : inputs) result.push_back(slot < 0 ? Var() : gradients[static_cast<std::size_t>(slot)]);
  return result;
}

Vars Tape::push(const Slots& inputs, const Slots& outputs, In dx) const {
  Vars tangents(lists_.slots.size());
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i] >= 0) tangents[static_cast<std::size_t>(inputs[i])] = dx[i];
  Vars d, made;
  for (const Node& node : lists_.nodes) {
    const auto first = static_cast<std::size_t>(node.first_output), outs = static_cast<std::size_t>(node.outputs);
    d.assign(node.inputs, {});
    bool any = false;
    for (std::size_t i = 0; i < node.inputs; ++i) {
      const std::int32_t parent = lists_.parents[node.first_input + i];
      if (parent >= 0) d[i] = tangents[static_cast<std::size_t>(parent)];
      any = any || d[i];
    }
    if (any)
      node.rule->push(inputs_of(node, made), In(lists_.slots.data() + first, outs), d,
                      Out(tangents.data() + first, outs));
  }
  Vars result;
  for (std::int32_t slot : outputs) result.push_back(slot < 0 ? Var() : tangents[static_cast<std::size_t>(slot)]);
  return result;
}

}  // namespace glocal
