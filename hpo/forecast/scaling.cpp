#include <glocal/hpo/forecast/scaling.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/forecast/forecast.h>
#include <glocal/hpo/forecast/forecaster.h>
#include <glocal/hpo/forecast/options.h>
#include <glocal/hpo/forecast/trial.h>

namespace glocal::hpo {
namespace {

// t (t0 + t)^-(p + 1)
double shape(double t, double t0, double p) { return t * std::pow(t0 + t, -p - 1); }

// Over snapshots begin .. end - 1.
double mean_shape(std::int64_t begin, std::int64_t end, double t0, double p) {
  double sum = 0;
  for (std::int64_t i = begin; i < end; ++i) sum += shape(static_cast<double>(i + 1), t0, p);
  return sum / static_cast<double>(end - begin);
}

// One row per snapshot of the first n.
struct Block {
  const double* h;
  const double* outer;
  std::int64_t n, q;

  bool positive() const {
    return std::all_of(outer, outer + n, [](double loss) { return loss > 0; });
  }
  double mean(std::int64_t k, std::int64_t begin, std::int64_t end) const {
    double sum = 0;
    for (std::int64_t i = begin; i < end; ++i) sum += h[i * q + k];
    return sum / static_cast<double>(end - begin);
  }
};

std::int64_t share(double part, std::int64_t n, std::int64_t at_least_left) {
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(part * static_cast<double>(n)), 0, n - at_least_left);
}

// Minus the slope of log E against log(t0 + t), every step weighted by 1 / (t0 + t): even in logarithmic time.
double exponent(const Block& block, const ScalingOptions& o) {
  if (!block.positive()) return o.least;
  double w = 0, wx = 0, wy = 0, wxx = 0, wxy = 0;
  const std::int64_t begin = share(o.exponent_from, block.n, 3);
  const double from = o.t0 + static_cast<double>(begin + 1), level = std::log(block.outer[begin]);
  for (std::int64_t i = begin; i < block.n; ++i) {  // logarithms counted from the first: sums stay small for any t0
    const double t = o.t0 + static_cast<double>(i + 1), x = std::log1p(static_cast<double>(i - begin) / from);
    const double y = std::log(block.outer[i]) - level;
    w += 1 / t, wx += x / t, wy += y / t, wxx += x * x / t, wxy += x * y / t;
  }
  return std::clamp(-(w * wxy - wx * wy) / (w * wxx - wx * wx), o.least, o.most);
}

// c fitted to the end of the block, p to E.
void fit(TrainingLaw& law, const Block& block, const ScalingOptions& o) {
  constexpr std::int64_t parts = 4;
  law.p = exponent(block, o);
  const std::int64_t begin = share(o.level_from, block.n, parts), n = block.n - begin;
  law.unit = mean_shape(begin, block.n, o.t0, law.p);
  for (std::int64_t k = 0; k < block.q; ++k) {
    const double mean = block.mean(k, begin, block.n);
    double deviation = 0;  // of the means of consecutive parts: neighbours in time are not independent
    for (std::int64_t part = 0; part < parts; ++part) {
      const double of_part = block.mean(k, begin + part * n / parts, begin + (part + 1) * n / parts);
      deviation = std::hypot(deviation, of_part - mean);
    }
    const double doubt = deviation / std::sqrt(parts * (parts - 1)) / std::abs(mean);  // squares only of ratios
    law.level.push_back(mean != 0 ? mean / (1 + o.caution * doubt * doubt) : 0);
  }
}

// ||law - h|| / ||h|| over the block.
double residual(const TrainingLaw& law, const Block& block) {
  double error = 0, size = 0;
  for (std::int64_t k = 0; k < block.q; ++k)
    for (std::int64_t i = 0; i < block.n; ++i) {
      const double h = block.h[i * block.q + k], c = law.level[static_cast<std::size_t>(k)] / law.unit;
      error = std::hypot(error, c * shape(static_cast<double>(i + 1), law.t0, law.p) - h);
      size = std::hypot(size, h);
    }
  return size > 0 ? error / size : 0;
}

// Root mean square of h_k - mean over the second half of the block.
double scatter(const Block& block, std::int64_t k) {
  const std::int64_t begin = block.n / 2;
  const double mean = block.mean(k, begin, block.n);
  double sum = 0;
  for (std::int64_t i = begin; i < block.n; ++i) sum = std::hypot(sum, block.h[i * block.q + k] - mean);
  return sum / std::sqrt(static_cast<double>(block.n - begin));
}

void check(const Tensor& h, const Tensor& outer, double target_t, const ScalingOptions& o) {
  if (!h || h.rank() != 2 || h.dim(1) < 1 || !outer || outer.shape() != Shape{h.dim(0)})
    fail<ShapeError>("[scaling] wants h (tau, q) and outer (tau,), got {} and {}", h.shape(), outer.shape());
  if (h.dtype() != DType::f64 || outer.dtype() != DType::f64)
    fail<DTypeError>("[scaling] h and outer must be f64, got {} and {}", h.dtype(), outer.dtype());
  if (h.dim(0) < shortest_scaling)
    fail<ValueError>("[scaling] {} snapshots are too few; give at least {}", h.dim(0), shortest_scaling);
  if (!(target_t >= 0 && target_t <= 0x1p53)) fail<ValueError>("[scaling] cannot forecast index {}", target_t);
  const auto share_of_block = [](double part) { return part >= 0 && part < 1; };
  if (!(o.t0 >= 0 && o.t0 <= 1e15) || !share_of_block(o.exponent_from) || !share_of_block(o.level_from) ||
      !(o.least <= o.most) || !(o.caution >= 0 && std::isfinite(o.caution)) || !(o.most_growth >= 1) || !(o.trust > 0))
    fail<ValueError>(
        "[scaling] needs t0 in [0, 1e15], shares in [0, 1), least <= most, caution >= 0, most_growth >= 1, trust > 0; "
        "got {}, {} and {}, {} and {}, {}, {}, {}",
        o.t0, o.exponent_from, o.level_from, o.least, o.most, o.caution, o.most_growth, o.trust);
  for (const double v : h.span<double>())
    if (!std::isfinite(v)) fail<NumericError>("[scaling] h holds {}; extrapolate finite series only", v);
  for (const double v : outer.span<double>())
    if (!std::isfinite(v)) fail<NumericError>("[scaling] outer holds {}; extrapolate finite series only", v);
}

TrainingLaw read_off(const Known& known, const ScalingOptions& options) {
  const Block block{known.h.data<double>(), known.outer.data<double>(), known.h.dim(0), known.h.dim(1)};
  TrainingLaw law;
  law.t0 = options.t0;
  law.most_growth = options.most_growth;
  law.snapshots = block.n;
  law.positive = block.positive();
  fit(law, block, options);
  law.residual = residual(law, block);
  for (std::int64_t k = 0; k < block.q; ++k) law.scatter.push_back(scatter(block, k));
  return law;
}

}  // namespace

std::vector<double> TrainingLaw::grown(double shape) const {
  std::vector<double> out;
  for (const double each : level) out.push_back(each * std::min(most_growth, shape / unit));
  return out;
}

std::vector<double> TrainingLaw::at(double t) const { return grown(shape(t + 1, t0, p)); }

std::vector<double> TrainingLaw::mean(std::int64_t begin, std::int64_t end) const {
  return grown(mean_shape(begin, end, t0, p));
}

// What h_T carries of its own noise, which grows like a random walk, and what the exponent may stray on the way; both
// measured on the bank: about 70 % of its components lie within one bar, 82 % within two.
std::vector<double> TrainingLaw::error_bar(double t, const std::vector<double>& value) const {
  constexpr double stray = 0.3;
  const double stretch = (t + 1) / static_cast<double>(snapshots);
  std::vector<double> out;
  for (std::size_t k = 0; k < value.size(); ++k)
    out.push_back(std::hypot(scatter[k] * std::sqrt(stretch), stray * value[k] * std::log(stretch)));
  return out;
}

std::string TrainingLaw::refusal() const { return positive ? "" : "E is not positive, so its fall is no power law"; }

std::shared_ptr<const TrainingLaw> law_of(const Forecast& forecast) {
  return std::dynamic_pointer_cast<const TrainingLaw>(forecast.model);
}

Forecast forecast_scaling(const Tensor& h, const Tensor& outer, double target_t, const ScalingOptions& options) {
  check(h, outer, target_t, options);
  const std::int64_t n = h.dim(0), kept = std::max(shortest_scaling, n / 4), from = share(options.level_from, n, 4);
  Test test{.to_beat = options.trust, .or_equal = true, .believe_untested = true};
  if (kept <= from) test.hold_outs = {{kept, from, /*mean=*/true}};
  const Forecaster law{"the law of training", [options](const Known& known) {
                         return std::make_shared<const TrainingLaw>(read_off(known, options));
                       }};
  return forecast({h, {}, outer}, target_t, {law}, test, Doubt::fit);
}

}  // namespace glocal::hpo
