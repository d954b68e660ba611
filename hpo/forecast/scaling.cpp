#include <glocal/hpo/forecast/scaling.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/forecast/forecast.h>
#include <glocal/hpo/forecast/options.h>

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

// The model of one block: h_k(t) = c_k shape(t), t = 1, 2, ...
struct Model {
  double p, unit;             // mean of shape over the steps that c is fitted to
  std::vector<double> level;  // (q,) mean of h over the same steps: c = level / unit
};

Model fit(const Block& block, const ScalingOptions& o) {
  constexpr std::int64_t parts = 4;
  Model model{.p = exponent(block, o), .unit = 0, .level = {}};
  const std::int64_t begin = share(o.level_from, block.n, parts), n = block.n - begin;
  model.unit = mean_shape(begin, block.n, o.t0, model.p);
  for (std::int64_t k = 0; k < block.q; ++k) {
    const double mean = block.mean(k, begin, block.n);
    double deviation = 0;  // of the means of consecutive parts: neighbours in time are not independent
    for (std::int64_t part = 0; part < parts; ++part) {
      const double of_part = block.mean(k, begin + part * n / parts, begin + (part + 1) * n / parts);
      deviation = std::hypot(deviation, of_part - mean);
    }
    const double doubt = deviation / std::sqrt(parts * (parts - 1)) / std::abs(mean);  // squares only of ratios
    model.level.push_back(mean != 0 ? mean / (1 + o.caution * doubt * doubt) : 0);
  }
  return model;
}

// What h_T carries of its own noise, which grows like a random walk, and what the exponent may stray on the way; both
// measured on the bank: about 70 % of its components lie within one bar, 82 % within two.
double error_bar(const Block& block, std::int64_t k, double value, double stretch) {
  constexpr double stray = 0.3;
  const std::int64_t begin = block.n / 2;
  const double mean = block.mean(k, begin, block.n);
  double scatter = 0;
  for (std::int64_t i = begin; i < block.n; ++i) scatter = std::hypot(scatter, block.h[i * block.q + k] - mean);
  scatter /= std::sqrt(static_cast<double>(block.n - begin));
  return std::hypot(scatter * std::sqrt(stretch), stray * value * std::log(stretch));
}

struct Trial {
  double skill;  // error of the forecast of the block's end from its first quarter, over that of the quarter's last h
  std::string words;
};

// Nothing where the block has no room for a trial.
std::optional<Trial> trial(const Block& block, const ScalingOptions& o) {
  const std::int64_t begin = share(o.level_from, block.n, 4);
  const Block first{block.h, block.outer, std::max(shortest_scaling, block.n / 4), block.q};
  if (first.n > begin) return {};
  const Model model = fit(first, o);
  const double end = std::min(o.most_growth, mean_shape(begin, block.n, o.t0, model.p) / model.unit);
  double error = 0, persistence = 0;
  for (std::int64_t k = 0; k < block.q; ++k) {
    const double truth = block.mean(k, begin, block.n);
    error = std::hypot(error, model.level[static_cast<std::size_t>(k)] * end - truth);
    persistence = std::hypot(persistence, block.h[(first.n - 1) * block.q + k] - truth);
  }
  return Trial{error > 0 ? error / persistence : 0,
               "the mean of " + words_of_test(first.n, begin, block.n, "at most", o.trust)};
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

// c t (t0 + t)^-(p + 1) as modes of log(t0 + t).
DmdFit as_modes(const Block& block, const Model& model, const ScalingOptions& o) {
  DmdFit fit;
  fit.options.time = DmdOptions::TimeAxis::logarithmic;
  fit.options.t0 = o.t0;
  fit.options.delays = fit.delays_used = 1;
  fit.eigenvalues = {std::exp(-model.p)};
  if (o.t0 > 0) fit.eigenvalues.push_back(std::exp(-model.p - 1));
  fit.fitted_eigenvalues = fit.eigenvalues;
  fit.rank = static_cast<int>(fit.eigenvalues.size());
  fit.snapshots = block.n;
  fit.amplitudes = lapack::CMatrix(fit.rank, block.q);
  double error = 0, size = 0;
  for (std::int64_t k = 0; k < block.q; ++k) {
    const double c = model.level[static_cast<std::size_t>(k)] / model.unit;
    fit.amplitudes(0, k) = c;
    if (o.t0 > 0) fit.amplitudes(1, k) = -c * o.t0;
    for (std::int64_t i = 0; i < block.n; ++i) {
      const double h = block.h[i * block.q + k];
      error = std::hypot(error, c * shape(static_cast<double>(i + 1), o.t0, model.p) - h);
      size = std::hypot(size, h);
      fit.scale = std::max(fit.scale, std::abs(h));
    }
  }
  fit.residual = size > 0 ? error / size : 0;
  fit.noise_dominated = fit.residual * fit.residual > 0.5;
  return fit;
}

}  // namespace

Forecast forecast_scaling(const Tensor& h, const Tensor& outer, double target_t, const ScalingOptions& options) {
  check(h, outer, target_t, options);
  const Block block{h.data<double>(), outer.data<double>(), h.dim(0), h.dim(1)};
  const Model model = fit(block, options);
  Forecast forecast;
  forecast.fit = as_modes(block, model, options);
  forecast.fit.data = h;
  const std::optional<Trial> tried = trial(block, options);
  forecast.skill = tried ? tried->skill : std::numeric_limits<double>::infinity();
  if (tried) forecast.test = tried->words;
  const bool positive = block.positive(), trusted = !tried || tried->skill <= options.trust;
  forecast.fell_back = !positive || !trusted;
  const double at = target_t + 1, ratio = std::min(options.most_growth, shape(at, options.t0, model.p) / model.unit);
  for (std::int64_t k = 0; k < block.q; ++k) {
    const auto index = static_cast<std::size_t>(k);
    const double last = block.h[(block.n - 1) * block.q + k];
    forecast.value.push_back(forecast.fell_back ? last : model.level[index] * ratio);
    forecast.error_bar.push_back(error_bar(block, k, forecast.value.back(), at / static_cast<double>(block.n)));
  }
  if (forecast.fell_back) {
    forecast.weight = 0;
    forecast.note = positive ? fmt::format(
                                   "the last h is used: on trial inside the block the forecast missed by "
                                   "{:.2g} times what persistence missed",
                                   forecast.skill)
                             : "the last h is used: E is not positive, so its fall is no power law";
  }
  return forecast;
}

}  // namespace glocal::hpo
