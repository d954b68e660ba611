#include <glocal/app/evaluate/evaluate.h>

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <glocal/app/evaluate/page.h>
#include <glocal/app/evaluate/score.h>
#include <glocal/app/record/network.h>
#include <glocal/app/record/read_run.h>
#include <glocal/app/record/run_record.h>
#include <glocal/app/settings/config.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/terminal/say.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/io/npy.h>
#include <glocal/core/io/safetensors.h>
#include <glocal/core/parallel.h>
#include <glocal/core/text/printable.h>
#include <glocal/datasets/dataset.h>
#include <glocal/datasets/load.h>
#include <glocal/datasets/own/forms.h>
#include <glocal/datasets/own_data.h>
#include <glocal/train/data.h>
#include <glocal/train/experiment.h>

namespace glocal::app {
namespace fs = std::filesystem;
namespace {

// The one that makes it an evaluation goes last.
constexpr std::array<const char*, 4> files{"predictions.csv", "logits.npy", "report.html", "evaluation.json"};

std::vector<std::string> runs_inside(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (fs::exists(entry.path() / "config.json", error)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

Json config_of_run(const fs::path& run) {
  std::error_code ignored;
  if (!fs::is_directory(run, ignored))
    fail<DataError>("[evaluate] there is no folder {}; give that of a run of glocal train or tune", run.string());
  if (!fs::exists(run / "config.json", ignored))
    fail<DataError>("[evaluate] {} is no run folder: it holds no config.json", run.string());
  Json config = read_json(run / "config.json");
  check_layout(run, config, 1);
  if (text_at(config, "command") == "compare") {
    const std::vector<std::string> inside = runs_inside(run);
    fail<DataError>("[evaluate] {} holds a comparison of several runs; give one of them{}", run.string(),
                    inside.empty() ? "" : ": " + (run / inside.front()).string());
  }
  if (is_regression(config))
    fail<ValueError>(
        "[evaluate] {} is a regression (--loss mse), which has no classes; its summary.json has the errors",
        run.string());
  return config;
}

std::string status_of(const fs::path& run) {
  std::error_code ignored;
  return fs::exists(run / "summary.json", ignored) ? text_at(read_json(run / "summary.json"), "status") : "unfinished";
}

Network read_network(const fs::path& run, const char* name, const std::string& status) {
  std::error_code ignored;
  const std::string file = (run / name).string();
  if (fs::exists(file, ignored)) return network_from(load_safetensors(file), file);
  if (status == "ok")
    fail<DataError>(
        "[evaluate] {} holds no {}: it was made before glocal kept networks for use; begin anew with glocal "
        "{} --config {} --out NEW",
        run.string(), name, text_at(read_json(run / "config.json"), "command"), (run / "config.json").string());
  fail<DataError>(
      "[evaluate] {} is {} and holds no {} yet: the first comes with a checkpoint of its last training, after "
      "about a minute or --save-every seconds",
      run.string(), status, name);
}

// What is to be known of a network whose run has not come to its end.
std::string state_text(const std::string& status, const Network& network, bool best) {
  if (best || status == "ok") return "";
  return fmt::format("The run is {}: this is the network of its latest checkpoint, after {} of {} steps.", status,
                     network.seen.steps, text_at(network.config, "steps"));
}

datasets::Part part_of(const std::string& name) {
  return name == "train" ? datasets::Part::train : name == "test" ? datasets::Part::test : datasets::Part::validation;
}

struct Images {
  datasets::Dataset data;
  std::string part;
};

Images images_of(const EvaluateArguments& a, const Json& config, const std::string& where) {
  Options options;
  read_settings(options, config, where);
  train::ExperimentConfig& experiment = options.experiment;
  if (!a.data_dir.empty()) experiment.data_dir = a.data_dir;
  const datasets::Part part = part_of(a.part);
  if (a.dataset.empty() || a.dataset == experiment.dataset) return {train::Experiment(experiment).data(part), a.part};
  if (part == datasets::Part::validation)
    fail<ValueError>("[options] --part validation is taken out of the run's own training data; leave out --dataset");
  datasets::Options reading = train::data_options(experiment);
  if (a.dataset != "cifar100") reading.coarse_labels = false;  // other data sets refuse what is not theirs
  if (!a.dataset.starts_with("npz:")) reading.own = {};
  const auto own = datasets::own_name(a.dataset);
  if (!own) return {datasets::load(a.dataset, part, reading), a.part};
  datasets::ToEvaluate found = datasets::load_own_to_evaluate(*own, part, reading.own, reading.data_dir);
  for (const std::string& note : found.images.notes) say("{}: {}\n", found.images.title, note);
  return {std::move(found.images), found.divided ? a.part : "all"};
}

// A folder's name from that of data, which may be a path.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) out += std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' ? c : '_';
  return out.substr(out.size() - std::min<std::size_t>(out.size(), 60));
}

fs::path folder_for(const EvaluateArguments& a, const Json& config) {
  if (!a.out.empty()) return a.out;
  const std::string data = a.dataset.empty() ? text_at(config, "dataset") : a.dataset;
  return fs::path(a.run) / fmt::format("evaluate-{}-{}{}", plain(data), a.part, a.best ? "-best" : "");
}

// Throws unless the folder is free, or holds what an evaluation leaves and that may be replaced.
void check_free(const fs::path& folder, bool force) {
  std::error_code error;
  if (!fs::exists(folder, error)) return;
  if (!fs::is_directory(folder, error))
    fail<ValueError>("[evaluate] {} is there already and is no folder; give another --out", folder.string());
  bool any = false;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    const bool ours = std::find(files.begin(), files.end(), name) != files.end();
    if (!ours && !is_temporary_name(name))
      fail<ValueError>("[evaluate] {} holds something else than an evaluation: {}; give another --out", folder.string(),
                       printable(name));
    any = any || ours;
  }
  if (any && !force)
    fail<ValueError>("[evaluate] {} holds an evaluation already; give another --out, or --force", folder.string());
}

void write(const fs::path& folder, const Evaluation& evaluation, const Json& json, const std::string& page) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) fs::remove(folder / files.back(), error);
  if (error) fail<IoError>("[evaluate] cannot prepare {}: {}", folder.string(), error.message());
  const auto path = [&](const char* file) { return (folder / file).string(); };
  write_file_atomically(path("predictions.csv"), predictions_csv(evaluation));
  write_file_atomically(path("logits.npy"), encode_npy(evaluation.logits));
  write_file_atomically(path("report.html"), page);
  write_file_atomically(path("evaluation.json"), json_dump(json, 1) + "\n");
}

std::string headline(const Evaluated& about, const Evaluation& evaluation) {
  if (evaluation.known == 0) return fmt::format("{} images of {}, none with a label", evaluation.size(), about.data);
  return fmt::format("{} {}: accuracy {:.2f} %, loss {:.4g}, {} images", about.data, about.part,
                     100 * evaluation.accuracy, evaluation.loss, evaluation.known);
}

}  // namespace

void evaluate(const EvaluateArguments& a) {
  if (a.threads > 0) set_threads(a.threads);
  const fs::path run = a.run;
  const Json config = config_of_run(run);
  const fs::path folder = folder_for(a, config);
  check_free(folder, a.force);
  const char* name = a.best ? "best.safetensors" : "model.safetensors";
  const std::string status = status_of(run);
  const Network network = read_network(run, name, status);
  const auto [images, part] = images_of(a, config, (run / "config.json").string());
  const Evaluated about{a.run,
                        name,
                        images.title,
                        part,
                        state_text(status, network, a.best),
                        images.synthetic,
                        config,
                        read_json(run / "meta.json")};
  if (!about.state.empty()) say("glocal: note: {}\n", about.state);
  const Evaluation evaluation = evaluate(network, images);
  if (!evaluation.note.empty()) say("glocal: note: {}\n", printable(evaluation.note));

  Json json{{"run", about.run},   {"network", name},   {"status", status}, {"steps", network.seen.steps},
            {"data", about.data}, {"part", about.part}};
  json.update(to_json(evaluation));
  write(folder, evaluation, json, evaluation_page(about, network, evaluation));
  const std::string report = (folder / "report.html").string();
  if (a.json) {
    json["folder"] = folder.string();
    json["report"] = report;
    print_saved(json_dump(json) + "\n", folder.string());
  } else {
    print_saved(fmt::format("{}\npredictions  {}\nreport       {}\n", headline(about, evaluation),
                            (folder / "predictions.csv").string(), report),
                folder.string());
  }
}

}  // namespace glocal::app
