// Averages of the weights over the steps of training: what is evaluated in place of the last weights.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/text/registry.h>
#include <glocal/optim/optimizer.h>

namespace glocal::optim {

/// average <- average + share(t) (weights - average) after step t = 0, 1, ...; it starts at the initial weights, and
/// share(0) = 1 forgets them.
struct Average {
  std::string name;              ///< "none": there is no average
  std::vector<HyperInfo> hyper;  ///< what it can be told and tuned
  std::function<Var(std::span<const Var> values, std::int64_t t, DType dtype)> share;

  bool none() const { return !share; }
};

/// An entry of the list of averages.
struct AverageKind {
  std::string name, about;
  /// last: the share of the T steps over which `tail` takes the mean, in (0, 1].
  Average (*make)(std::int64_t T, double last);
};
const Registry<AverageKind>& averages();

/// Throws ValueError for an unknown name, T < 1, or last outside (0, 1].
Average make_average(const std::string& name, std::int64_t T, double last);

/// The averages after step t. Throws ShapeError unless there are as many as weights.
Vars averaged(const Average& average, std::span<const Var> values, const Vars& averages, const Vars& weights,
              std::int64_t t);

}  // namespace glocal::optim
