#include <glocal/hpo/estimators/implicit.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/shape.h>
#include <glocal/hpo/estimators/cost.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/finite.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/space.h>
#include <glocal/hpo/unroll/implicit_solve.h>
#include <glocal/hpo/unroll/options.h>

namespace glocal::hpo {
namespace {

const char* name_of(ImplicitSolver solver) {
  return solver == ImplicitSolver::cg        ? "implicit-cg"
         : solver == ImplicitSolver::neumann ? "implicit-neumann"
                                             : "implicit-nystrom";
}

void check_options(ImplicitSolver solver, const ImplicitOptions& o) {
  const char* who = name_of(solver);
  const auto at_least_one = [&](const char* what, std::int64_t n) {
    if (n < 1) fail<ValueError>("[{}] {} = {} must be at least 1", who, what, n);
  };
  at_least_one("iterations", o.iterations);
  at_least_one("columns", o.columns);
  at_least_one("batches", o.batches);
  const auto not_negative = [&](const char* what, double x) {
    if (!(x >= 0) || !std::isfinite(x)) fail<ValueError>("[{}] {} = {} must be finite and >= 0", who, what, x);
  };
  not_negative("tolerance", o.tolerance);
  not_negative("damping", o.damping);
  not_negative("step", o.step);
  if (solver == ImplicitSolver::nystrom && o.damping == 0)
    fail<ValueError>("[{}] damping = 0: a Hessian of low rank has no inverse; use a positive damping", who);
}

// L as a function of (s, phi).
Function mean_loss(const FlatProblem& problem, std::size_t n, std::int64_t t, std::int64_t batches, const char* who) {
  std::vector<Function> losses;
  for (std::int64_t i = 0; i < batches; ++i) losses.push_back(joint_loss(problem, n, t + i, who));
  return [losses](const Vars& x) {
    Var total;
    for (const Function& loss : losses) total = plus(total, loss(x)[0]);
    return Vars{losses.size() == 1 ? total : scale(total, 1 / static_cast<double>(losses.size()))};
  };
}

// The leaves of s that the loss depends on. Refuses hyperparameters that it does not depend on.
std::vector<std::size_t> parameters_of(const FlatProblem& problem, const Function& loss, const Vars& s, const Vars& phi,
                                       const char* who) {
  const Recording recording = record(loss, joined(s, phi));
  if (!recording.y[0] || recording.y[0].size() != 1) fail<ShapeError>("[{}] the training loss must be one number", who);
  const Vars gradient = recording.pull(Vars{ones_like(recording.y[0])}, /*release=*/true);
  std::vector<std::size_t> leaves;
  for (std::size_t i = 0; i < s.size(); ++i)
    if (gradient[i]) leaves.push_back(i);
  if (leaves.empty()) fail<ValueError>("[{}] the training loss depends on nothing in the state", who);
  std::string absent;
  for (std::size_t i = 0; i < phi.size(); ++i)
    if (!gradient[s.size() + i])
      absent += (absent.empty() ? "" : ", ") +
                (i < problem.names.size() ? problem.names[i] : fmt::format("hyperparameter {}", i));
  if (!absent.empty())
    fail<ValueError>(
        "[{}] {} not enter the training loss, whose minimum is all that implicit differentiation sees; "
        "local, glocal, truncated, one-step and global serve hyperparameters of the optimiser",
        who, absent + (absent.find(", ") == std::string::npos ? " does" : " do"));
  return leaves;
}

Vars chosen(const Vars& all, const std::vector<std::size_t>& leaves) {
  Vars some;
  for (const std::size_t i : leaves) some.push_back(all[i]);
  return some;
}

// The gradient of the loss with respect to the parameters w, recorded as a function of (w, phi).
Recording record_gradient(const Function& loss, const std::vector<std::size_t>& leaves, const Vars& s, const Vars& w,
                          const Vars& phi) {
  const Function gradient = [&](const Vars& x) {
    const Vars now(x.begin() + static_cast<std::ptrdiff_t>(w.size()), x.end());
    const Function of_w = [&](const Vars& v) {
      Vars all = joined(s, now);
      for (std::size_t i = 0; i < v.size(); ++i) all[leaves[i]] = v[i];
      return loss(all);
    };
    const Recording inner = record(of_w, In(x).first(w.size()));
    return inner.pull(Vars{ones_like(inner.y[0])}, /*release=*/true);
  };
  return record(gradient, joined(w, phi));
}

ImplicitGradient gradient_at(const FlatProblem& problem, const Function& loss, const std::vector<std::size_t>& leaves,
                             const Vars& s, const Vars& phi, std::int64_t t, std::int64_t block, ImplicitSolver solver,
                             const ImplicitOptions& o) {
  ImplicitGradient result;
  const Vars w = chosen(s, leaves);
  Vars outer;
  {
    const Recording recording = record(joint_outer(problem, s.size(), block), joined(s, phi));
    result.outer = recording.y[0].item();
    outer = recording.pull(Vars{ones_like(recording.y[0])}, /*release=*/true);
  }
  const Vector b = to_components(chosen(outer, leaves), w);

  const Recording gradient = record_gradient(loss, leaves, s, w, phi);
  const auto product = [&](double rho) -> Product {
    return [&, rho](const Vector& v) {
      problem.poll();
      Vector y = to_components(gradient.push(joined(to_leaves(v, w), Vars(phi.size()))), w);
      for (std::size_t i = 0; i < y.size(); ++i) y[i] += rho * v[i];
      return y;
    };
  };
  const double eps = w[0].dtype() == DType::f32 ? double(std::numeric_limits<float>::epsilon())
                                                : std::numeric_limits<double>::epsilon();
  const Key sketch = split(key(0x696d706cU), static_cast<std::uint64_t>(block));
  switch (solver) {
    case ImplicitSolver::cg:
      result.solution = conjugate_gradient(product(o.damping), b, o.tolerance, o.iterations);
      break;
    case ImplicitSolver::neumann:
      result.solution = neumann_series(product(o.damping), b, o.tolerance, o.iterations, o.step, sketch);
      break;
    case ImplicitSolver::nystrom:
      result.solution = nystrom(product(0), b, o.damping, o.columns, o.sketch, eps, sketch);
      break;
  }

  const Vars through = gradient.pull(to_leaves(result.solution.x, w), /*release=*/true);
  const Vars cross(through.begin() + static_cast<std::ptrdiff_t>(w.size()), through.end());
  const Vars direct(outer.begin() + static_cast<std::ptrdiff_t>(s.size()), outer.end());
  result.h = to_components(direct, phi);
  const Vector indirect = to_components(cross, phi);
  for (std::size_t k = 0; k < result.h.size(); ++k) result.h[k] -= indirect[k];
  check_finite(name_of(solver), problem, phi, result.outer, result.h, t);
  return result;
}

}  // namespace

ImplicitGradient implicit_gradient(const FlatProblem& problem, const Vars& s, const Vars& phi, std::int64_t t,
                                   std::int64_t block, ImplicitSolver solver, const ImplicitOptions& options) {
  check_options(solver, options);
  const Function loss = mean_loss(problem, s.size(), t, options.batches, name_of(solver));
  const std::vector<std::size_t> leaves = parameters_of(problem, loss, s, phi, name_of(solver));
  return gradient_at(problem, loss, leaves, s, phi, t, block, solver, options);
}

Implicit::Implicit(ImplicitSolver which, std::int64_t block, const ImplicitOptions& o)
    : BlockEstimator(block), solver(which), options(o) {
  check_options(solver, options);
}

const char* Implicit::name() const { return name_of(solver); }

void Implicit::check(const FlatProblem& problem, const Vars& phi) const {
  const Vars s = problem.init(phi);
  parameters_of(problem, mean_loss(problem, s.size(), 0, options.batches, name()), s, phi, name());
}

Estimate Implicit::advance(const FlatProblem& problem, const Vars& phi, Progress& progress) {
  const std::int64_t t0 = progress.open_block().t0, end = t0 + steps(progress);
  const Function loss = mean_loss(problem, progress.s.size(), end, options.batches, name());
  // Before the block is trained: what cannot be tuned is refused at once.
  const std::vector<std::size_t> leaves = parameters_of(problem, loss, progress.s, phi, name());
  train_to(problem, phi, progress, end);
  ImplicitGradient at = gradient_at(problem, loss, leaves, progress.s, phi, end, t0, solver, options);
  Estimate estimate{std::move(at.h), at.outer, {}, {}};
  estimate.note = std::move(at.solution.note);
  progress.block.reset();
  return estimate;
}

Cost Implicit::cost(const Probe& p, std::int64_t T, std::int64_t) const {
  // A block of training, the gradient recorded, and products that cost about what the adjoint of a step costs.
  const bool sketched = solver == ImplicitSolver::nystrom;
  const std::int64_t power_iterations = solver == ImplicitSolver::neumann && options.step == 0 ? 10 : 0;
  const std::int64_t products = (sketched ? options.columns : options.iterations) + 2 + power_iterations;
  const double solve = p.step_seconds + p.record_seconds + static_cast<double>(products) * p.pull_seconds;
  // The solvers' f64 vectors take no more than a state each where a buffer stands beside each f32 parameter.
  const std::int64_t vectors = sketched ? 3 * options.columns + 4 : 8;
  return {predict_training(p, T).seconds + static_cast<double>(blocks_of(T, tau).count) *
                                               (static_cast<double>(options.batches) * solve + p.outer_seconds),
          p.base_bytes + options.batches * p.record_bytes + vectors * p.state_bytes +
              std::max(options.batches * p.pull_bytes, p.outer_bytes)};
}

std::int64_t Implicit::gradient_evaluations(std::int64_t, std::int64_t T, std::int64_t) const {
  // A product is averaged over `batches` batches, and so is the derivative of grad L along x; cg and neumann at their
  // most, with one product to check and ten power iterations.
  const std::int64_t products = solver == ImplicitSolver::nystrom                        ? options.columns
                                : solver == ImplicitSolver::neumann && options.step == 0 ? options.iterations + 11
                                                                                         : options.iterations + 1;
  return gradients_in_blocks(T, tau, tau + 1 + checked_mul(2 * options.batches, products + 1));
}

Kept Implicit::kept(std::int64_t) const { return {.block = Kept::Block::steps}; }

std::vector<EstimatorKind> Implicit::kinds() {
  const auto of = [](ImplicitSolver which) {
    return [which](const EstimatorOptions& o) { return std::make_unique<Implicit>(which, o.tau, o.implicit); };
  };
  return {{"implicit-cg", "implicit differentiation at the end of a block, by conjugate gradients", "",
           of(ImplicitSolver::cg)},
          {"implicit-neumann", "the same by a Neumann series", "", of(ImplicitSolver::neumann)},
          {"implicit-nystrom", "the same by Nystrom's approximation of the Hessian", "", of(ImplicitSolver::nystrom)}};
}

}  // namespace glocal::hpo
