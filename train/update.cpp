#include <glocal/train/update.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/nn/models/model.h>
#include <glocal/nn/models/parameter_group.h>
#include <glocal/optim/by_group.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/schedule.h>
#include <glocal/train/config.h>
#include <glocal/train/hyperparameters.h>

namespace glocal::train {

optim::Schedule make_schedule(const ExperimentConfig& c, const optim::Optimizer& optimizer) {
  optim::ScheduleOptions options;
  options.T = c.steps;
  options.every = c.schedule_every > 0 ? c.schedule_every : std::max<std::int64_t>(1, c.steps / 3);
  options.milestones = c.milestones;
  options.knots = c.knots;
  options.warm_up = c.warm_up;
  const std::string steps = "the steps of the run";
  refuse_outside(c, "warm_up", c.warm_up, 0, c.steps, steps);
  if (c.schedule == "step") refuse_outside(c, "schedule_every", options.every, 1, c.steps, steps);
  if (c.schedule == "piecewise") refuse_outside(c, "knots", c.knots, 1, c.steps, steps);
  const auto given = c.hyper.find("lr");
  const bool initial = given != c.hyper.end() && !given->second.vector;
  for (const optim::HyperInfo& info : optimizer.hyper)
    if (info.name == "lr") {
      try {
        return optim::make_schedule(c.schedule, "lr", initial ? given->second.numbers[0] : info.initial, options);
      } catch (const ValueError& error) {  // of numbers the milestones alone can still be wrong
        if (!c.given.contains("milestones")) throw;
        fail<ValueError>("[options] {}: {}", c.where("milestones"), error.what());
      }
    }
  fail<ValueError>("[experiment] {} has no learning rate", optimizer.name);
}

Update::Update(const nn::Model& model, optim::Optimizer optimizer, optim::Schedule schedule,
               const Hyperparameters& hyper)
    : hyper_(hyper), optimizer_(std::move(optimizer)), schedule_(std::move(schedule)) {
  std::vector<std::vector<Factor>> of_parameter(model.parameters.size());
  for (std::size_t number = 0; number < optimizer_.hyper.size(); ++number) {
    const std::string& base = optimizer_.hyper[number].name;
    for (const auto& [name, members] : hyper_.groups_of(base)) {
      if (optimizer_.joint)
        fail<ValueError>("[experiment] {} is a factor for a group, but {} steps all parameters together; give {} alone",
                         name, optimizer_.name, base);
      if (base != "lr" && !hyper_.tuned(base) && hyper_.values().at(base) == 0)
        fail<ValueError>("[experiment] {} is a factor on {}, which is 0; give it a value, --set {}=1e-4", name, base,
                         base);
      for (const std::size_t i : nn::parameter_group(model, members)) of_parameter[i].push_back({number, name});
    }
  }
  for (const std::vector<Factor>& own : of_parameter) {
    const auto same = std::find(factors_.begin(), factors_.end(), own);
    group_.push_back(static_cast<std::size_t>(same - factors_.begin()));
    if (same == factors_.end()) factors_.push_back(own);
  }
}

Vars Update::optimizer_hyper(const Vars& phi, std::int64_t t) const {
  Vars scheduled, all;
  for (const optim::HyperInfo& info : schedule_.hyper) scheduled.push_back(hyper_.value(info.name, phi));
  for (const optim::HyperInfo& info : optimizer_.hyper)
    all.push_back(info.name == "lr" ? schedule_.at(scheduled, t) : hyper_.value(info.name, phi));
  return all;
}

optim::Step Update::operator()(const Vars& phi, const Vars& weights, const optim::Evaluation& seen, const Vars& buffers,
                               std::int64_t t) const {
  const Vars numbers = optimizer_hyper(phi, t);
  if (factors_.size() <= 1 && (factors_.empty() || factors_[0].empty()))
    return optimizer_.step(numbers, weights, seen, buffers, t + 1);
  std::vector<Vars> of_group(factors_.size(), numbers);
  for (std::size_t g = 0; g < factors_.size(); ++g)
    for (const Factor& factor : factors_[g])
      of_group[g][factor.number] = of_group[g][factor.number] * hyper_.value(factor.name, phi);
  return optim::step_by_group(optimizer_, group_, of_group, weights, seen.grads, buffers, t + 1);
}

}  // namespace glocal::train
