// Exponentials fitted to the snapshots themselves (Askham and Kutz 2018).
#pragma once
#include <complex>
#include <string>
#include <vector>

#include <glocal/hpo/dmd/model/hankel.h>
#include <glocal/hpo/dmd/model/operator.h>

namespace glocal::hpo {

/// Moves the eigenvalues of a model to those of the best fit of exponentials to the snapshots; readouts are then free
/// and the start fixed. Bounded: |lambda| <= 1. `fitted` are the eigenvalues without bound. False, with a note, when
/// modes coincide so nearly that no step is possible; the model stays.
bool optimise(DmdModel& model, const DmdSeries& series, bool bounded, std::vector<std::complex<double>>& fitted,
              std::string& note);

}  // namespace glocal::hpo
