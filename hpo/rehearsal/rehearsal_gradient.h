// Hyperparameters by exact hypergradients of rehearsals: runs many times shorter under the same schedule,
// differentiated from end to end, at the price of four steps a step for any number of hyperparameters.
//
// A block's hypergradient is biased since the rest of the run is cut off; a rehearsal has all of it. Its rate is found
// by values, before and after, since near the best rate the loss of a rehearsal is rough and its slope there says
// little; the hypergradient moves all the others. What the length of a run does to the best value of a hyperparameter
// is a power of the length, u ~ drift * ln(length): rehearsals grow by doubling, and what was found moves along.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/rehearsal/rehearsal.h>

namespace glocal::hpo {

struct GradientRehearsalOptions {
  RehearsalOptions lengths;        ///< of the rehearsals by values, for lr alone; T of all
  std::int64_t shortest = 25;      ///< of the others, or T / 40; not a momentum's memory, which may be what is wrong
  double ceiling = 1.5;            ///< price of those with derivatives together, in runs of T steps
  std::vector<double> drift = {};  ///< (q,) by which the best u moves as a run grows e times as long; empty: 0
  std::optional<std::size_t> lr = {};        ///< the component that is ln lr; none: no rate is looked for
  std::optional<std::size_t> momentum = {};  ///< logit of the momentum, which moves at the same lr / (1 - momentum)
  std::vector<std::size_t> factors = {};     ///< logarithms of factors on lr: their mean stays, it is lr's
};

/// A rehearsal that is asked for: E and its gradient after `steps` steps of the schedule compressed to so many.
struct GradientTrial {
  std::vector<double> u;  ///< (q,)
  std::int64_t steps = 0;
};
/// What it gave. Not finite: it diverged, and h does not count.
struct GradientOutcome {
  double loss = 0;
  std::vector<double> h = {};  ///< (q,) dE/du
};

/// Gradient descent whose largest component moves by a step that grows where E falls; a rehearsal that is worse than
/// the best of its length sends it back there with less than half the step. Deterministic: what is asked depends on
/// what was told.
class GradientRehearsal {
 public:
  static constexpr std::int64_t price = 4;  ///< of a step with its way back, in steps

  /// u (q,) is meant for the whole run. Throws ValueError for options out of range or that do not fit q.
  GradientRehearsal(const std::vector<double>& u, const GradientRehearsalOptions& options);

  bool finished() const { return finished_; }
  /// Throws ValueError once it has finished.
  GradientTrial ask() const;
  /// Throws ValueError once it has finished or where h has not q numbers, DivergedError when the first of all diverged.
  void tell(const GradientOutcome& outcome);
  /// (q,) for the whole run, of the best rehearsal of the last length. Throws ValueError before it has finished.
  std::vector<double> u() const;
  std::int64_t steps() const { return n_; }  ///< of the last length

 private:
  std::int64_t first_length() const;
  void begin(std::int64_t n, std::int64_t trials);
  std::vector<double> moved() const;
  std::vector<double> directions_of(std::vector<double> h) const;
  std::vector<double> carried(std::vector<double> u, std::int64_t from, std::int64_t to) const;
  std::vector<double> effective(std::vector<double> u, double sign) const;

  GradientRehearsalOptions options_;
  std::int64_t n_ = 0, left_ = 0, used_ = 0;
  double step_;
  std::vector<double> at_, best_u_, best_h_;  // with ln(lr / (1 - momentum)) in place of ln lr
  std::optional<double> best_;                // E of the best of this length
  bool finished_ = false;
};

/// What was made before, with which a call that was stopped goes on to the same bits; it grows.
struct RehearsalRecord {
  std::vector<double> before = {};             ///< losses of the rehearsals for lr
  std::vector<GradientOutcome> outcomes = {};  ///< of those with derivatives
  std::vector<double> after = {};              ///< losses of the rehearsals for lr once more
};
struct RehearsalReports {
  std::function<void(const RehearsalTrial&, double loss)> before = {};
  std::function<void(const GradientTrial&, const GradientOutcome&)> gradient = {};
  std::function<void(const RehearsalTrial&, double loss)> after = {};
};

/// (q,) u for the whole run: the rate by values, where options.lr says which it is; all the others by hypergradients;
/// the rate once more. The reports see every trial, those of the record too. Throws as rehearse() and GradientRehearsal
/// do.
std::vector<double> rehearse_by_gradient(const FlatProblem& problem, const Vars& phi,
                                         const GradientRehearsalOptions& options, RehearsalRecord& record,
                                         const RehearsalReports& reports = {});

}  // namespace glocal::hpo
