#include <doctest/doctest.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

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

// A tiny form of the study, whose first way has this weight decay.
std::string small_pays(const std::string& decay) {
  return R"({"training": {"seed": 7, "seeds": 2},
    "sweep": {"plain": "fixed", "against": "best of three", "starts": [{"lr": 0.01}, {"lr": 0.1}],
      "box": {"lr": ["log", 0.001, 1]},
      "cases": [{"label": "digits", "changes": {"dataset": "digits", "hidden": [8], "steps": 270, "batch": 32,
                 "val_batch": 64, "val_size": 200, "train_limit": 400}}],
      "ways": [{"label": "fixed", "estimator": "fixed", "starts": "given",
                "changes": {"hyper": {"weight_decay": )" +
         decay + R"(}}},
               {"label": "drawn", "estimator": "fixed", "starts": 4, "changes": {}},
               {"label": "best of three", "best_of": "drawn", "runs": 3},
               {"label": "halving", "estimator": "successive-halving", "changes": {"budget": "3"}},
               {"label": "rehearsal", "estimator": "rehearsal", "starts": "given", "changes": {}}]}})";
}

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
      CHECK(config.at("minutes").get<double>() <= (each.name == "bank" ? 60 : each.kept ? 300 : 10));
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

  TEST_CASE("reproduce: of a study whose runs are kept those that are missing are made, to the same numbers") {
    const Scratch scratch;
    ReproduceOptions options;
    options.out = scratch.path / "questions";
    options.config = scratch.write("small.json", small_pays("0.1"));
    options.lab.quiet = true;
    const auto rows = [&] { return Json::parse(read_file(scratch / "questions/pays.json")).at("rows"); };
    const Study& pays = find_study("pays");

    options.lab.only = "no such case";
    app::reproduce(pays, options);
    CHECK(rows().empty());
    options.lab.only = "";
    app::reproduce(pays, options);
    const Json whole = rows();
    REQUIRE(whole.size() == 2 + 4 + 1 + 2);  // given starts, drawn ones, halving, rehearsals; each with two seeds
    for (const Json& row : whole) CHECK(row.at("seeds") == Json{7, 8});

    Json result = Json::parse(read_file(scratch / "questions/pays.json"));
    result["rows"].erase(3);
    result["rows"][0]["test"][1] = 0.123;  // to see that it is kept
    for (auto& [key, list] : result["rows"][4].items())
      if (list.is_array()) list.erase(0);
    scratch.write("questions/pays.json", result.dump());
    app::reproduce(pays, options);
    Json again = rows();
    CHECK(again[0]["test"][1] == 0.123);
    again[0]["test"][1] = whole[0]["test"][1];
    const auto timed = [](Json all) {
      for (Json& row : all) row.erase("processor_seconds");
      return all;
    };
    CHECK(timed(again) == timed(whole));

    // Runs of other settings are not mixed with those: those of the first way are made again, the others stay.
    result = Json::parse(read_file(scratch / "questions/pays.json"));
    for (Json& row : result["rows"]) row["test"] = {0.5, 0.5};
    scratch.write("questions/pays.json", result.dump());
    options.config = scratch.write("small.json", small_pays("0.2"));
    app::reproduce(pays, options);
    for (const Json& row : rows()) CHECK((row.at("test") == Json{0.5, 0.5}) == (row.at("way") != "fixed"));

    scratch.write("questions/pays.json", "{\"rows\": []}");
    CHECK_THROWS_WITH_AS(app::reproduce(pays, options), doctest::Contains("has no config; move it away"), DataError);
    options.lab.only = "digits";
    options.config = "";
    CHECK_THROWS_WITH_AS(app::reproduce(find_study("cost"), options), doctest::Contains("leave --only out"),
                         ValueError);
  }

  TEST_CASE("reproduce: the best of some runs has the least validation loss of them, and the price of all") {
    const Scratch scratch;
    Json config = settings(find_study("pays"));
    config.merge_patch(Json::parse(small_pays("0.1")));
    const Findings findings = find_study("pays").run(Lab("pays", config, {.quiet = true}));
    std::vector<double> mean;
    for (std::size_t seed = 0; seed < 2; ++seed) {
      double least = 10, test = 0;
      int runs = 0;
      for (const Json& row : findings.rows)
        if (row.at("way") == "drawn" && runs++ < 3 && row.at("validation_loss").at(seed).get<double>() < least) {
          least = row.at("validation_loss").at(seed).get<double>();
          test = row.at("test").at(seed).get<double>();
        }
      mean.push_back(100 * test);
    }
    const auto row_of = [&](std::size_t table) {
      for (const auto& row : findings.tables[table].rows)
        if (row.front() == "best of three") return row.at(1);
      return std::string();
    };
    CHECK(row_of(0).starts_with(fmt::format("{:.2f} ± ", (mean[0] + mean[1]) / 2)));
    CHECK(row_of(1).starts_with("+0.00"));
    CHECK(row_of(4).starts_with("3.00, "));
    for (const Json& row : findings.rows) {
      const double gradients = row.at("gradients").at(0).get<double>();
      if (row.at("way") == "halving") CHECK(gradients == 3);
      if (row.at("way") == "rehearsal") CHECK((gradients > 1.1 && gradients < 1.8));
      if (row.at("way") == "drawn") CHECK((row.at("lr").at(0) >= 1e-3 && row.at("lr").at(0) <= 1.0));
    }
  }
}
