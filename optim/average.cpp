#include <glocal/optim/average.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/core/text/registry.h>
#include <glocal/optim/optimizer.h>

namespace glocal::optim {

const Registry<AverageKind>& averages() {
  using Values = std::span<const Var>;
  static const Registry<AverageKind> all(
      "average", "glocal list averages",
      {
          {"none", "the last weights",
           [](std::int64_t, double) {
             return Average{"none", {}, nullptr};
           }},
          // (1 - d) / (1 - d^(t + 1)): weights of the past fall as d^age and add up to 1 from the first step on.
          {"exponential", "weights of the past fall by a factor each step",
           [](std::int64_t, double) {
             return Average{"exponential",
                            {{"average_decay", 0.99, HyperInfo::Range::unit_interval}},
                            [](Values values, std::int64_t t, DType) {
                              return (1 - values[0]) / (1 - pow(values[0], static_cast<double>(t + 1)));
                            }};
           }},
          {"tail", "mean over the last --average-share of the steps",
           [](std::int64_t T, double last) {
             const auto steps = std::max<std::int64_t>(1, std::llround(last * static_cast<double>(T)));
             return Average{"tail", {}, [begin = T - steps](Values, std::int64_t t, DType dtype) -> Var {
                              const auto seen = static_cast<double>(std::max<std::int64_t>(1, t - begin + 1));
                              return Tensor::scalar(1 / seen, dtype);
                            }};
           }},
      });
  return all;
}

Average make_average(const std::string& name, std::int64_t T, double last) {
  if (T < 1) fail<ValueError>("[average] needs T >= 1 steps, got {}", T);
  if (!(last > 0 && last <= 1)) fail<ValueError>("[average] the last share must lie in (0, 1], got {}", last);
  return averages().at(name).make(T, last);
}

Vars averaged(const Average& average, std::span<const Var> values, const Vars& averages, const Vars& weights,
              std::int64_t t) {
  if (averages.size() != weights.size())
    fail<ShapeError>("[average] {} averages do not fit {} weights", averages.size(), weights.size());
  if (weights.empty()) return {};
  const Var share = average.share(values, t, weights[0].dtype());
  if (share.level() == 0 && share.item() == 1) return weights;
  Vars next;
  for (std::size_t i = 0; i < weights.size(); ++i) next.push_back(axpy(share, weights[i] - averages[i], averages[i]));
  return next;
}

}  // namespace glocal::optim
