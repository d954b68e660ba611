// `glocal runs follow` and the report of a run that goes on: what they say, how they end, and that the run is the same.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <glocal/app/record/progress_file.h>
#include <glocal/app/terminal/progress.h>
#include <glocal/core/io/file.h>

#include "command.h"
#include "raw_run.h"
#include "sanitized.h"

namespace fs = std::filesystem;
using glocal::read_file;
using raw::Json;

namespace {

const std::string quick = "--hidden 16 --steps 60 --batch 64 --quiet ";
const std::string endless = "train --steps 1000000000000 --hidden 16 --batch 64 --quiet --out ";
const std::string refresh = "<meta http-equiv=\"refresh\" content=\"30\">";

Result follow(const Scratch& scratch, const std::string& folder, const std::string& flags = "") {
  return glocal_command(scratch, "runs follow " + (scratch / folder) + " " + flags, "timeout 60");
}

// Starts what may still run when this returns.
void in_background(const std::string& line) {
  REQUIRE(std::system(("( " + line + " ) >/dev/null 2>&1 </dev/null &").c_str()) == 0);
}
const std::string command = "'" GLOCAL_COMMAND_PATH "' ";

// A run that goes on until it is killed, or until this is gone.
struct Endless {
  std::string pid;

  Endless(const Scratch& scratch, const std::string& folder, const std::string& environment = "")
      : pid(scratch / "pid") {
    in_background(environment + " " + command + endless + folder + " & echo $! >'" + pid + "'");
  }
  ~Endless() { kill(); }
  void kill() const { CHECK(std::system(("kill -KILL $(cat '" + pid + "') 2>/dev/null; true").c_str()) == 0); }
};

// A busy machine takes its time: true as soon as something holds, false after a minute.
template <class Holds>
bool comes_true(Holds holds) {
  for (int i = 0; i < 600; ++i, std::this_thread::sleep_for(std::chrono::milliseconds(100)))
    if (holds()) return true;
  return false;
}
bool file_has(const std::string& file, const std::string& part) {
  return fs::exists(file) && has(read_file(file), part);
}

std::vector<Json> json_lines(const std::string& text) {
  std::vector<Json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  return lines;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("progress: what is left is said in hours from one hour on") {
    CHECK(glocal::app::time_left(59) == "59 s");
    CHECK(glocal::app::time_left(3599) == "59 min 59 s");
    CHECK(glocal::app::time_left(3600) == "1.0 h");
    CHECK(glocal::app::time_left(8640) == "2.4 h");
    glocal::app::Standing s;
    CHECK(std::isnan(s.seconds_left()));
    s.done = 300, s.total = 1000, s.before = 100, s.seconds = 4;
    CHECK(s.rate() == 50);
    CHECK(s.seconds_left() == 14);
  }

  TEST_CASE("follow: a run that has ended is said with what came of it, and nothing is left of its progress") {
    const Scratch scratch;
    REQUIRE(glocal_command(scratch, "train " + quick + "--out " + (scratch / "ok")).code == 0);
    CHECK(!fs::exists(scratch / "ok/progress.json"));
    const Result ok = follow(scratch, "ok");
    CHECK(ok.code == 0);
    CHECK(has(ok.out, "ok is done: test accuracy "));
    const std::vector<Json> lines = json_lines(follow(scratch, "ok", "--json").out);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].at("status") == "ok");
    REQUIRE(glocal_command(scratch, "train --lr 1e9 " + quick + "--out " + (scratch / "bad")).code == 5);
    CHECK(follow(scratch, "bad").code == 5);
    CHECK(has(follow(scratch, "bad").out, "bad diverged: "));
    REQUIRE(
        glocal_command(scratch, "train " + quick + "--out " + (scratch / "stopped"), "GLOCAL_INTERRUPT_AT=30").code ==
        130);
    CHECK(!fs::exists(scratch / "stopped/progress.json"));
    const Result stopped = follow(scratch, "stopped");
    CHECK(stopped.code == 4);
    CHECK(has(stopped.out, "was stopped: interrupted at step"));
    CHECK(has(stopped.out, "--resume"));
    REQUIRE(
        glocal_command(scratch, "compare --estimators local --block 20 " + quick + "--out " + (scratch / "c")).code ==
        0);
    CHECK(follow(scratch, "c").code == 0);
  }

  TEST_CASE("follow: a folder that is not there yet is waited for, and one that goes ends it") {
    const Scratch scratch;
    in_background("sleep 0.5; " + command + "train " + quick + "--out " + (scratch / "later"));
    const Result later = follow(scratch, "later");
    CHECK(later.code == 0);
    CHECK(has(later.out, "waiting for a run in "));
    CHECK(has(later.out, "later is done"));
    scratch.write("gone/config.json", R"({"command": "train"})");
    in_background("sleep 0.5; rm -r " + (scratch / "gone"));
    const Result gone = follow(scratch, "gone");
    CHECK(gone.code == 4);
    CHECK(has(gone.out, "gone is gone"));
    scratch.write("damaged/config.json", "{");
    CHECK(follow(scratch, "damaged").code == 3);
    scratch.write("odd/config.json", R"({"command": "train"})");
    scratch.write("odd/progress.json", R"({"done": "many"})");
    CHECK(follow(scratch, "odd").code == 3);
  }

  TEST_CASE("follow: a run that is killed is told from one that goes on") {
    const Scratch scratch;
    const std::string out = scratch / "follow.out", code = scratch / "follow.code";
    in_background(command + "runs follow --json " + (scratch / "run") + " >" + out + "; echo $? >" + code);
    REQUIRE(comes_true([&] { return file_has(out, "waiting"); }));
    const Endless run(scratch, scratch / "run");
    REQUIRE(comes_true([&] { return file_has(out, "\"rate\""); }));
    run.kill();
    REQUIRE(comes_true([&] { return file_has(code, "\n"); }));
    CHECK(read_file(code) == "4\n");
    const std::vector<Json> lines = json_lines(read_file(out));
    REQUIRE(lines.size() >= 3);
    CHECK(lines.front().at("status") == "waiting");
    CHECK(lines.back().at("status") == "killed");
    const Json& seen = lines[lines.size() - 2];
    CHECK(seen.at("status") == "running");
    CHECK(seen.at("total") == 1000000000000);
    CHECK(seen.at("done").get<double>() > 0);
    CHECK(seen.at("rate").get<double>() > 0);
    CHECK(seen.at("seconds_left").get<double>() > 3600);
    const Result again = follow(scratch, "run");
    CHECK(again.code == 4);
    CHECK(has(again.out, " h left"));
    CHECK(has(again.out, "was killed after step"));
  }

  TEST_CASE("follow: of a comparison it says which run goes on") {
    const Scratch scratch;
    in_background(command + "compare --estimators fixed --seeds 2 --steps " + (sanitized ? "3000" : "30000") +
                  " --hidden 16 --batch 64 --quiet --out " + (scratch / "c"));
    const std::vector<Json> lines = json_lines(follow(scratch, "c", "--json").out);
    CHECK(lines.back().at("status") == "ok");
    bool named = false;
    for (const Json& line : lines)
      named = named || (line.at("status") == "running" && line.at("runs") == 2 &&
                        has(line.at("run").get<std::string>(), "-seed"));
    CHECK(named);
  }

  TEST_CASE("follow: a report of a run that goes on loads itself again, and the last one does not") {
    const Scratch scratch;
    const std::string run = scratch / "run";
    const Endless goes_on(scratch, run, "GLOCAL_REPORT_EVERY=0.2");
    REQUIRE(comes_true([&] { return file_has(run + "/report.html", " steps were done, "); }));
    goes_on.kill();
    const std::string live = read_file(run + "/report.html");
    CHECK(has(live, refresh));
    CHECK(has(live, "The run goes on: at "));
    CHECK(has(live, " of 1000000000000 steps were done, "));
    CHECK(has(live, " h were left"));
    REQUIRE(glocal_command(scratch, "train " + quick + "--out " + (scratch / "ok")).code == 0);
    const std::string whole = read_file(scratch / "ok/report.html");
    CHECK(!has(whole, refresh));
    std::ofstream(scratch / "ok/report.html") << live;  // killed between its end and its report
    REQUIRE(glocal_command(scratch, "train --resume " + (scratch / "ok")).code == 0);
    CHECK(read_file(scratch / "ok/report.html") == whole);
  }

  TEST_CASE("follow: a run that is looked at has the same numbers") {
    const Scratch scratch;
    for (const std::string estimator : {"local", "global"}) {
      const std::string tune = "tune --updates 2 --block 20 --estimator " + estimator + " " + quick + "--out ";
      REQUIRE(glocal_command(scratch, tune + (scratch / "alone")).code == 0);
      REQUIRE(glocal_command(scratch, tune + (scratch / "seen"), "GLOCAL_REPORT_EVERY=0").code == 0);
      for (const char* file : {"/params.npz", "/metrics.jsonl", "/hparams.jsonl", "/config.json"})
        CHECK(read_file(scratch / ("alone" + std::string(file))) == read_file(scratch / ("seen" + std::string(file))));
      Json a = raw::json(scratch / "alone/summary.json"), b = raw::json(scratch / "seen/summary.json");
      for (const char* time : {"seconds", "estimate_seconds", "predicted_seconds"}) a.erase(time), b.erase(time);
      CHECK(a == b);
      fs::remove_all(scratch / "alone");
      fs::remove_all(scratch / "seen");
    }
  }
}
