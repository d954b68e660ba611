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
#include <vector>

#include <glocal/core/io/file.h>

#include "command.h"
#include "sanitized.h"

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
    check_refused("tune --steps many", 2, "--steps: many is no whole number from 1 to 1000000000000");
    check_refused("tune --set beta1=0.5", 2, "--set beta1: \"beta1\" is no hyperparameter of sgd");
    check_refused("tune --tune lr,beta1", 2, "--tune: \"beta1\" is no hyperparameter of sgd");
    check_refused("tune --set lr", 2, "name=number");
    check_refused("tune --lr -1", 2, "--lr: -1 is no number > 0");
    check_refused("tune --steps 50 --block 50", 2, "--block");
    check_refused("tune --steps 99999999999999999999", 2, "no whole number");
    check_refused("tune --steps ''", 2, "--steps: the text after it is empty");
    check_refused("tune --epochs 0", 2, "from 1");
    check_refused("tune --val-size 1500", 2, "--val-size: 1500 is no whole number from 1 to 1499");
    check_refused("tune --schedule step --schedule-every -1", 2, "--schedule-every: -1");
    check_refused("tune --lr 0", 2, "--lr: 0 is no number > 0");
    check_refused("tune --set momentum=0 --tune momentum", 2, "--set momentum: tuning of momentum cannot start at 0");
    check_refused("tune --steps 10 --epochs 2", 2, "epochs");
    check_refused("tune --steps 50 --block 50", 2, "no outer update");
    check_refused("tune --epochs 1 --block 5000", 2, "no outer update");
    check_refused("tune --batch 100000", 2, "--batch: 100000 is no whole number from 1 to 1250");
    check_refused("tune --mem-limit lots", 2, "--mem-limit: \"lots\" is no size");
    check_refused("tune --estimator global --mem-limit 1K", 2, "no estimator fits");
    check_refused("train --mem-limit 1K", 2, "limit");
    check_refused("tune --estimator gp --budget 1", 2, "--budget: 1 is no number of plain training runs");
    check_refused("tune --estimator gp --budget gloca", 2, "did you mean glocal?");
    check_refused("tune --estimator grid --steps 50 --block 20 --budget one-step", 2, "at least 100");
    check_refused("tune --estimator gp --steps 10 --trial-steps 11", 2, "1..10");
  }

  TEST_CASE("command: a name that nobody knows is answered with the nearest one and its list") {
    check_refused("trian", 2, "\"trian\" is no command of glocal; did you mean train? (glocal --help shows all)");
    check_refused("tune --stepz 9", 2, "\"--stepz\" is no flag of glocal tune; did you mean --steps?");
    check_refused("tune --stepz=9", 2, "\"--stepz\" is no flag of glocal tune; did you mean --steps?");
    check_refused("tune --estimator trunc", 2, "--estimator: \"trunc\" is no estimator; did you mean truncated?");
    check_refused("tune --estimator gpp", 2, "did you mean gp? (glocal list estimators shows all)");
    check_refused("compare --estimators local,golbal", 2,
                  "--estimators: \"golbal\" is no estimator; did you mean global?");
    check_refused("tune --optimizer adan", 2, "--optimizer: \"adan\" is no optimizer; did you mean adam?");
    check_refused("tune --model transformer", 2, "--model: \"transformer\" is no model (there are: mlp, lenet");
    check_refused("tune --model lenet5", 2, "did you mean lenet?");
    check_refused("tune --schedule cosin", 2, "--schedule: \"cosin\" is no schedule; did you mean cosine?");
    check_refused("tune --activation rleu", 2, "--activation: \"rleu\" is no activation; did you mean relu?");
    check_refused("tune --norm bacth", 2, "--norm: \"bacth\" is no normalisation; did you mean batch?");
    check_refused("tune --dataset fashion", 2, "--dataset: \"fashion\" is no data set; did you mean fashion-mnist?");
    check_refused("tune --noise-kind pairs", 2, "--noise-kind: \"pairs\" is no kind of noise; did you mean pair?");
    check_refused("tune --meta-optimizer sgn", 2, "--meta-optimizer: \"sgn\" is no meta-optimizer; did you mean sgd?");
    check_refused("tune --extrapolation scalling", 2,
                  "--extrapolation: \"scalling\" is no extrapolation; did you mean scaling?");
    check_refused("tune --policy snp", 2, "--policy: \"snp\" is no policy; did you mean snap?");
    check_refused("tune --time-axis linaer", 2, "--time-axis: \"linaer\" is no time axis; did you mean linear?");
    check_refused("tune --nystrom-sketch colums", 2,
                  "--nystrom-sketch: \"colums\" is no sketch; did you mean columns?");
    check_refused("tune --dtype f16", 2, "--dtype: \"f16\" is no element type (there are: f32, f64)");
    check_refused("tune --tune momentm", 2,
                  "--tune: \"momentm\" is no hyperparameter of sgd with schedule constant; did you mean momentum?");
    check_refused("tune --set momentm=0.5", 2, "--set momentm: \"momentm\" is no hyperparameter of sgd");
    check_refused("tune --tune lr@laiers.0", 2,
                  "--tune: \"laiers.0\" is no group of parameters of mlp; did you mean layers.0?");
    check_refused("tune --tune lr@laier1", 2,
                  "--tune: \"laier1\" is no group of parameters of mlp; did you mean layers.1?");
    check_refused("tune --tune lr@wieghts", 2, "did you mean weights?");
    check_refused("tune --tune weight_decya@each", 2, "did you mean weight_decay@layers.0?");
    const Scratch scratch;
    const auto refused = [&](const std::string& arguments, const std::string& says) {
      const Result result = glocal_command(scratch, arguments);
      CAPTURE(arguments);
      CAPTURE(result.error);
      CHECK(result.code == 2);
      CHECK(has(result.error, says));
    };
    refused("data lst", "\"lst\" is no command of glocal data; did you mean list?");
    refused("runs shwo x", "\"shwo\" is no command of glocal runs; did you mean show?");
    refused("data info mnits", "\"mnits\" is no data set; did you mean mnist?");
    refused("data show digits --part tests", "--part: \"tests\" is no part; did you mean test?");
    refused("reproduce nois", "\"nois\" is no study; did you mean noise? (glocal list studies shows all)");
    refused("list modles", "\"modles\" is no list; did you mean models? (glocal list shows all)");
    refused("dmd series.csv --dleays 3", "\"--dleays\" is no flag of glocal dmd; did you mean --delays?");
    refused("dmd series.csv --method optimized", "--method: \"optimized\" is no DMD method; did you mean optimised?");
    refused("dmd series.csv more.csv", "\"more.csv\" is too much for glocal dmd");
    refused("--versoin", "\"--versoin\" is no flag of glocal; did you mean --version?");
    glocal::write_file_atomically(scratch / "c.json", R"({"stepz": 9})");
    refused("tune --config " + (scratch / "c.json"),
            "c.json: \"stepz\" is no setting; did you mean steps? (glocal list settings shows all)");
    glocal::write_file_atomically(scratch / "c.json", R"({"hyper": {"momentm": 0.9}})");
    refused("tune --config " + (scratch / "c.json"), "c.json: hyper momentm: \"momentm\" is no hyperparameter of sgd");
  }

  TEST_CASE("command: an empty entry or a repeat in a list, and a flag given twice, are errors") {
    check_refused("tune --hidden 8,,4", 2, "--hidden: entry 2 of \"8,,4\" is empty");
    check_refused("tune --hidden 8,4,", 2, "--hidden: entry 3 of \"8,4,\" is empty");
    check_refused("tune --tune ,lr", 2, "--tune: entry 1 of \",lr\" is empty");
    check_refused("tune --hidden 4 --hidden 8", 2, "--hidden is given 2 times; give it once");
    check_refused("tune --steps 4 --steps 8", 2, "--steps is given 2 times; give it once");
    check_refused("tune --steps 4 --steps 4", 2, "--steps is given 2 times; give it once");
    check_refused("tune --tune lr,lr", 2, "--tune: lr is there twice; name each once");
    check_refused("tune --schedule cosine --tune lr,lr_last", 2, "--tune: lr_last is there twice");
    check_refused("tune --tune lr@each,lr@layers.0", 2, "--tune: lr@layers.0 is there twice");
    check_refused("compare --estimators fixed,fixed", 2, "--estimators: fixed is there twice; name each once");
    check_refused("tune --set eps=1,eps=2", 2, "--set eps: eps is given twice, by --set eps too");
    check_refused("tune --lr 0.1 --set lr=0.2", 2, "--set lr: lr is given twice, by --lr too");
    check_refused("tune --set momentum=0.5,", 2, "--set: entry 2 of \"momentum=0.5,\" is empty");
    const Scratch scratch;
    glocal::write_file_atomically(scratch / "c.json", R"({"tune": ["lr", "lr"]})");
    const Result twice = glocal_command(scratch, "tune --config " + (scratch / "c.json"));
    CHECK(twice.code == 2);
    CHECK(has(twice.error, "c.json: tune: lr is there twice; name each once"));
    CHECK(glocal_command(scratch, "dmd x.csv --delays 3 --delays 3").code == 2);
    CHECK(has(glocal_command(scratch, "dmd x.csv --name a --name b").error, "--name is given 2 times; give it once"));
  }

  TEST_CASE("command: settings that contradict each other or the data are named") {
    check_refused("tune --estimator truncated --block 20 --steps-back 21", 2,
                  "--steps-back: 21 is no whole number from 1 to 20, the steps of a block (--block)");
    check_refused("train --steps 50 --warm-up 51", 2,
                  "--warm-up: 51 is no whole number from 0 to 50, the steps of the run");
    check_refused("train --epochs 1 --warm-up 51", 2, "--warm-up: 51 is no whole number from 0 to 9");
    check_refused("train --steps 50 --schedule step --schedule-every 51", 2, "--schedule-every: 51");
    check_refused("train --steps 50 --schedule piecewise --knots 51", 2, "--knots: 51 is no whole number from 1 to 50");
    check_refused("train --train-limit 1251", 2, "--train-limit: 1251 is no whole number from 0 to 1250");
    check_refused("train --imbalance 1000", 2, "--imbalance: ");
    check_refused("train --epochs 1000000000 --batch 1", 2, "--epochs: 1000000000 is no whole number from 1 to");
    check_refused("compare --seed 18446744073709551615 --seeds 2", 2, "--seeds: 2 seeds from 18446744073709551615");
    const Scratch scratch;
    const Result said =
        glocal_command(scratch, "tune --hidden 4 --steps 40 --block 20 --val-batch 5000 --out " + (scratch / "run"));
    CHECK(said.code == 0);
    CHECK(has(said.error, "--val-batch: 5000 is more than the 250 validation images; each batch has all of them"));
    // What a file says is named by file and key.
    glocal::write_file_atomically(scratch / "c.json", R"({"batch": 100000})");
    CHECK(has(glocal_command(scratch, "train --config " + (scratch / "c.json")).error,
              "c.json: batch: 100000 is no whole number from 1 to 1250, the training images of digits"));
    glocal::write_file_atomically(scratch / "c.json", R"({"hyper": {"lr": -1}})");
    CHECK(has(glocal_command(scratch, "train --config " + (scratch / "c.json")).error,
              "c.json: hyper lr: -1 is no number > 0"));
    // A block that is shorter than the usual steps back is no contradiction, and config.json has what was used.
    REQUIRE(glocal_command(scratch, "tune --hidden 4 --steps 40 --block 5 --estimator truncated --force --out " +
                                        (scratch / "run"))
                .code == 0);
    CHECK(nlohmann::json::parse(read_file(scratch / "run/config.json"))["steps_back"] == 5);
    CHECK(glocal_command(scratch, "tune --config " + (scratch / "run/config.json") + " --out " + (scratch / "again"))
              .code == 0);
  }

  TEST_CASE("command: a config file with a number that would be cut or wrapped is refused") {
    const Scratch scratch;
    for (const char* config : {R"({"steps": 2.5})", R"({"steps": 1e99})", R"({"seed": -1})"})
      check_refused("tune --config " + scratch.write("config.json", config), 2, "is no whole number from");
  }

  TEST_CASE("command: init_scale is refused by estimators that would never move it") {
    for (const char* estimator : {"local", "glocal", "truncated"})
      check_refused(std::string("tune --tune init_scale --estimator ") + estimator, 2, "does not see");
  }

  TEST_CASE("command: what is above the memory limit is refused before it is allocated") {
    const Scratch scratch;
    const std::string address_space = sanitized ? "" : "ulimit -v 1500000; ";  // sanitizers reserve terabytes
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
    for (const char* command : {"", "train", "tune", "compare"}) {
      CAPTURE(command);
      const Result result = glocal_command(scratch, std::string(command) + " --help");
      CHECK(result.code == 0);
      std::size_t lines = 0, width = 0, begin = 0;
      for (std::size_t end; (end = result.out.find('\n', begin)) != std::string::npos; begin = end + 1, ++lines)
        width = std::max(width, end - begin);
      CHECK(lines > (std::string(command).empty() ? 10 : 20));
      CHECK(lines <= (std::string(command).empty() ? 20 : 43));  // another CLI11 takes a line or two more
      CHECK(width <= 100);
    }
  }

  TEST_CASE("command: lists show every name that a flag takes, one a line, and as JSON") {
    const Scratch scratch;
    const auto lines_of = [&](const std::string& arguments) {
      const Result result = glocal_command(scratch, "list " + arguments);
      CHECK(result.code == 0);
      CHECK(result.error.empty());
      std::vector<std::string> lines;
      std::istringstream text(result.out);
      for (std::string line; std::getline(text, line);) lines.push_back(line);
      return lines;
    };
    const std::vector<std::string> lists = lines_of("");
    CHECK(lists.size() >= 19);
    for (const std::string& line : lists) {
      const std::string name = line.substr(0, line.find(' '));
      CAPTURE(name);
      const std::vector<std::string> lines = lines_of(name);
      CHECK(lines.size() >= 2);
      const Result json = glocal_command(scratch, "list --json " + name);
      REQUIRE(json.code == 0);
      const auto entries = nlohmann::json::parse(json.out);
      REQUIRE(entries.size() == lines.size());
      for (std::size_t i = 0; i < lines.size(); ++i) {
        CHECK(lines[i].starts_with(entries[i]["name"].get<std::string>()));
        CHECK(lines[i].ends_with(entries[i]["about"].get<std::string>()));
      }
    }
    const auto names = [&](const std::string& list) {
      std::vector<std::string> all;
      for (const std::string& line : lines_of(list)) all.push_back(line.substr(0, line.find(' ')));
      return all;
    };
    CHECK(names("models") == std::vector<std::string>{"mlp", "lenet", "resnet20", "wrn28_2", "fastnet"});
    CHECK(names("searches") == std::vector<std::string>{"random-search", "grid", "gp", "cma-es", "successive-halving"});
    CHECK(names("estimators").size() == 3 + 15 + 5);
    CHECK(has(glocal_command(scratch, "list estimators").out, "truncated              reverse mode through"));
    CHECK(has(glocal_command(scratch, "list hyperparameters").out, "of adam, adamw"));
    CHECK(has(glocal_command(scratch, "list settings").out, "whole number from 1 to 1000000000000"));
  }

  TEST_CASE("command: memory that the system refuses is named in bytes") {
    if (sanitized) return;  // they reserve terabytes
    const Scratch scratch;
    std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (134217728, 1), }";
    header += std::string(117 - header.size(), ' ') + "\n";
    glocal::write_file_atomically(scratch / "large.npy", std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header);
    fs::resize_file(scratch / "large.npy", 128 + (std::uintmax_t{1} << 30));
    const std::string line = "(ulimit -v 600000; '" GLOCAL_COMMAND_PATH "' dmd '" + (scratch / "large.npy") + "') 2>'" +
                             (scratch / "stderr") + "'";
    const int status = std::system(line.c_str());
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 2);
    const std::string error = read_file(scratch / "stderr");
    CAPTURE(error);
    CHECK(error.starts_with("glocal: error: [memory] the system "));
    CHECK(has(error, "bytes"));
    CHECK(!has(error, "bad_alloc"));
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
