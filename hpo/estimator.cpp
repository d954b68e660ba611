#include <glocal/hpo/estimator.h>

#include <functional>
#include <utility>

#include <glocal/hpo/global.h>
#include <glocal/hpo/glocal.h>
#include <glocal/hpo/local.h>
#include <glocal/hpo/truncated.h>

namespace glocal::hpo {
namespace {

// The exact hypergradient of the whole run, by reverse or forward mode.
struct Global : Estimator {
  bool forward;
  EstimatorOptions options;
  Global(bool forward_mode, const EstimatorOptions& o) : forward(forward_mode), options(o) {}
  const char* name() const override { return forward ? "global-forward" : "global"; }
  bool from_start() const override { return true; }
  bool feels_init() const override { return true; }
  std::int64_t steps(const Progress& progress) const override { return progress.T; }
  Estimate advance(const FlatProblem& problem, const Vars& phi, Progress& progress) override {
    Hypergradient exact = forward ? global_forward(problem, phi, progress.T) : reverse(problem, phi, progress.T);
    return {std::move(exact.h), exact.outer, {}, {}};
  }
  Hypergradient reverse(const FlatProblem& problem, const Vars& phi, std::int64_t T) const {
    if (options.unroll_bytes == 0) return global_reverse(problem, phi, T, options.unroll);
    return global_reverse(problem, phi, T, plan_within(problem, phi, T, options.unroll_bytes));
  }
};

using Maker = std::function<std::unique_ptr<Estimator>(const EstimatorOptions&)>;
using std::make_unique;

// A new estimator is one line here.
const std::vector<std::pair<std::string, Maker>> makers = {
    {"global", [](const auto& o) { return make_unique<Global>(false, o); }},
    {"global-forward", [](const auto& o) { return make_unique<Global>(true, o); }},
    {"local", [](const auto& o) { return make_unique<Local>(o.tau, LocalStart::warm, o.trajectory); }},
    {"local-restart", [](const auto& o) { return make_unique<Local>(o.tau, LocalStart::restart, o.trajectory); }},
    {"local-online", [](const auto& o) { return make_unique<Local>(o.tau, LocalStart::online, o.trajectory); }},
    {"truncated", [](const auto& o) { return make_unique<Truncated>(o.tau, o.K); }},
    {"one-step", [](const auto& o) { return make_unique<Truncated>(o.tau, 1); }},
    {"glocal", [](const auto& o) { return make_unique<Glocal>(o.tau, o.dmd); }},
};

}  // namespace

std::unique_ptr<Estimator> make_estimator(const std::string& name, const EstimatorOptions& options) {
  if (options.tau < 1) fail<ValueError>("[estimator] tau = {} must be at least 1 step", options.tau);
  if (options.K < 1) fail<ValueError>("[estimator] K = {} must be at least 1 step", options.K);
  std::string known;
  for (const auto& [maker_name, make] : makers) {
    if (maker_name == name) return make(options);
    known += (known.empty() ? "" : ", ") + maker_name;
  }
  fail<ValueError>("[estimator] unknown estimator {}; there are: {}", name, known);
}

std::vector<std::string> estimator_names() {
  std::vector<std::string> names;
  for (const auto& [name, make] : makers) names.push_back(name);
  return names;
}

}  // namespace glocal::hpo
