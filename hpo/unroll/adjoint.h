// The adjoint of one step, (d_s step)^T a and (d_phi step)^T a, by reverse mode alone or by both modes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <glocal/autodiff/var.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/unroll/options.h>

namespace glocal::hpo {

/// One step, run and recorded.
class RecordedStep {
 public:
  /// Throws ValueError for `measured`, and for `mixed` where the problem gives no loss or update.
  RecordedStep(const FlatProblem& problem, const Vars& s, const Vars& phi, std::int64_t t, Adjoint mode);
  const Vars& y() const { return step_.y; }  ///< s_{t+1}
  /// Gradients of the leaves of (s, phi) from those of s_{t+1}; frees what was recorded.
  Vars pull(In a) const;

 private:
  std::size_t n_;
  Recording step_;                     // of (s, phi), or of the update: (s, g, phi)
  std::optional<Recording> gradient_;  // mixed: of (s, phi), with respect to all its leaves
};

/// What `measured` chose, and the two times of recording and pulling step t at s: the best of three.
struct AdjointChoice {
  Adjoint mode = Adjoint::reverse;
  double reverse_seconds = 0, mixed_seconds = 0;
  std::string note;
};
AdjointChoice measure_adjoint(const FlatProblem& problem, const Vars& s, const Vars& phi, std::int64_t t);

}  // namespace glocal::hpo
