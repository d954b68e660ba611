// One way of finding the operator of a fit in linear time.
#pragma once
#include <complex>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace glocal::hpo {

struct DmdModel;
struct DmdSeries;

struct DmdMethod {
  std::string name;   ///< "least-squares"
  std::string about;  ///< a sentence for `glocal list methods`
  bool both_ends;     ///< it reads windows of m + 1 snapshots, both ends of a pair in one; else of m
  std::int64_t drop;  ///< so many last windows of each series are left out of the singular vectors
  /// The model of rank r >= 0 before any policy; may add to the note.
  std::function<DmdModel(const DmdSeries& series, std::int64_t r, std::string& note)> model;
  /// Moves the eigenvalues of that model to those of the best fit of exponentials to the snapshots; readouts are then
  /// free and the start fixed. Bounded: |lambda| <= 1. `fitted` are the eigenvalues without bound. False, with a note,
  /// when modes coincide so nearly that no step is possible; the model stays. Empty where the model is the fit.
  std::function<bool(DmdModel& model, const DmdSeries& series, bool bounded, std::vector<std::complex<double>>& fitted,
                     std::string& note)>
      refine = {};
  std::string start = {};  ///< with refine: the name of the method that `model` is of, which means the same on a grid
};

}  // namespace glocal::hpo
