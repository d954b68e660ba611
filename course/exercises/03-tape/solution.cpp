// Reverse mode for numbers: a tape of nodes with local slopes.
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "exercise.h"

struct Tape {
  struct Node {
    double value = 0;
    std::vector<std::pair<std::size_t, double>> parents;  // (index of the parent, d(this) / d(parent))
  };
  std::vector<Node> nodes;

  std::size_t input(double value) { return push({value, {}}); }
  std::size_t add(std::size_t a, std::size_t b) { return push({value(a) + value(b), {{a, 1}, {b, 1}}}); }

  std::size_t mul(std::size_t a, std::size_t b) {
    // BEGIN SOLUTION
    return push({value(a) * value(b), {{a, value(b)}, {b, value(a)}}});
    // END SOLUTION
  }

  std::size_t sin(std::size_t a) {
    // BEGIN SOLUTION
    return push({std::sin(value(a)), {{a, std::cos(value(a))}}});
    // END SOLUTION
  }

  double value(std::size_t i) const { return nodes[i].value; }

  // The derivative of node `output` with respect to every node of the tape.
  std::vector<double> backward(std::size_t output) const {
    // BEGIN SOLUTION
    std::vector<double> adjoint(nodes.size(), 0.0);
    adjoint[output] = 1;
    for (std::size_t i = output + 1; i-- > 0;)
      for (const auto& [parent, slope] : nodes[i].parents) adjoint[parent] += adjoint[i] * slope;
    return adjoint;
    // END SOLUTION
  }

 private:
  std::size_t push(Node node) {
    nodes.push_back(std::move(node));
    return nodes.size() - 1;
  }
};
