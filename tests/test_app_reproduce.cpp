#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <string_view>

#include <glocal/app/reproduce/reproduce.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/hpo/estimators/global.h>

#include "scratch.h"

namespace fs = std::filesystem;
using namespace glocal;
using namespace glocal::app;

namespace {

Json settings(const Study& each) {
  return Json::parse(std::string(reinterpret_cast<const char*>(each.config.data()), each.config.size()));
}

// The study with other settings, nothing written.
Findings found(const std::string& name, const Json& changes) {
  Json config = settings(find_study(name));
  config.merge_patch(changes);
  return find_study(name).run(Lab(name, config, {.quiet = true}));
}

const Json digits{{"dataset", "digits"}, {"hidden", {8}},   {"steps", 40},        {"batch", 32}, {"val_batch", 64},
                  {"block", 10},         {"val_size", 200}, {"train_limit", 400}, {"seeds", 1},  {"dtype", "f64"}};

const char* const quick_rates = R"({
  "training": {"dataset": "digits", "hidden": [8], "steps": 40, "batch": 32, "val_batch": 64, "block": 10,
               "updates": 2, "val_size": 200, "train_limit": 400, "seeds": 2},
  "sweep": {"lr": [0.001, 0.1]}})";

ReproduceOptions quick(const Scratch& scratch) {
  ReproduceOptions options;
  options.out = scratch.path / "questions";
  options.config = scratch.write("quick.json", quick_rates);
  options.lab.quiet = true;
  return options;
}

// Without what a clock wrote.
Json timeless(const Json& json) {
  if (!json.is_structured()) return json;
  Json out = json.is_array() ? Json::array() : Json::object();
  for (const auto& [key, value] : json.items()) {
    if (json.is_array())
      out.push_back(timeless(value));
    else if (key != "seconds")
      out[key] = timeless(value);
  }
  return out;
}

Json result(const Scratch& scratch) { return Json::parse(read_file(scratch / "questions/learning-rates.json")); }

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("reproduce: the settings of every study are read, and a committed result is of those settings") {
    const std::string root = GLOCAL_SOURCE_DIR;
    const std::string page = read_file(root + "/docs/questions.md");
    for (const Study& each : studies().entries()) {
      CAPTURE(each.name);
      const Json config = settings(each);
      CHECK(config.at("minutes").get<double>() <= (each.name == "bank" ? 60 : 6));
      CHECK(each.about.ends_with('?'));
      CHECK_NOTHROW(Lab(each.name, config, {.quiet = true}));
      if (page.find("<!-- " + each.name + " -->") == std::string::npos) continue;
      const Json committed = Json::parse(read_file(root + "/docs/questions/" + each.name + ".json"));
      CHECK(committed.at("config").at("training") == config.at("training"));
      CHECK(committed.at("config").at("sweep") == config.at("sweep"));
      CHECK(committed.at("question") == each.about);
    }
  }

  TEST_CASE("reproduce: the same settings give the same numbers, and the page's table between its marks") {
    const Scratch scratch;
    const ReproduceOptions options = quick(scratch);
    fs::create_directories(options.out);
    scratch.write("questions.md", "before\n<!-- learning-rates -->\nold\n<!-- /learning-rates -->\nafter\n");
    app::reproduce(find_study("learning-rates"), options);
    const Json first = result(scratch);
    const std::string page = read_file(scratch / "questions.md");
    CHECK(page.starts_with("before\n<!-- learning-rates -->\n"));
    CHECK(page.ends_with("<!-- /learning-rates -->\nafter\n"));
    CHECK(page.find("old") == std::string::npos);
    CHECK(page.find("| 0.001 | ") != std::string::npos);
    app::reproduce(find_study("learning-rates"), options);
    CHECK(timeless(result(scratch)) == timeless(first));
    CHECK(first.at("rows").size() == 8);
    CHECK(first.at("config").at("training").at("seeds") == 2);
    for (const Json& row : first.at("rows")) CHECK(row.at("seeds") == 2);
  }

  TEST_CASE("reproduce: what is wrong is said, and a run that fails leaves the old result") {
    const Scratch scratch;
    ReproduceOptions options = quick(scratch);
    const Study& rates = find_study("learning-rates");
    fs::create_directories(options.out);
    scratch.write("questions/learning-rates.json", "{\"old\": true}");
    const auto refused = [&](const std::string& config, const char* says) {
      CAPTURE(config);
      options.config = scratch.write("wrong.json", config);
      CHECK_THROWS_WITH_AS(app::reproduce(rates, options), doctest::Contains(says), Error);
      CHECK(result(scratch) == Json{{"old", true}});
    };
    refused(R"({"sweeps": {}})", "minutes, training, sweep");
    refused(R"({"sweep": {"rates": [1]}})", "lr, estimators");
    refused(R"({"sweep": {"lr": "small"}})", "sweep lr");
    refused(R"({"training": {"learning_rate": 1}})", "learning-rates: \"learning_rate\" is no setting");
    refused(R"({"training": {"seeds": 0}})", "learning-rates: seeds: 0 is no whole number from 1 to 1000000");
    refused(R"({"sweep": {"estimators": ["crystal-ball"]}, "training": {"dataset": "digits"}})",
            "glocal list estimators");
    refused(R"({"training": {"dataset": "kmnist"}})", "glocal data fetch kmnist");
    refused("[1, 2]", "not a JSON object");
  }

  TEST_CASE("reproduce: explosion's exact hypergradient is the slope of E where training is calm") {
    Json training = digits;
    training["block"] = 20;
    const Findings calm = found(
        "explosion", {{"training", training},
                      {"sweep", {{"lr", {0.01}}, {"momentum", {0.5}}, {"short_block", 5}, {"difference", {1e-4}}}}});
    const Json& row = calm.rows.front();
    CHECK(row.at("steps") == 40);
    CHECK(row.at("global").get<double>() == doctest::Approx(row.at("differences").front().get<double>()).epsilon(1e-5));
    CHECK(row.at("exponent").get<double>() < 0.05);
  }

  TEST_CASE("reproduce: regime's exact hypergradient from the start is the global one") {
    Json training = digits;
    training["hyper"] = {{"momentum", 0.9}, {"weight_decay", 1e-4}};
    const Findings findings =
        found("regime", {{"training", training}, {"sweep", {{"lr", {0.01}}, {"start", {0, 15}}, {"horizon", 30}}}});
    REQUIRE(findings.rows.size() == 2);
    Json config = settings(find_study("regime"));
    config.merge_patch({{"training", training}});
    Options options = Lab("regime", config, {.quiet = true}).options({{"hyper", {{"lr", 0.01}}}, {"steps", 45}});
    const train::Experiment experiment(options.experiment);
    const hpo::Hypergradient exact = hpo::global_forward(experiment.problem(), experiment.phi(), 30);
    const auto h = findings.rows.front().at("h_horizon").get<std::vector<double>>();
    REQUIRE(h.size() == exact.h.size());
    for (std::size_t k = 0; k < h.size(); ++k) CHECK(h[k] == doctest::Approx(exact.h[k]).epsilon(1e-10));
  }

  TEST_CASE("reproduce: a validation batch of all images leaves no spread, a small one does") {
    const Findings findings = found("noise", {{"training", digits},
                                              {"sweep",
                                               {{"warm_up", 5},
                                                {"repeats", 3},
                                                {"batch", {32}},
                                                {"val_batch", {16, 200}},
                                                {"outcome_batch", {32}},
                                                {"outcome_val_batch", {64}}}}});
    const auto relative = [&](std::size_t row) {
      const Json& local = findings.rows.at(row).at("local");
      return local[1].get<double>() / std::abs(local[0].get<double>());
    };
    CHECK(relative(1) > 1e-3);
    CHECK(relative(2) < 1e-10);
  }
}
