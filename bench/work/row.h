// One row of the comparison: a problem that the peers can read, what is timed, and what must agree.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <glocal/core/tensor.h>

namespace glocal::bench {

struct Row {
  std::map<std::string, Tensor> problem{};        ///< data and initial weights, for the peers to read
  std::function<void()> step{};                   ///< what is timed; empty: the process as a whole, from outside
  std::function<void()> warm_up{};                ///< before the timing; empty means one step
  std::function<std::vector<double>()> answer{};  ///< from the problem's start; a peer must come to the same
  double gflop = 0;                               ///< of the algorithm, per step; 0 where it is not counted
};

/// Rows by name. A row is made only when it runs, so that its memory is its own.
using Rows = std::map<std::string, std::function<Row()>>;

void add_training(Rows& rows);        ///< train/..., infer/..., startup
void add_epochs(Rows& rows);          ///< epoch/...
void add_augmentation(Rows& rows);    ///< augment/...
void add_hypergradients(Rows& rows);  ///< plain/..., global/..., forward/..., local/..., glocal/..., truncated/...
void add_extrapolation(Rows& rows);   ///< dmd/...
void add_convolutions(Rows& rows);    ///< conv/...

/// Some numbers of a tensor for an answer: 16 evenly spaced ones, then the root mean square.
std::vector<double> sample(const Tensor& x);

}  // namespace glocal::bench
