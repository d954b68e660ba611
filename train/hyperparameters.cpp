#include <glocal/train/hyperparameters.h>

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/core/text/nearest.h>
#include <glocal/hpo/space.h>
#include <glocal/hpo/transform.h>
#include <glocal/nn/models/model.h>
#include <glocal/nn/models/parameter_group.h>
#include <glocal/optim/optimizer.h>
#include <glocal/train/refusal.h>

namespace glocal::train {

using Range = optim::HyperInfo::Range;

namespace {

hpo::Transform transform_of(const HyperKind& kind) {
  if (kind.recipe) return hpo::Transform::identity;
  return kind.range == Range::unit_interval ? hpo::Transform::logit : hpo::Transform::log;
}

bool fits(Range range, double value) {
  if (!std::isfinite(value) || value < 0) return false;
  return range == Range::non_negative || (range == Range::positive ? value > 0 : value < 1);
}

// Refuses what dtype rounds to a number of another kind: to 0, to the end of [0, 1), to infinity or below its normal
// numbers, where digits are lost.
void check_representable(const std::string& source, const std::string& name, Range range, double value, DType dtype) {
  visit_float(dtype, "hyperparameters", [&]<class T>() {
    using Limits = std::numeric_limits<T>;
    const T held = static_cast<T>(value);
    if (value == 0 || (fits(range, held) && held >= Limits::min())) return;
    const T nearest = range == Range::unit_interval && value > 0.5 ? std::nextafter(T(1), T(0))
                      : value > 1                                  ? Limits::max()
                                                                   : Limits::min();
    fail<ValueError>("[options] {}: {} = {:.9g} is {:.9g} in {}; the nearest usable value is {:.9g}{}", source, name,
                     value, held, dtype, nearest, dtype == DType::f32 ? ", or take --dtype f64" : "");
  });
}

}  // namespace

const char* text_of(Range range) {
  return range == Range::positive       ? "number > 0"
         : range == Range::non_negative ? "number >= 0"
                                        : "number from 0 to below 1";
}

std::string group_base(const HyperKind& kind) { return kind.of_schedule ? "lr" : kind.name; }

Hyperparameters::Hyperparameters(std::string owner, std::vector<HyperKind> kinds, const nn::Model& model,
                                 const std::map<std::string, HyperValue>& given, const std::vector<std::string>& tune,
                                 DType dtype, const std::map<std::string, std::string>& sources)
    : owner_(std::move(owner)), dtype_(dtype) {
  const auto source_of = [&sources](const std::string& key, const std::string& otherwise) {
    const auto found = sources.find(key);
    return found == sources.end() ? otherwise : found->second;
  };
  for (HyperKind& kind : kinds) {
    const auto components = static_cast<std::size_t>(std::max<std::int64_t>(1, kind.length));
    const double usual = kind.usual;
    entries_.push_back({std::move(kind), usual, std::vector<double>(components, usual)});
  }
  const bool has_lr = std::any_of(entries_.begin(), entries_.end(), [](const Entry& e) { return e.kind.name == "lr"; });
  for (const auto& [name, value] : given) {
    source_ = source_of("hyper." + name, name);
    if (name == "lr" && !has_lr && !value.vector) continue;  // where the schedule started from
    give(name, value, model);
  }
  source_ = source_of("tune", "--tune");
  std::vector<std::string> tuned;
  for (const std::string& name : tune) {
    if (name == "lr") {
      for (Entry& entry : entries_)
        if (entry.kind.of_schedule) mark(entry), tuned.push_back(entry.kind.name);
    } else if (const auto at = name.find("@each"); at != std::string::npos && at + 5 == name.size()) {
      for (const std::string& layer : nn::layer_names(model)) {
        tuned.push_back(name.substr(0, at + 1) + layer);
        mark(open(tuned.back(), model));
      }
    } else {
      mark(open(name, model));
      tuned.push_back(name);
    }
  }
  refuse_repeats(source_, tuned);
  for (Entry& entry : entries_) fill(entry);
  for (const std::string& name : tuned) {
    Entry& entry = entries_[index(name)];
    entry.place = static_cast<int>(space_.size());
    const bool vector = entry.kind.length > 0 || entry.kind.recipe;
    const bool whole = !entry.kind.of.empty() && std::find(tune.begin(), tune.end(), entry.kind.of) != tune.end();
    space_.add({.name = name,
                .initial = entry.start,
                .transform = transform_of(entry.kind),
                .shape = vector ? Shape{static_cast<std::int64_t>(entry.start.size())} : Shape{},
                .of = whole ? entry.kind.of : ""});
  }
  space_.initial(dtype_);  // throws for a start that the element type cannot hold
  for (const Entry& entry : entries_) {
    if (entry.kind.length > 0 && used(entry.kind.name)) {
      values_[entry.kind.name] = entry.start;
    } else if (entry.kind.of.empty()) {
      values_[entry.kind.name] = entry.value;
    } else {
      HyperValue& vector = values_.try_emplace(entry.kind.of, std::vector<double>()).first->second;
      vector.numbers.push_back(entry.value);
    }
  }
}

std::size_t Hyperparameters::index(const std::string& name) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.kind.name == name; });
  if (found != entries_.end()) return static_cast<std::size_t>(found - entries_.begin());
  std::vector<std::string> known;
  for (const Entry& entry : entries_) {
    known.push_back(entry.kind.name);
    if (entry.kind.group != HyperKind::Group::none && name.find('@') != std::string::npos)
      known.push_back(group_base(entry.kind) + name.substr(name.find('@')));
  }
  fail<ValueError>("[options] {}: {}", source_,
                   unknown_name(name, "hyperparameter of " + owner_, known, "glocal list hyperparameters"));
}

// The entry of a name; that of a group is made when it is first asked for.
Hyperparameters::Entry& Hyperparameters::open(const std::string& name, const nn::Model& model) {
  const auto at = name.find('@');
  const bool there =
      std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.kind.name == name; });
  const auto whole = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.kind.group != HyperKind::Group::none && group_base(entry.kind) == name.substr(0, at);
  });
  if (!there && at != std::string::npos && whole != entries_.end()) {
    const std::string group = name.substr(at + 1);
    const std::vector<std::string> groups = nn::group_names(model);
    if (!nn::has_group(model, group))
      fail<ValueError>("[options] {}: {}", source_,
                       unknown_name(group, "group of parameters of " + model.name, groups, ""));
    HyperKind kind{name, whole->kind.range, 0, whole->kind.tuned_usual};
    if (whole->kind.group == HyperKind::Group::factor) kind.range = Range::non_negative, kind.usual = 1;
    entries_.push_back({kind, kind.usual, {kind.usual}});
  }
  return entries_[index(name)];
}

void Hyperparameters::give(const std::string& name, const HyperValue& value, const nn::Model& model) {
  const auto refuse_count = [&](std::size_t count) {
    if (count == 1) fail<ValueError>("[options] {}: {} is one number and no list; write {}=X", source_, name, name);
    fail<ValueError>("[options] {}: {} has {} numbers, {} were given", source_, name, count, value.numbers.size());
  };
  std::vector<std::string> members;  // of a vector whose numbers have entries of their own
  for (const Entry& entry : entries_)
    if (!entry.kind.of.empty() && entry.kind.of == name.substr(0, name.find('['))) members.push_back(entry.kind.name);
  if (!members.empty() && name.ends_with(']')) {
    for (std::size_t i = 0; i < members.size(); ++i)
      if (name.substr(name.find('[')) == fmt::format("[{}]", i)) return give(members[i], value, model);
    fail<ValueError>("[options] {}: {} has {} components and no {}", source_, name.substr(0, name.find('[')),
                     members.size(), name);
  }
  if (!members.empty() && value.vector) {
    if (members.size() != value.numbers.size()) refuse_count(members.size());
    for (std::size_t i = 0; i < members.size(); ++i) give(members[i], value.numbers[i], model);
    return;
  }
  if (const auto bracket = name.find('['); bracket != std::string::npos && name.ends_with(']')) {
    Entry& entry = open(name.substr(0, bracket), model);
    std::size_t i = 0;
    const char *begin = name.data() + bracket + 1, *end = name.data() + name.size() - 1;
    const auto [stop, error] = std::from_chars(begin, end, i);
    if (error != std::errc() || stop != end || entry.kind.length == 0 || i >= entry.start.size())
      fail<ValueError>("[options] {}: {} has {} component{} and no {}", source_, entry.kind.name, entry.start.size(),
                       entry.start.size() == 1 ? "" : "s", name);
    if (value.vector) refuse_count(1);
    entry.start[i] = value.numbers[0];  // after NAME itself, which sorts before NAME[i]
    entry.given = true;
    entry.source = source_;
    return;
  }
  Entry& entry = open(name, model);
  if (value.vector && (entry.kind.length == 0 || value.numbers.size() != entry.start.size()))
    refuse_count(entry.start.size());
  entry.value = value.numbers[0];
  entry.start = value.vector ? value.numbers : std::vector<double>(entry.start.size(), entry.value);
  entry.given = true;
  entry.source = source_;
}

void Hyperparameters::mark(Entry& entry) {
  if (entry.value == 0 && !entry.given && entry.kind.range != Range::positive) {
    entry.value = entry.kind.tuned_usual;
    std::fill(entry.start.begin(), entry.start.end(), entry.value);
  }
  entry.place = 0;
}

void Hyperparameters::fill(Entry& entry) const {
  const std::string& source = entry.given ? entry.source : entry.kind.name;
  for (const double number : entry.start) {
    if (!fits(entry.kind.range, number)) refuse_value(source, fmt::format("{}", number), text_of(entry.kind.range));
    if (entry.place >= 0 && !entry.kind.recipe && number == 0)
      fail<ValueError>("[options] {}: tuning of {} cannot start at 0, which is the end of its scale; start above it",
                       source, entry.kind.name);
  }
  if (entry.place < 0 && !entry.kind.recipe)
    for (const double number : entry.start)
      check_representable(source, entry.kind.name, entry.kind.range, number, dtype_);
  if (entry.kind.recipe && (entry.place >= 0 || entry.value != 0)) entry.start = entry.kind.recipe(entry.value);
}

bool Hyperparameters::used(const std::string& name) const {
  const Entry& entry = entries_[index(name)];
  if (entry.place >= 0) return true;
  if (entry.kind.length == 0) return entry.value != entry.kind.usual;
  return std::any_of(entry.start.begin(), entry.start.end(), [&](double x) { return x != entry.start[0]; });
}

Var Hyperparameters::value(const std::string& name, const Vars& phi) const {
  const Entry& entry = entries_[index(name)];
  if (entry.place >= 0) {
    const auto place = static_cast<std::size_t>(entry.place);
    return space_.value(place, phi[place]);
  }
  if (entry.kind.length == 0 && !entry.kind.recipe) return Tensor::scalar(entry.value, dtype_);
  return Tensor::from(entry.start, {static_cast<std::int64_t>(entry.start.size())}).to(dtype_);
}

std::vector<std::pair<std::string, std::string>> Hyperparameters::groups_of(const std::string& name) const {
  std::vector<std::pair<std::string, std::string>> groups;
  for (const Entry& entry : entries_)
    if (entry.kind.name.starts_with(name + "@"))
      groups.emplace_back(entry.kind.name, entry.kind.name.substr(name.size() + 1));
  return groups;
}

}  // namespace glocal::train
