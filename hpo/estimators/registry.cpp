#include <glocal/hpo/estimators/registry.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/text/registry.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/evolution.h>
#include <glocal/hpo/estimators/global.h>
#include <glocal/hpo/estimators/glocal.h>
#include <glocal/hpo/estimators/hypergradient_descent.h>
#include <glocal/hpo/estimators/implicit.h>
#include <glocal/hpo/estimators/local.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/random_forward.h>
#include <glocal/hpo/estimators/truncated.h>
#include <glocal/hpo/search/registry.h>

namespace glocal::hpo {
namespace {

// A new estimator is one line here.
std::vector<EstimatorKind> built_in() {
  std::vector<EstimatorKind> all;
  for (std::vector<EstimatorKind> (*kinds)() : {
           &Global::kinds,
           &Local::kinds,
           &Truncated::kinds,
           &Glocal::kinds,
           &RandomForward::kinds,
           &Evolution::kinds,
           &HypergradientDescent::kinds,
           &Implicit::kinds,
       })
    for (EstimatorKind& kind : kinds()) all.push_back(std::move(kind));
  return all;
}

Registry<EstimatorKind>& registry() {
  static Registry<EstimatorKind> all("estimator", "glocal list estimators", built_in());
  return all;
}

}  // namespace

const Registry<EstimatorKind>& estimators() { return registry(); }

std::vector<std::string> estimator_names() { return registry().names(); }

std::unique_ptr<Estimator> make_estimator(const std::string& name, const EstimatorOptions& options) {
  if (options.tau < 1) fail<ValueError>("[estimator] tau = {} must be at least 1 step", options.tau);
  if (is_search(name)) fail<ValueError>("[estimator] {} searches by whole runs; make_search makes it", name);
  const EstimatorKind& kind = registry().at(name);
  EstimatorOptions told = options;
  for (const EstimatorSetting& setting : kind.settings) told.own.try_emplace(setting.key, setting.value);
  return kind.make(told);
}

void add_estimator(EstimatorKind kind) {
  if (is_search(kind.name)) fail<ValueError>("[estimator] there is a search called {} already", kind.name);
  registry().add(std::move(kind));
}

}  // namespace glocal::hpo
