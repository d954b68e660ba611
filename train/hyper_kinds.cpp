#include <glocal/train/hyper_kinds.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <glocal/autodiff/tree.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/nn/models/meta_weight_net.h>
#include <glocal/optim/average.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/schedule.h>
#include <glocal/train/hyperparameters.h>

namespace glocal::train {

std::vector<HyperKind> hyper_kinds(const optim::Optimizer& optimizer, const optim::Schedule& schedule,
                                   const optim::Average& average, std::int64_t classes, Key meta_weights) {
  using Range = optim::HyperInfo::Range;
  using Group = HyperKind::Group;
  std::vector<HyperKind> kinds;
  for (const optim::HyperInfo& info : optimizer.hyper) {
    if (info.name != "lr") {
      const double tuned_usual = info.range == Range::unit_interval ? 0.05 : 1e-4;
      const Group group = info.name == "weight_decay" ? Group::factor : Group::none;
      kinds.push_back({info.name, info.range, info.initial, tuned_usual, group});
      continue;
    }
    for (std::size_t i = 0; i < schedule.hyper.size(); ++i) {
      const optim::HyperInfo& value = schedule.hyper[i];
      kinds.push_back({value.name, value.range, value.initial, value.form ? 0.05 : 0});
      kinds.back().of_schedule = !value.form;
      kinds.back().of = value.of;
      if (i == 0) kinds.back().group = Group::factor;
    }
  }
  if (classes > 0) kinds.push_back({"label_smoothing", Range::unit_interval, 0, 0.05});
  kinds.push_back({"l2", Range::non_negative, 0, 1e-4, Group::coefficient});
  kinds.push_back({"l1", Range::non_negative, 0, 1e-4, Group::coefficient});
  if (classes > 0) kinds.push_back({.name = "class_weights", .range = Range::positive, .usual = 1, .length = classes});
  const auto net = [meta_weights](double units) {
    constexpr double most_units = 1e6;
    if (units != std::floor(units) || units < 1 || units > most_units)
      fail<ValueError>("[experiment] meta_weight_net = {} hidden units; use a whole number from 1 to {}, or 0", units,
                       most_units);
    std::vector<double> numbers;
    const nn::MetaWeightNet start(meta_weights, static_cast<std::int64_t>(units), DType::f64);
    for (const Var& leaf : flatten(start))
      for (std::int64_t i = 0; i < leaf.size(); ++i) numbers.push_back(leaf.value().at(i));
    return numbers;
  };
  if (classes > 0)
    kinds.push_back(
        {.name = "meta_weight_net", .range = Range::non_negative, .usual = 0, .tuned_usual = 100, .recipe = net});
  kinds.push_back({"noise_std", Range::non_negative, 0, 0.1});
  kinds.push_back({"brightness", Range::non_negative, 0, 0.1});
  kinds.push_back({"clip_norm", Range::non_negative, 0, 1});
  kinds.push_back({"init_scale", Range::positive, 1});
  for (const optim::HyperInfo& info : average.hyper) kinds.push_back({info.name, info.range, info.initial});
  return kinds;
}

}  // namespace glocal::train
