// Runs ONNX's node test cases on our ops and compares.
#pragma once
#include <string>
#include <vector>

#include "call.h"

namespace onnx {

struct Case {
  std::string name;    ///< the folder's, without "test_"
  std::string op;      ///< of its one node; of an expanded case, that of the case it expands
  std::string unread;  ///< the element type of an input or output that we do not read, or empty
  bool real = false;   ///< has an f32 or f64 input or output, and no type we do not read
  Model model;
  std::vector<std::vector<Numbers>> inputs, outputs;  ///< one list per data set
};

/// All cases below a folder, by name. Throws DataError, IoError.
std::vector<Case> load_cases(const std::string& folder);

/// Outputs of a graph, in its order. Throws Refused, and whatever our ops throw.
std::vector<Value> run(const Model& model, const std::vector<Value>& inputs, bool wide);
std::vector<Value> inputs_of(const Case& c, std::size_t set, bool wide);

struct Outcome {
  bool supported = false;
  std::string reason;  ///< why it is not, or what went wrong
  double worst = 0;    ///< largest |got - wanted| / (1e-7 + 5e-6 |wanted|); passes up to 1
  bool passed() const { return supported && reason.empty() && worst <= 1; }
};
Outcome judge(const Case& c);

/// The places of the inputs that a derivative can be taken in, and of the outputs that have one.
std::vector<std::size_t> differentiable_inputs(const Case& c);
std::vector<std::size_t> differentiable_outputs(const Case& c);

}  // namespace onnx
