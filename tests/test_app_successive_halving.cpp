// Successive halving in the command: what it costs, and that a stop at any rung changes no bit.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <cstdint>
#include <string>

#include <glocal/core/io/file.h>

#include "command.h"
#include "raw_run.h"

using namespace glocal;
using raw::Json;

TEST_SUITE("fast") {
  TEST_CASE("successive halving: three runs' budget is spent to the step, and stops change no bit") {
    const Scratch scratch;
    const std::string tune =
        "tune --estimator successive-halving --budget 3 --tune lr --hidden 8 --steps 270 --batch 32 --val-size 200 "
        "--train-limit 400 --quiet --out ";
    REQUIRE(glocal_command(scratch, tune + (scratch / "whole"), "PATH=/nowhere ").code == 0);
    const Json summary = raw::json(scratch / "whole/summary.json");
    CHECK(summary["gradient_evaluations"] == 3 * 270);
    CHECK(summary["updates"] == 39);
    CHECK(summary["steps"] == 270);
    const std::string metrics = read_file(scratch / "whole/metrics.jsonl");
    CHECK(metrics.starts_with("{\"step\":91,"));    // training goes on from a trial of 90 steps
    for (const int at : {5, 150, 320, 600, 640}) {  // in each rung, at the start of the last training, and in it
      CAPTURE(at);
      const std::string out = scratch / fmt::format("stopped-{}", at);
      const Result stopped =
          glocal_command(scratch, tune + out, fmt::format("PATH=/nowhere GLOCAL_INTERRUPT_AT={} ", at));
      CHECK(stopped.code != 0);
      const Result resumed = glocal_command(scratch, "tune --quiet --resume " + out, "PATH=/nowhere ");
      REQUIRE_MESSAGE(resumed.code == 0, resumed.error);
      for (const char* file : {"params.npz", "metrics.jsonl", "hparams.jsonl", "config.json"})
        CHECK(read_file(out + "/" + file) == read_file(scratch / "whole/" + file));
    }
    const Result shorter = glocal_command(
        scratch,
        "tune --estimator successive-halving --budget 3 --tune lr --hidden 8 --steps 12 --out " + (scratch / "s"));
    CHECK(shorter.code == 2);
    CHECK_MESSAGE(has(shorter.error, "too short to be divided"), shorter.error);
    CHECK(glocal_command(scratch, "runs show " + (scratch / "whole")).code == 0);
    CHECK(glocal_command(scratch, "runs report " + (scratch / "whole"), "PATH=/nowhere ").code == 0);
  }
}
