// `--lr auto`: the rate is found, said, kept, and the run is the one with that rate.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <glocal/core/io/file.h>

#include "command.h"
#include "raw_run.h"

namespace fs = std::filesystem;
using namespace glocal;
using raw::Json;

namespace {

const std::string small = "--hidden 8 --steps 400 --batch 32 --val-size 200 --train-limit 400 ";

Json made(const Scratch& scratch, const std::string& command, const std::string& name,
          const std::string& environment = "PATH=/nowhere ") {
  const Result result = glocal_command(scratch, command + " --quiet --out " + (scratch / name), environment);
  REQUIRE_MESSAGE(result.code == 0, result.error);
  return raw::json(scratch / name + "/summary.json");
}

// What rehearsals found, without the time they took.
Json rehearsal_in(const std::string& folder) {
  Json json = raw::json(folder + "/rehearsal.json");
  CHECK(json.erase("seconds") == 1);
  return json;
}

void refused(const Scratch& scratch, const std::string& arguments, const std::string& message) {
  const Result result = glocal_command(scratch, arguments + " --out " + (scratch / "refused"));
  CHECK_MESSAGE(result.code == 2, result.error);
  CHECK_MESSAGE(has(result.error, message), result.error);
  CHECK_FALSE(fs::exists(scratch / "refused"));
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("lr auto: the run is that with the rate found, and the folder says how it was") {
    const Scratch scratch;
    made(scratch, "train --lr auto " + small, "auto");
    const Json rehearsal = raw::json(scratch / "auto/rehearsal.json"), config = raw::json(scratch / "auto/config.json");
    const double lr = rehearsal["lr"];
    CHECK(config["hyper"]["lr"] == lr);
    CHECK(config["find_lr"] == "rehearsal");
    CHECK(config["schedule"] == "linear");  // since none was asked for
    CHECK(rehearsal["low"] < lr);
    CHECK(rehearsal["high"] > lr);
    CHECK(rehearsal["rehearsal_steps"] == 25);
    CHECK(rehearsal["trials"].size() > 5);
    std::int64_t steps = 0;
    for (const Json& trial : rehearsal["trials"]) steps += trial["schedule"] == 400 ? 0 : trial["steps"].get<int>();
    CHECK(steps <= 200);
    made(scratch, fmt::format("train --lr {} --schedule linear {}", lr, small), "given");
    CHECK(read_file(scratch / "auto/params.npz") == read_file(scratch / "given/params.npz"));
    CHECK(raw::json(scratch / "given/config.json")["find_lr"] == "none");
    made(scratch, "train --lr auto --schedule constant " + small, "constant");
    CHECK(raw::json(scratch / "constant/config.json")["schedule"] == "constant");
    made(scratch, "train --lr auto --optimizer adam " + small, "adam");
    CHECK(raw::json(scratch / "adam/rehearsal.json")["exponent"] == 0.1);
    CHECK(rehearsal["exponent"] == doctest::Approx(1.0 / 6));
  }

  TEST_CASE("lr auto: where it starts does not matter, and a number given later wins over a file") {
    const Scratch scratch;
    made(scratch, "train --find-lr rehearsal --lr 1e-4 " + small, "low");
    made(scratch, "train --find-lr rehearsal --lr 0.16 " + small, "high");
    CHECK(raw::json(scratch / "low/rehearsal.json")["lr"] == raw::json(scratch / "high/rehearsal.json")["lr"]);
    made(scratch, "train --config " + (scratch / "low/config.json") + " --lr 0.02", "file");
    CHECK(raw::json(scratch / "file/config.json")["find_lr"] == "none");
    CHECK(raw::json(scratch / "file/config.json")["hyper"]["lr"] == 0.02);
  }

  TEST_CASE("lr auto: a run that is stopped in a rehearsal goes on to the same bytes") {
    const Scratch scratch;
    made(scratch, "train --lr auto " + small, "whole");
    for (const int at : {3, 60, 140, 215, 400}) {
      CAPTURE(at);
      const std::string name = fmt::format("stopped-{}", at), out = scratch / name;
      const Result stopped = glocal_command(scratch, "train --lr auto --quiet " + small + " --out " + out,
                                            fmt::format("PATH=/nowhere GLOCAL_INTERRUPT_AT={} ", at));
      CHECK(stopped.code != 0);
      CHECK(has(stopped.error, "--resume"));
      const Result resumed = glocal_command(scratch, "train --quiet --resume " + out, "PATH=/nowhere ");
      REQUIRE_MESSAGE(resumed.code == 0, resumed.error);
      for (const char* file : {"params.npz", "metrics.jsonl", "config.json"})
        CHECK(read_file(out + "/" + file) == read_file(scratch / "whole/" + file));
      CHECK(rehearsal_in(out) == rehearsal_in(scratch / "whole"));
    }
    made(scratch, "train --lr auto --force " + small, "stopped-60");  // nothing of the run before it is used
    CHECK(read_file(scratch / "stopped-60/params.npz") == read_file(scratch / "whole/params.npz"));
  }

  TEST_CASE("lr auto: compare and tune start every run of a seed from its rate") {
    const Scratch scratch;
    const Json compared = made(scratch, "compare --lr auto --estimators local --seeds 2 --block 50 " + small, "c");
    for (const std::string seed : {"0", "1"}) {
      const double lr = raw::json(scratch / "c/rehearsal-seed" + seed + "/rehearsal.json")["lr"];
      for (const std::string row : {"fixed", "local"}) {
        const Json config = raw::json(scratch / "c/" + row + "-seed" + seed + "/config.json");
        CHECK(config["hyper"]["lr"] == lr);
        CHECK(config["find_lr"] == "none");
      }
    }
    CHECK(compared["rows"].size() == 4);
    made(scratch, "tune --lr auto --tune lr --estimator local --block 50 " + small, "t");
    CHECK(raw::json(scratch / "t/config.json")["hyper"]["lr"] == raw::json(scratch / "t/rehearsal.json")["lr"]);
  }

  TEST_CASE("rehearsal: a row that finds its own rate from --lr, with what that took in its cost") {
    const Scratch scratch;
    const Json compared =
        made(scratch, "compare --estimators rehearsal --lr 1e-3 --schedule linear --seeds 2 " + small, "c");
    REQUIRE(compared["rows"].size() == 4);
    for (const std::string seed : {"0", "1"}) {
      CAPTURE(seed);
      const std::string row = scratch / "c/rehearsal-seed" + seed;
      const Json rehearsal = raw::json(row + "/rehearsal.json"), summary = raw::json(row + "/summary.json");
      std::int64_t steps = 400;
      for (const Json& trial : rehearsal["trials"]) steps += trial["steps"].get<int>();
      CHECK(summary["gradient_evaluations"] == steps);
      CHECK(summary["seconds"] > rehearsal["seconds"]);
      CHECK(summary["estimate_seconds"] == rehearsal["seconds"]);
      CHECK(raw::json(scratch / "c/fixed-seed" + seed + "/config.json")["hyper"]["lr"] == 1e-3);
      CHECK(raw::json(row + "/config.json")["hyper"]["lr"] == rehearsal["lr"]);
      made(scratch, "train --find-lr rehearsal --lr 1e-3 --schedule linear --seed " + seed + " " + small, "t" + seed);
      CHECK(rehearsal_in(row) == rehearsal_in(scratch / "t" + seed));
    }
    made(scratch, "tune --estimator rehearsal --lr 1e-3 --schedule linear " + small, "tune");
    CHECK(read_file(scratch / "tune/params.npz") == read_file(scratch / "c/rehearsal-seed0/params.npz"));
    const Result stopped =
        glocal_command(scratch,
                       "compare --estimators rehearsal --lr 1e-3 --schedule linear --quiet --seeds 2 " + small +
                           " --out " + (scratch / "s"),
                       "PATH=/nowhere GLOCAL_INTERRUPT_AT=460 ");
    CHECK(stopped.code != 0);
    const Result resumed = glocal_command(scratch, "compare --quiet --resume " + (scratch / "s"), "PATH=/nowhere ");
    REQUIRE_MESSAGE(resumed.code == 0, resumed.error);
    for (const std::string row : {"rehearsal-seed0", "rehearsal-seed1", "fixed-seed1"})
      CHECK(read_file(scratch / "s/" + row + "/params.npz") == read_file(scratch / "c/" + row + "/params.npz"));
    refused(scratch, "compare --estimators rehearsal --lr auto " + small, "rehearsal is no row of its own");
    refused(scratch, "compare --estimators rehearsal --steps 100", "give at least 150 steps");
    refused(scratch, "train --lr auto --optimizer prodigy " + small, "prodigy finds its rate by itself");
  }

  TEST_CASE("rehearsal-gradient: all that is tuned is found before the run, at its price, and a stop changes no byte") {
    const Scratch scratch;
    const std::string problem = "--lr 3e-3 --tune lr,momentum,class_weights --imbalance 10 --schedule linear " + small;
    const Json summary = made(scratch, "tune --estimator rehearsal-gradient " + problem, "whole");
    const Json rehearsal = raw::json(scratch / "whole/rehearsal.json"),
               config = raw::json(scratch / "whole/config.json");
    CHECK(config["hyper"]["lr"] == rehearsal["values"][0]);
    CHECK(config["hyper"]["momentum"] == rehearsal["values"][1]);
    CHECK(config["hyper"]["class_weights"][9] == rehearsal["values"][11]);
    CHECK(rehearsal["given"]["lr"] == 3e-3);
    std::int64_t steps = 400;
    for (const char* list : {"trials", "gradient_trials", "trials_after"})
      for (const Json& trial : rehearsal[list])
        steps += (list == std::string("gradient_trials") ? 4 : 1) * trial["steps"].get<int>();
    CHECK(summary["gradient_evaluations"] == steps);
    CHECK(steps < 1400);

    // The run is the one with those values.
    std::string weights;
    for (const Json& one : config["hyper"]["class_weights"]) weights += (weights.empty() ? "" : ",") + one.dump();
    made(scratch,
         fmt::format("train --lr {} --set momentum={} --set 'class_weights=[{}]' --imbalance 10 --schedule linear {}",
                     config["hyper"]["lr"].dump(), config["hyper"]["momentum"].dump(), weights, small),
         "given");
    CHECK(read_file(scratch / "whole/params.npz") == read_file(scratch / "given/params.npz"));

    for (const int at : {2, 130, 190, 260, 700}) {
      CAPTURE(at);
      const std::string out = scratch / fmt::format("stopped-{}", at);
      const Result stopped =
          glocal_command(scratch, "tune --estimator rehearsal-gradient --quiet " + problem + " --out " + out,
                         fmt::format("PATH=/nowhere GLOCAL_INTERRUPT_AT={} ", at));
      CHECK(stopped.code != 0);
      const Result resumed = glocal_command(scratch, "tune --quiet --resume " + out, "PATH=/nowhere ");
      REQUIRE_MESSAGE(resumed.code == 0, resumed.error);
      for (const char* file : {"params.npz", "metrics.jsonl", "config.json"})
        CHECK(read_file(out + "/" + file) == read_file(scratch / "whole/" + file));
      CHECK(rehearsal_in(out) == rehearsal_in(scratch / "whole"));
    }

    const std::string rows = "compare --quiet --estimators rehearsal-gradient --seeds 2 " + problem;
    const Result stopped =
        glocal_command(scratch, rows + " --out " + (scratch / "c"), "PATH=/nowhere GLOCAL_INTERRUPT_AT=1500 ");
    CHECK(stopped.code != 0);
    const Result resumed = glocal_command(scratch, "compare --quiet --resume " + (scratch / "c"), "PATH=/nowhere ");
    REQUIRE_MESSAGE(resumed.code == 0, resumed.error);
    CHECK(read_file(scratch / "c/rehearsal-gradient-seed0/params.npz") == read_file(scratch / "whole/params.npz"));

    refused(scratch, "tune --estimator rehearsal-gradient --tune momentum --steps 100", "give at least 134 steps");
    refused(scratch, "tune --estimator rehearsal-gradient --tune lr --optimizer prodigy " + small,
            "finds its rate by itself");
    refused(scratch, "tune --estimator rehearsal-gradient --tune meta_weight_net --steps 400",
            "give --estimator truncated");
  }

  TEST_CASE("lr auto: what cannot be found is refused before anything is written") {
    const Scratch scratch;
    refused(scratch, "train --lr auto --steps 100", "give at least 150 steps");
    refused(scratch, "compare --lr auto --steps 100 --block 20", "give at least 150 steps");
    refused(scratch, "train --lr auto --schedule cosine --steps 1000", "schedule cosine has no single lr");
    refused(scratch, "train --lr often --steps 1000", "--lr: often is no finite number");
    refused(scratch, "train --find-lr rehersal --steps 1000", "did you mean rehearsal?");
    made(scratch, "train --lr auto " + small, "run");
    write_file_atomically(scratch / "run/rehearsal.json", "{\"start\": -1, \"trials\": []}");
    fs::remove(scratch / "run/summary.json");
    const Result result = glocal_command(scratch, "train --resume " + (scratch / "run"));
    CHECK(result.code == 3);
    CHECK(has(result.error, "rehearsal.json: expected start > 0"));
  }
}
