// The four panels that summarise a DMD fit.
#pragma once
#include <cstddef>
#include <vector>

#include <glocal/app/report/plot.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/fit.h>

namespace glocal::app {

/// Length of mode k in data space, over all q entries.
double mode_amplitude(const hpo::DmdFit& fit, std::size_t k);

/// Series with reconstruction and forecast, eigenvalues on the unit circle, singular values, mode amplitudes.
std::vector<Plot> dmd_panels(const Tensor& h, const hpo::DmdFit& fit, bool fell_back, double horizon);

}  // namespace glocal::app
