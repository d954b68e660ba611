// What the command says of estimators that start again: which run it kept, recomputed from the lines it wrote.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "command.h"

using namespace glocal;

namespace {

const std::string small =
    "--hidden 8 --steps 40 --block 15 --batch 32 --tune lr,momentum --seed 2 --dtype f64 --quiet ";
const std::string quietly = "PATH=/nowhere ";  // without gnuplot, which takes longer than all else

nlohmann::json json_of(const std::string& file) { return nlohmann::json::parse(read_file(file)); }

// E of each line of hparams.jsonl but the first, which is the start; NaN where the run diverged.
struct Lines {
  std::vector<double> E;
  std::vector<nlohmann::json> values;  // from the start on
};

Lines lines_of(const std::string& run) {
  Lines lines;
  std::istringstream file(read_file(run + "/hparams.jsonl"));
  for (std::string line; std::getline(file, line);) {
    const auto json = nlohmann::json::parse(line);
    lines.values.push_back(json["values"]);
    if (json.contains("outer")) lines.E.push_back(json["outer"].is_null() ? NAN : json["outer"].get<double>());
  }
  return lines;
}

double number(const nlohmann::json& json) { return json.is_null() ? INFINITY : json.get<double>(); }

struct Kept {
  std::size_t update = 0;
  std::string text;
};

// Checks everything that a run's files say of the run kept; `out` is what the command printed.
Kept check_kept(const std::string& run, const std::string& out, std::size_t updates, double lr) {
  const auto summary = json_of(run + "/summary.json");
  const Lines lines = lines_of(run);
  const auto& judged = summary["judged"];
  REQUIRE(judged.size() == updates + 1);
  REQUIRE(lines.E.size() == updates);
  for (std::size_t i = 0; i < updates; ++i)
    CHECK((std::isnan(lines.E[i]) ? judged[i].is_null() : judged[i] == lines.E[i]));
  Kept kept;
  for (std::size_t i = 1; i <= updates; ++i) {
    if (number(judged[i]) < number(judged[kept.update]))
      kept.update = i;
    else if (i < updates)
      lr /= 2;
  }
  CHECK(summary["meta_lr"] == lr);
  CHECK(summary["best"]["update"] == kept.update);
  CHECK(summary["best"]["of"] == updates);
  CHECK(summary["best"]["outer"] == judged[kept.update]);
  CHECK(summary["values"] == lines.values[kept.update]);
  CHECK(summary["updates"] == updates);
  CHECK(summary["steps"] == 40);
  kept.text = "best of " + std::to_string(updates) + ": ";
  kept.text += kept.update == 0 ? "the start" : "update " + std::to_string(kept.update);
  CHECK(summary["best"]["text"] == kept.text);
  CHECK(out.ends_with(", " + kept.text + "\n"));
  const std::string page = read_file(run + "/report.html");
  CHECK(has(page, "<p>Kept: " + kept.text + ". "));
  CHECK(has(page, (kept.update == 0 ? "start" : std::to_string(kept.update)) + ", kept<"));
  CHECK(has(page, "The curves show the last training, with the values of update " + std::to_string(updates)) ==
        (kept.update < updates));
  return kept;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("keep best: summary, report and last line name the run with the least of the losses judged") {
    const Scratch scratch;
    bool inner = false, start = false, last = false, diverged = false;
    for (const std::string estimator : {"global", "global-forward", "local-restart"})
      for (const double lr : {0.1, 2.0, 60.0, 1000.0}) {
        CAPTURE(estimator);
        CAPTURE(lr);
        const std::string run = scratch / "run", arguments = "tune --estimator " + estimator + " --updates 3 " + small +
                                                             "--meta-lr " + std::to_string(lr) + " --out " + run;
        const Result result = glocal_command(scratch, arguments + " --force", quietly);
        REQUIRE_MESSAGE(result.code == 0, result.error);
        const Kept kept = check_kept(run, result.out, 3, lr);
        start |= kept.update == 0;
        inner |= kept.update > 0 && kept.update < 3;
        last |= kept.update == 3;
        const auto summary = json_of(run + "/summary.json");
        for (const auto& E : summary["judged"]) diverged |= E.is_null();
        CHECK(has(glocal_command(scratch, "runs show " + run).out, kept.text));
        const Result again = glocal_command(scratch, "tune --resume " + run, quietly);
        CHECK(again.code == 0);
        CHECK(again.out.ends_with(", " + kept.text + "\n"));
      }
    CHECK(start);
    CHECK(inner);
    CHECK(last);
    CHECK(diverged);
  }

  TEST_CASE("keep best: the network kept is the one that plain training with the values kept ends with") {
    const Scratch scratch;
    for (const std::string estimator : {"global --lr 0.01", "local-restart"}) {
      CAPTURE(estimator);
      const std::string name = estimator.substr(0, estimator.find(' ')), run = scratch / name, plain = run + "-plain";
      const std::string arguments = "tune --estimator " + estimator + " --updates 4 --meta-lr 2 " + small;
      REQUIRE(glocal_command(scratch, arguments + "--out " + run, quietly).code == 0);
      const auto tuned = json_of(run + "/summary.json");
      REQUIRE(tuned["best"]["update"] > 0);
      REQUIRE(tuned["best"]["update"] < 4);
      const std::string values =
          "--lr " + tuned["values"]["lr"].dump() + " --set momentum=" + tuned["values"]["momentum"].dump();
      REQUIRE(glocal_command(
                  scratch,
                  "train --hidden 8 --steps 40 --batch 32 --seed 2 --dtype f64 --quiet " + values + " --out " + plain,
                  quietly)
                  .code == 0);
      const auto trained = json_of(plain + "/summary.json");
      for (const char* part : {"val", "test"})
        CHECK(tuned[part]["loss"].get<double>() == doctest::Approx(trained[part]["loss"].get<double>()).epsilon(1e-9));
      CHECK(tuned["train_loss"].get<double>() == doctest::Approx(trained["train_loss"].get<double>()).epsilon(1e-9));
    }
  }

  TEST_CASE("keep best: a comparison says after which update each run was kept") {
    const Scratch scratch;
    const std::string run = scratch / "run";
    const Result result = glocal_command(
        scratch,
        "compare --estimators local-restart,global --updates 2 --meta-lr 60 --seeds 2 " + small + "--out " + run,
        quietly);
    REQUIRE_MESSAGE(result.code == 0, result.error);
    const auto summary = json_of(run + "/summary.json");
    const std::string page = read_file(run + "/report.html");
    CHECK(summary["table"][0]["kept"].empty());
    CHECK(has(result.out, "update kept"));
    for (const std::size_t row : {1U, 2U}) {
      const std::string estimator = summary["table"][row]["estimator"];
      CAPTURE(estimator);
      std::vector<std::size_t> kept;
      for (const char* seed : {"2", "3"})
        kept.push_back(json_of(run + "/" + estimator + "-seed" + seed + "/summary.json")["best"]["update"]);
      CHECK(summary["table"][row]["kept"] == kept);
      const std::string both = std::to_string(kept[0]) + ", " + std::to_string(kept[1]);
      CHECK(has(result.out, both));
      CHECK(has(page, ">" + both + "<"));
    }
  }
}
