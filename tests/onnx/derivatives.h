// Derivatives of ONNX's node test cases: their shapes and values as points to differentiate our compositions at.
#pragma once
#include "runner.h"

namespace onnx {

struct Slopes {
  bool any = false;       ///< the case has real inputs and real outputs
  bool smooth = false;    ///< somewhere beside the inputs of the case; else differences say nothing
  bool moved = false;     ///< smooth only a little beside the inputs of the case
  double adjoint = 0;     ///< <u, J v> against <J^T u, v>, relative
  double difference = 0;  ///< J v against central differences of fourth order, relative to the largest entry
  double modes = 0;       ///< H v of <u, f>, forward over reverse, against reverse over forward
  double second = 0;      ///< H v against differences of the gradient
};

/// In f64, along one random direction, of a case that is supported.
Slopes slopes(const Case& c);

}  // namespace onnx
