#include <glocal/hpo/estimators/registry.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/text/nearest.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/evolution.h>
#include <glocal/hpo/estimators/global.h>
#include <glocal/hpo/estimators/glocal.h>
#include <glocal/hpo/estimators/hypergradient_descent.h>
#include <glocal/hpo/estimators/implicit.h>
#include <glocal/hpo/estimators/local.h>
#include <glocal/hpo/estimators/random_forward.h>
#include <glocal/hpo/estimators/truncated.h>
#include <glocal/hpo/search/search.h>

namespace glocal::hpo {
namespace {

using std::make_unique;

// A new estimator is one line here.
struct Known {
  std::string name, about;
  EstimatorMaker make;
};

const std::vector<Known> makers = {
    {"global", "exact: the whole run in reverse mode; whole runs from the start",
     [](const auto& o) { return make_unique<Global>(false, o); }},
    {"global-forward", "the same in forward mode, for few hyperparameters",
     [](const auto& o) { return make_unique<Global>(true, o); }},
    {"local", "exact for the next block only, in forward mode; one training run in all",
     [](const auto& o) { return make_unique<Local>(o.tau, LocalStart::warm, o.trajectory); }},
    {"local-restart", "as local, always from the start",
     [](const auto& o) { return make_unique<Local>(o.tau, LocalStart::restart, o.trajectory); }},
    {"local-online", "as local, with tangents kept from block to block",
     [](const auto& o) { return make_unique<Local>(o.tau, LocalStart::online, o.trajectory); }},
    {"truncated", "reverse mode through the last steps of a block: --steps-back",
     [](const auto& o) { return make_unique<Truncated>(o.tau, o.K); }},
    {"one-step", "the same through the last step alone",
     [](const auto& o) { return make_unique<Truncated>(o.tau, 1); }},
    {"glocal", "local, extrapolated to the end of training", [](const auto& o) { return make_unique<Glocal>(o); }},
    {"random-forward", "local in random directions, right on average: --directions",
     [](const auto& o) { return make_unique<RandomForward>(o.tau, o.directions, o.seed, o.trajectory); }},
    {"es", "evolution strategies, from values alone, right on average: --particles",
     [](const auto& o) { return make_unique<Evolution>(false, o.tau, o.particles, o.sigma, o.seed); }},
    {"pes", "the same through all blocks so far",
     [](const auto& o) { return make_unique<Evolution>(true, o.tau, o.particles, o.sigma, o.seed); }},
    {"hypergradient-descent", "of the next step alone, as Baydin et al.",
     [](const auto& o) { return make_unique<HypergradientDescent>(o.tau); }},
    {"implicit-cg", "implicit differentiation at the end of a block, by conjugate gradients",
     [](const auto& o) { return make_unique<Implicit>(ImplicitSolver::cg, o.tau, o.implicit); }},
    {"implicit-neumann", "the same by a Neumann series",
     [](const auto& o) { return make_unique<Implicit>(ImplicitSolver::neumann, o.tau, o.implicit); }},
    {"implicit-nystrom", "the same by Nystrom's approximation of the Hessian",
     [](const auto& o) { return make_unique<Implicit>(ImplicitSolver::nystrom, o.tau, o.implicit); }},
};

struct Added {
  EstimatorMaker make;
  std::string costs_like;
};
std::map<std::string, Added>& added() {
  static std::map<std::string, Added> estimators;
  return estimators;
}

}  // namespace

std::unique_ptr<Estimator> make_estimator(const std::string& name, const EstimatorOptions& options) {
  if (options.tau < 1) fail<ValueError>("[estimator] tau = {} must be at least 1 step", options.tau);
  if (options.K < 1) fail<ValueError>("[estimator] K = {} must be at least 1 step", options.K);
  for (const auto& [what, count] : {std::pair("directions", options.directions), {"particles", options.particles}})
    if (count < 1 || count > 1'000'000) fail<ValueError>("[estimator] {} = {} is outside 1..1000000", what, count);
  if (!(options.sigma > 0) || !std::isfinite(options.sigma))
    fail<ValueError>("[estimator] sigma = {} must be positive and finite", options.sigma);
  for (const Known& known : makers)
    if (known.name == name) return known.make(options);
  if (const auto found = added().find(name); found != added().end()) return found->second.make(options);
  if (is_search(name)) fail<ValueError>("[estimator] {} searches by whole runs; make_search makes it", name);
  fail<ValueError>("[estimator] {}", unknown_name(name, "estimator", estimator_names(), "glocal list estimators"));
}

void add_estimator(const std::string& name, EstimatorMaker maker, const std::string& costs_like) {
  const std::vector<std::string> known = estimator_names(), searches = search_names();
  for (const auto& taken : {known, searches})
    if (std::find(taken.begin(), taken.end(), name) != taken.end())
      fail<ValueError>("[estimator] there is one called {} already", name);
  if (std::find(known.begin(), known.end(), costs_like) == known.end())
    fail<ValueError>("[estimator] {} should cost like {}, which is no estimator", name, costs_like);
  added()[name] = {std::move(maker), cost_name(costs_like)};
}

std::string cost_name(const std::string& estimator) {
  const auto found = added().find(estimator);
  return found == added().end() ? estimator : found->second.costs_like;
}

std::vector<std::string> estimator_names() {
  std::vector<std::string> names;
  for (const Known& known : makers) names.push_back(known.name);
  for (const auto& [name, estimator] : added()) names.push_back(name);
  return names;
}

std::string estimator_about(const std::string& name) {
  for (const Known& known : makers)
    if (known.name == name) return known.about;
  return "";
}

}  // namespace glocal::hpo
