#include <glocal/hpo/forecast/trial.h>

#include <fmt/core.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/matrix.h>

namespace glocal::hpo {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// What was held out, (rows, q).
Tensor truth_of(const Tensor& h, const HoldOut& out) {
  if (!out.mean) return rows_of(h, out.from, h.dim(0));
  std::vector<double> mean;
  for (std::int64_t k = 0; k < h.dim(1); ++k) {
    double sum = 0;
    for (std::int64_t t = out.from; t < h.dim(0); ++t) sum += h.data<double>()[t * h.dim(1) + k];
    mean.push_back(sum / static_cast<double>(h.dim(0) - out.from));
  }
  return Tensor::from(mean, {1, h.dim(1)});
}

// What a fit says about it, (rows, q).
Tensor said_of(const Fitted& fit, const HoldOut& out, std::int64_t tau) {
  if (!out.mean) return fit.range(out.from, tau);
  const std::vector<double> mean = fit.mean(out.from, tau);
  return Tensor::from(mean, {1, static_cast<std::int64_t>(mean.size())});
}

struct Misses {
  std::vector<double> each;  // (q,) root mean squares over the rows
  double all = 0;            // root of the sum of all squares
};

Misses misses(const Tensor& said, const Tensor& truth) {
  const auto q = static_cast<std::size_t>(truth.dim(1));
  Misses out{std::vector<double>(q)};
  for (std::size_t i = 0; i < static_cast<std::size_t>(truth.size()); ++i) {
    const double miss = said.data<double>()[i] - truth.data<double>()[i];
    out.each[i % q] = std::hypot(out.each[i % q], miss);
    out.all = std::hypot(out.all, miss);
  }
  for (double& one : out.each) one /= std::sqrt(static_cast<double>(truth.dim(0)));
  return out;
}

}  // namespace

std::string Test::words(std::int64_t tau) const {
  std::string text;
  for (const auto& [kept, from, mean] : hold_outs)
    text += fmt::format("{}{}{}, forecast from the first {}, missed by {} {:g} times what step {} repeated misses",
                        text.empty() ? "" : "; with ", mean ? "the mean of " : "",
                        from + 1 == tau ? fmt::format("step {}", tau) : fmt::format("steps {} to {}", from + 1, tau),
                        kept, or_equal ? "at most" : "less than", to_beat, kept);
  return text + (hold_outs.size() > 1 ? " (root mean square of these)" : "");
}

Trial try_forecaster(const Forecaster& forecaster, const Known& known, const Test& test, double target_t) {
  Trial trial{infinity, {}, 0, {}};
  const std::int64_t q = known.h.dim(1);
  double all = 0, all_last = 0, ratios = 0, along = 0, square = 0;
  std::int64_t entries = 0;
  for (const HoldOut& out : test.hold_outs) {
    const Known read = known.first(out.kept);
    const std::shared_ptr<const Fitted> fit = forecaster.fit(read);
    trial.targets.push_back(fit->at(target_t));
    const Tensor truth = truth_of(known.h, out), said = said_of(*fit, out, known.h.dim(0));
    const Tensor last = said_of(*persistence().fit(read), out, known.h.dim(0));
    const Misses own = misses(said, truth), of_last = misses(last, truth);
    all = std::hypot(all, own.all), all_last = std::hypot(all_last, of_last.all);
    if (trial.errors.empty()) trial.errors = own.each;
    for (std::int64_t k = 0; k < q; ++k) {
      const double unit = of_last.each[static_cast<std::size_t>(k)];
      if (!(unit > 0)) continue;  // a constant entry is persistence at its best
      const double ratio = own.each[static_cast<std::size_t>(k)] / unit;
      ratios += ratio * ratio;
      ++entries;
      for (std::int64_t i = k; i < truth.size(); i += q) {
        const double step = (said.data<double>()[i] - last.data<double>()[i]) / unit;
        along += step * (truth.data<double>()[i] - last.data<double>()[i]) / unit;
        square += step * step;
      }
    }
  }
  const double whole = all == 0 && test.or_equal ? 0 : all / all_last,
               each = std::sqrt(ratios / static_cast<double>(entries));
  const double skill = test.each_entry ? each : test.hold_outs.empty() ? infinity : whole;
  if (std::isfinite(skill)) trial.skill = skill;  // not where all that is held out is constant
  if (square > 0 && std::isfinite(square)) trial.agreement = along / square;
  return trial;
}

}  // namespace glocal::hpo
