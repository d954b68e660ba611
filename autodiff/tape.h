// A straight line of nodes in execution order. No recursion and no hashing anywhere: 10^6 nodes need no deep stack.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <glocal/autodiff/rule.h>
#include <glocal/autodiff/var.h>

namespace glocal {

/// A slot is one number known to the tape: an input, or an output of a node.
class Tape {
 public:
  using Slots = std::vector<std::int32_t>;  // -1: not on this tape

  Tape();
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  std::int32_t add_input();
  /// Records y = rule(x); parents[i] is the slot of x[i] or -1. Returns the slot of y[0]; the others follow it.
  std::int32_t append(std::shared_ptr<const Rule> rule, In x, std::span<const std::int32_t> parents, In y);

  /// Backwards: gradients of `inputs` from gradients gy of `outputs`. With release, nodes are freed on the way.
  Vars pull(const Slots& inputs, const Slots& outputs, In gy, bool release);
  /// Forwards: tangents of `outputs` from tangents dx of `inputs`.
  Vars push(const Slots& inputs, const Slots& outputs, In dx) const;

  std::size_t size() const { return lists_.nodes.size(); }
  /// The rule of each node, in order (for tests and for drawing a graph).
  const Rule& rule(std::size_t node) const { return *lists_.nodes[node].rule; }

 private:
  struct Node {
    std::shared_ptr<const Rule> rule;
    std::size_t first_input = 0, inputs = 0;     // a range of primals and parents
    std::int32_t first_output = 0, outputs = 0;  // a range of slots
    bool whole = true;                           // no input was dropped to be made again
  };
  struct Lists {
    std::vector<Node> nodes;
    Vars primals;                       // the inputs of all nodes, one after the other
    std::vector<std::int32_t> parents;  // their slots
    Vars slots;                         // the primal in each slot (empty for inputs of the tape)
    std::vector<std::int32_t> makers;   // the node that made each slot, -1 for inputs
  };
  static std::vector<Lists>* spare();  // of tapes that are gone, for the next ones; none when the thread is ending
  std::int32_t add_slot(Var primal, std::int32_t maker);
  bool can_be_made_again(const Var& x, std::int32_t parent) const;
  /// The primals of a node's inputs, those dropped made again into `store`.
  In inputs_of(const Node& node, Vars& store) const;

  Lists lists_;
};

}  // namespace glocal
