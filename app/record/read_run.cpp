#include <glocal/app/record/read_run.h>

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <glocal/app/record/consistency.h>
#include <glocal/app/record/numbers.h>
#include <glocal/app/record/run_record.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/options.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/text/printable.h>
#include <glocal/hpo/space.h>

namespace glocal::app {
namespace fs = std::filesystem;
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

std::string bytes_of(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error) && !error)
    fail<DataError>("[runs] {} is missing; give a folder that glocal train, tune or compare has written",
                    file.string());
  return read_file(file.string(), most_run_bytes);
}

Json parse_object(std::string_view bytes, const fs::path& file) {
  Json json = parse_json(bytes, file.string());
  if (!json.is_object()) fail<DataError>("[runs] {} holds no JSON object; it was not written by glocal", file.string());
  return json;
}

// Calls use(object, "FILE:LINE") for each line; whatever is wrong with a line becomes a DataError that names it.
void for_each_line(std::string_view bytes, const fs::path& file,
                   const std::function<void(const Json&, const std::string&)>& use) {
  std::int64_t number = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t stop = std::min(bytes.find('\n', at), bytes.size());
    ++number;
    const std::string where = fmt::format("{}:{}", file.string(), number);
    try {
      use(parse_json(bytes.substr(at, stop - at), where), where);
    } catch (const nlohmann::json::exception& error) {
      fail<DataError>("[runs] {}: {}", where, printable(error.what()));
    }
    at = stop + 1;
  }
}

double number(const Json& json) { return json.is_null() ? none : json.get<double>(); }

// (step, h) rows as one curve per component that is drawn.
void add_point(std::vector<Curve>& curves, double step, const std::vector<double>& row) {
  curves.resize(std::min(row.size(), most_drawn));
  for (std::size_t k = 0; k < curves.size(); ++k) curves[k].push_back({step, row[k]});
}

// The lines of hparams.jsonl, with what lies beside them.
struct Updates {
  NumberReader reader;
  std::vector<hpo::Extent> extents = {};
  std::size_t q = 0;

  std::vector<Spread> spreads(const std::vector<double>& all) const {
    std::vector<Spread> out;
    for (const hpo::Extent& one : extents) out.push_back(spread_of(std::span(all).subspan(one.begin, one.count)));
    return out;
  }
  UpdateRecord read(const Json& line, const std::string& where);
};

UpdateRecord Updates::read(const Json& line, const std::string& where) {
  UpdateRecord update;
  update.index = integer_at(line, "update", where);
  update.step = integer_at(line, "step", where);
  update.value_texts = line.at("values");
  update.values = spreads(reader.by_name(line.at("values"), extents, where + ": values"));
  if (line.contains("hypergradient") && !line.at("hypergradient").empty()) {
    update.drawn = reader.list(line.at("hypergradient"), q, where + ": hypergradient");
    update.hypergradient = spreads(update.drawn);
    update.drawn.resize(std::min(q, most_drawn));
  }
  if (line.contains("tried")) update.tried = spreads(reader.by_name(line.at("tried"), extents, where + ": tried"));
  update.outer = number_at(line, {"outer"});
  update.exponent = number_at(line, {"exponent"});
  update.rank = number_at(line, {"rank"});
  update.delays = number_at(line, {"delays"});
  update.residual = number_at(line, {"residual"});
  update.skill = number_at(line, {"skill"});
  update.forecast_made = line.contains("fell_back");
  update.fell_back = update.forecast_made && line.at("fell_back").get<bool>();
  update.note = text_at(line, "note");
  update.test = text_at(line, "test");
  update.ended = text_at(line, "ended");
  if (line.contains("singular_values"))
    for (const Json& entry : line.at("singular_values")) update.singular_values.push_back(number(entry));
  if (line.contains("eigenvalues"))
    for (const Json& pair : line.at("eigenvalues"))
      update.eigenvalues.emplace_back(number(pair.at(0)), number(pair.at(1)));
  if (line.contains("trajectory")) {
    const auto begin = line.at("begin").get<double>(), every = line.at("every").get<double>();
    double step = begin;
    for (const std::vector<double>& row : reader.rows(line.at("trajectory"), q, where + ": trajectory"))
      add_point(update.trajectory, step += every, row);
  }
  if (line.contains("forecast")) {
    const Json& forecast = line.at("forecast");
    if (forecast.is_object()) {
      const auto rows = reader.rows(forecast.at("numbers"), q, where + ": forecast.numbers");
      for (std::size_t i = 0; i < rows.size(); ++i)
        add_point(update.forecast, number(forecast.at("steps").at(i)), rows[i]);
    } else {
      for (const Json& point : forecast)
        add_point(update.forecast, number(point.at(0)), reader.list(point.at(1), q, where + ": forecast"));
    }
  }
  return update;
}

void read_metrics(RunRecord& run, std::string_view bytes, const fs::path& file) {
  for_each_line(bytes, file, [&run](const Json& line, const std::string&) {
    const auto step = line.at("step").get<double>();
    if (line.contains("train_loss")) run.train_loss.push_back({step, number(line.at("train_loss"))});
    if (line.contains("val_loss")) run.val_loss.push_back({step, number(line.at("val_loss"))});
    if (line.contains("test_loss")) run.test_loss = number(line.at("test_loss"));
    if (line.contains("test_accuracy")) run.test_accuracy = number(line.at("test_accuracy"));
    if (line.contains("val_accuracy")) run.val_accuracy.push_back({step, number(line.at("val_accuracy"))});
  });
}

}  // namespace

Json read_json(const fs::path& file) { return parse_object(bytes_of(file), file); }

RunRecord read_run(const fs::path& folder) {
  return parse_run(folder, [&folder](const char* file) { return bytes_of(folder / file); });
}

RunRecord parse_run(const fs::path& folder, const std::function<std::string(const char* file)>& bytes) {
  RunRecord run;
  run.folder = folder;
  run.config = parse_object(bytes("config.json"), folder / "config.json");
  run.meta = parse_object(bytes("meta.json"), folder / "meta.json");
  run.summary = parse_object(bytes("summary.json"), folder / "summary.json");
  run.estimator = text_at(run.summary, "estimator");
  read_metrics(run, bytes("metrics.jsonl"), folder / "metrics.jsonl");
  Updates updates{NumberReader(folder, bytes)};
  const auto add_update = [&run, &updates](const Json& line, const std::string& where) {
    if (run.updates.empty()) {
      updates.extents = extents_of(line.at("values"), where + ": values");
      for (const hpo::Extent& one : updates.extents) {
        run.names.push_back(one.name);
        for (std::size_t i = 0; i < one.count && run.drawn.size() < most_drawn; ++i)
          run.drawn.push_back(one.vector ? fmt::format("{}[{}]", one.name, i) : one.name);
        updates.q = run.components += one.count;
      }
    }
    run.updates.push_back(updates.read(line, where));
  };
  for_each_line(bytes("hparams.jsonl"), folder / "hparams.jsonl", add_update);
  if (run.summary.contains("best")) {
    run.kept = text_at(run.summary["best"], "text");
    if (const auto judged = run.summary.find("judged"); judged != run.summary.end() && judged->is_array())
      for (const Json& E : *judged) run.judged.push_back(E.is_number() ? E.get<double>() : none);
  }
  check_run(run);
  return run;
}

}  // namespace glocal::app
