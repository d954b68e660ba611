// What every hypergradient estimator looks like to the outer loop.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/forecast/forecast.h>
#include <glocal/hpo/forecast/scaling.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/unroll/adjoint.h>
#include <glocal/hpo/unroll/implicit_solve.h>
#include <glocal/hpo/unroll/reverse.h>

namespace glocal::hpo {

/// A hypergradient and what is known about how it was made.
struct Estimate {
  std::vector<double> h;             ///< (q,), with respect to the unconstrained hyperparameters
  double outer = 0;                  ///< E at the end of what was run
  Tensor trajectory;                 ///< h after each step of the block, (tau, q) f64; may be empty
  std::optional<Forecast> forecast;  ///< glocal: the fit, its spectrum, whether it fell back
  std::string note = {};             ///< what a reader should know of this estimate (implicit: how far it solved)
  Vars s = {};  ///< from the start: the state after the `steps` that `outer` judged; see Estimator::from_start
};

/// How glocal gets from a block to the end of training.
enum class Extrapolation {
  automatic,  ///< dmd where a trial inside the block shows it exact to 2 % (no noise), scaling elsewhere
  scaling,    ///< the power law that the fall of E shows, see dmd_scaling.h
  dmd         ///< Hankel DMD of h alone, see dmd.h
};

struct EstimatorOptions {
  std::int64_t tau = 50;                 ///< block length in steps
  std::int64_t K = 10;                   ///< truncated: steps walked back
  Unroll unroll = Unroll::checkpointed;  ///< global
  std::int64_t unroll_bytes = 0;         ///< global: the plan of least time within so many bytes, instead of `unroll`
  Adjoint adjoint = Adjoint::reverse;    ///< global: how a step is pulled
  bool trajectory = false;               ///< record h after each step also where only the last is needed
  Extrapolation extrapolation{};         ///< glocal
  ScalingOptions scaling{};              ///< glocal by scaling; t0 is where the block starts
  DmdOptions dmd{};                      ///< glocal by dmd
  std::int64_t directions = 8;           ///< random-forward: b, tangents carried
  std::int64_t particles = 8;            ///< es, pes: N, antithetic pairs
  double sigma = 0.05;                   ///< es, pes: deviation of the perturbations of the unconstrained phi
  std::uint64_t seed = 0;                ///< random-forward, es, pes
  ImplicitOptions implicit{};            ///< implicit-cg, implicit-neumann, implicit-nystrom
};

/// What of Progress an estimator fills between the steps of a block: what a checkpoint of it holds.
struct Kept {
  enum class Block {
    none,      ///< it has no blocks, or makes each in one piece
    steps,     ///< plain steps
    tangents,  ///< those of forward mode, with h and E where the trajectory is recorded
    sums,      ///< the sum of h so far
    pairs,     ///< the sum of h so far over pairs of perturbed runs
    anything   ///< that of an estimator which does not say
  };
  Block block = Block::anything;
  std::int64_t tangents = 0;  ///< lists in Progress::z inside a block
  bool online = false;        ///< the tangents stay between blocks too
  bool trajectory = false;    ///< Block::trajectory and outers are recorded
  std::int64_t pairs = 0;     ///< perturbed ones
  bool particles = false;     ///< the pairs go on from block to block
};

/// One way of estimating dE/dphi: all that is to be known of it.
struct Estimator {
  virtual ~Estimator() = default;
  virtual const char* name() const = 0;
  /// True when each estimate is a whole run from s_0, so that training does not go on between estimates. Its `outer`
  /// must be problem.outer(s, phi, 0), so that runs are judged alike; with the `s` it hands over the last update is
  /// judged too, without it the last update is not taken.
  virtual bool from_start() const = 0;
  /// True when the estimate sees how the initial state depends on phi; otherwise that part of h is zero.
  virtual bool feels_init() const = 0;
  /// Steps run per estimate, given where training stands: those of the whole block when it is in the middle of one.
  virtual std::int64_t steps(const Progress& progress) const = 0;
  /// What can be found wrong with a problem before anything is trained or written. Throws ValueError naming it.
  virtual void check(const FlatProblem& problem, const Vars& phi) const;
  /// Runs a block of `steps(progress)` steps, or what is left of the one in progress, and estimates the hypergradient,
  /// or throws NumericError, naming step and component, where it is not finite (see finite.h);
  /// from_start() leaves `progress` at s_0. problem.watch and problem.step may throw: a call with that `progress`, then
  /// or from a copy made in problem.watch when progress.t is the step watched + 1, goes on with the same bits.
  virtual Estimate advance(const FlatProblem& problem, const Vars& phi, Progress& progress) = 0;
  /// What all estimates of a run of T steps take, with the training between them; `updates` counts for estimators from
  /// the start only.
  virtual Cost cost(const Probe& probe, std::int64_t T, std::int64_t updates) const = 0;
  /// The same in gradient evaluations by theory (cost.h), training included. Throws ShapeError beyond 2^63.
  virtual std::int64_t gradient_evaluations(std::int64_t q, std::int64_t T, std::int64_t updates) const = 0;
  virtual Kept kept(std::int64_t q) const;
};

/// An entry of the list of estimators.
struct EstimatorKind {
  std::string name;    ///< "local-online"
  std::string about;   ///< a sentence for `glocal list estimators`
  std::string colour;  ///< of its curves, a name of the palette (app/report/paint.h); empty: grey
  std::function<std::unique_ptr<Estimator>(const EstimatorOptions&)> make;
};

}  // namespace glocal::hpo
