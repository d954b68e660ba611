// The command where its standard streams take nothing, its folder holds links, its names are no text, and others run
// beside it: the exit code is that of the work, nothing is lost and nothing of others is touched.
#include <doctest/doctest.h>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <glocal/core/io/file.h>

#include "command.h"

namespace fs = std::filesystem;
using glocal::read_file;

namespace {

const std::string quietly = "PATH=/nowhere ";  // without gnuplot, which takes longer than all else
const std::string tiny = "--hidden 4 --steps 20 --batch 32 ";

// The exit code of a line of sh, in which $G is the command.
int shell(const std::string& line) {
  const int status = std::system(("G='" GLOCAL_COMMAND_PATH "'; " + line).c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string status_of(const std::string& run) {
  return nlohmann::json::parse(read_file(run + "/summary.json"))["status"].get<std::string>();
}

std::string reread(const std::string& file) { return fs::exists(file) ? read_file(file) : ""; }

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("streams: an error keeps its exit code where stderr is full, closed or gone") {
    for (const std::string stderr_is : {"2>/dev/full", "2>&-", "2>&- >&-", "2>/dev/full >/dev/full"}) {
      CAPTURE(stderr_is);
      CHECK(shell("$G dmd /nonexistent " + stderr_is) == 4);
      CHECK(shell("$G tune --steps 0 " + stderr_is) == 2);
    }
    CHECK(shell("{ { $G dmd /nonexistent 2>&1; echo $? >&3; } | true; } 3>&1 | grep -qx 4") == 0);
  }

  TEST_CASE("streams: a run that has ended is exit code 0 and whole whatever stdout and stderr take") {
    const Scratch scratch;
    const std::string whole = scratch / "whole", run = scratch / "run", said = scratch / "said";
    const std::string train = quietly + "$G train " + tiny + "--out ";
    REQUIRE(shell(train + whole + " >/dev/null 2>&1") == 0);
    const std::vector<std::string> all_streams = {
        "2>/dev/full", "2>&-",         ">/dev/full 2>'" + said + "'",  ">&- 2>'" + said + "'",
        ">&- 2>&-",    "<&- >&- 2>&-", "--json >/dev/full 2>/dev/full"};
    for (const std::string& streams : all_streams) {
      CAPTURE(streams);
      fs::remove_all(run);
      CHECK(shell(train + run + " " + streams) == 0);
      CHECK(status_of(run) == "ok");
      for (const char* file : {"/params.npz", "/metrics.jsonl", "/hparams.jsonl"})
        CHECK(reread(run + file) == read_file(whole + file));
      CHECK(fs::exists(run + "/report.html"));
      if (has(streams, said)) CHECK(has(read_file(said), "the results are in " + run));
    }
    fs::remove_all(run);
    CHECK(shell("{ { " + train + run + " 2>&1; echo $? >&3; } | true; } 3>&1 | grep -qx 0") == 0);
    CHECK(status_of(run) == "ok");
    CHECK(shell(quietly + "$G compare --estimators local --block 5 " + tiny + "--json --out '" + (scratch / "all") +
                "' >/dev/full 2>/dev/full") == 0);
    CHECK(status_of(scratch / "all") == "ok");
    CHECK(shell(quietly + "$G train --lr 1e30 " + tiny + "--out '" + (scratch / "bad") + "' >/dev/full 2>/dev/full") ==
          5);
    CHECK(status_of(scratch / "bad") == "diverged");
  }

  TEST_CASE("streams: what is only printed and cannot be is exit code 4, and a reader that has seen enough is none") {
    const Scratch scratch;
    std::ofstream(scratch / "s.csv") << "1\n0.5\n0.25\n0.125\n0.0625\n0.03125\n";
    for (const std::string& command :
         {std::string("data list"), std::string("--help"), "dmd '" + (scratch / "s.csv") + "'"}) {
      CAPTURE(command);
      CHECK(shell("$G " + command + " >/dev/full 2>/dev/null") == 4);
      CHECK(shell("$G " + command + " >&- 2>/dev/null") == 4);
      CHECK(shell("{ { $G " + command + " 2>/dev/null; echo $? >&3; } | true; } 3>&1 | grep -qx 0") == 0);
    }
  }

  TEST_CASE("links: no file of a run folder is written through a link") {
    const Scratch scratch;
    const std::string run = scratch / "run", victim = scratch / "victim",
                      arguments = "tune --block 5 " + tiny + "--quiet ";
    REQUIRE(glocal_command(scratch, arguments + "--out " + run, quietly).code == 0);
    std::vector<std::string> names{".lock"};
    for (const auto& entry : fs::directory_iterator(run)) names.push_back(entry.path().filename().string());
    REQUIRE(names.size() >= 11);
    for (const std::string& name : names)
      for (const bool hard : {false, true}) {
        CAPTURE(name);
        CAPTURE(hard);
        std::ofstream(victim) << "precious\n";
        fs::remove(run + "/" + name);
        if (hard)
          fs::create_hard_link(victim, run + "/" + name);
        else
          fs::create_symlink(victim, run + "/" + name);
        const int code = glocal_command(scratch, arguments + "--force --out " + run, quietly).code;
        CHECK(code == (name == ".lock" ? 4 : 0));
        CHECK(read_file(victim) == "precious\n");
        if (code == 4) fs::remove(run + "/" + name);
      }
    // A run that goes on, with what it needs behind the link.
    for (const std::string& name : names) {
      CAPTURE(name);
      fs::remove_all(run);
      REQUIRE(glocal_command(scratch, arguments + "--out " + run, quietly + "GLOCAL_INTERRUPT_AT=25").code == 130);
      if (fs::exists(run + "/" + name))
        fs::rename(run + "/" + name, victim);
      else
        std::ofstream(victim) << "precious\n";
      fs::create_symlink(victim, run + "/" + name);
      const std::string before = read_file(victim);
      const Result result = glocal_command(scratch, "tune --quiet --resume " + run, quietly);
      CAPTURE(result.error);
      CHECK(result.code == (name == ".lock" || name.ends_with(".jsonl") ? 4 : 0));
      CHECK(read_file(victim) == before);
    }
    fs::create_directories(scratch / "elsewhere");
    fs::create_directories(scratch / "all");
    std::ofstream(scratch / "all/config.json") << "{}";
    std::ofstream(scratch / "elsewhere/config.json") << "precious\n";
    fs::create_directory_symlink(scratch / "elsewhere", scratch / "all/fixed-seed0");
    const Result compared = glocal_command(
        scratch, "compare --estimators local --block 5 " + tiny + "--quiet --force --out " + (scratch / "all"),
        quietly);
    CHECK(compared.code == 4);
    CHECK(has(compared.error, "symbolic link"));
    CHECK(read_file(scratch / "elsewhere/config.json") == "precious\n");
  }

  TEST_CASE("names: bytes that are no UTF-8 are refused at the start or shown in JSON") {
    const Scratch scratch;
    const std::string run = scratch / "j\xff";
    const Result done = glocal_command(scratch, "train --json --quiet " + tiny + "--out '" + run + "'", quietly);
    CHECK(done.code == 0);
    CHECK(has(nlohmann::json::parse(done.out)["folder"].get<std::string>(), "j\\xff"));
    CHECK(status_of(run) == "ok");
    fs::remove_all(run);
    const Result stopped =
        glocal_command(scratch, "train --quiet " + tiny + "--out '" + run + "'", quietly + "GLOCAL_INTERRUPT_AT=20");
    CHECK(stopped.code == 130);
    CHECK(glocal_command(scratch, "train --json --quiet --resume '" + run + "'", quietly).code == 0);
    const Result all = glocal_command(
        scratch, "compare --json --quiet --estimators local --block 5 " + tiny + "--out '" + (scratch / "c\xc3") + "'",
        quietly);
    CHECK(all.code == 0);
    CHECK(has(nlohmann::json::parse(all.out)["report"].get<std::string>(), "c\\xc3"));
    for (const std::string flag :
         {"--data-dir", "--budget", "--mem-limit", "--unroll-memory", "--dataset", "--tune", "--set"}) {
      const std::string value = flag == "--set" ? "l\xff=1" : "d\xff";
      const Result refused = glocal_command(
          scratch, "tune --quiet " + tiny + flag + " '" + value + "' --out '" + (scratch / "q") + "'", quietly);
      CAPTURE(flag);
      CAPTURE(refused.error);
      CHECK(refused.code == 2);
      CHECK(has(refused.error, "\\xff"));
      CHECK(!fs::exists(scratch / "q"));
    }
    const std::string series = scratch / "\xfe.csv";
    std::ofstream(series) << "1\n0.5\n0.25\n0.125\n0.0625\n0.03125\n";
    const Result fit = glocal_command(scratch, "dmd --json '" + series + "'");
    CHECK(fit.code == 0);
    CHECK(has(nlohmann::json::parse(fit.out)["file"].get<std::string>(), "\\xfe.csv"));
  }

  TEST_CASE("usage: what is wrong with a run is found before its folder is made") {
    const Scratch scratch;
    const std::string out = scratch / "q";
    const std::string tune = "tune --quiet --hidden 4 --batch 32 --steps 100 --block 20 ";
    for (const std::string wrong : {"--estimator implicit-cg",
                                    "--estimator implicit-neumann",
                                    "--estimator implicit-nystrom",
                                    "--tune dropout_rate",
                                    "--estimator implicit-nystrom --tune l2 --implicit-damping 0",
                                    "--estimator pes --sigma 0",
                                    "--block 0",
                                    "--estimator glocal --block 100",
                                    "--estimator gp --budget 1",
                                    "--estimator gp --budget 3 --trial-steps 101",
                                    "--estimator gp --search-width 0",
                                    "--estimator global --unroll-memory 1",
                                    "--estimator truncated --steps-back 0",
                                    "--meta-lr 0",
                                    "--meta-optimizer none",
                                    "--meta-clip -1",
                                    "--set beta1=0.5",
                                    "--set lr=-1",
                                    "--lr 0",
                                    "--tune init_scale",
                                    "--batch 100000",
                                    "--val-batch 0",
                                    "--train-limit -1",
                                    "--imbalance 0",
                                    "--noise 2",
                                    "--dropout 1",
                                    "--mem-limit 1K",
                                    "--save-every -1",
                                    "--estimator none",
                                    "--dataset none",
                                    "--model none",
                                    "--knots 0 --schedule piecewise"}) {
      const Result result = glocal_command(scratch, tune + wrong + " --out " + out, quietly);
      CAPTURE(wrong);
      CAPTURE(result.error);
      CHECK(result.code == 2);
      CHECK(!fs::exists(out));
      fs::remove_all(out);
    }
    const Result compared = glocal_command(
        scratch,
        "compare --quiet --estimators local,implicit-cg --hidden 4 --steps 100 --block 20 --tune lr --out " + out,
        quietly);
    CHECK(compared.code == 2);
    CHECK(has(compared.error, "implicit-cg"));
    CHECK(!fs::exists(out));
  }

  TEST_CASE("default folder: runs that begin at once get the next free names") {
    const Scratch scratch;
    const std::string line = "cd '" + scratch.path.string() + "'; for i in 1 2 3 4 5 6; do { " + quietly +
                             "$G train --quiet " + tiny + ">/dev/null 2>>said; echo $? >>codes; } & done; wait";
    REQUIRE(shell(line) == 0);
    CAPTURE(read_file(scratch / "said"));
    CHECK(read_file(scratch / "codes") == "0\n0\n0\n0\n0\n0\n");
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(scratch / "runs")) {
      names.insert(entry.path().filename().string());
      CHECK(status_of(entry.path().string()) == "ok");
      CHECK(!fs::exists(entry.path() / ".lock"));
    }
    const std::string name = "train-digits-mlp-seed0";
    CHECK(names == std::set<std::string>{name, name + "-2", name + "-3", name + "-4", name + "-5", name + "-6"});
  }
}
