#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include <glocal/core/file.h>

#include "command.h"

namespace fs = std::filesystem;
using glocal::read_file;

namespace {

const std::string quick = "--hidden 16 --steps 60 --block 20 --batch 64 --tune lr,momentum ";

// A refused command: the exit code, one line that says what is wrong, and nothing written.
void check_refused(const std::string& arguments, int code, const std::string& says) {
  CAPTURE(arguments);
  const Scratch scratch;
  const Result result = glocal_command(scratch, arguments + " --quiet --out " + (scratch / "run"));
  CAPTURE(result.error);
  CHECK(result.code == code);
  CHECK(result.error.starts_with("glocal: error: "));
  CHECK(has(result.error, says));
  CHECK(result.out.empty());
  CHECK(!fs::exists(scratch / "run"));
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("command: what is wrong is said with exit code 2 and nothing is written") {
    check_refused("tune --no-such-flag", 2, "--no-such-flag");
    check_refused("tune --steps many", 2, "--steps");
    check_refused("tune --estimator crystal-ball", 2, "truncated");
    check_refused("compare --estimators local,crystal-ball", 2, "truncated");
    check_refused("tune --tune lr,beta1", 2, "momentum");
    check_refused("tune --set beta1=0.5", 2, "momentum");
    check_refused("tune --set lr", 2, "name=number");
    check_refused("tune --lr -1", 2, "lr = -1");
    check_refused("tune --model transformer", 2, "lenet");
    check_refused("tune --dataset imagenet", 2, "digits");
    check_refused("tune --optimizer magic", 2, "adamw");
    check_refused("tune --policy magic", 2, "snap");
    check_refused("tune --meta-optimizer magic", 2, "sign");
    check_refused("tune --delays 0", 2, "delays");
    check_refused("tune --steps 50 --block 50", 2, "--block");
    check_refused("tune --steps 0", 2, "steps = 0");
    check_refused("tune --steps 99999999999999999999", 2, "no whole number");
    check_refused("tune --steps 9000000000000000000", 2, "steps");
    check_refused("tune --steps ''", 2, "--steps");
    check_refused("tune --epochs 0", 2, "from 1");
    check_refused("tune --seed -1", 2, "--seed");
    check_refused("tune --val-size -1", 2, "val size = -1");
    check_refused("tune --schedule step --schedule-every -1", 2, "schedule every = -1");
    check_refused("tune --schedule piecewise --knots 1000000000", 2, "knots");
    check_refused("tune --lr 0", 2, "lr = 0");
    check_refused("tune --set momentum=0 --tune momentum", 2, "momentum = 0");
    check_refused("tune --meta-lr inf", 2, "meta lr = inf");
    check_refused("tune --meta-clip -1", 2, "meta clip = -1");
    check_refused("tune --estimator global --updates 9000000000000000000", 2, "updates");
    check_refused("tune --steps 10 --epochs 2", 2, "epochs");
    check_refused("tune --steps 50 --block 50", 2, "no outer update");
    check_refused("tune --epochs 1 --block 5000", 2, "no outer update");
    check_refused("tune --batch 100000", 2, "batch");
    check_refused("tune --dtype f16", 2, "f32");
    check_refused("tune --mem-limit lots", 2, "lots");
    check_refused("tune --estimator global --mem-limit 1K", 2, "no estimator fits");
    check_refused("train --mem-limit 1K", 2, "limit");
    check_refused("tune --estimator crystal-ball", 2, "cma-es");
    check_refused("tune --estimator gp --budget 1", 2, "budget = 1");
    check_refused("tune --estimator gp --budget crystal-ball", 2, "hypergradient-descent");
    check_refused("tune --estimator grid --steps 50 --block 20 --budget one-step", 2, "at least 100");
    check_refused("tune --estimator gp --trial-steps -1", 2, "trial steps = -1");
    check_refused("tune --estimator gp --steps 10 --trial-steps 11", 2, "1..10");
    check_refused("tune --estimator gp --search-width 0", 2, "search width = 0");
  }

  TEST_CASE("command: a config file with a number that would be cut or wrapped is refused") {
    const fs::path file = fs::temp_directory_path() / ("glocal-config-" + std::to_string(::getpid()) + ".json");
    for (const char* config : {R"({"steps": 2.5})", R"({"steps": 1e99})", R"({"seed": -1})"}) {
      glocal::write_file_atomically(file.string(), config);
      check_refused("tune --config " + file.string(), 2, "is no number of the kind");
    }
    fs::remove(file);
  }

  TEST_CASE("command: init_scale is refused by estimators that would never move it") {
    for (const char* estimator : {"local", "glocal", "truncated"})
      check_refused(std::string("tune --tune init_scale --estimator ") + estimator, 2, "does not see");
  }

  TEST_CASE("command: what is above the memory limit is refused before it is allocated") {
    const Scratch scratch;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    const std::string address_space;  // the sanitizers themselves reserve terabytes
#else
    const std::string address_space = "ulimit -v 1500000; ";
#endif
    const std::string line = "(" + address_space +
                             "'" GLOCAL_COMMAND_PATH "' tune --hidden 16000,16000 --mem-limit 200M --quiet --out '" +
                             (scratch / "run") + "') 2>'" + (scratch / "stderr") + "'";
    const int status = std::system(line.c_str());
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 2);
    CHECK(has(read_file(scratch / "stderr"), "the limit of 200.0 MB"));
    CHECK(!fs::exists(scratch / "run"));
  }

  TEST_CASE("command: a result on synthetic data says SYNTHETIC") {
    const Scratch scratch;
    const std::string train =
        "train --dataset synthetic --hidden 4 --steps 2 --quiet --force --out " + (scratch / "run");
    CHECK(has(glocal_command(scratch, train + " --json").out, "SYNTHETIC"));
    CHECK(has(read_file(scratch / "run/summary.json"), "SYNTHETIC"));
    CHECK(has(read_file(scratch / "run/report.html"), "SYNTHETIC"));
    const std::string out = glocal_command(scratch, train).out;
    CHECK(has(out.substr(out.rfind('\n', out.size() - 2)), "SYNTHETIC"));
  }

  TEST_CASE("command: missing data is exit code 3 and names the paths tried") {
    const Scratch scratch;
    fs::create_directories(scratch / "empty");
    const Result result = glocal_command(
        scratch, "train --dataset cifar100 --data-dir " + (scratch / "empty") + " --out " + (scratch / "run"),
        "XDG_CACHE_HOME='" + (scratch / "empty") + "' GLOCAL_DATA='" + (scratch / "empty") + "'");
    CHECK(result.code == 3);
    CHECK(has(result.error, scratch / "empty"));
    CHECK(!fs::exists(scratch / "run"));
  }

  TEST_CASE("command: a diverging run is exit code 5 and is saved with the last good hyperparameters") {
    const Scratch scratch;
    const Result result = glocal_command(
        scratch, "tune " + quick + "--estimator local --lr 1e30 --json --quiet --out " + (scratch / "run"));
    CHECK(result.code == 5);
    CHECK(has(result.error, "not finite"));
    CHECK(has(result.error, "step"));
    const auto summary = nlohmann::json::parse(read_file(scratch / "run/summary.json"));
    CHECK(summary["status"] == "diverged");
    CHECK(summary["values"]["lr"].get<double>() == doctest::Approx(1e30));
    CHECK(!fs::exists(scratch / "run/params.npz"));
  }

  TEST_CASE("command: help fits a screen") {
    const Scratch scratch;
    for (const char* command : {"train", "tune", "compare"}) {
      CAPTURE(command);
      const Result result = glocal_command(scratch, std::string(command) + " --help");
      CHECK(result.code == 0);
      std::size_t lines = 0, width = 0, begin = 0;
      for (std::size_t end; (end = result.out.find('\n', begin)) != std::string::npos; begin = end + 1, ++lines)
        width = std::max(width, end - begin);
      CHECK(lines > 20);
      CHECK(lines <= 45);
      CHECK(width <= 100);
    }
  }

  TEST_CASE("command: a run is not overwritten unless forced, and other folders never") {
    const Scratch scratch;
    const std::string train = "train --hidden 8 --steps 5 --quiet --out ";
    REQUIRE(glocal_command(scratch, train + (scratch / "run")).code == 0);
    const std::string before = read_file(scratch / "run/metrics.jsonl");
    const Result again = glocal_command(scratch, train + (scratch / "run") + " --seed 1");
    CHECK(again.code == 2);
    CHECK(has(again.error, "--force"));
    CHECK(read_file(scratch / "run/metrics.jsonl") == before);
    CHECK(glocal_command(scratch, train + (scratch / "run") + " --seed 1 --force").code == 0);
    CHECK(read_file(scratch / "run/metrics.jsonl") != before);
    CHECK(glocal_command(scratch, train + scratch.path.string() + " --force").code == 2);
  }
}

TEST_SUITE("slow") {
  TEST_CASE("command: the same bytes for any number of threads") {
    const Scratch scratch;
    const auto run = [&](const std::string& name, const std::string& flags, const std::string& environment) {
      const Result result =
          glocal_command(scratch, "tune " + quick + "--quiet --out " + (scratch / name) + flags, environment);
      REQUIRE_MESSAGE(result.code == 0, result.error);
      return read_file(scratch / (name + "/metrics.jsonl")) + read_file(scratch / (name + "/hparams.jsonl")) +
             read_file(scratch / (name + "/params.npz"));
    };
    const std::string one = run("one", " --threads 1", "env -u OPENBLAS_NUM_THREADS");
    CHECK(one == run("two", " --threads 2", "env -u OPENBLAS_NUM_THREADS"));
    CHECK(one == run("blas1", " --threads 2", "env OPENBLAS_NUM_THREADS=1"));
    CHECK(one == run("blas2", " --threads 2", "env OPENBLAS_NUM_THREADS=2"));
    CHECK(one != run("other", " --threads 2 --seed 1", ""));
  }

  TEST_CASE("command: tune writes a whole run folder and its config repeats the run") {
    const Scratch scratch;
    const Result first = glocal_command(scratch, "tune " + quick + "--lr 0.02 --json --quiet --out " + (scratch / "a"));
    REQUIRE_MESSAGE(first.code == 0, first.error);
    const auto result = nlohmann::json::parse(first.out);
    CHECK(result["status"] == "ok");
    CHECK(result["updates"] == 2);
    CHECK(result["values"].contains("momentum"));
    CHECK(result["test"]["accuracy"].get<double>() > 0.5);
    CHECK(result["peak_bytes"].get<double>() > 0);
    for (const char* file :
         {"config.json", "meta.json", "metrics.jsonl", "hparams.jsonl", "summary.json", "params.npz", "report.html"})
      CHECK(fs::exists(scratch.path / "a" / file));
    const Result second =
        glocal_command(scratch, "tune --quiet --config " + (scratch / "a/config.json") + " --out " + (scratch / "b"));
    REQUIRE_MESSAGE(second.code == 0, second.error);
    CHECK(read_file(scratch / "a/hparams.jsonl") == read_file(scratch / "b/hparams.jsonl"));
    CHECK(read_file(scratch / "a/config.json") == read_file(scratch / "b/config.json"));
  }

  TEST_CASE("command: every estimator tunes and train takes epochs") {
    const Scratch scratch;
    for (const char* estimator :
         {"global", "global-forward", "local", "local-restart", "local-online", "truncated", "one-step", "glocal"}) {
      CAPTURE(estimator);
      const Result result = glocal_command(scratch, "tune " + quick + "--updates 2 --json --quiet --force --out " +
                                                        (scratch / "run") + " --estimator " + estimator);
      REQUIRE_MESSAGE(result.code == 0, result.error);
      CHECK(nlohmann::json::parse(result.out)["updates"] == 2);
    }
    const Result epochs =
        glocal_command(scratch, "train --epochs 2 --batch 100 --json --quiet --out " + (scratch / "epochs"));
    REQUIRE_MESSAGE(epochs.code == 0, epochs.error);
    CHECK(nlohmann::json::parse(epochs.out)["steps"] == 24);  // 1250 images, batches of 100, twice
  }

  TEST_CASE("command: the rows of a trajectory are the hypergradients of blocks of so many steps") {
    const Scratch scratch;
    const auto first_update = [&](const std::string& arguments) {
      const Result result =
          glocal_command(scratch, "tune --hidden 16 --steps 60 --batch 64 --tune lr,momentum --quiet --force --out " +
                                      (scratch / "run") + " " + arguments);
      REQUIRE_MESSAGE(result.code == 0, result.error);
      std::istringstream lines(read_file(scratch / "run/hparams.jsonl"));
      std::string line;
      std::getline(lines, line);  // where the hyperparameters started from
      std::getline(lines, line);
      return nlohmann::json::parse(line);
    };
    const auto rows = first_update("--estimator glocal --block 20")["trajectory"];
    REQUIRE(rows.size() == 20);
    CHECK(rows[0] == first_update("--estimator local --block 1")["hypergradient"]);
    CHECK(rows[4] == first_update("--estimator local --block 5")["hypergradient"]);
  }

  TEST_CASE("command: every search tunes with a given budget and its config repeats it") {
    const Scratch scratch;
    for (const char* search : {"random-search", "grid", "gp", "cma-es"}) {
      CAPTURE(search);
      const std::string run = scratch / search;
      const Result result = glocal_command(
          scratch, "tune " + quick + "--budget 8 --json --quiet --lr 0.02 --out " + run + " --estimator " + search);
      REQUIRE_MESSAGE(result.code == 0, result.error);
      const auto json = nlohmann::json::parse(result.out);
      const std::int64_t trials = std::string(search) == "grid" ? 6 : 7;
      CHECK(json["updates"] == trials);
      CHECK(json["steps"] == 60);
      CHECK(json["gradient_evaluations"] == 60 * (trials + 1));
      // The best of the trials, trained once more, gives the same E: all validation images are in its batch.
      double best = 1e300;
      std::istringstream lines(read_file(run + "/hparams.jsonl"));
      nlohmann::json last;
      for (std::string line; std::getline(lines, line);) {
        last = nlohmann::json::parse(line);
        if (last.contains("tried") && last["outer"].is_number()) best = std::min(best, last["outer"].get<double>());
      }
      CHECK(json["values"] == last["values"]);
      CHECK(json["val"]["loss"].get<double>() == doctest::Approx(best).epsilon(1e-5));
      CHECK(has(read_file(run + "/report.html"), "best so far"));
      CHECK(has(read_file(run + "/report.html"), "tried momentum"));
      const Result again =
          glocal_command(scratch, "tune --quiet --config " + run + "/config.json --out " + run + "-again");
      REQUIRE_MESSAGE(again.code == 0, again.error);
      CHECK(read_file(run + "/hparams.jsonl") == read_file(run + "-again/hparams.jsonl"));
    }
  }

  TEST_CASE("command: a search goes on when trials diverge and compares at equal gradient evaluations") {
    const Scratch scratch;
    const Result wide = glocal_command(scratch, "tune " + quick +
                                                    "--estimator random-search --search-width 12 --budget 20 --quiet "
                                                    "--out " +
                                                    (scratch / "wide"));
    REQUIRE_MESSAGE(wide.code == 0, wide.error);
    CHECK(has(read_file(scratch / "wide/hparams.jsonl"), "\"outer\":null"));
    CHECK(has(read_file(scratch / "wide/report.html"), "diverged"));
    const Result equal = glocal_command(scratch, "compare " + quick +
                                                     "--estimators glocal,gp --budget glocal --json "
                                                     "--quiet --out " +
                                                     (scratch / "equal"));
    REQUIRE_MESSAGE(equal.code == 0, equal.error);
    const auto table = nlohmann::json::parse(equal.out)["table"];
    CHECK(table[0]["ratio_gradients"] == 1.0);
    CHECK(table[1]["gradient_evaluations"] == 2 * (5 * 20 + 20) + 20);
    CHECK(table[2]["gradient_evaluations"].get<double>() <= table[1]["gradient_evaluations"].get<double>());
    CHECK(table[2]["gradient_evaluations"].get<double>() > table[1]["gradient_evaluations"].get<double>() - 60);
  }

  TEST_CASE("command: what cannot be printed is exit code 4") {
    const Scratch scratch;
    const int status =
        std::system(("'" GLOCAL_COMMAND_PATH "' --version >/dev/full 2>'" + (scratch / "e") + "'").c_str());
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 4);
    CHECK(has(read_file(scratch / "e"), "standard output"));
  }

  TEST_CASE("command: a terminated run is saved and exits with 143") {
    const Scratch scratch;
    const std::string run = scratch / "run";
    const std::string wait = "for i in $(seq 200); do [ -s '" + run + "/metrics.jsonl' ] && break; sleep 0.1; done; ";
    const std::string line = "'" GLOCAL_COMMAND_PATH "' train --hidden 8 --steps 1000000 --quiet --out '" + run +
                             "' >/dev/null 2>&1 & pid=$!; " + wait + "kill -TERM $pid; wait $pid";
    const int status = std::system(line.c_str());
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 143);
    const auto summary = nlohmann::json::parse(read_file(run + "/summary.json"));
    CHECK(summary["status"] == "interrupted");
    CHECK(summary["steps"].get<std::int64_t>() >= 2000);
    CHECK(summary["steps"].get<std::int64_t>() < 1000000);
    CHECK(fs::exists(run + "/params.npz"));
  }

  TEST_CASE("command: compare gives one row per estimator with plain training first") {
    const Scratch scratch;
    const Result result = glocal_command(
        scratch, "compare " + quick + "--estimators glocal,local --seeds 2 --json --quiet --out " + (scratch / "run"));
    REQUIRE_MESSAGE(result.code == 0, result.error);
    const auto json = nlohmann::json::parse(result.out);
    REQUIRE(json["table"].size() == 3);
    CHECK(json["table"][0]["estimator"] == "fixed");
    CHECK(json["table"][0]["ratio_time"] == 1.0);
    CHECK(json["table"][1]["estimator"] == "glocal");
    CHECK(json["table"][1]["seeds"] == 2);
    CHECK(json["table"][1]["ratio_memory"].get<double>() > 1.0);
    CHECK(json["rows"].size() == 6);
    const auto loss = [&](int row) { return json["rows"][static_cast<std::size_t>(row)]["val"]["loss"].get<double>(); };
    CHECK(json["table"][0]["val_loss"]["mean"].get<double>() == doctest::Approx((loss(0) + loss(3)) / 2));
    CHECK(fs::exists(scratch / "run/glocal-seed1/hparams.jsonl"));
    CHECK(fs::exists(scratch / "run/report.html"));
  }
}
