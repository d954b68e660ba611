// What the estimators may be told.
#pragma once
#include <cstdint>
#include <map>
#include <string>

#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/forecast/options.h>
#include <glocal/hpo/unroll/options.h>

namespace glocal::hpo {

/// How glocal gets from a block to the end of training.
enum class Extrapolation {
  automatic,  ///< dmd where noise in the block leaves room for an exact forecast and a trial shows one: exact_skill
  scaling,    ///< the power law that the fall of E shows, see hpo/forecast/scaling.h
  dmd         ///< Hankel DMD of h alone, see hpo/dmd/dmd.h
};

constexpr double exact_skill = 0.02;  ///< of forecast_dmd, below which automatic takes it

struct EstimatorOptions {
  std::int64_t tau = 50;                 ///< block length in steps
  std::int64_t K = 10;                   ///< truncated: steps differentiated back from the end of the block
  Unroll unroll = Unroll::checkpointed;  ///< global
  std::int64_t unroll_bytes = 0;         ///< global: the plan of least time within so many bytes, instead of `unroll`
  bool trajectory = false;               ///< record h after each step also where only the last is needed
  Extrapolation extrapolation{};         ///< glocal
  ScalingOptions scaling{};              ///< glocal by scaling; t0 is where the block starts
  DmdOptions dmd{};                      ///< glocal by dmd
  std::int64_t directions = 8;           ///< random-forward: b, tangents carried
  std::int64_t particles = 8;            ///< es, pes: N, antithetic pairs
  double sigma = 0.05;                   ///< es, pes: deviation of the perturbations of the unconstrained phi
  std::uint64_t seed = 0;                ///< random-forward, es, pes
  ImplicitOptions implicit{};            ///< implicit-cg, implicit-neumann, implicit-nystrom
  std::map<std::string, double> own{};   ///< of estimators from outside, by EstimatorSetting::key
};

}  // namespace glocal::hpo
