#include <glocal/hpo/dmd/model/hankel.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/linalg/lapack.h>
#include <glocal/core/linalg/orthogonal.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/matrix.h>
#include <glocal/hpo/dmd/model/method.h>
#include <glocal/hpo/dmd/model/options.h>

namespace glocal::hpo {
namespace {

void check_options(const DmdOptions& o) {
  if (o.delays < 1 || o.rank < 0)
    fail<ValueError>("[dmd] needs delays >= 1 and rank >= 0, got {} and {}", o.delays, o.rank);
  if (!(o.snap_tolerance >= 0 && o.snap_tolerance < 1))
    fail<ValueError>("[dmd] snap tolerance must be in [0, 1), got {}", o.snap_tolerance);
  if (o.bins < 2 || !(o.bins_from >= 0 && o.bins_from < 1))
    fail<ValueError>("[dmd] needs bins >= 2 and bins_from in [0, 1), got {} and {}", o.bins, o.bins_from);
  if (o.time == DmdOptions::TimeAxis::log_grid && o.bins < 3)
    fail<ValueError>("[dmd] log_grid needs bins >= 3, got {}", o.bins);
  if (!(o.energy >= 0 && o.energy <= 1)) fail<ValueError>("[dmd] energy must be in [0, 1], got {}", o.energy);
  if (!(o.t0 >= 0 && o.t0 <= 1e15)) fail<ValueError>("[dmd] t0 must be in [0, 1e15], got {}", o.t0);
  if (!(o.lowest_exponent < o.highest_exponent && o.lowest_exponent > -100 && o.highest_exponent < 100))
    fail<ValueError>(
        "[dmd] exponents must lie between -100 and 100 in "
        "ascending order, got {} to {}",
        o.lowest_exponent, o.highest_exponent);
}

void check_table(const char* what, const Tensor& h) {
  if (!h || h.rank() != 2 || h.dim(1) < 1)
    fail<ShapeError>("[dmd] {} must be (tau, q) with q >= 1, got {}", what, h.shape());
  if (h.dtype() != DType::f64) fail<DTypeError>("[dmd] {} must be f64, got {}; use .to(DType::f64)", what, h.dtype());
}

void check_finite(const char* what, const Tensor& h) {
  const auto numbers = h.span<double>();
  const auto bad = std::find_if_not(numbers.begin(), numbers.end(), [](double v) { return std::isfinite(v); });
  if (bad != numbers.end())
    fail<NumericError>("[dmd] {} {} holds {}; extrapolate finite series only", what, (bad - numbers.begin()) / h.dim(1),
                       *bad);
}

void check(const DmdData& data, const DmdOptions& o) {
  if (data.series.empty()) fail<ShapeError>("[dmd] there is no series; give at least one");
  const std::size_t count = data.series.size();
  if (!data.observables.empty() && data.observables.size() != count)
    fail<ShapeError>("[dmd] {} series have {} matrices of observables; give one each", count, data.observables.size());
  if (!data.weights.empty() && data.weights.size() != count)
    fail<ShapeError>("[dmd] {} series have {} weights; give one each", count, data.weights.size());
  for (const Tensor& h : data.series) check_table("snapshots", h);
  for (const Tensor& h : data.series) {
    if (h.dim(0) < 3) fail<ValueError>("[dmd] {} snapshots are too few; give at least 3", h.dim(0));
    if (h.dim(1) != data.series[0].dim(1))
      fail<ShapeError>("[dmd] series of {} and {} entries; all must have the same", data.series[0].dim(1), h.dim(1));
    if (o.forecasts == DmdOptions::Forecasts::mean && h.dim(0) != data.series[0].dim(0))
      fail<ShapeError>(
          "[dmd] the mean of series of {} and {} snapshots; cut "
          "them to the same length",
          data.series[0].dim(0), h.dim(0));
  }
  for (std::size_t k = 0; k < data.observables.size(); ++k) {
    check_table("observables", data.observables[k]);
    if (data.observables[k].dim(0) != data.series[k].dim(0) || data.observables[k].dim(1) != data.observables[0].dim(1))
      fail<ShapeError>(
          "[dmd] observables {} beside snapshots {}; give one row "
          "for each, as many columns for all",
          data.observables[k].shape(), data.series[k].shape());
    check_finite("row of observables", data.observables[k]);
  }
  for (const double weight : data.weights)
    if (!(weight > 0 && weight <= 1e100)) fail<ValueError>("[dmd] weight {} must be positive", weight);
  check_options(o);
  for (const Tensor& h : data.series) check_finite("snapshot", h);
}

double largest_in_column(const std::vector<Tensor>& tables, std::int64_t column) {
  double largest = 0;
  for (const Tensor& a : tables)
    for (std::int64_t t = 0; t < a.dim(0); ++t)
      largest = std::max(largest, std::abs(a.data<double>()[t * a.dim(1) + column]));
  return largest > 0 ? largest : 1;
}

// omega(beta) of Gavish and Donoho, "The optimal hard threshold for singular values is 4/sqrt(3)", 2014, eq. (4).
double noise_threshold(const std::vector<double>& s, double beta) {
  constexpr std::size_t enough_to_judge = 8;
  const std::size_t k = s.size();
  if (k < enough_to_judge || s[k * 3 / 4] < 0.1 * s[k / 2]) return 0;  // a falling tail is signal, a flat one noise
  const double omega = ((0.56 * beta - 0.95) * beta + 1.82) * beta + 1.43;
  return omega * s[k / 2];
}

// The fewest leading values that hold this share of the sum of squares.
int count_for_energy(const std::vector<double>& s, double share) {
  double total = 0, sum = 0;
  for (const double v : s) total += v * v;
  int count = 0;
  while (count < static_cast<int>(s.size()) && sum < share * total) {
    const double v = s[static_cast<std::size_t>(count++)];
    sum += v * v;
  }
  return count;
}

}  // namespace

int choose_rank(const std::vector<double>& s, std::int64_t m, std::int64_t n, int wanted, double energy) {
  const double beta = static_cast<double>(std::min(m, n)) / static_cast<double>(std::max(m, n));
  const double floor = static_cast<double>(std::max(m, n)) * std::numeric_limits<double>::epsilon() * s[0];
  const auto above = [&](double threshold) {
    return static_cast<int>(std::count_if(s.begin(), s.end(), [=](double v) { return v > threshold; }));
  };
  const int solid = above(floor);
  if (wanted > 0) return std::min(wanted, solid);
  if (energy > 0) return std::min(solid, std::max(1, count_for_energy(s, energy)));
  return std::min(solid, std::max(1, above(noise_threshold(s, beta))));
}

DmdSeries::DmdSeries(const DmdData& data_in, const DmdOptions& options_in, const DmdMethod& method)
    : data(data_in), options(options_in) {
  check(data, options);
  using TimeAxis = DmdOptions::TimeAxis;
  const std::vector<Tensor>& series = data.series;
  const auto count = static_cast<std::int64_t>(series.size());
  q = series[0].dim(1);
  weights = data.weights.empty() ? std::vector<double>(series.size(), 1.0) : data.weights;
  const double mean = std::accumulate(weights.begin(), weights.end(), 0.0) / static_cast<double>(count);
  for (double& weight : weights) weight /= mean;
  for (const Tensor& h : series)
    for (const double v : h.span<double>()) scale = std::max(scale, std::abs(v));
  const std::int64_t p = data.observables.empty() ? 0 : data.observables[0].dim(1), w = q + p;
  std::vector<double> sizes(static_cast<std::size_t>(w), scale > 0 ? scale : 1);
  for (std::int64_t i = 0; i < p; ++i) sizes[static_cast<std::size_t>(q + i)] = largest_in_column(data.observables, i);
  std::int64_t total = 0, shortest = series[0].dim(0);
  for (std::size_t k = 0; k < series.size(); ++k) {
    const std::int64_t tau = series[k].dim(0);
    Tensor rows({tau, w}, DType::f64);
    for (std::int64_t t = 0; t < tau; ++t)
      for (std::int64_t i = 0; i < w; ++i)
        rows.data<double>()[t * w + i] =
            (i < q ? series[k].data<double>()[t * q + i] : data.observables[k].data<double>()[t * p + i - q]) /
            sizes[static_cast<std::size_t>(i)];
    scaled.push_back(rows);
    total += tau;
    shortest = std::min(shortest, tau);
  }
  if (options.time != TimeAxis::linear) return;
  const std::int64_t most = std::max<std::int64_t>(1, std::min(total / (w + count), shortest - 1));
  delays = std::min<std::int64_t>(options.delays, most);
  if (delays < options.delays)
    note = fmt::format("{} delays instead of {}: {} snapshots of {} entries carry no more", delays, options.delays,
                       total, w);
  if (w > total) reduce(total);
  window = delays + (method.both_ends ? 1 : 0);
  const std::int64_t width = scaled[0].dim(1);
  std::int64_t rows = 0, stride = 0;
  const Tensor all = windows(window, method.drop, rows, stride);
  svd = orthogonal::left_svd(all.data<double>(), rows, window * width, stride);
}

void DmdSeries::reduce(std::int64_t total) {
  const std::int64_t w = scaled[0].dim(1);
  Tensor columns({w, total}, DType::f64);
  std::int64_t at = 0;
  for (const Tensor& h : scaled)
    for (std::int64_t t = 0; t < h.dim(0); ++t, ++at)
      for (std::int64_t i = 0; i < w; ++i) columns.data<double>()[i * total + at] = h.data<double>()[t * w + i];
  const auto [directions, r] = lapack::qr(columns);
  basis = rows_of(directions, 0, q);
  at = 0;
  for (Tensor& h : scaled) {
    Tensor coordinates({h.dim(0), total}, DType::f64);
    for (std::int64_t t = 0; t < h.dim(0); ++t, ++at)
      for (std::int64_t i = 0; i < total; ++i)
        coordinates.data<double>()[t * total + i] = r.data<double>()[i * total + at];
    h = coordinates;
  }
}

Tensor DmdSeries::windows(std::int64_t length, std::int64_t drop, std::int64_t& count, std::int64_t& stride) const {
  const std::int64_t w = scaled[0].dim(1);
  count = 0;
  for (const Tensor& h : scaled) count += h.dim(0) - length + 1 - drop;
  stride = w;
  // Snapshot t and those after it stand side by side: column t of the Hankel matrix, without a copy.
  if (scaled.size() == 1) return scaled[0];
  stride = length * w;
  Tensor out({count, stride}, DType::f64);
  double* row = out.data<double>();
  for (std::size_t k = 0; k < scaled.size(); ++k)
    for (std::int64_t t = 0; t + length + drop <= scaled[k].dim(0); ++t, row += stride)
      for (std::int64_t i = 0; i < stride; ++i) row[i] = std::sqrt(weights[k]) * scaled[k].data<double>()[t * w + i];
  return out;
}

Tensor DmdSeries::target() const {
  if (options.forecasts == DmdOptions::Forecasts::first) return data.series[0];
  Tensor mean = Tensor::zeros(data.series[0].shape(), DType::f64);
  for (std::size_t k = 0; k < data.series.size(); ++k)
    for (std::int64_t i = 0; i < mean.size(); ++i)
      mean.data<double>()[i] +=
          data.series[k].data<double>()[i] * (weights[k] / static_cast<double>(data.series.size()));
  return mean;
}

Tensor DmdSeries::readout_of_h(const Tensor& readout) const {
  if (!basis) return readout.dim(0) == q ? readout : rows_of(readout, 0, q);
  const std::int64_t r = readout.dim(1);
  Tensor out({q, r}, DType::f64);
  multiply(q, r, basis.dim(1), basis.data<double>(), basis.dim(1), readout.data<double>(), out.data<double>(), r);
  return out;
}

Tensor leading(const DmdSeries& series, std::int64_t r) {
  const std::int64_t n = series.svd.ut.dim(1);
  Tensor out({n, r}, DType::f64);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < r; ++j) out.data<double>()[i * r + j] = series.svd.ut.data<double>()[j * n + i];
  return out;
}

Tensor neighbours(const DmdSeries& series, const Tensor& basis, std::vector<Tensor>& starts) {
  const std::int64_t m = series.delays, w = series.scaled[0].dim(1), r = basis.dim(1), width = 2 * r;
  std::int64_t total = 0;
  for (const Tensor& h : series.scaled) total += h.dim(0) - m;
  Tensor out({total, width}, DType::f64);
  double* pairs = out.data<double>();
  starts.clear();
  for (std::size_t k = 0; k < series.scaled.size(); ++k) {
    const double* const h = series.scaled[k].data<double>();
    const std::int64_t columns = series.scaled[k].dim(0) - m;
    multiply(columns, r, m * w, h, w, basis.data<double>(), pairs, width);
    starts.push_back(Tensor::from(std::span<const double>(pairs, static_cast<std::size_t>(r)), {r, 1}));
    for (std::int64_t t = 0; t + 1 < columns; ++t) std::copy_n(pairs + (t + 1) * width, r, pairs + t * width + r);
    multiply(1, r, m * w, h + columns * w, w, basis.data<double>(), pairs + (columns - 1) * width + r, width);
    if (series.weights[k] != 1)
      for (std::int64_t i = 0; i < columns * width; ++i) pairs[i] *= std::sqrt(series.weights[k]);
    pairs += columns * width;
  }
  return out;
}

DmdFit unfitted(const DmdSeries& series, int rank) {
  DmdFit fit;
  fit.options = series.options;
  fit.options.rank = rank;
  fit.data = series.target();
  fit.snapshots = fit.data.dim(0);
  fit.scale = series.scale;
  return fit;
}

}  // namespace glocal::hpo
