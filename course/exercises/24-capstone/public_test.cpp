#include EXERCISE
#include <glocal/app/command/command.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/core/io/file.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/nn/models/registry.h>
#include <cstdlib>
#include <iterator>
#include <sstream>

#include "check.h"

using course::close;

namespace {
Var number(double x) { return Tensor::scalar(x, DType::f64); }

// Gradient descent on 2 w^2 / 2 from w = 3, judged by w^2 / 2: h_t = -t 2 9 (1 - 2 lr)^(2t - 1).
hpo::FlatProblem simple() {
  hpo::FlatProblem run;
  run.init = [](const Vars&) { return Vars{number(3)}; };
  run.step = [](const Vars& s, const Vars& phi, std::int64_t) { return Vars{s[0] - phi[0] * (2.0 * s[0])}; };
  run.outer = [](const Vars& s, const Vars&, std::int64_t) { return square(s[0]) / 2.0; };
  return run;
}
double h_at(int t) { return -t * 2 * 9 * std::pow(0.8, 2 * t - 1); }
}  // namespace

TEST_CASE("the layer [3 points]") {
  Gated layer;
  layer.A = Tensor::from<double>({1, 2}, {2, 1}), layer.a = Tensor::from<double>({0.5}, {1});
  layer.B = Tensor::from<double>({0, 1}, {2, 1}), layer.b = Tensor::from<double>({-1}, {1});
  const Var x = Tensor::from<double>({3, 1}, {1, 2});
  close("y", layer(x), Tensor::from<double>({5.5 / 2}, {1, 1}), 1e-12,
        {{Tensor::from<double>({5.5}, {1, 1}), "The gate is missing."},
         {Tensor::from<double>({0.0}, {1, 1}), "The gate is the sigmoid of x B + b."}});
}

TEST_CASE("the estimator on a quadratic [3 points]") {
  Averaged averaged(8);
  hpo::Progress progress{Vars{number(3)}, {}, 0, 100};
  const hpo::Estimate estimate = averaged.advance(simple(), {number(0.1)}, progress);
  REQUIRE(estimate.h.size() == 1);
  double all = 0;
  for (int t = 1; t <= 8; ++t) all += h_at(t) / 8;
  close("mean of h_7 and h_8", estimate.h[0], (h_at(7) + h_at(8)) / 2, 1e-11,
        {{h_at(8), "That is h_tau alone."}, {all, "That is the mean of the whole block."}});
  close("training went on", static_cast<double>(progress.t), 8);
}

TEST_CASE("glocal compare runs both [3 points]") {
  nn::add_model({"gated", "a gated layer and a linear one", gated_model});
  hpo::add_estimator({"averaged", "the mean of the last quarter of a block's trajectory", "purple",
                      [](const hpo::EstimatorOptions& o) { return std::make_unique<Averaged>(o.tau); }});
  const char* beside = std::getenv("GLOCAL_EXERCISE_FOLDER");
  const std::string out = std::string(beside ? beside : ".") + "/report";
  std::istringstream line(
      "compare --dataset digits --model gated --tune lr --lr 0.005 --estimators local,averaged "
      "--steps 200 --block 20 --seeds 2 --quiet --force --out");
  std::vector<std::string> arguments{std::istream_iterator<std::string>(line), {}};
  arguments.push_back(out);
  const int code = app::run_command(arguments);
  close("exit code", code, 0);
  const std::string summary = read_file(out + "/summary.json");
  CHECK(summary.find("\"averaged\"") != std::string::npos);
  MESSAGE("look at ", out, "/report.html");
}
