// Every setting of the command: its flag reaches its field and no other, and shows in what a run computes. The list of
// settings is the command's own, so that a new one without a row here fails.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <glocal/app/settings/config.h>
#include <glocal/app/settings/flags.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/settings/settings.h>
#include <glocal/app/setup/prepare.h>
#include <glocal/core/io/npy.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/predict.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/search/registry.h>
#include <glocal/hpo/tune/search_run.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/hpo/unroll/options.h>

#include "command.h"

namespace fs = std::filesystem;
using namespace glocal;
using namespace glocal::app;

namespace {

using Flags = std::map<std::string, std::string>;  // by key; "" takes a flag of the common ones away

// A setting, a value that is not its default, and the field it stands for. `with`: the run in which it shows.
struct Row {
  std::string text;
  std::function<void(Options&)> set;
  Flags with = {};
  std::string command = "tune";
};

using Sketch = hpo::ImplicitOptions::Sketch;
using Dmd = hpo::DmdOptions;
const Flags implicit{{"estimator", "implicit-cg"}, {"tune", "l2"}, {"dtype", "f64"}};
const Flags dmd{{"estimator", "glocal"}, {"extrapolation", "dmd"}, {"block", "20"}, {"steps", "50"}};
const Flags residual{{"model", "resnet20"}, {"hidden", ""}, {"steps", "3"}};

Flags and_also(Flags flags, const Flags& more) {
  for (const auto& [key, text] : more) flags[key] = text;
  return flags;
}

// clang-format off
const std::map<std::string, Row> rows{
    {"dataset", {"synthetic", [](Options& o) { o.experiment.dataset = "synthetic"; }, {}, "train"}},
    {"data_dir", {"nowhere", [](Options& o) { o.experiment.data_dir = "nowhere"; }, {{"dataset", "mnist"}}}},
    {"labels", {"coarse", [](Options& o) { o.experiment.labels = "coarse"; }, {}, "train"}},
    {"array_layout", {"nhwc", [](Options& o) { o.experiment.layout = "nhwc"; }, {}, "train"}},
    {"loss", {"mse", [](Options& o) { o.experiment.loss = "mse"; }, {}, "train"}},
    {"val_size", {"200", [](Options& o) { o.experiment.validation = 200; }, {}, "train"}},
    {"train_limit", {"60", [](Options& o) { o.experiment.train_limit = 60; }, {}, "train"}},
    {"imbalance", {"3", [](Options& o) { o.experiment.imbalance = 3; }, {}, "train"}},
    {"noise", {"0.5", [](Options& o) { o.experiment.noise = 0.5; }, {}, "train"}},
    {"noise_kind", {"pair", [](Options& o) { o.experiment.noise_kind = "pair"; }, {{"noise", "0.5"}}, "train"}},
    {"augment", {"crop=2", [](Options& o) { o.experiment.augment = {"crop=2"}; }, {}, "train"}},
    {"model", {"resnet20", [](Options& o) { o.experiment.model = "resnet20"; }, {{"hidden", ""}, {"steps", "3"}}, "train"}},
    {"hidden", {"7,3", [](Options& o) { o.experiment.model_options.hidden = {7, 3}; }, {}, "train"}},
    {"activation", {"tanh", [](Options& o) { o.experiment.model_options.activation = "tanh"; }, {}, "train"}},
    {"dropout", {"0.3", [](Options& o) { o.experiment.model_options.dropout = 0.3; }, {}, "train"}},
    {"norm", {"group", [](Options& o) { o.experiment.model_options.norm = "group"; }, residual, "train"}},
    {"optimizer", {"adam", [](Options& o) { o.experiment.optimizer = "adam"; }, {}, "train"}},
    {"find_lr", {"rehearsal", [](Options& o) { o.find_lr = "rehearsal"; }, {{"steps", "200"}}, "train"}},
    {"schedule", {"cosine", [](Options& o) { o.experiment.schedule = "cosine"; }, {}, "train"}},
    {"schedule_every", {"5", [](Options& o) { o.experiment.schedule_every = 5; }, {{"schedule", "step"}}, "train"}},
    {"milestones", {"0.5", [](Options& o) { o.experiment.milestones = {0.5}; }, {{"schedule", "step"}}, "train"}},
    {"knots", {"3", [](Options& o) { o.experiment.knots = 3; }, {{"schedule", "piecewise"}}}},
    {"warm_up", {"6", [](Options& o) { o.experiment.warm_up = 6; }, {}, "train"}},
    {"average", {"tail", [](Options& o) { o.experiment.average = "tail"; }, {}, "train"}},
    {"average_share", {"0.5", [](Options& o) { o.experiment.average_share = 0.5; }, {{"average", "tail"}}, "train"}},
    {"average_batches", {"2", [](Options& o) { o.experiment.average_batches = 2; },
                         and_also(residual, {{"average", "tail"}}), "train"}},
    {"test_views", {"2", [](Options& o) { o.experiment.test_views = 2; }, {}, "train"}},
    {"steps", {"15", [](Options& o) { o.experiment.steps = 15; }, {}, "train"}},
    {"batch", {"25", [](Options& o) { o.experiment.batch = 25; }, {}, "train"}},
    {"val_batch", {"30", [](Options& o) { o.experiment.val_batch = 30; }}},
    {"tune", {"momentum", [](Options& o) { o.experiment.tune = {"momentum"}; }}},
    {"estimator", {"one-step", [](Options& o) { o.tuning.estimator = "one-step"; }}},
    {"estimators", {"local,truncated", [](Options& o) { o.estimators = {"local", "truncated"}; }, {}, "compare"}},
    {"seeds", {"2", [](Options& o) { o.seeds = 2; }, {{"estimators", "local"}}, "compare"}},
    {"block", {"5", [](Options& o) { o.tuning.estimator_options.tau = 5; }}},
    {"updates", {"3", [](Options& o) { o.tuning.updates = 3; }, {{"estimator", "global"}}}},
    {"budget", {"3", [](Options& o) { o.budget = "3"; }, {{"estimator", "random-search"}}}},
    {"trial_steps", {"5", [](Options& o) { o.trial_steps = 5; }, {{"estimator", "random-search"}, {"budget", "4"}}}},
    {"search_width", {"0.5", [](Options& o) { o.search_width = 0.5; }, {{"estimator", "random-search"}, {"budget", "15"}, {"lr", "0.005"}}}},
    {"steps_back", {"2", [](Options& o) { o.tuning.estimator_options.K = 2; }, {{"estimator", "truncated"}}}},
    {"unroll_memory", {"1M", [](Options& o) { o.unroll_memory = "1M"; }, {{"estimator", "global"}, {"updates", "1"}}}},
    {"directions", {"3", [](Options& o) { o.tuning.estimator_options.directions = 3; },
                    {{"estimator", "random-forward"}, {"tune", "lr,momentum"}}}},
    {"particles", {"3", [](Options& o) { o.tuning.estimator_options.particles = 3; }, {{"estimator", "es"}}}},
    {"sigma", {"0.2", [](Options& o) { o.tuning.estimator_options.sigma = 0.2; }, {{"estimator", "es"}}}},
    {"implicit_iterations", {"2", [](Options& o) { o.tuning.estimator_options.implicit.iterations = 2; }, implicit}},
    {"implicit_tolerance", {"0.5", [](Options& o) { o.tuning.estimator_options.implicit.tolerance = 0.5; },
                            and_also(implicit, {{"implicit_damping", "10"}})}},
    {"implicit_damping", {"0.3", [](Options& o) { o.tuning.estimator_options.implicit.damping = 0.3; }, implicit}},
    {"implicit_batches", {"2", [](Options& o) { o.tuning.estimator_options.implicit.batches = 2; }, implicit}},
    {"neumann_step", {"0.01", [](Options& o) { o.tuning.estimator_options.implicit.step = 0.01; },
                      and_also(implicit, {{"estimator", "implicit-neumann"}})}},
    {"nystrom_columns", {"3", [](Options& o) { o.tuning.estimator_options.implicit.columns = 3; },
                         and_also(implicit, {{"estimator", "implicit-nystrom"}})}},
    {"nystrom_sketch", {"gaussian", [](Options& o) { o.tuning.estimator_options.implicit.sketch = Sketch::gaussian; },
                        and_also(implicit, {{"estimator", "implicit-nystrom"}})}},
    {"extrapolation", {"scaling", [](Options& o) { o.tuning.estimator_options.extrapolation = hpo::Extrapolation::scaling; },
                       and_also(dmd, {{"extrapolation", "dmd"}})}},
    {"delays", {"3", [](Options& o) { o.tuning.estimator_options.dmd.delays = 3; }, dmd}},
    {"rank", {"1", [](Options& o) { o.tuning.estimator_options.dmd.rank = 1; }, dmd}},
    {"policy", {"unit", [](Options& o) { o.tuning.estimator_options.dmd.policy = Dmd::Policy::unit; }, dmd}},
    {"time_axis", {"logarithmic", [](Options& o) { o.tuning.estimator_options.dmd.time = Dmd::TimeAxis::logarithmic; }, dmd}},
    {"meta_optimizer", {"sign", [](Options& o) { o.tuning.meta.name = "sign"; }}},
    {"meta_lr", {"0.2", [](Options& o) { o.tuning.meta.lr = 0.2; }}},
    {"meta_clip", {"0.001", [](Options& o) { o.tuning.meta.max_norm = 0.001; }, {}}},
    {"seed", {"5", [](Options& o) { o.experiment.seed = 5; }, {}, "train"}},
    {"threads", {"2", [](Options& o) { o.threads = 2; }, {}, "train"}},
    {"dtype", {"f64", [](Options& o) { o.experiment.model_options.dtype = DType::f64; }, {}, "train"}},
    {"save_every", {"1e-9", [](Options& o) { o.save_every = 1e-9; }, {}, "train"}},
    {"mem_limit", {"5K", [](Options& o) { o.mem_limit = "5K"; }, {}, "train"}},
};
// clang-format on

// Shown by other means than the numbers of one run.
const std::set<std::string> elsewhere{"data_dir",     "estimators", "seeds",      "unroll_memory",   "threads",
                                      "save_every",   "mem_limit",  "test_views", "average_batches", "labels",
                                      "array_layout", "loss",       "find_lr"};

Command command_of(const std::string& name) {
  return name == "train" ? Command::train : name == "tune" ? Command::tune : Command::compare;
}

Flags flags_of(const Row& row) {
  Flags flags{{"hidden", "4"}, {"steps", "12"}, {"batch", "20"}, {"val_size", "40"}, {"train_limit", "100"}};
  if (row.command != "train") flags = and_also(flags, {{"block", "4"}, {"tune", "lr"}, {"meta_optimizer", "sgd"}});
  if (row.command == "tune") flags["estimator"] = "local";
  return and_also(flags, row.with);
}

std::string arguments(const Flags& flags) {
  std::string line;
  for (const auto& [key, text] : flags) {
    if (text.empty()) continue;
    line += " " + train::flag_of(key) + " " + text;
  }
  return line;
}

Options parsed(const std::string& command, const Flags& flags) {
  CLI::App app("", "glocal");
  Options options;
  options.command = command_of(command);
  add_options(app, options);
  app.parse(arguments(flags));
  return options;
}

std::vector<std::string> settings() {
  std::vector<std::string> keys;
  const Options options;
  for_each_setting(options, [&](const Setting& setting, const auto&) { keys.emplace_back(setting.key); });
  return keys;
}

// What a run has computed: its last parameters, and u after each update.
struct Numbers {
  std::map<std::string, Tensor> parameters;
  std::vector<std::vector<double>> u;

  bool operator==(const Numbers& other) const {
    if (u != other.u || parameters.size() != other.parameters.size()) return false;
    for (const auto& [name, tensor] : parameters)
      if (!other.parameters.contains(name) || !same_bits(tensor, other.parameters.at(name))) return false;
    return true;
  }
};

// The numbers of hyperparameters by name, one after the other.
std::vector<double> components_of(const nlohmann::ordered_json& values) {
  std::vector<double> all;
  for (const auto& [name, value] : values.items())
    for (const nlohmann::ordered_json& each : value.is_array() ? value : nlohmann::ordered_json::array({value}))
      all.push_back(each.get<double>());
  return all;
}

Numbers by_command(const Scratch& scratch, const std::string& command, const Flags& flags) {
  const std::string run = scratch / "run";
  const Result result = glocal_command(
      scratch, command + arguments(flags) + " --threads 1 --quiet --force --out " + run, "PATH=/nowhere ");
  REQUIRE_MESSAGE(result.code == 0, result.error);
  Numbers numbers;
  for (const auto& [name, tensor] : load_npz(run + "/params.npz")) numbers.parameters[name] = tensor;
  std::istringstream lines(read_file(run + "/hparams.jsonl"));
  for (std::string line; std::getline(lines, line);)
    numbers.u.push_back(components_of(nlohmann::ordered_json::parse(line)["u"]));
  return numbers;
}

// The same by the library, from fields that were set without flags.
Numbers by_library(const std::string& command, Options options) {
  const train::Experiment experiment = build(options, options.experiment.seed);
  const Vars phi = experiment.phi();
  Numbers numbers;
  const auto note = [&](const Vars& at) { numbers.u.push_back(hpo::to_components(at, at)); };
  const auto report = [&](const hpo::OuterUpdate& update) { note(update.next_phi); };
  note(phi);
  const std::int64_t T = options.experiment.steps;
  Vars s;
  if (command == "train") {
    s = hpo::train(experiment.problem(), phi, T).s;
  } else if (hpo::is_search(options.tuning.estimator)) {
    const hpo::SearchOptions search{.method = options.tuning.estimator,
                                    .T = T,
                                    .trial_steps = options.trial_steps,
                                    .budget = std::stoll(options.budget) * T,
                                    .width = options.search_width,
                                    .key = split(key(options.experiment.seed), 0x7365617263)};
    s = hpo::search_run(experiment.problem(), experiment.space(), phi, search, report).s;
  } else {
    options.tuning.T = T;
    s = hpo::tune(experiment.problem(), phi, options.tuning, report).s;
  }
  const Vars evaluated = experiment.network(s).parameters;
  for (std::size_t i = 0; i < experiment.model().names.size(); ++i)
    numbers.parameters[experiment.model().names[i]] = evaluated[i].value();
  return numbers;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("settings: every one has a row with a value that is not its default") {
    for (const std::string& key : settings()) {
      CAPTURE(key);
      REQUIRE(rows.contains(key));
      Options changed;
      const Json before = to_json(changed);
      rows.at(key).set(changed);
      for (const char* command : {"train", "tune", "compare"}) {
        Options plain;
        plain.command = changed.command = command_of(command);
        if (to_json(plain).contains(key)) CHECK(to_json(plain)[key] != to_json(changed)[key]);
      }
    }
    CHECK(rows.size() == settings().size());
  }

  TEST_CASE("settings: a flag changes its own field and no other, and config.json brings it back") {
    const Scratch scratch;
    for (const auto& [key, row] : rows)
      for (const std::string command : {"train", "tune", "compare"}) {
        Options expected;
        expected.command = command_of(command);
        if (!to_json(expected).contains(key)) continue;
        CAPTURE(key);
        CAPTURE(command);
        row.set(expected);
        const Options given = parsed(command, {{key, row.text}});
        CHECK(to_json(given) == to_json(expected));
        Options read;
        read.command = expected.command;
        read_settings(read, Json::parse(to_json(given).dump()), "config.json");
        CHECK(to_json(read) == to_json(expected));
        // What --resume goes on with; the number of threads alone may be another.
        fs::create_directories(scratch / "run");
        write_file_atomically(scratch / "run/config.json", to_json(given).dump());
        CLI::App app("", "glocal");
        Options resumed;
        resumed.command = expected.command;
        add_options(app, resumed);
        app.parse("--quiet --json --threads 7 --resume " + (scratch / "run"));
        take_resumed(app, resumed);
        expected.threads = 7;
        CHECK(to_json(resumed) == to_json(expected));
        CHECK(resumed.quiet);
        CHECK(resumed.json);
      }
  }

  TEST_CASE("settings: each shows in the numbers of a run, which are those of the library with that field set") {
    const Scratch scratch;
    for (const auto& [key, row] : rows) {
      if (elsewhere.contains(key)) continue;
      CAPTURE(key);
      const Flags plain = flags_of(row);
      Options options = parsed(row.command, plain);
      row.set(options);
      const Numbers changed = by_command(scratch, row.command, and_also(plain, {{key, row.text}}));
      CHECK(changed == by_library(row.command, options));
      CHECK_FALSE(changed == by_library(row.command, parsed(row.command, plain)));
    }
  }

  TEST_CASE("settings: folders, threads, memory and saving show in the files of a run") {
    const Scratch scratch;
    const std::string run = scratch / "run";
    const auto result_of = [&](const std::string& key, bool given, const std::string& more) {
      Flags flags = flags_of(rows.at(key));
      if (given) flags[key] = rows.at(key).text;
      fs::remove_all(run);
      return glocal_command(scratch, rows.at(key).command + arguments(flags) + more + " --quiet --out " + run,
                            "PATH=/nowhere ");
    };
    const auto json = [&](const char* file) { return nlohmann::json::parse(read_file(run + "/" + file)); };
    CHECK(has(result_of("data_dir", true, "").error, "--data-dir nowhere"));
    CHECK(result_of("mem_limit", false, "").code == 0);
    CHECK(json("config.json")["mem_limit"] == std::to_string(memory_limit({})));
    CHECK(result_of("mem_limit", true, "").code == 2);
    CHECK(result_of("threads", true, "").code == 0);
    CHECK(json("meta.json")["threads"] == 2);
    for (const bool given : {false, true}) {
      CHECK(result_of("save_every", given, " --lr 1e30").code == 5);
      CHECK(fs::exists(run + "/last.safetensors") == given);
    }
    for (const bool given : {false, true}) {  // all 12 steps recorded at once take more memory than four segments
      CHECK(result_of("unroll_memory", given, "").code == 0);
      Options options = parsed("tune", flags_of(rows.at("unroll_memory")));
      if (given) options.unroll_memory = "1M";
      const train::Experiment experiment = build(options, 0);
      CHECK(options.tuning.estimator_options.unroll_bytes == (given ? 1'000'000 : 0));
      CHECK(json("summary.json")["predicted_bytes"] == predict(experiment, options, {"global"}).at(0).bytes);
    }
    CHECK(result_of("estimators", true, "").code == 0);
    for (const std::string name : {"fixed-seed0", "local-seed0", "truncated-seed0"})
      CHECK(fs::exists(run + "/" + name));
    CHECK_FALSE(fs::exists(run + "/glocal-seed0"));
    CHECK(result_of("seeds", true, "").code == 0);
    for (const std::string name : {"local-seed0", "local-seed1"}) CHECK(fs::exists(run + "/" + name));
    CHECK_FALSE(fs::exists(run + "/local-seed2"));
  }

  TEST_CASE("settings: the memory limit is 80 % of what /proc/meminfo states unless one is given") {
    std::ifstream file("/proc/meminfo");
    std::string name, unit;
    double kibibytes = 0;
    file >> name >> kibibytes >> unit;
    REQUIRE(name == "MemTotal:");
    CHECK(static_cast<double>(memory_limit({})) == doctest::Approx(0.8 * 1024 * kibibytes).epsilon(1e-6));
    Options options;
    options.mem_limit = "3G";
    CHECK(memory_limit(options) == 3'000'000'000);
  }

  TEST_CASE("settings: a search is expected to hold what E's gradient takes where that is more than a step") {
    const Options options =
        parsed("tune", {{"estimator", "gp"}, {"tune", "lr"}, {"hidden", "4"}, {"batch", "1"}, {"steps", "9"}});
    Options built = options;
    const train::Experiment experiment = build(built, 0);
    hpo::probe(experiment.problem(), experiment.phi());  // the orders of the batches are held from the first draw on
    const hpo::Probe p = hpo::probe(experiment.problem(), experiment.phi());
    REQUIRE(p.state_bytes + p.outer_bytes > p.step_bytes);
    built.quiet = true;
    CHECK(predict(experiment, built, {"gp"}).at(0).bytes == p.base_bytes + p.state_bytes + p.outer_bytes);
  }

  TEST_CASE("settings: config.json states what was used where a default was left open") {
    Options options =
        parsed("tune", {{"schedule", "step"}, {"steps", "31"}, {"tune", "lr"}, {"hidden", "4"}, {"batch", "30"}});
    const train::Experiment experiment = build(options, 0);
    const Options stated = resolved(options, experiment);
    CHECK(stated.experiment.validation == 250);  // a sixth of 1500
    CHECK(stated.experiment.val_batch == 250);   // 512 asked for
    CHECK(stated.experiment.schedule_every == 10);
    Options again = stated;
    CHECK(by_library("tune", again) == by_library("tune", options));
    const Json meta = describe(experiment, {12.5, 99});
    CHECK(meta["train_images"] == 1250);
    CHECK(meta["validation_images"] == 250);
    CHECK(meta["test_images"] == 297);
    CHECK(meta["predicted_seconds"] == 12.5);
    CHECK(meta["predicted_bytes"] == 99);
    // An epoch is the whole batches that the images make: 41 of 30, and 20 images that sit out.
    options.epochs = 2;
    build(options, 0);
    CHECK(options.experiment.steps == 82);
  }
}
