// One training run, tuned or plain, from its start to its summary; what train, tune and compare have in common.
#pragma once
#include <cstdint>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <glocal/app/record/numbers.h>
#include <glocal/app/record/recorder.h>
#include <glocal/app/record/run_folder.h>
#include <glocal/app/settings/config.h>
#include <glocal/app/settings/options.h>
#include <glocal/hpo/estimators/probe.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

struct Outcome {
  std::string data;                               ///< the data set's title; SYNTHETIC when it is
  std::string command, estimator, status = "ok";  ///< "ok", "diverged", "interrupted" or, in summary.json, "failed"
  std::uint64_t seed = 0;
  std::int64_t steps = 0, updates = 0, clipped = 0, peak_bytes = 0;
  std::int64_t gradient_evaluations = 0;  ///< of a run that comes to its end, by theory: see hpo/estimators/cost.h
  double train_loss = 0, seconds = 0, estimate_seconds = 0;
  bool scored = false;  ///< validation holds a score; test does when the status is "ok"
  train::Score validation, test;
  Values values;
  std::int64_t record = 0;          ///< the line of hparams.jsonl where they stand, from 0 on
  std::vector<double> judged = {};  ///< estimators from the start: E of the start and after each update, NaN: diverged
  double meta_lr = 0;               ///< theirs at the end, halved where E rose
  hpo::Cost predicted;
  std::string error = {};      ///< what stopped the run, as printed
  std::exception_ptr failure;  ///< set unless the status is "ok"

  /// As summary.json has them.
  template <class Self, class Visit>
  static void fields(Self& outcome, Visit&& visit) {
    const bool judges = outcome.best().has_value();
    visit("data", outcome.data);
    visit("command", outcome.command);
    visit("estimator", outcome.estimator);
    visit("seed", outcome.seed);
    visit("status", outcome.status);
    visit("steps", outcome.steps);
    visit("updates", outcome.updates);
    visit("clipped", outcome.clipped);
    visit("train_loss", outcome.train_loss);
    visit("error", outcome.error, !outcome.error.empty());
    visit("val", outcome.validation, outcome.scored);
    visit("test", outcome.test, outcome.status == "ok");
    visit("values", outcome.values);
    visit("judged", outcome.judged, judges);
    visit("meta_lr", outcome.meta_lr, judges);
    visit("seconds", outcome.seconds);
    visit("estimate_seconds", outcome.estimate_seconds);
    visit("gradient_evaluations", outcome.gradient_evaluations);
    visit("peak_bytes", outcome.peak_bytes);
    visit("predicted_seconds", outcome.predicted.seconds);
    visit("predicted_bytes", outcome.predicted.bytes);
  }

  /// Which of the runs judged was kept, or is the best so far.
  std::optional<hpo::BestRun> best() const { return hpo::best_of(judged); }
};

/// How a run that is stopped goes on.
struct Resumption {
  bool go_on = false;   ///< this run has begun in its folder: continue from last.safetensors, or else begin again there
  std::string command;  ///< what continues it, as typed
  std::string report = {};  ///< where the page of a run that goes on is written; empty: into its folder
};
/// `glocal COMMAND --resume FOLDER` as it is typed here.
std::string resume_command(const Options& options, const std::string& folder);

/// Trains in `folder`, which is there, with the hyperparameters fixed ("fixed") or moved by an estimator. A run that
/// diverges or is interrupted is an outcome too, saved like any other. Throws IoError and the library's other errors,
/// leaving a summary.json that says so.
Outcome run(const train::Experiment& experiment, const Options& options, const std::string& estimator,
            const RunFolder& folder, const hpo::Cost& predicted, const Resumption& resumption);

Json to_json(const Outcome& outcome);  ///< summary.json
/// The outcome of a run that has come to its end, "ok" or "diverged", from its summary.json; nothing when the folder
/// holds none. Throws DataError.
std::optional<Outcome> finished(const std::filesystem::path& folder);

/// `glocal train` and `glocal tune`: prepares, runs, reports, prints; throws what stopped the run.
void run_alone(Options options, const std::string& estimator);

}  // namespace glocal::app
