// The linear system behind a fit, and what a policy does to it.
#pragma once
#include <complex>
#include <cstdint>
#include <functional>
#include <vector>

#include <glocal/core/linalg/lapack.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/fit.h>

namespace glocal::hpo {

/// Row t of series k is readout_k step^t start_k in the coordinates of DmdSeries; a list of one serves all series.
struct DmdModel {
  Tensor step;                   ///< (r, r)
  std::vector<Tensor> readouts;  ///< (w, r)
  std::vector<Tensor> starts;    ///< (r, 1)
  double residual = 0;           ///< root of the weighted sum of squares left over
};

struct DmdSolution {
  Tensor x;
  double residual = 0;  ///< ||A x - B||_F
};
/// Least ||A x - B|| for [A B] with n columns in A; directions that the rows hardly see get the shortest x.
DmdSolution solve(const Tensor& ab, std::int64_t n);
/// The same for a large system, which `make` gives, again where the first copy was used up: one is held at a time.
DmdSolution solve(const std::function<Tensor()>& make, std::int64_t n);

/// The spectrum of an operator with u_k^H v_k, whose smallness measures how near to defective it is.
struct DmdModes {
  lapack::Eig eig;
  std::vector<std::complex<double>> overlap;

  explicit DmdModes(const Tensor& step);
  bool defective() const;
};

/// Least squares for the starts (r, 1) of a model whose step and one readout are given.
void refit_starts(DmdModel& model, const std::vector<Tensor>& series, const std::vector<double>& weights);
/// Least squares for the readouts (w, r) of a model whose step and one start are given.
void refit_readouts(DmdModel& model, const std::vector<Tensor>& series, const std::vector<double>& weights);
/// ||model - series||, weighted.
double misfit(const DmdModel& model, const std::vector<Tensor>& series, const std::vector<double>& weights);

/// Moves eigenvalues as fit.options.policy says and refits; eigenvectors stay. A snap is kept only when the snapshots
/// fit it about as well. Fills eigenvalues and flags of the fit. `fitted`: before any policy; `size`: norm of the
/// series.
void apply_policy(DmdFit& fit, DmdModel& model, const DmdModes& modes, const std::vector<std::complex<double>>& fitted,
                  double size, const std::function<void(DmdModel&)>& refit);

/// amplitudes(k, :) = scale (readout v_k) (u_k^H start) / (u_k^H v_k), from the readout and start of the fit.
void set_amplitudes(DmdFit& fit, const DmdModes& modes);

std::vector<std::complex<double>> clipped(std::vector<std::complex<double>> values);  ///< to |lambda| <= 1
std::vector<std::complex<double>> snapped(std::vector<std::complex<double>> values,
                                          double tolerance);  ///< near 1 to 1

}  // namespace glocal::hpo
