#include <glocal/autodiff/trace.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/recycle.h>

namespace glocal {
namespace {

thread_local std::vector<std::int64_t> running;  // ids of the open levels, outermost first
std::atomic<std::int64_t> next_id{1};

Var make_box(int level, std::int64_t trace, Var primal, Vars tangents, std::shared_ptr<Tape> tape, std::int32_t slot) {
  auto box = std::allocate_shared<Box>(Recycled<Box>());
  box->level = level;
  box->trace = trace;
  box->primal = std::move(primal);
  box->tangents = std::move(tangents);
  box->tape = std::move(tape);
  box->slot = slot;
  return Var(std::move(box));
}

}  // namespace

Trace::Trace() : level_(static_cast<int>(running.size()) + 1), id_(next_id++) { running.push_back(id_); }
Trace::~Trace() { running.pop_back(); }

Var Trace::dual(Var primal, Vars tangents) const {
  return make_box(level_, id_, std::move(primal), std::move(tangents), nullptr, -1);
}

Var Trace::traced(Var primal, std::shared_ptr<Tape> tape, std::int32_t slot) const {
  return make_box(level_, id_, std::move(primal), {}, std::move(tape), slot);
}

Var dual(const Box& top, Var primal, Vars tangents) {
  const bool any = std::any_of(tangents.begin(), tangents.end(), [](const Var& d) { return bool(d); });
  if (!any || !primal) return primal;
  return make_box(top.level, top.trace, std::move(primal), std::move(tangents), nullptr, -1);
}

Var traced(const Box& top, Var primal, std::int32_t slot) {
  return primal ? make_box(top.level, top.trace, std::move(primal), {}, top.tape, slot) : primal;
}

const Box* highest(In x, const char* where) {
  const Box* top = nullptr;
  for (const Var& v : x) {
    if (v.level() == 0) continue;
    // Every input is checked: a stale one at the level of a valid one would be taken for its neighbour on the tape.
    const auto place = static_cast<std::size_t>(v.level()) - 1;
    if (place >= running.size() || running[place] != v.box()->trace)
      fail<TraceError>("[{}] a traced value is used outside the function being differentiated; return it instead",
                       where);
    if (!top || v.level() > top->level) top = v.box();
  }
  return top;
}

}  // namespace glocal
