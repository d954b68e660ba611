// The bilevel problem: s_{t+1} = step(s_t, phi, t) from s_0 = init(phi); choose phi to lower outer(s_T, phi).
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <glocal/autodiff/transforms.h>
#include <glocal/autodiff/tree.h>
#include <glocal/autodiff/var.h>

namespace glocal::hpo {

/// The problem over typed trees: S the whole training state (parameters, optimiser buffers, running statistics),
/// H the hyperparameters.
template <Tree S, Tree H>
struct Problem {
  std::function<S(const H&)> init;                            ///< s_0; may depend on hyperparameters
  std::function<S(const S&, const H&, std::int64_t t)> step;  ///< pure; batch and randomness chosen by the step number
  /// E; `block` is the number of the step at which the current block began, and chooses the validation batch.
  std::function<Var(const S&, const H&, std::int64_t block)> outer;
  /// The loss that step t lowers, as a function of the state; only estimators that ask for it need it (implicit, ...).
  std::function<Var(const S&, const H&, std::int64_t t)> loss = nullptr;
};

/// The same over flat lists of leaves: what every estimator works on.
struct FlatProblem {
  std::function<Vars(const Vars& phi)> init;
  std::function<Vars(const Vars& s, const Vars& phi, std::int64_t t)> step;
  std::function<Var(const Vars& s, const Vars& phi, std::int64_t block)> outer;
  std::function<Var(const Vars& s, const Vars& phi, std::int64_t t)> loss = nullptr;  ///< may be empty
  /// The same with its schedules compressed to a run of so many steps, from the same s_0 and on the same batches as
  /// the first of the whole run; only rehearsals need it.
  std::function<FlatProblem(std::int64_t steps)> compressed = nullptr;
  std::vector<std::string> names = {};  ///< of the leaves of phi, for messages; may be empty
  /// Called with every state s_{t+1} reached by training itself (not by a replay); may throw to stop the run.
  std::function<void(const Vars& s, std::int64_t t)> watch = [](const Vars&, std::int64_t) {};
  /// Called where long work makes no steps (a backward pass, the products of a solve); may throw to stop the run.
  std::function<void()> poll = [] {};
};

/// The flat form of a typed problem; `like` gives the structure of the hyperparameters.
template <Tree S, Tree H>
FlatProblem flat(const Problem<S, H>& problem, const H& like) {
  const S start = problem.init(like);
  const S state = unflatten(start, Vars(flatten(start).size()));  // the structure alone: its numbers need not live on
  FlatProblem flat;
  flat.init = [=](const Vars& phi) { return flatten(problem.init(unflatten(like, phi))); };
  flat.step = [=](const Vars& s, const Vars& phi, std::int64_t t) {
    return flatten(problem.step(unflatten(state, s), unflatten(like, phi), t));
  };
  flat.outer = [=](const Vars& s, const Vars& phi, std::int64_t block) {
    return problem.outer(unflatten(state, s), unflatten(like, phi), block);
  };
  if (problem.loss)
    flat.loss = [=](const Vars& s, const Vars& phi, std::int64_t t) {
      return problem.loss(unflatten(state, s), unflatten(like, phi), t);
    };
  return flat;
}

// Step and E as functions of one list (s, phi), as the transforms want them.
Vars joined(In s, In phi);
Function joint_step(const FlatProblem& problem, std::size_t state_leaves, std::int64_t t);
Function joint_outer(const FlatProblem& problem, std::size_t state_leaves, std::int64_t block);
/// Throws ValueError, naming `who` wants it, for a problem without a training loss.
Function joint_loss(const FlatProblem& problem, std::size_t state_leaves, std::int64_t t, const char* who);

/// Number of hyperparameter components: q.
std::int64_t components(In phi);
/// Unit directions e_1..e_q over the leaves of phi; leaves a direction does not touch are symbolic zeros.
std::vector<Vars> unit_directions(In phi);
/// Gradients of the leaves of phi as one list of q numbers; symbolic zeros count as zeros.
std::vector<double> to_components(In gradient, In phi);

}  // namespace glocal::hpo
