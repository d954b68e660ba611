// What fits of one series have in common, whatever their rank.
#pragma once
#include <cstdint>

#include <glocal/core/orthogonal.h>
#include <glocal/hpo/dmd.h>

namespace glocal::hpo {

struct DmdSeries {
  DmdOptions options;
  Tensor scaled;            ///< (tau, q) h / scale
  double scale = 0;         ///< largest |entry| of h
  std::int64_t delays = 1;  ///< m, as reduced
  orthogonal::LeftSvd svd;  ///< of the Hankel matrix (m q, tau - m); empty in logarithmic time

  DmdSeries(const Tensor& h, const DmdOptions& options);  ///< checks and throws as fit_dmd
  DmdFit fit(int rank) const;                             ///< as fit_dmd with options.rank = rank
};

/// Eigenvalues, amplitudes, rank and residual of the fit in logarithmic time.
void fit_logarithmic(DmdFit& fit, const Tensor& scaled);

}  // namespace glocal::hpo
