#include <glocal/app/run.h>

#include <algorithm>

#include <glocal/app/report.h>
#include <glocal/app/signals.h>

namespace glocal::app {
namespace {

Json to_json(const Score& score) { return {{"loss", score.loss}, {"accuracy", score.accuracy}}; }

// Parameters by name; the state begins with them.
std::map<std::string, Tensor> named_parameters(const Experiment& experiment, const Vars& s) {
  std::map<std::string, Tensor> parameters;
  const std::vector<std::string>& names = experiment.model().names;
  for (std::size_t i = 0; i < names.size(); ++i) parameters[names[i]] = s[i].value();
  return parameters;
}

hpo::TuneResult train_or_tune(const Experiment& experiment, const Options& options, const std::string& estimator,
                              Recorder& recorder) {
  hpo::FlatProblem problem = experiment.problem();
  problem.watch = [&recorder](const Vars& s, std::int64_t t) { recorder.step(s, t); };
  if (is_plain(estimator)) return hpo::train(problem, experiment.phi(), options.tuning.T);
  const auto report = [&recorder](const hpo::OuterUpdate& update) { recorder.update(update); };
  const Vars phi = experiment.phi();
  if (hpo::is_search(estimator))
    return hpo::search_run(problem, experiment.space(), phi, search_options(options, estimator, hpo::components(phi)),
                           report);
  hpo::TuneOptions tuning = options.tuning;
  tuning.estimator = estimator;
  return hpo::tune(problem, phi, tuning, report);
}

// The line a person reads: what came out of the run.
std::string headline(const Outcome& outcome, const Options& options) {
  std::string line = fmt::format("{} {} {}: ", outcome.data, options.experiment.model, outcome.estimator);
  if (outcome.status != "ok") return line + fmt::format("{} at step {}", outcome.status, outcome.steps);
  line += fmt::format("test accuracy {:.2f} %, test loss {:.4f}, validation accuracy {:.2f} %",
                      100 * outcome.test.accuracy, outcome.test.loss, 100 * outcome.validation.accuracy);
  for (const auto& [name, value] : shown(outcome.values)) line += fmt::format(", {} {:.4g}", name, value);
  if (outcome.updates > 0)
    line += fmt::format(", {} {}", outcome.updates, hpo::is_search(outcome.estimator) ? "trials" : "outer updates");
  return line;
}

}  // namespace

Outcome run(const Experiment& experiment, const Options& options, const std::string& estimator, const RunFolder& folder,
            const hpo::Cost& predicted) {
  folder.create();
  Json config = to_json(resolved(options, experiment));
  config["estimator"] = estimator;
  folder.write("config.json", config);
  folder.write("meta.json", describe(experiment, predicted));

  Outcome outcome;
  outcome.data = experiment.title();
  outcome.command = name_of(options.command);
  outcome.estimator = estimator;
  outcome.seed = options.experiment.seed;
  outcome.predicted = predicted;
  outcome.gradient_evaluations = gradient_evaluations(experiment, options, estimator);
  Recorder recorder(experiment, options, estimator, folder);
  const auto stopped = [&](const char* status) {
    outcome.status = status;
    outcome.failure = std::current_exception();
    if (!recorder.saved.empty()) folder.write_parameters(named_parameters(experiment, recorder.saved));
  };
  const auto start = std::chrono::steady_clock::now();
  try {
    const hpo::TuneResult result = train_or_tune(experiment, options, estimator, recorder);
    outcome.clipped = result.meta.clipped;
    recorder.peak_bytes = std::max(recorder.peak_bytes, result.peak_bytes);
    outcome.seconds = result.seconds - recorder.paused_seconds;
    recorder.score(result.s);
    folder.write_parameters(named_parameters(experiment, result.s));
  } catch (const Interrupted&) {
    stopped("interrupted");
  } catch (const DivergedError&) {
    stopped("diverged");
  } catch (const NumericError&) {
    stopped("diverged");
  }
  if (outcome.failure)
    outcome.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() - recorder.paused_seconds;
  outcome.steps = recorder.steps;
  outcome.updates = recorder.updates;
  outcome.train_loss = recorder.train_loss;
  outcome.scored = recorder.scored;
  outcome.validation = recorder.validation;
  outcome.test = recorder.test;
  outcome.values = recorder.values;
  outcome.estimate_seconds = recorder.estimate_seconds;
  outcome.peak_bytes = recorder.peak_bytes;
  folder.write("summary.json", to_json(outcome));
  return outcome;
}

Json to_json(const Outcome& outcome) {
  Json json{{"data", outcome.data},       {"command", outcome.command}, {"estimator", outcome.estimator},
            {"seed", outcome.seed},       {"status", outcome.status},   {"steps", outcome.steps},
            {"updates", outcome.updates}, {"clipped", outcome.clipped}, {"train_loss", outcome.train_loss}};
  if (outcome.scored) json["val"] = to_json(outcome.validation);
  if (outcome.status == "ok") json["test"] = to_json(outcome.test);
  json["values"] = Json::object();
  for (const auto& [name, value] : outcome.values) json["values"][name] = value;
  json["seconds"] = outcome.seconds;
  json["estimate_seconds"] = outcome.estimate_seconds;
  json["gradient_evaluations"] = outcome.gradient_evaluations;
  json["peak_bytes"] = outcome.peak_bytes;
  json["predicted_seconds"] = outcome.predicted.seconds;
  json["predicted_bytes"] = outcome.predicted.bytes;
  return json;
}

void run_alone(Options options, const std::string& estimator) {
  check(options, {estimator});
  const ExperimentConfig& config = options.experiment;
  const std::string name =
      options.command == Command::train
          ? fmt::format("train-{}-{}-seed{}", config.dataset, config.model, config.seed)
          : fmt::format("tune-{}-{}-{}-seed{}", config.dataset, config.model, estimator, config.seed);
  const RunFolder folder = RunFolder::plan(options.out, name, options.force);
  const Experiment experiment = build(options, config.seed);
  const hpo::Cost predicted = predict(experiment, options, {estimator}).front();
  const Outcome outcome = run(experiment, options, estimator, folder, predicted);
  write_report(folder.path());

  if (!options.quiet)
    fmt::print(stderr, "{}: took {} (expected {}), at most {} of tensors (expected {})\n", estimator,
               duration(outcome.seconds), duration(predicted.seconds), size_text(outcome.peak_bytes),
               size_text(predicted.bytes));
  const std::string report = (folder.path() / "report.html").string();
  if (options.json) {
    Json json = to_json(outcome);
    json["folder"] = folder.path().string();
    json["report"] = report;
    fmt::print("{}\n", json.dump());
  } else {
    fmt::print("data    {}\nreport  {}\n{}\n", experiment.title(), report, headline(outcome, options));
  }
  if (outcome.failure) std::rethrow_exception(outcome.failure);
}

}  // namespace glocal::app
