#include <glocal/app/reproduce/reproduce.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <glocal/app/report/gnuplot.h>
#include <glocal/app/report/plot.h>
#include <glocal/app/settings/config.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/setup/prepare.h>
#include <glocal/app/terminal/progress.h>
#include <glocal/app/terminal/say.h>
#include <glocal/app/terminal/signals.h>
#include <glocal/app/terminal/table.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/parallel.h>
#include <glocal/core/stopwatch.h>
#include <glocal/core/text/nearest.h>
#include <glocal/core/text/registry.h>

namespace fs = std::filesystem;

namespace glocal::app {
namespace {

Json parsed(std::string_view text, const std::string& source) {
  Json json = parse_json(text, source);
  if (!json.is_object()) fail<DataError>("[reproduce] {} is not a JSON object", source);
  return json;
}

// `json` may only have keys of `known`, one level down too where that has an object of fixed entries.
void refuse_unknown(const Json& json, const Json& known, const std::string& source) {
  std::vector<std::string> names;
  for (const auto& [key, value] : known.items()) names.push_back(key);
  for (const auto& [key, value] : json.items())
    if (!known.contains(key)) fail<ValueError>("[reproduce] {}: {}", source, unknown_name(key, "entry", names, ""));
}

// NAME.json
Json file_of(const std::string& name, std::span<const unsigned char> bytes) {
  return parsed({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name);
}

Json config_of(const Study& study, const ReproduceOptions& options) {
  Json config = file_of(study.name, study.config);
  config.erase("question");
  if (!options.config.empty()) {
    const Json changes = parsed(read_file(options.config, 1 << 20), options.config);
    refuse_unknown(changes, config, options.config);
    if (changes.contains("sweep")) refuse_unknown(changes["sweep"], config["sweep"], options.config);
    config.merge_patch(changes);
  }
  if (options.seeds > 0) config["training"]["seeds"] = options.seeds;
  return config;
}

// Numbers with five digits: enough to read, few enough to keep.
Json rounded(const Json& json) {
  if (json.is_number_float()) return std::strtod(fmt::format("{:.5g}", json.get<double>()).c_str(), nullptr);
  if (!json.is_structured()) return json;
  Json out = json.is_array() ? Json::array() : Json::object();
  for (const auto& [key, value] : json.items()) {
    if (json.is_array())
      out.push_back(rounded(value));
    else
      out[key] = rounded(value);
  }
  return out;
}

// One line an entry, and one line a row.
std::string file_text(const Json& result) {
  std::string text;
  for (const auto& [key, value] : result.items()) {
    std::string shown = value.dump();
    if (key == "rows") {
      shown = "[";
      for (std::size_t i = 0; i < value.size(); ++i) shown += (i == 0 ? "\n  " : ",\n  ") + value[i].dump();
      shown += "\n]";
    }
    text += fmt::format("{}{}: {}", text.empty() ? "{\n" : ",\n", Json(key).dump(), shown);
  }
  return text + "\n}\n";
}

std::string markdown_row(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (std::string cell : cells) {
    for (std::size_t at = cell.find('|'); at != std::string::npos; at = cell.find('|', at + 2)) cell.insert(at, "\\");
    line += " " + cell + " |";
  }
  return line + "\n";
}

std::string markdown(const std::vector<TitledTable>& tables) {
  std::string text;
  for (const TitledTable& each : tables) {
    if (!each.title.empty()) text += each.title + ":\n\n";
    for (std::size_t i = 0; i < each.rows.size(); ++i) {
      text += markdown_row(each.rows[i]);
      std::vector<std::string> rule(each.rows[i].size(), "---:");
      if (!rule.empty()) rule.front() = "---";
      if (i == 0) text += markdown_row(rule);
    }
    text += "\n";
  }
  return text;
}

// Replaces what stands between the study's marks; a page without them is left alone.
void write_between_marks(const fs::path& page, const std::string& name, const std::string& text) {
  if (!fs::exists(page)) return;
  const std::string begin = "<!-- " + name + " -->", end = "<!-- /" + name + " -->";
  std::string whole = read_file(page.string());
  const std::size_t from = whole.find(begin), to = whole.find(end);
  if (from == std::string::npos || to == std::string::npos || to < from) return;
  whole.replace(from + begin.size(), to - from - begin.size(), "\n" + text);
  write_file_atomically(page.string(), whole);
}

fs::path folder_of(const ReproduceOptions& options) {
  if (!options.out.empty()) return options.out;
  return fs::is_directory("docs/questions") ? "docs/questions" : "reproduce";
}

// The result in `file` when its runs are of the same settings: others are not mixed with those.
Json earlier_runs(const fs::path& file, const Json& config) {
  Json result = parsed(read_file(file.string()), file.string());
  for (const char* key : {"config", "rows", "seconds"})
    if (!result.contains(key))
      fail<DataError>("[reproduce] {} has no {}; move it away to begin anew", file.string(), key);
  Json then = result["config"]["training"], now = config.at("training");
  for (Json* each : {&then, &now}) each->erase("seeds");
  return then == rounded(now) ? result : Json();
}

std::string minutes_text(const Study& study) {
  const Json config = config_of(study, {});
  return fmt::format("{:.3g}", config.at("minutes").get<double>());
}

}  // namespace

Lab::Lab(std::string name, Json config, LabOptions options, KeptRuns kept)
    : name_(std::move(name)), config_(std::move(config)), outside_(std::move(options)), kept_(std::move(kept)) {
  for (const char* part : {"training", "sweep"})
    if (!config_.contains(part) || !config_[part].is_object())
      fail<ValueError>("[reproduce] {}: the settings have no object {}", name_, part);
  this->options();  // an unknown setting is found before anything runs
}

Options Lab::options(const Json& changes) const {
  Options options;
  Json settings = config_.at("training");
  settings.merge_patch(changes);
  read_settings(options, settings, name_);
  if (!outside_.data_dir.empty()) options.experiment.data_dir = outside_.data_dir;
  options.tuning.T = options.experiment.steps;
  options.quiet = true;
  return options;
}

std::vector<std::uint64_t> Lab::seeds() const {
  const Options settings = options();
  if (settings.seeds < 1) fail<ValueError>("[reproduce] seeds = {} must be at least 1", settings.seeds);
  std::vector<std::uint64_t> seeds;
  for (std::int64_t i = 0; i < settings.seeds; ++i)
    seeds.push_back(settings.experiment.seed + static_cast<std::uint64_t>(i));
  return seeds;
}

void Lab::say(const std::string& line) const {
  throw_if_interrupted();
  if (outside_.quiet) return;
  app::say("{:>12}  {}: {}\n", duration(clock_.seconds()), name_, line);
}

void Lab::keep(const Json& rows) const {
  if (kept_.keep) kept_.keep(rows);
}

Study study_of(const std::string& name, std::span<const unsigned char> config,
               const std::function<Findings(const Lab&)>& run) {
  return {name, file_of(name, config).at("question").get<std::string>(), config, run};
}

void reproduce(const Study& study, const ReproduceOptions& options) {
  if (options.threads > 0) set_threads(options.threads);
  const Json config = config_of(study, options);
  const fs::path folder = folder_of(options), file = folder / (study.name + ".json");
  if (!options.lab.only.empty() && !study.kept)
    fail<ValueError>("[reproduce] {} is made as a whole; leave --only out", study.name);
  const Stopwatch clock;
  KeptRuns kept;
  double before = 0;  // seconds of the runs that are there
  const auto write = [&](const Json& rows) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) fail<IoError>("[reproduce] cannot make {}: {}", folder.string(), error.message());
    const Json result{{"study", study.name},
                      {"question", study.about},
                      {"config", config},
                      {"machine", machine()},
                      {"seconds", before + clock.seconds()},
                      {"rows", rows}};
    write_file_atomically(file.string(), file_text(rounded(result)));
  };
  if (study.kept) {
    kept.keep = write;
    if (fs::exists(file)) kept.earlier = earlier_runs(file, config);
    if (!kept.earlier.is_null()) before = kept.earlier.at("seconds").get<double>();
  }
  const Lab lab(study.name, config, options.lab, std::move(kept));
  const Findings findings = study.run(lab);
  const double seconds = before + clock.seconds();
  write(findings.rows);
  std::string page = markdown(findings.tables);
  if (!findings.plots.empty() && gnuplot_found()) {
    const std::string picture = study.name + ".svg";
    write_file_atomically((folder / picture).string(), svg_sheet(findings.plots, study.about));
    page += fmt::format("![{}]({}/{})\n\n", study.about, folder.filename().string(), picture);
  } else if (!findings.plots.empty()) {
    say("glocal: no picture was drawn: gnuplot is not installed (apt-get install gnuplot-nox)\n");
  }
  page +=
      fmt::format("`glocal reproduce {}`: {} on {} of {}; numbers and settings: [{}.json]({}/{}.json).\n", study.name,
                  duration(seconds), threads() == 1 ? "one thread" : fmt::format("{} threads", threads()),
                  machine().at("cpu").get<std::string>(), study.name, folder.filename().string(), study.name);
  write_between_marks(folder.string() + ".md", study.name, page);

  std::string text = study.about + "\n";
  for (const TitledTable& each : findings.tables) text += fmt::format("\n{}\n{}", each.title, table(each.rows));
  text += fmt::format("\n{} ({})\n", (folder / (study.name + ".json")).string(), duration(seconds));
  print_saved(text, folder.string());
}

void list_studies() {
  std::vector<std::vector<std::string>> rows{{"study", "minutes", "question"}};
  for (const Study& study : studies().entries()) rows.push_back({study.name, minutes_text(study), study.about});
  std::size_t widest = 0;
  for (const auto& row : rows) widest = std::max(widest, row[0].size());
  for (const auto& row : rows) fmt::print("{:<{}}  {:>7}  {}\n", row[0], widest, row[1], row[2]);
  fmt::print(
      "\nminutes: about, on one core. Run one with: glocal reproduce NAME, or all of them: glocal reproduce all\n");
}

const Study& find_study(const std::string& name) {
  if (const Study* study = studies().find(name)) return *study;
  std::vector<std::string> known = studies().names();
  known.insert(known.begin(), "all");
  fail<ValueError>("[reproduce] {}", unknown_name(name, "study", known, "glocal list studies"));
}

}  // namespace glocal::app
