// An estimator of one's own: one struct and one line, and the command predicts, counts, stops, resumes and lists it.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include <glocal/app/command/command.h>
#include <glocal/app/report/paint.h>
#include <glocal/app/terminal/signals.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/io/file.h>
#include <glocal/core/io/safetensors.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>

#include "command.h"

using namespace glocal;
namespace fs = std::filesystem;

namespace {

// h_k = (k + 1) times the sum of E over the steps so far: no derivative of anything, but a sum that a stop must not
// lose, inside a block or between two.
struct Toy : hpo::Estimator {
  std::int64_t tau;
  double scale;
  explicit Toy(const hpo::EstimatorOptions& o) : tau(o.tau), scale(o.own.at("toy_scale")) {}
  const char* name() const override { return "toy"; }
  bool from_start() const override { return false; }
  bool depends_on_init() const override { return false; }
  std::int64_t steps(const hpo::Progress& progress) const override { return progress.block_steps(tau); }
  hpo::Estimate advance(const hpo::FlatProblem& problem, const Vars& phi, hpo::Progress& progress) override {
    const std::int64_t t0 = progress.open_block().t0, end = t0 + steps(progress);
    Tensor& sum = progress.own["sum"];
    if (!sum) sum = Tensor::zeros({hpo::components(phi)}, DType::f64);
    double E = 0;
    while (progress.t < end) {
      progress.s = problem.step(progress.s, phi, progress.t);
      E = problem.outer(progress.s, phi, t0).item();
      sum = sum.clone();  // what a checkpoint holds is not written to
      double weight = 0;
      for (double& h : sum.span<double>()) h += ++weight * scale * E;
      ++progress.t;
      problem.watch(progress.s, progress.t - 1);
    }
    progress.block.reset();
    return {{sum.span<double>().begin(), sum.span<double>().end()}, E, {}, {}};
  }
  hpo::Cost cost(const hpo::Probe& probe, std::int64_t T, std::int64_t) const override {
    return {1e6 + static_cast<double>(T) * probe.step_seconds, std::int64_t{123} << 20};
  }
  std::int64_t gradient_evaluations(std::int64_t q, std::int64_t T, std::int64_t) const override {
    return 1000 * q + T;
  }
};

void register_toy() {
  hpo::add_estimator({.name = "toy",
                      .about = "a sum of losses",
                      .colour = "purple",
                      .make = [](const auto& o) { return std::make_unique<Toy>(o); },
                      .settings = {{"toy_scale", "of the sum", 0.125, 0, 10}}});
}

// The exit code of the command in a process of its own, which knows the toy and is stopped at the given place.
int toy_command(const std::vector<std::string>& arguments, const std::string& out, const char* stop_at = "0") {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("GLOCAL_INTERRUPT_AT", stop_at, 1);
    ::setenv("PATH", "/nowhere", 1);  // without gnuplot
    ::setenv("GLOCAL_THREADS", "1", 1);
    if (!std::freopen(out.c_str(), "w", stdout) || !std::freopen((out + ".error").c_str(), "w", stderr)) ::_exit(99);
    register_toy();
    app::catch_signals();
    const int code = app::run_command(arguments);
    std::fflush(nullptr);
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::vector<std::string> tuned_into(const std::string& folder) {
  return {"tune",    "--estimator", "toy",    "--hidden",    "8",      "--steps", "40",    "--block", "9",
          "--batch", "32",          "--tune", "lr,momentum", "--seed", "2",       "--out", folder};
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("own estimator: predicted, counted, and told in help and lists by its one line") {
    const Scratch scratch;
    const std::string run = scratch / "run", out = scratch / "out";
    REQUIRE(toy_command(tuned_into(run), out) == 0);
    const nlohmann::json meta = nlohmann::json::parse(read_file(run + "/meta.json"));
    const nlohmann::json summary = nlohmann::json::parse(read_file(run + "/summary.json"));
    CHECK(summary.at("gradient_evaluations") == 2040);
    CHECK(meta.at("predicted_seconds").get<double>() >= 1e6);
    CHECK(meta.at("predicted_bytes") == 123 << 20);
    CHECK(has(read_file(out + ".error"), "toy"));
    REQUIRE(toy_command({"list", "estimators"}, out) == 0);
    CHECK(has(read_file(out), "a sum of losses"));
    REQUIRE(toy_command({"tune", "--help"}, out) == 0);
    CHECK(has(read_file(out), "--toy-scale"));
    CHECK(has(read_file(out), "toy: of the sum"));
    CHECK(nlohmann::json::parse(read_file(run + "/config.json")).at("toy_scale") == 0.125);
    CHECK(toy_command({"tune", "--toy-scale", "11"}, out) == 2);
    CHECK(has(read_file(out + ".error"), "--toy-scale: 11 is no number from 0 to 10"));
    CHECK(toy_command({"tune", "--estimator", "toyy"}, out) == 2);
    CHECK(has(read_file(out + ".error"), "did you mean toy?"));
  }

  TEST_CASE("own estimator: a run that was stopped inside a block ends with the bytes of a run in one go") {
    const Scratch scratch;
    const std::string whole = scratch / "whole", parts = scratch / "parts", out = scratch / "out";
    REQUIRE(toy_command(tuned_into(whole), out) == 0);
    REQUIRE(toy_command(tuned_into(parts), out, "35") == 130);
    const SafeTensors saved = load_safetensors(parts + "/last.safetensors");
    CHECK(saved.tensors.at("own/sum").shape() == Shape{2});
    for (const char* broken : {"own/sum", "own/stranger"}) {  // one that is missed, one that nobody knows
      SafeTensors other = saved;
      if (other.tensors.erase(broken) == 0) other.tensors[broken] = Tensor::scalar(1);
      save_safetensors(parts + "/last.safetensors", other);
      CHECK(toy_command({"tune", "--resume", parts}, out) == 3);
      CHECK(has(read_file(out + ".error"), broken));
    }
    save_safetensors(parts + "/last.safetensors", saved);
    CHECK(toy_command({"tune", "--resume", parts}, out) == 0);
    for (const char* file : {"/params.npz", "/metrics.jsonl", "/hparams.jsonl"}) {
      CAPTURE(file);
      const bool same = read_file(whole + file) == read_file(parts + file);
      CHECK(same);
    }
  }

  TEST_CASE("own estimator: its setting reaches it from the command line, from a config and by itself") {
    const Scratch scratch;
    const std::string usual = scratch / "usual", doubled = scratch / "doubled", again = scratch / "again";
    const auto h = [](const std::string& run) {
      std::istringstream lines(read_file(run + "/hparams.jsonl"));
      std::string line;
      for (int i = 0; i < 2; ++i) std::getline(lines, line);  // the first block: later ones start elsewhere
      return nlohmann::json::parse(line).at("hypergradient").at(0).get<double>();
    };
    REQUIRE(toy_command(tuned_into(usual), scratch / "out") == 0);
    std::vector<std::string> given = tuned_into(doubled);
    given.insert(given.end(), {"--toy-scale", "0.25"});
    REQUIRE(toy_command(given, scratch / "out") == 0);
    CHECK(h(doubled) == 2 * h(usual));
    REQUIRE(toy_command({"tune", "--config", doubled + "/config.json", "--out", again}, scratch / "out") == 0);
    CHECK(h(again) == h(doubled));
  }

  TEST_CASE("own estimator: its curves have the colour of its entry, an unknown one is grey") {
    register_toy();
    CHECK(app::paint_of("toy") == app::Paint::purple);
    CHECK(app::paint_of("glocal") == app::Paint::blue);
    CHECK(app::paint_of("gp") == app::Paint::green);
    CHECK(app::paint_of("es") == app::Paint::grey);
    CHECK(app::paint_of("nobody") == app::Paint::grey);
  }
}
