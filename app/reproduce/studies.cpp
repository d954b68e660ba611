#include <glocal/app/reproduce/studies.h>

#include <span>
#include <string>

#include <glocal/app/reproduce/comparison.h>
#include <glocal/app/reproduce/from_starts.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/core/text/registry.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> reproduce_reweighting, reproduce_optimizers, reproduce_models,
    reproduce_pays, reproduce_starts, reproduce_spaces;
}

namespace glocal::app {
namespace {

Study grid_of_trials(const std::string& name, std::span<const unsigned char> config) {
  return study_of(name, config, comparison);
}

Study grid_of_starts(const std::string& name, std::span<const unsigned char> config) {
  Study study = study_of(name, config, from_starts);
  study.kept = true;
  return study;
}

}  // namespace

// A new study is one line here.
const Registry<Study>& studies() {
  static const Registry<Study> all(
      "study", "glocal list studies",
      {trajectories(), accuracy(), grid_of_starts("pays", embedded::reproduce_pays), learning_rates(), policies(),
       regime(), choices(), orders(), noise(), explosion(), error_bound(), cost(),
       grid_of_trials("reweighting", embedded::reproduce_reweighting),
       grid_of_trials("optimizers", embedded::reproduce_optimizers),
       grid_of_trials("models", embedded::reproduce_models), keep_best(),
       grid_of_starts("starts", embedded::reproduce_starts), grid_of_starts("spaces", embedded::reproduce_spaces),
       horizon()});
  return all;
}

}  // namespace glocal::app
