// Schedules of a hyperparameter over the steps t = 0, 1, ..., each differentiable in its values.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/text/registry.h>
#include <glocal/optim/optimizer.h>

namespace glocal::optim {

/// initial * factor^floor(t / every). Throws ValueError when every < 1 or t < 0.
Var step_decay(const Var& initial, const Var& factor, std::int64_t every, std::int64_t t);
/// initial * factor^n, n the number of milestones, shares of the run's T steps, that t has reached: t >= share T.
Var step_decay(const Var& initial, const Var& factor, std::span<const double> milestones, std::int64_t T,
               std::int64_t t);
/// What a linear schedule is made of, each one number.
struct LinearDecay {
  Var first;    ///< the largest value, at the end of the warm-up
  Var power;    ///< > 0: 1 is a straight line, more falls sooner
  Var floor;    ///< >= 0: the last value, as a share of the first
  Var warm_up;  ///< in [0, 1): share of the run in which it rises from 0
};
/// Step t takes the value at its middle, m = t + 1/2. With w = warm_up T: first m / w for m < w, then first (floor + (1
/// - floor) ((T - m) / (T - w))^power); first floor from T on. Differentiable in all four but where m = w, which a
/// warm-up of whole steps never meets.
Var linear_decay(const LinearDecay& shape, std::int64_t T, std::int64_t t);
/// last + (first - last) (1 + cos(pi t / T)) / 2; stays at `last` from T on (Loshchilov, Hutter, ICLR 2017).
Var cosine(const Var& first, const Var& last, std::int64_t T, std::int64_t t);
/// value * min(1, (t + 1) / steps); steps = 0 means none.
Var linear_warm_up(const Var& value, std::int64_t steps, std::int64_t t);
/// Straight lines between knots.size() values at evenly spaced times from 0 to T - 1; constant before and after.
Var piecewise_linear(std::span<const Var> knots, std::int64_t T, std::int64_t t);

/// A schedule chosen at run time: its values are hyperparameters of their own.
struct Schedule {
  std::string name;
  std::vector<HyperInfo>
      hyper;  ///< "lr"; "lr", "lr_factor"; "lr_first", "lr_last"; "lr", "lr_power", ...; "lr_0", "lr_1", ...
  std::function<Var(std::span<const Var> values, std::int64_t t)> at;
  bool warms_up = false;  ///< its warm-up is one of its values, which starts from that of the options
};

struct ScheduleOptions {
  std::int64_t T = 1;                   ///< steps of the whole run
  std::int64_t every = 1;               ///< step: steps between two drops
  std::vector<double> milestones = {};  ///< step: where it drops instead, rising shares of the run in (0, 1)
  std::int64_t knots = 2;               ///< piecewise: number of knots
  std::int64_t warm_up = 0;             ///< steps of linear warm-up, multiplied onto those without one of their own
};

/// An entry of the list of schedules.
struct ScheduleKind {
  std::string name, about;
  /// Hyperparameters and values of it without warm-up. Throws ValueError for options out of range.
  Schedule (*make)(const std::string& of, double initial, const ScheduleOptions& options);
};
const Registry<ScheduleKind>& schedules();
/// One for a positive hyperparameter called `of` that starts at `initial`. Throws ValueError for an unknown name, or
/// options out of range.
Schedule make_schedule(const std::string& name, const std::string& of, double initial, const ScheduleOptions& options);
std::vector<std::string> schedule_names();

}  // namespace glocal::optim
