// Local hypergradients of one block of tau steps, by forward mode.
#pragma once
#include <cstdint>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>

namespace glocal::hpo {

/// How a block begins: `restart` from s_0 with Z = d_phi init; `warm` from where training stands with Z = 0 (the
/// default); `online` from where training stands with the Z it has, d_phi init at first (RTHO, Franceschi et al. 2017).
enum class LocalStart { restart, warm, online };

struct Local : Estimator {
  std::int64_t tau;
  LocalStart start;
  bool trajectory;
  Local(std::int64_t block, LocalStart begin, bool keep) : tau(block), start(begin), trajectory(keep) {}
  const char* name() const override;
  bool from_start() const override { return start == LocalStart::restart; }
  bool depends_on_init() const override { return start != LocalStart::warm; }
  std::int64_t steps(const Progress& progress) const override;
  Estimate advance(const FlatProblem& problem, const Vars& phi, Progress& progress) override;
  Cost cost(const Probe& probe, std::int64_t T, std::int64_t updates) const override;
  std::int64_t gradient_evaluations(std::int64_t q, std::int64_t T, std::int64_t updates) const override;
  Kept kept(std::int64_t q) const override;
  static std::vector<EstimatorKind> kinds();
};

}  // namespace glocal::hpo
