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
  Unroll unroll;
  Global(bool forward_mode, Unroll how) : forward(forward_mode), unroll(how) {}
  const char* name() const override { return forward ? "global-forward" : "global"; }
  bool from_start() const override { return true; }
  bool feels_init() const override { return true; }
  std::int64_t steps(const Progress& progress) const override { return progress.T; }
  Estimate advance(const FlatProblem& problem, const Vars& phi, Progress& progress) override {
    Hypergradient exact =
        forward ? global_forward(problem, phi, progress.T) : global_reverse(problem, phi, progress.T, unroll);
    return {std::move(exact.h), exact.outer, {}, {}};
  }
};

using Maker = std::function<std::unique_ptr<Estimator>(const EstimatorOptions&)>;
using std::make_unique;

// A new estimator is one line here.
const std::vector<std::pair<std::string, Maker>> makers = {
    {"global", [](const auto& o) { return make_unique<Global>(false, o.unroll); }},
    {"global-forward", [](const auto& o) { return make_unique<Global>(true, o.unroll); }},
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
