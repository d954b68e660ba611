#include <glocal/app/reproduce/from_starts.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <glocal/app/reproduce/comparison.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/trial.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/terminal/table.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/datasets/dataset.h>
#include <glocal/train/experiment.h>

namespace glocal::app {
namespace {

constexpr std::uint64_t starts_stream = 0x737461727473;  // far from the children that an experiment makes of its seed

// An entry of "cases" or "ways".
struct Entry {
  std::string label;
  Json json;
  std::string text(const char* key) const { return json.value(key, std::string()); }
  Json changes() const { return json.value("changes", Json::object()); }
};

std::vector<Entry> entries(const Lab& lab, const char* key) {
  std::vector<Entry> out;
  for (const Json& each : lab.sweep<std::vector<Json>>(key)) {
    if (!each.is_object() || !each.contains("label") || !each["label"].is_string())
      fail<ValueError>("[reproduce] {}: {} is no object with a label", key, each.dump());
    out.push_back({each["label"].get<std::string>(), each});
  }
  if (out.empty()) fail<ValueError>("[reproduce] {} is empty", key);
  return out;
}

// Values of hyperparameters that are drawn for a seed, the i-th of many.
Json drawn(const Json& box, std::uint64_t seed, std::uint64_t i) {
  const Tensor cube =
      uniform(split(split(key(seed), starts_stream), i), {static_cast<std::int64_t>(box.size())}, 0, 1, DType::f64);
  Json start = Json::object();
  const double* x = cube.data<double>();
  for (const auto& [name, range] : box.items()) {
    const double low = range.at(1).get<double>(), high = range.at(2).get<double>();
    const bool log = range.at(0) == "log";
    start[name] = log ? low * std::pow(high / low, *x) : low + (high - low) * *x;
    ++x;
  }
  return start;
}

// One training.
struct Run {
  bool diverged = false;
  double test = 0, validation_loss = 0, lr = 0, gradients = 0, processor_seconds = 0;

  template <class Self, class Visit>
  static void fields(Self& run, Visit&& visit) {
    visit("diverged", run.diverged);
    visit("test", run.test);
    visit("validation_loss", run.validation_loss);
    visit("lr", run.lr);
    visit("gradients", run.gradients);
    visit("processor_seconds", run.processor_seconds);
  }
};

// Of a case, a way, a start and a seed.
using Place = std::tuple<std::size_t, std::size_t, std::size_t, std::uint64_t>;

class Grid {
 public:
  explicit Grid(const Lab& lab)
      : lab_(lab),
        cases_(entries(lab, "cases")),
        ways_(entries(lab, "ways")),
        given_(lab.sweep<std::vector<Json>>("starts")),
        box_(lab.sweep<Json>("box")),
        seeds_(lab.seeds()) {
    take_earlier();
  }

  const std::vector<Entry>& cases() const { return cases_; }
  const std::vector<Entry>& ways() const { return ways_; }
  const std::vector<std::uint64_t>& seeds() const { return seeds_; }
  std::size_t find_way(const std::string& label) const {
    for (std::size_t k = 0; k < ways_.size(); ++k)
      if (ways_[k].label == label) return k;
    fail<ValueError>("[reproduce] \"{}\" is the label of no way", label);
  }

  std::size_t starts(std::size_t way) const {
    const Json& json = ways_[way].json;
    if (json.contains("best_of") || !json.contains("starts")) return 1;
    return json["starts"] == "given" ? given_.size() : json["starts"].get<std::size_t>();
  }

  // The run at a place, or the best of several; nothing where one of them has not been made.
  std::optional<Run> at(std::size_t i, std::size_t k, std::size_t start, std::uint64_t seed) const {
    const Json& json = ways_[k].json;
    if (!json.contains("best_of")) {
      const auto found = runs_.find({i, k, start, seed});
      return found == runs_.end() ? std::nullopt : std::optional(found->second);
    }
    const std::size_t of = find_way(json["best_of"].get<std::string>()), count = json.at("runs").get<std::size_t>();
    std::optional<Run> best;
    double gradients = 0, seconds = 0;
    for (std::size_t run = 0; run < count; ++run) {
      const std::optional<Run> each = at(i, of, run, seed);
      if (!each) return {};
      gradients += each->gradients;
      seconds += each->processor_seconds;
      if (!best || best->diverged || (!each->diverged && each->validation_loss < best->validation_loss)) best = each;
    }
    best->gradients = gradients;
    best->processor_seconds = seconds;
    return best;
  }

  // Makes the runs that are missing, of the cases asked for.
  void make() {
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      if (!lab_.asked_for(cases_[i].label)) continue;
      for (const std::uint64_t seed : seeds_of(i)) make(i, seed);
    }
  }

  Json rows() const {
    Json rows = Json::array();
    std::map<std::tuple<std::size_t, std::size_t, std::size_t>, std::size_t> row_of;
    for (const auto& [place, run] : runs_) {
      const auto& [i, k, start, seed] = place;
      const auto [found, made] = row_of.try_emplace({i, k, start}, rows.size());
      if (made) {
        rows.push_back(
            {{"case", cases_[i].label}, {"way", ways_[k].label}, {"start", start}, {"seeds", Json::array()}});
        Run::fields(run, [&](const char* name, const auto&) { rows.back()[name] = Json::array(); });
      }
      Json& row = rows[found->second];
      row["seeds"].push_back(seed);
      Run::fields(run, [&](const char* name, const auto& value) { row[name].push_back(value); });
    }
    return rows;
  }

 private:
  // A case may have fewer seeds, and leave ways out.
  std::vector<std::uint64_t> seeds_of(std::size_t i) const {
    const auto count = cases_[i].json.value("seeds", seeds_.size());
    return {seeds_.begin(), seeds_.begin() + static_cast<std::ptrdiff_t>(std::min(count, seeds_.size()))};
  }
  bool left_out(std::size_t i, std::size_t k) const {
    const Json without = cases_[i].json.value("without", Json::array());
    return ways_[k].json.contains("best_of") || std::ranges::find(without, Json(ways_[k].label)) != without.end();
  }

  void make(std::size_t i, std::uint64_t seed) {
    std::optional<train::Experiment> data;  // whose images all ways share
    for (std::size_t k = 0; k < ways_.size(); ++k)
      for (std::size_t start = 0; !left_out(i, k) && start < starts(k); ++start) {
        if (runs_.contains({i, k, start, seed})) continue;
        Json changes = joined(cases_[i].changes(), ways_[k].changes());
        changes["seed"] = seed;
        if (const Json hyper = values_at(k, start, seed); !hyper.empty())
          changes = joined(std::move(changes), {{"hyper", hyper}});
        const Options options = lab_.options(changes);
        const train::Experiment experiment =
            data ? train::Experiment(options.experiment, *data) : train::Experiment(options.experiment);
        if (!data) data = experiment;
        const Trial trial = run_trial(experiment, options, ways_[k].text("estimator"));
        const double guess = 1 / static_cast<double>(experiment.data(datasets::Part::test).classes);
        runs_[{i, k, start, seed}] = {!trial.ok(),
                                      trial.ok() ? trial.test.accuracy : guess,
                                      trial.ok() ? trial.validation.loss : 0,
                                      trial.values.empty() ? 0 : trial.values.front(),
                                      trial.gradients / static_cast<double>(options.tuning.T),
                                      trial.processor_seconds};
        lab_.say(
            fmt::format("{}, seed {}, {}, start {}: {}", cases_[i].label, seed, ways_[k].label, start,
                        trial.ok() ? fmt::format("test accuracy {:.2f} %", 100 * trial.test.accuracy) : trial.failure));
        lab_.keep(rows());
      }
  }

  Json values_at(std::size_t k, std::size_t start, std::uint64_t seed) const {
    const Json& json = ways_[k].json;
    if (!json.contains("starts")) return Json::object();
    Json values = json["starts"] == "given" ? given_[start] : drawn(box_, seed, start);
    if (!json.contains("from")) return values;
    Json some = Json::object();
    for (const Json& name : json["from"]) some[name.get<std::string>()] = values.at(name.get<std::string>());
    return some;
  }

  // Runs of an earlier call whose case, way and starts are still the same.
  void take_earlier() {
    const Json& earlier = lab_.earlier();
    if (earlier.empty()) return;
    const Json& before = earlier.at("config").at("sweep");
    if (before.at("starts") != Json(given_) || before.at("box") != box_) return;
    const auto same = [&](const char* key, const std::vector<Entry>& now,
                          const Json& label) -> std::optional<std::size_t> {
      for (std::size_t i = 0; i < now.size(); ++i)
        if (label == now[i].label)
          for (const Json& then : before.at(key))
            if (then.at("label") == label && then.at("changes") == now[i].json.at("changes") &&
                then.value("estimator", "") == now[i].text("estimator"))
              return i;
      return {};
    };
    for (const Json& row : earlier.at("rows")) {
      const auto i = same("cases", cases_, row.at("case")), k = same("ways", ways_, row.at("way"));
      const auto start = row.at("start").get<std::size_t>();
      if (!i || !k || start >= starts(*k)) continue;
      for (std::size_t s = 0; s < row.at("seeds").size(); ++s) {
        Run run;
        Run::fields(run, [&](const char* name, auto& value) { row.at(name).at(s).get_to(value); });
        runs_[{*i, *k, start, row["seeds"][s].get<std::uint64_t>()}] = run;
      }
    }
  }

  const Lab& lab_;
  std::vector<Entry> cases_, ways_;
  std::vector<Json> given_;
  Json box_;
  std::vector<std::uint64_t> seeds_;
  std::map<Place, Run> runs_;
};

// What the runs of a way in a case have come to, over the seeds whose runs are all made.
struct Outcome {
  std::vector<double> means;          // test accuracy, %, of each seed over the starts
  std::vector<double> of_start;       // of each start over the seeds
  std::vector<double> runs;           // each
  std::vector<double> log_lr;         // of each
  double spread = 1;                  // of the rates that the starts end at, largest over smallest, in the worst seed
  double gradients = 0, seconds = 0;  // mean price of a run: in runs of plain steps, and on the processor
  std::vector<std::uint64_t> seeds;
};

Outcome outcome_of(const Grid& grid, std::size_t i, std::size_t k) {
  Outcome out;
  const std::size_t starts = grid.starts(k);
  out.of_start.resize(starts);
  for (const std::uint64_t seed : grid.seeds()) {
    std::vector<Run> runs;
    for (std::size_t start = 0; start < starts; ++start)
      if (const std::optional<Run> run = grid.at(i, k, start, seed)) runs.push_back(*run);
    if (runs.size() < starts) continue;
    out.seeds.push_back(seed);
    double mean = 0, low = runs[0].lr, high = runs[0].lr;
    for (std::size_t start = 0; start < starts; ++start) {
      const Run& run = runs[start];
      mean += 100 * run.test / static_cast<double>(starts);
      out.of_start[start] += 100 * run.test;
      out.runs.push_back(100 * run.test);
      out.log_lr.push_back(std::log(run.lr));
      out.gradients += run.gradients;
      out.seconds += run.processor_seconds;
      low = std::min(low, run.lr);
      high = std::max(high, run.lr);
    }
    out.means.push_back(mean);
    out.spread = std::max(out.spread, high / low);
  }
  for (double& each : out.of_start) each /= static_cast<double>(out.seeds.size());
  out.gradients /= static_cast<double>(out.runs.size());
  out.seconds /= static_cast<double>(out.runs.size());
  std::ranges::sort(out.runs);
  return out;
}

// "87.17 ± 0.09": the mean and its standard error.
std::string mean_text(const std::vector<double>& numbers, const char* form) {
  const Statistic found = statistic(numbers);
  std::string text = fmt::format(fmt::runtime(form), found.mean);
  if (found.count > 1) text += fmt::format(" ± {:.2f}", found.sd / std::sqrt(static_cast<double>(found.count)));
  return text;
}

double median(const std::vector<double>& sorted) {
  const std::size_t n = sorted.size();
  return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

}  // namespace

Findings from_starts(const Lab& lab) {
  Grid grid(lab);
  grid.make();

  const std::size_t plain = grid.find_way(lab.sweep<std::string>("plain")),
                    against = grid.find_way(lab.sweep<std::string>("against"));
  using CellText = std::function<std::string(std::size_t i, std::size_t k, const Outcome&)>;
  const auto table_of = [&](const std::string& title, const CellText& cell) {
    TitledTable table{title, {{""}}};
    for (const Entry& each : grid.cases()) table.rows.front().push_back(each.label);
    for (std::size_t k = 0; k < grid.ways().size(); ++k) {
      table.rows.push_back({grid.ways()[k].label});
      for (std::size_t i = 0; i < grid.cases().size(); ++i) {
        const Outcome outcome = outcome_of(grid, i, k);
        table.rows.back().push_back(outcome.seeds.empty() ? "-" : cell(i, k, outcome));
      }
    }
    return table;
  };

  // Of the seeds that both have, what `way` has more than the one that all are compared with.
  const auto difference = [&](std::size_t i, std::size_t, const Outcome& way) -> std::string {
    const Outcome other = outcome_of(grid, i, against);
    std::vector<double> more;
    for (std::size_t s = 0; s < way.seeds.size(); ++s) {
      const auto found = std::ranges::find(other.seeds, way.seeds[s]);
      if (found != other.seeds.end())
        more.push_back(way.means[s] - other.means[static_cast<std::size_t>(found - other.seeds.begin())]);
    }
    return more.empty() ? "-" : mean_text(more, "{:+.2f}");
  };
  const auto price = [&](std::size_t i, std::size_t, const Outcome& way) {
    const Outcome one = outcome_of(grid, i, plain);
    return fmt::format("{:.2f}, {:.2f}", way.gradients, way.seconds / one.seconds);
  };
  Findings findings;
  findings.rows = grid.rows();
  findings.tables = {
      table_of("Test accuracy in %, mean over starts and seeds ± its standard error over seeds",
               [](std::size_t, std::size_t, const Outcome& o) { return mean_text(o.means, "{:.2f}"); }),
      table_of(fmt::format("Points more than \"{}\", paired by seed", grid.ways()[against].label), difference),
      table_of("Test accuracy from the worst start (of the worst run)",
               [](std::size_t, std::size_t, const Outcome& o) {
                 return fmt::format("{:.2f} ({:.2f})", *std::ranges::min_element(o.of_start), o.runs.front());
               }),
      table_of("Test accuracy of the median run, of the best run",
               [](std::size_t, std::size_t, const Outcome& o) {
                 return fmt::format("{:.2f}, {:.2f}", median(o.runs), o.runs.back());
               }),
      table_of("Price: gradients of a batch over those of a run, seconds of processor over those of \"" +
                   grid.ways()[plain].label + "\"",
               price),
      table_of("Learning rate at the end, geometric mean (largest over smallest between the starts of a seed)",
               [](std::size_t, std::size_t, const Outcome& o) {
                 return fmt::format("{:.2g} ({:.2g})", std::exp(statistic(o.log_lr).mean), o.spread);
               })};
  return findings;
}

}  // namespace glocal::app
