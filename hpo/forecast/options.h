// What a forecast by the power law of training is told.
#pragma once

namespace glocal::hpo {

/// Chosen on the half of the trajectory bank that no figure is reported on.
struct ScalingOptions {
  double t0 = 0;                   ///< steps of training before the block, >= 0
  double exponent_from = 0.4;      ///< p is fitted to E without this first share of the block, in [0, 1)
  double least = 0.3, most = 0.9;  ///< p stays within
  double level_from = 0.9;         ///< c is fitted to h without this first share of the block, in [0, 1)
  double caution = 12;             ///< c is shrunk by c^2 / (c^2 + caution * variance of c), >= 0
  double most_growth = 3;          ///< a forecast is at most so many times the level in the block, >= 1
  double trust = 2;  ///< last h instead, when a forecast of the block's end from its first quarter misses by
                     ///< more than so many times what persistence misses, > 0
};

}  // namespace glocal::hpo
