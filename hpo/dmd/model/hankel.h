// Series made ready for a fit, with what fits of different ranks have in common.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/core/linalg/orthogonal.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/method.h>
#include <glocal/hpo/dmd/model/options.h>

namespace glocal::hpo {

struct DmdSeries {
  DmdData data;
  DmdOptions options;
  double scale = 0;             ///< largest |entry| of the series
  std::int64_t q = 1;           ///< entries of h
  std::vector<Tensor> scaled;   ///< (tau_k, w) in coordinates: [h / scale, observables / their sizes], or fewer
  Tensor basis;                 ///< (q, w): h / scale = basis * coordinates; empty when they are its first q
  std::vector<double> weights;  ///< one a series, mean 1
  std::int64_t delays = 1;      ///< m, as reduced
  std::string note;
  orthogonal::LeftSvd svd;  ///< of the windows of `window` snapshots, one a column; empty in logarithmic time
  std::int64_t window = 1;  ///< m, or m + 1 with both ends of a pair

  /// Checks and throws as fit_dmd.
  DmdSeries(const DmdData& data, const DmdOptions& options, const DmdMethod& method);

  Tensor target() const;                             ///< (tau, q) what the model stands for: first, or mean
  Tensor readout_of_h(const Tensor& readout) const;  ///< (w, r) to (q, r)
  /// Windows of `length` snapshots, those of a series one snapshot apart and the last `drop` left out, as rows (M,
  /// length w) times the root of the weight; `stride` apart and overlapping when there is one series.
  Tensor windows(std::int64_t length, std::int64_t drop, std::int64_t& count, std::int64_t& stride) const;

 private:
  void reduce(std::int64_t total);  // coordinates in a basis of what all `total` snapshots span
};

/// Number of modes for singular values s of an (m, n) matrix.
int choose_rank(const std::vector<double>& s, std::int64_t m, std::int64_t n, int wanted, double energy);

/// The leading r left singular vectors of series.svd as columns: (window w, r).
Tensor leading(const DmdSeries& series, std::int64_t r);
/// (M, 2 r): row by row the coordinates of a window of m snapshots in the basis (m w, r) and those of the next one,
/// weighted; `starts` are the coordinates of each series' first window.
Tensor neighbours(const DmdSeries& series, const Tensor& basis, std::vector<Tensor>& starts);

/// What a fit with options.rank = rank takes from the series, with nothing fitted yet.
DmdFit unfitted(const DmdSeries& series, int rank);

}  // namespace glocal::hpo
