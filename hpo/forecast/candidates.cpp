#include <glocal/hpo/forecast/candidates.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/dmd.h>
#include <glocal/hpo/dmd/model/error_bar.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/hankel.h>
#include <glocal/hpo/dmd/model/matrix.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/forecast/forecast.h>

namespace glocal::hpo {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double like_skill = 2;  // candidates within this factor of the best one speak for the error bar

DmdData first_rows(const DmdData& data, std::int64_t count) {
  DmdData out = data;
  for (Tensor& h : out.series) h = rows_of(h, 0, count);
  for (Tensor& h : out.observables) h = rows_of(h, 0, count);
  return out;
}

// One part of the snapshots held back, (rows, q) each: what came, and what persistence said, per entry in its own size.
struct Cut {
  std::int64_t kept = 0;
  Tensor truth;
  std::vector<double> last, persistence;  // last snapshot kept; root mean square of truth - last

  Cut(const Tensor& h, std::int64_t kept_in) : kept(kept_in), truth(rows_of(h, kept_in, h.dim(0))) {
    const std::int64_t q = h.dim(1);
    for (std::int64_t j = 0; j < q; ++j) last.push_back(h.data<double>()[(kept - 1) * q + j]);
    persistence = errors([&](std::int64_t, std::size_t j) { return last[j]; });
  }
  // Root mean square of said(t, j) - truth over the rows, for each entry.
  template <class F>
  std::vector<double> errors(F&& said) const {
    const std::int64_t rows = truth.dim(0), q = truth.dim(1);
    std::vector<double> out;
    for (std::int64_t j = 0; j < q; ++j) {
      double sum = 0;
      for (std::int64_t t = 0; t < rows; ++t)
        sum = std::hypot(sum, said(t, static_cast<std::size_t>(j)) - truth.data<double>()[t * q + j]);
      out.push_back(sum / std::sqrt(static_cast<double>(rows)));
    }
    return out;
  }
};

// What a candidate said about the cuts.
struct Trial {
  double skill = infinity;
  std::vector<double> errors;                // of the first cut, per entry
  double agreement = 0;                      // least squares w in truth - last = w (said - last), over all cuts
  std::vector<std::vector<double>> targets;  // what the fit to each cut said about the target
};

Trial tried(const DmdData& data, const std::vector<Cut>& cuts, double target_t, const DmdOptions& options) {
  Trial trial;
  double sum = 0, along = 0, square = 0;
  std::int64_t ratios = 0;
  for (const Cut& cut : cuts) {
    const std::int64_t rows = cut.truth.dim(0), q = cut.truth.dim(1);
    const DmdFit fit = fit_dmd(first_rows(data, cut.kept), options);
    const Tensor said = fit.forecast_range(cut.kept, cut.kept + rows);
    trial.targets.push_back(fit.forecast(target_t));
    const double* const numbers = said.data<double>();
    const std::vector<double> errors =
        cut.errors([&](std::int64_t t, std::size_t j) { return numbers[t * q + static_cast<std::int64_t>(j)]; });
    if (trial.errors.empty()) trial.errors = errors;
    for (std::int64_t j = 0; j < q; ++j) {
      const auto index = static_cast<std::size_t>(j);
      const double unit = cut.persistence[index];
      if (!(unit > 0)) continue;  // a constant entry is persistence at its best
      sum += errors[index] / unit * (errors[index] / unit);
      ++ratios;
      for (std::int64_t t = 0; t < rows; ++t) {
        const double step = (numbers[t * q + j] - cut.last[index]) / unit;
        along += step * (cut.truth.data<double>()[t * q + j] - cut.last[index]) / unit;
        square += step * step;
      }
    }
  }
  if (ratios > 0 && std::isfinite(sum)) trial.skill = std::sqrt(sum / static_cast<double>(ratios));
  if (square > 0 && std::isfinite(square)) trial.agreement = along / square;
  return trial;
}

// Adds to the squares of each entry those of value - other, divided by `count`.
void add_squares(std::vector<double>& bar, const std::vector<double>& value, const std::vector<double>& other,
                 double count) {
  for (std::size_t j = 0; j < bar.size(); ++j) bar[j] = std::hypot(bar[j], (value[j] - other[j]) / std::sqrt(count));
}

}  // namespace

Forecast forecast_auto(const DmdData& data, double target_t, const std::vector<DmdCandidate>& candidates,
                       const DmdTrust& trust) {
  if (candidates.empty()) fail<ValueError>("[dmd] there is no candidate; give at least one");
  if (!(trust.to_beat > 0) || trust.held_back.empty())
    fail<ValueError>("[dmd] trust needs to_beat > 0 and a share to hold back");
  const DmdSeries checked(data, candidates[0].options);  // throws for data that no candidate can read
  const Tensor h = checked.target();
  const std::int64_t tau = h.dim(0), q = h.dim(1);
  for (const Tensor& other : data.series)
    if (other.dim(0) != tau)
      fail<ShapeError>("[dmd] series of {} and {} snapshots; a trial needs one length", tau, other.dim(0));
  std::vector<Cut> cuts;
  for (const double share : trust.held_back) {
    if (!(share > 0 && share < 1)) fail<ValueError>("[dmd] the share held back must be in (0, 1), got {}", share);
    const auto back = std::max<std::int64_t>(1, static_cast<std::int64_t>(share * static_cast<double>(tau)));
    if (tau - back >= 3) cuts.emplace_back(h, tau - back);
  }
  Forecast out;
  for (const Cut& cut : cuts)
    out.test +=
        (out.test.empty() ? "" : "; with ") + words_of_test(cut.kept, cut.kept, tau, "less than", trust.to_beat);
  if (cuts.size() > 1) out.test += " (root mean square of these)";
  std::size_t chosen = 0;
  std::vector<Trial> trials;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    trials.push_back(cuts.empty() ? Trial{} : tried(data, cuts, target_t, candidates[i].options));
    out.skills.push_back(trials[i].skill);
    if (trials[i].skill < trials[chosen].skill) chosen = i;
  }
  const Trial& best = trials[chosen];
  out.candidate = static_cast<int>(chosen);
  out.skill = best.skill;
  out.fit = fit_dmd(data, candidates[chosen].options);
  const std::vector<double> model = out.fit.forecast(target_t);
  const bool finite = std::all_of(model.begin(), model.end(), [](double v) { return std::isfinite(v); });
  out.weight = !finite || !(out.skill < trust.to_beat) ? 0 : trust.shrink ? std::clamp(best.agreement, 0.0, 1.0) : 1;
  out.fell_back = out.weight == 0;
  for (std::int64_t j = 0; j < q; ++j) {
    const double last = h.data<double>()[(tau - 1) * q + j], said = model[static_cast<std::size_t>(j)];
    out.value.push_back(out.fell_back ? last : out.weight == 1 ? said : last + out.weight * (said - last));
  }
  out.note = fmt::format("{} of {} candidates: {}", chosen + 1, candidates.size(), candidates[chosen].name);
  if (!out.fit.note.empty()) out.note += "; " + out.fit.note;
  if (out.fell_back)
    out.note +=
        cuts.empty() ? fmt::format("; fell back to the last snapshot: {} are too few to hold some out", tau)
        : finite ? fmt::format("; fell back to the last snapshot: hold-out error is {:.3g} times that of persistence",
                               out.skill)
                 : "; fell back to the last snapshot: the forecast is not finite";
  if (cuts.empty()) {
    out.error_bar.assign(static_cast<std::size_t>(q), infinity);
    return out;
  }
  // Four sources of error, taken as independent: noise in the fit; what the trial showed; how far the forecast moved as
  // snapshots came in; how far candidates of like skill are apart.
  // Held-out errors grow with the distance, as its root.
  const double back = static_cast<double>(cuts[0].truth.dim(0)), distance = target_t - static_cast<double>(tau - 1);
  out.error_bar = out.fell_back ? cuts[0].persistence : best.errors;
  for (double& e : out.error_bar) e *= std::sqrt(std::max(1.0, 2 * distance / back));
  if (!out.fell_back) {
    add_squares(out.error_bar, hpo::error_bar(out.fit, target_t), std::vector<double>(static_cast<std::size_t>(q), 0.0),
                1);
    for (const std::vector<double>& said : best.targets)
      add_squares(out.error_bar, out.value, said, static_cast<double>(cuts.size()));
  }
  std::vector<std::size_t> rivals;
  for (std::size_t i = 0; i < candidates.size(); ++i)
    if ((i != chosen || out.fell_back) && trials[i].skill <= like_skill * std::min(best.skill, 1.0))
      rivals.push_back(i);
  for (const std::size_t i : rivals)
    add_squares(out.error_bar, out.value, fit_dmd(data, candidates[i].options).forecast(target_t),
                static_cast<double>(rivals.size()));
  return out;
}

std::vector<DmdCandidate> default_candidates(std::int64_t q) {
  using Method = DmdOptions::Method;
  using TimeAxis = DmdOptions::TimeAxis;
  const int few = static_cast<int>(std::max<std::int64_t>(3, q));
  DmdOptions o;
  std::vector<DmdCandidate> out{{"powers of t, one for each entry", o}};
  out[0].options.time = TimeAxis::logarithmic;
  o.policy = DmdOptions::Policy::snap;
  out.push_back({"least squares, automatic rank", o});
  o.rank = few;
  out.push_back({"least squares, few modes", o});
  o.method = Method::total_least_squares;
  out.push_back({"total least squares, few modes", o});
  o.method = Method::optimised;
  out.push_back({"optimised, few modes", o});
  o.rank = 2;
  o.time = TimeAxis::log_grid;
  o.bins = 16;
  out.push_back({"two powers of t, optimised", o});
  return out;
}

}  // namespace glocal::hpo
