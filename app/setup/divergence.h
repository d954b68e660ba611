// When a run has diverged: the one rule for runs, trials of searches and studies.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include <glocal/train/experiment.h>

namespace glocal::app {

/// A training loss of so many times its first value, and growing, comes back no more.
constexpr double diverged_at = 100;

class Divergence {
 public:
  /// Evaluates the training loss at the start. `who` begins what is said.
  Divergence(const train::Experiment& experiment, std::string who);
  /// After step t. Throws DivergedError when the loss is not finite, or beyond diverged_at and above the one before;
  /// `at` gives more to say of where, as " at lr = 3".
  void check(
      double loss, double before, std::int64_t t,
      const std::function<std::string()>& at = [] { return std::string(); }) const;

 private:
  std::string who_;
  double first_;
};

}  // namespace glocal::app
