#include <glocal/app/settings/name_lists.h>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <glocal/app/settings/choices.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/text/nearest.h>
#include <glocal/core/text/registry.h>
#include <glocal/datasets/augment.h>
#include <glocal/datasets/own/forms.h>
#include <glocal/datasets/registry.h>
#include <glocal/datasets/variants.h>
#include <glocal/hpo/dmd/methods/registry.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/meta_optimizer.h>
#include <glocal/hpo/search/registry.h>
#include <glocal/hpo/unroll/options.h>
#include <glocal/nn/layers/activation.h>
#include <glocal/nn/layers/norm.h>
#include <glocal/nn/models/registry.h>
#include <glocal/optim/average.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/rules/registry.h>
#include <glocal/optim/schedule.h>
#include <glocal/train/hyper_kinds.h>
#include <glocal/train/hyperparameters.h>
#include <glocal/train/recipes.h>

namespace glocal::app {
namespace {

using Entries = std::vector<NameEntry>;

template <class Entry>
Entries of(const Registry<Entry>& registry) {
  Entries entries;
  for (const Entry& entry : registry.entries()) entries.push_back({entry.name, entry.about});
  return entries;
}

Entries searches() { return of(hpo::searches()); }

Entries estimators() {
  Entries entries{{"fixed", "plain training, nothing is tuned"},
                  {"rehearsal", "plain training with the lr that short runs before it have found, from --lr on"}};
  const Entries all_tuned{
      {"rehearsal-gradient", "plain training with all that is tuned found, by hypergradients of short runs before it"}};
  for (const Entries& more : {of(hpo::estimators()), all_tuned, searches()})
    entries.insert(entries.end(), more.begin(), more.end());
  return entries;
}

std::string names_of_hyper(const std::vector<optim::HyperInfo>& infos) {
  std::vector<std::string> names;
  for (const optim::HyperInfo& info : infos) names.push_back(info.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

optim::Schedule schedule_of(const std::string& name) {
  constexpr std::int64_t steps = 1000, knots = 4;
  return optim::make_schedule(name, "lr", 0.1, {.T = steps, .every = steps, .knots = knots});
}

Entries optimizers() {
  Entries entries;
  for (const optim::OptimizerKind& kind : optim::optimizers().entries())
    entries.push_back({kind.name, kind.about + ": " + names_of_hyper(kind.make().hyper)});
  return entries;
}

Entries schedules() {
  Entries entries;
  for (const optim::ScheduleKind& kind : optim::schedules().entries())
    entries.push_back({kind.name, kind.about + ": " + names_of_hyper(schedule_of(kind.name).hyper)});
  return entries;
}

// Every hyperparameter of any optimiser and schedule, with the optimisers that have it where not all do.
Entries hyperparameters() {
  std::vector<train::HyperKind> kinds;
  std::map<std::string, std::vector<std::string>> owners;
  const std::vector<std::string> optimizers = optim::optimizer_names();
  const optim::Average average = optim::make_average("exponential", 1, 1);
  for (const std::string& schedule : optim::schedule_names())
    for (const std::string& name : optimizers)
      for (train::HyperKind& kind :
           train::hyper_kinds(optim::make_optimizer(name), schedule_of(schedule), average, 10, key(0))) {
        std::vector<std::string>& of = owners[kind.name];
        if (of.empty()) kinds.push_back(std::move(kind));
        if (std::find(of.begin(), of.end(), name) == of.end()) of.push_back(name);
      }
  Entries entries;
  for (const train::HyperKind& kind : kinds) {
    const std::vector<std::string>& of = owners[kind.name];
    std::string about = kind.length > 0 ? fmt::format("{}, one for each class", train::text_of(kind.range))
                                        : train::text_of(kind.range);
    if (of.size() < optimizers.size()) about += fmt::format("; of {}", fmt::join(of, ", "));
    if (kind.group != train::HyperKind::Group::none) about += fmt::format("; also {}@GROUP", train::group_base(kind));
    entries.push_back({kind.name, about});
  }
  return entries;
}

template <class E>
Entries choices() {
  Entries entries;
  for (const auto& [value, name] : names_of<E>()) entries.push_back({name});
  return entries;
}

Entries datasets_known() {
  Entries entries;
  for (const datasets::SetInfo& set : datasets::data_sets().entries())
    entries.push_back({set.name, fmt::format("{}: {} + {} images of {} x {} x {}, {} classes", set.title, set.train,
                                             set.test, set.channels, set.height, set.width, set.classes)});
  for (const datasets::DataForm& form : datasets::data_forms().entries())
    entries.push_back({form.name + ":" + form.takes, form.about});
  return entries;
}

}  // namespace

std::vector<std::string> NameList::names() const {
  std::vector<std::string> all;
  for (const NameEntry& entry : entries()) all.push_back(entry.name);
  return all;
}

const std::vector<NameList>& name_lists() {
  using hpo::DmdOptions;
  static const std::vector<NameList> lists = {
      {"estimators", "estimator", "ways of tuning: --estimator, --estimators", estimators},
      {"searches", "search", "those of them that make whole runs and no derivative", searches},
      {"hyperparameters", "hyperparameter", "what can be tuned or set: --tune, --set; docs/hyperparameters.md",
       hyperparameters},
      {"models", "model", "--model", [] { return of(nn::models()); }},
      {"activations", "activation", "of the mlp: --activation", [] { return of(nn::activations()); }},
      {"norms", "normalisation", "of resnet20, wrn28_2: --norm", [] { return of(nn::norms()); }},
      {"optimizers", "optimizer", "--optimizer, with their hyperparameters", optimizers},
      {"schedules", "schedule", "of the learning rate: --schedule, with their hyperparameters", schedules},
      {"lr-finders", "way of finding lr", "--find-lr; --lr auto is --find-lr rehearsal",
       [] {
         return Entries{{"none", "lr is what is given, or the optimiser's usual one"},
                        {"rehearsal", "runs many times shorter under the same schedule, carried to the run's length"}};
       }},
      {"augmentations", "augmentation", "of the training images: --augment",
       [] { return of(datasets::augmentations()); }},
      {"averages", "average", "of the weights over training: --average", [] { return of(optim::averages()); }},
      {"recipes", "recipe", "all settings of a training at once: --recipe", [] { return of(train::recipes()); }},
      {"meta-optimizers", "meta-optimizer", "what moves the hyperparameters: --meta-optimizer",
       [] { return of(hpo::meta_optimizers()); }},
      {"datasets", "data set", "--dataset; glocal data list says where they are", datasets_known},
      {"labels", "kind of labels", "of cifar100: --labels",
       [] {
         return Entries{{"fine", "100 classes"}, {"coarse", "20 superclasses of five classes each"}};
       }},
      {"layouts", "layout", "where channels stand in the x of npz:FILE: --layout",
       [] { return of(datasets::layouts()); }},
      {"losses", "loss", "--loss",
       [] {
         return Entries{{"cross-entropy", "of classes"},
                        {"mse", "mean squared error of a regression target, over its variance"}};
       }},
      {"noise-kinds", "kind of noise", "wrong labels: --noise-kind", [] { return of(datasets::noise_kinds()); }},
      {"extrapolations", "extrapolation", "how glocal reaches the end of training: --extrapolation",
       choices<hpo::Extrapolation>},
      {"policies", "policy", "what is done to eigenvalues: --policy", choices<DmdOptions::Policy>},
      {"time-axes", "time axis", "of Hankel DMD: --time-axis", choices<DmdOptions::TimeAxis>},
      {"methods", "DMD method", "of glocal dmd: --method", [] { return of(hpo::dmd_methods()); }},
      {"sketches", "sketch", "of implicit-nystrom: --nystrom-sketch", choices<hpo::ImplicitOptions::Sketch>},
      {"dtypes", "element type", "--dtype", choices<DType>},
  };
  return lists;
}

const NameList& name_list(const std::vector<NameList>& lists, std::string_view name) {
  std::vector<std::string> known;
  for (const NameList& each : lists) {
    if (each.name == name) return each;
    known.push_back(each.name);
  }
  fail<ValueError>("[list] {}", unknown_name(name, "list", known, "glocal list"));
}

std::string first_names(std::string_view list, std::size_t count) {
  std::vector<std::string> names = name_list(name_lists(), list).names();
  const bool more = names.size() > count;
  if (more) names.resize(count);
  return fmt::format("{}{}", fmt::join(names, ", "), more ? ", ..." : "");
}

std::string complaint_about(std::string_view list, const std::string& name) {
  const NameList& all = name_list(name_lists(), list);
  const std::vector<std::string> names = all.names();
  if (std::find(names.begin(), names.end(), name) != names.end()) return "";
  return unknown_name(name, all.kind, names, "glocal list " + all.name);
}

}  // namespace glocal::app
