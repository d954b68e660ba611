#include <glocal/app/run/training.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <glocal/app/checkpoint/checkpoint.h>
#include <glocal/app/checkpoint/file.h>
#include <glocal/app/checkpoint/lines.h>
#include <glocal/app/record/network.h>
#include <glocal/app/record/run_folder.h>
#include <glocal/app/report/report.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/setup/prepare.h>
#include <glocal/app/setup/run_rules.h>
#include <glocal/app/setup/search.h>
#include <glocal/app/terminal/say.h>
#include <glocal/app/terminal/signals.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/io/safetensors.h>
#include <glocal/core/stopwatch.h>
#include <glocal/core/text/printable.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/search/registry.h>
#include <glocal/hpo/tune/keep_best.h>
#include <glocal/hpo/tune/search_run.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

Training::Training(const train::Experiment& experiment, const Options& options, const std::string& estimator,
                   const RunFolder& folder)
    : experiment_(experiment),
      options_(options),
      estimator_(estimator),
      folder_(folder),
      state_(hpo::start_of_run(experiment.problem(), experiment.phi(), options.tuning.T, options.tuning.meta)),
      recorder_(experiment, options, estimator, folder),
      mark_(recorder_.seen()) {}

Training::Training(const train::Experiment& experiment, const Options& options, const std::string& estimator,
                   const RunFolder& folder, Checkpoint checkpoint)
    : experiment_(experiment),
      options_(options),
      estimator_(estimator),
      folder_(folder),
      state_(std::move(checkpoint.state)),
      recorder_(experiment, options, estimator, folder, checkpoint.seen, checkpoint.used, checkpoint.values, record()),
      mark_(checkpoint.seen) {}

hpo::TuneResult Training::run() {
  hpo::FlatProblem problem = experiment_.problem();
  problem.poll = throw_if_interrupted;
  problem.step = [step = problem.step](const Vars& s, const Vars& phi, std::int64_t t) {
    throw_if_interrupted();
    return step(s, phi, t);
  };
  problem.watch = [this](const Vars& s, std::int64_t t) { watch(s, t); };
  const auto report = [this](const hpo::OuterUpdate& update) {
    recorder_.update(update);
    mark_ = recorder_.seen();
  };
  if (mark_.pending) watch(state_.progress.s, state_.progress.t - 1);
  if (is_plain(estimator_)) return hpo::train(problem, state_);
  if (hpo::is_search(estimator_)) {
    const hpo::SearchOptions search = search_options(options_, estimator_, hpo::components(state_.phi));
    return hpo::search_run(problem, experiment_.space(), state_, search, report);
  }
  hpo::TuneOptions tuning = options_.tuning;
  tuning.estimator = estimator_;
  return hpo::tune(problem, state_, tuning, report);
}

// The line of hparams.jsonl with the values in use: of the best run once the last training has been judged.
std::int64_t Training::record() const {
  const auto best = hpo::best_of(state_.scores);
  const bool judged = !state_.best_u.empty() && std::ssize(state_.scores) > state_.updates;
  return judged && best ? best->update : state_.updates;
}

// The last training may have been left for the best run, with that run's hyperparameters, and in the middle of a step.
void Training::note_judgement() {
  if (judgement_noted_ || state_.best_u.empty() || std::ssize(state_.scores) == state_.updates) return;
  judgement_noted_ = true;
  recorder_.use(state_.phi, record());
  mark_ = recorder_.seen();
}

void Training::score(const Vars& s) {
  note_judgement();
  const double best = recorder_.seen().best;
  recorder_.score(s);
  if (recorder_.seen().best < best) save_best(s);
}

void Training::save() {
  // It would be refused when it is loaded, and the one that is there is good.
  if (const std::string bad = experiment_.first_non_finite(state_.progress.s); !bad.empty())
    fail<DivergedError>("[{}] step {}: {} is not finite; start from a smaller learning rate", estimator_,
                        state_.progress.t, bad);
  const Recorder::Pause pause(recorder_);
  const Stopwatch clock;
  note_judgement();
  std::vector<double> values;
  for (const auto& [name, value] : recorder_.values())
    values.insert(values.end(), value.numbers.begin(), value.numbers.end());
  recorder_.sync();
  save_safetensors(path("last.safetensors"),
                   to_file({state_, std::move(values), mark_, recorder_.used()}, identity(), experiment_));
  if (!parameters().empty())
    save_safetensors(path("model.safetensors"), network_file(experiment_, identity().config, parameters(), mark_));
  saving_ = clock.seconds();
  since_saved_.restart();
}

void Training::watch(const Vars& s, std::int64_t t) {
  const bool settled = state_.progress.t == t + 1;  // else the state is from before work that must be done again
  note_judgement();
  const double best = recorder_.seen().best;
  if (settled) mark_ = recorder_.seen();
  if (settled) mark_.pending = true;
  recorder_.step(s, t);
  if (settled) mark_ = recorder_.seen();
  if (recorder_.seen().best < best) save_best(s);
  throw_if_interrupted();
  if (settled && due()) save();
  report_now_and_then();
}

// Every 30 s, or as often as it takes 1 % of the time. $GLOCAL_REPORT_EVERY seconds instead, so that tests need not
// wait.
void Training::report_now_and_then() {
  static const char* chosen = std::getenv("GLOCAL_REPORT_EVERY");
  static const double every = chosen ? std::atof(chosen) : 30;
  if (!std::isfinite(reporting_)) return;
  if (since_reported_.seconds() < (chosen ? every : std::max(every, 100 * reporting_))) return;
  const Recorder::Pause pause(recorder_);
  const Stopwatch clock;
  try {
    write_live_report(folder_.path(), live_report_, recorder_.standing());
    reported_ = true;
    reporting_ = clock.seconds();
  } catch (const Error& error) {  // the run is worth more than a look at it
    say("glocal: note: no report while this run goes on: {}\n", printable(error.what()));
    reporting_ = std::numeric_limits<double>::infinity();
  }
  since_reported_.restart();
}

void Training::drop_report() const {
  std::error_code ignored;
  if (reported_) std::filesystem::remove(live_report_, ignored);
}

// By default once a minute, or as often as it takes 1 % of the time.
bool Training::due() const {
  return since_saved_.seconds() >= (options_.save_every > 0 ? options_.save_every : std::max(60.0, 100 * saving_));
}

void Training::save_best(const Vars& s) {
  const Recorder::Pause pause(recorder_);
  save_safetensors(path("best.safetensors"), network_file(experiment_, identity().config, s, recorder_.seen()));
}

const Identity& Training::identity() {
  if (!identity_) identity_ = identity_of(experiment_, config_of(experiment_, options_, estimator_));
  return *identity_;
}

std::unique_ptr<Training> begin_or_go_on(const train::Experiment& experiment, const Options& options,
                                         const std::string& estimator, const RunFolder& folder, bool go_on) {
  const std::string path = (folder.path() / "last.safetensors").string();
  if (!go_on || !std::filesystem::exists(path))
    return std::make_unique<Training>(experiment, options, estimator, folder);
  const Identity identity = identity_of(experiment, config_of(experiment, options, estimator));
  const SafeTensors file = load_safetensors(path);
  const RunRules rules = rules_of(experiment, options, estimator);
  Checkpoint checkpoint = from_file(file, identity, experiment, rules, path);
  check_lines(folder.path(), checkpoint, experiment, rules);
  if (const std::string changed = changed_machine(file, identity); !changed.empty())
    say("glocal: the last bits may differ from those of a run in one go: {}\n", changed);
  return std::make_unique<Training>(experiment, options, estimator, folder, std::move(checkpoint));
}

}  // namespace glocal::app
