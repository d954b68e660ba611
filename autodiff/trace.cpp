#include <glocal/autodiff/trace.h>

#include <atomic>
#include <vector>

namespace glocal {
namespace {

thread_local std::vector<std::int64_t> running;  // ids of the open levels, outermost first
std::atomic<std::int64_t> next_id{1};

}  // namespace

Trace::Trace() : level_(static_cast<int>(running.size()) + 1), id_(next_id++) { running.push_back(id_); }
Trace::~Trace() { running.pop_back(); }

Var Trace::dual(Var primal, Vars tangents) const {
  auto box = std::make_shared<Box>();
  box->level = level_;
  box->trace = id_;
  box->primal = std::move(primal);
  box->tangents = std::move(tangents);
  return Var(std::move(box));
}

Var Trace::traced(Var primal, std::shared_ptr<Tape> tape, std::int32_t slot) const {
  auto box = std::make_shared<Box>();
  box->level = level_;
  box->trace = id_;
  box->primal = std::move(primal);
  box->tape = std::move(tape);
  box->slot = slot;
  return Var(std::move(box));
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
