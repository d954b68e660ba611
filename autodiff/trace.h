// The stack of transforms that are running on this thread: level k belongs to the k-th of them.
#pragma once
#include <cstdint>
#include <memory>

#include <glocal/autodiff/var.h>

namespace glocal {

/// Opens one level for its lifetime. Values it makes must not outlive it in a computation: call() checks.
class Trace {
 public:
  Trace();
  ~Trace();
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  Var dual(Var primal, Vars tangents) const;
  Var traced(Var primal, std::shared_ptr<Tape> tape, std::int32_t slot) const;
  bool owns(const Var& x) const { return x && x.level() == level_ && x.box()->trace == id_; }
  int level() const { return level_; }

 private:
  int level_;
  std::int64_t id_;
};

/// A value at the level of `top`: primal with tangents (primal itself when all are symbolic zeros), or with a tape
/// slot. The symbolic zero stays itself.
Var dual(const Box& top, Var primal, Vars tangents);
Var traced(const Box& top, Var primal, std::int32_t slot);

/// The box at the highest level among x, or nullptr when all are constants.
/// Throws TraceError, naming `where`, when that box was made by a transform that has ended.
const Box* highest(In x, const char* where);

}  // namespace glocal
