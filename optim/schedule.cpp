#include <glocal/optim/schedule.h>

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/core/text/registry.h>
#include <glocal/optim/optimizer.h>

namespace glocal::optim {

namespace {

void check_step(std::int64_t t) {
  if (t < 0) fail<ValueError>("[schedule] steps are counted from 0, got t = {}", t);
}

void check_at_least_1(const char* what, std::int64_t n) {
  if (n < 1) fail<ValueError>("[schedule] {} must be at least 1, got {}", what, n);
}

// a (1 - share) + b share
Var between(const Var& a, const Var& b, double share) { return a * (1 - share) + b * share; }

}  // namespace

Var step_decay(const Var& initial, const Var& factor, std::int64_t every, std::int64_t t) {
  check_step(t);
  check_at_least_1("the number of steps between two drops", every);
  const std::int64_t drops = t / every;
  return initial * pow(factor, static_cast<double>(drops));
}

Var step_decay(const Var& initial, const Var& factor, std::span<const double> milestones, std::int64_t T,
               std::int64_t t) {
  check_step(t);
  check_at_least_1("T", T);
  const auto reached = [&](double share) { return static_cast<double>(t) >= share * static_cast<double>(T); };
  return initial * pow(factor, static_cast<double>(std::count_if(milestones.begin(), milestones.end(), reached)));
}

Var linear_decay(const LinearDecay& shape, std::int64_t T, std::int64_t t) {
  check_step(t);
  check_at_least_1("T", T);
  if (t >= T) return shape.first * shape.floor;
  const double middle = static_cast<double>(t) + 0.5, end = static_cast<double>(T);
  const Var w = shape.warm_up * end;
  if (middle < w.item()) return shape.first * middle / w;
  const Var left = (end - middle) / (end - w);
  return shape.first * (shape.floor + (1 - shape.floor) * pow(left, shape.power));
}

Var cosine(const Var& first, const Var& last, std::int64_t T, std::int64_t t) {
  check_step(t);
  check_at_least_1("T", T);
  const double progress = static_cast<double>(std::min(t, T)) / static_cast<double>(T);
  return between(last, first, (1 + std::cos(std::numbers::pi * progress)) / 2);
}

Var linear_warm_up(const Var& value, std::int64_t steps, std::int64_t t) {
  check_step(t);
  if (steps < 0) fail<ValueError>("[schedule] warm-up cannot last {} steps", steps);
  return t + 1 >= steps ? value : value * (static_cast<double>(t + 1) / static_cast<double>(steps));
}

Var piecewise_linear(std::span<const Var> knots, std::int64_t T, std::int64_t t) {
  check_step(t);
  check_at_least_1("T", T);
  if (knots.empty()) fail<ValueError>("[schedule] piecewise needs at least one knot");
  const std::size_t last = knots.size() - 1;
  if (t >= T - 1 || last == 0) return knots[last];
  const double place = static_cast<double>(t) / static_cast<double>(T - 1) * static_cast<double>(last);
  const std::size_t left = std::min(static_cast<std::size_t>(place), last - 1);
  return between(knots[left], knots[left + 1], place - static_cast<double>(left));
}

const Registry<ScheduleKind>& schedules() {
  using Values = std::span<const Var>;
  constexpr auto positive = HyperInfo::Range::positive;
  static const Registry<ScheduleKind> all(
      "schedule", "glocal list schedules",
      {
          {"constant", "one value",
           [](const std::string& of, double initial, const ScheduleOptions&) {
             return Schedule{
                 "constant", {{of, initial, positive}}, [](Values values, std::int64_t) { return values[0]; }};
           }},
          {"step", "a factor every --schedule-every steps, or at --milestones",
           [](const std::string& of, double initial, const ScheduleOptions& o) {
             check_at_least_1("the number of steps between two drops", o.every);
             for (std::size_t i = 0; i < o.milestones.size(); ++i)
               if (const double last = i == 0 ? 0 : o.milestones[i - 1];
                   !(o.milestones[i] > last && o.milestones[i] < 1))
                 fail<ValueError>("[schedule] milestone {} must lie between {} and 1, a share of the run",
                                  o.milestones[i], last);
             return Schedule{"step",
                             {{of, initial, positive}, {of + "_factor", 0.1, positive}},
                             [o](Values values, std::int64_t t) {
                               return o.milestones.empty() ? step_decay(values[0], values[1], o.every, t)
                                                           : step_decay(values[0], values[1], o.milestones, o.T, t);
                             }};
           }},
          {"cosine", "half a wave from a first to a last value",
           [](const std::string& of, double initial, const ScheduleOptions& o) {
             return Schedule{"cosine",
                             {{of + "_first", initial, positive}, {of + "_last", initial / 100, positive}},
                             [o](Values values, std::int64_t t) { return cosine(values[0], values[1], o.T, t); }};
           }},
          {"linear", "a straight line down to 0; its power, its floor and the share of the warm-up can be tuned",
           [](const std::string& of, double initial, const ScheduleOptions& o) {
             constexpr auto non_negative = HyperInfo::Range::non_negative, share = HyperInfo::Range::unit_interval;
             const auto form = [&of](const char* what, double value, HyperInfo::Range range) {
               return HyperInfo{.name = of + what, .initial = value, .range = range, .form = true};
             };
             const double warm_up = static_cast<double>(o.warm_up) / static_cast<double>(o.T);
             return Schedule{"linear",
                             {{of, initial, positive},
                              form("_power", 1, positive),
                              form("_floor", 0, non_negative),
                              form("_warm_up", std::min(warm_up, 1 - 1 / (2 * static_cast<double>(o.T))), share)},
                             [o](Values v, std::int64_t t) {
                               return linear_decay({v[0], v[1], v[2], v[3]}, o.T, t);
                             },
                             /*warms_up=*/true};
           }},
          {"piecewise", "straight lines between --knots values",
           [](const std::string& of, double initial, const ScheduleOptions& o) {
             check_at_least_1("the number of knots", o.knots);
             if (o.knots > o.T)
               fail<ValueError>("[schedule] {} knots are more than the {} steps; use fewer", o.knots, o.T);
             Schedule schedule{
                 "piecewise", {}, [o](Values values, std::int64_t t) { return piecewise_linear(values, o.T, t); }};
             for (std::int64_t k = 0; k < o.knots; ++k)
               schedule.hyper.push_back({fmt::format("{}_{}", of, k), initial, positive, of});
             return schedule;
           }},
      });
  return all;
}

std::vector<std::string> schedule_names() { return schedules().names(); }

Schedule make_schedule(const std::string& name, const std::string& of, double initial, const ScheduleOptions& options) {
  using Values = std::span<const Var>;
  const ScheduleOptions o = options;
  check_at_least_1("T", o.T);
  Schedule schedule = schedules().at(name).make(of, initial, o);
  linear_warm_up(Var(Tensor::scalar(1)), o.warm_up, 0);  // refuses a negative length now rather than at the first step
  schedule.at = [o, name, count = schedule.hyper.size(), own = schedule.warms_up, at = schedule.at](Values values,
                                                                                                    std::int64_t t) {
    if (values.size() != count)
      fail<ShapeError>("[schedule] {} takes {} values, {} were given", name, count, values.size());
    return own ? at(values, t) : linear_warm_up(at(values, t), o.warm_up, t);
  };
  return schedule;
}

}  // namespace glocal::optim
