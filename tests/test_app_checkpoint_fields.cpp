// Checkpoints whose sums are right and which contradict their run: every field of the file in turn.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <glocal/app/checkpoint/checkpoint.h>
#include <glocal/app/checkpoint/file.h>
#include <glocal/app/checkpoint/lines.h>
#include <glocal/app/settings/config.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/setup/prepare.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/io/safetensors.h>

#include "command.h"
#include "sanitized.h"

namespace fs = std::filesystem;
using namespace glocal;
using Json = nlohmann::json;

namespace {

const std::string plain = "--hidden 5 --steps 40 --batch 32 --seed 2 --quiet ";
const std::string small = plain + "--block 9 ", two = small + "--tune lr,momentum ";

// A run that was stopped at its N-th look for a signal, as `--resume` would go on with it.
class Stopped {
 public:
  Stopped(const Scratch& scratch, const std::string& arguments, int place) : run_(scratch / "run") {
    fs::remove_all(run_);
    const Result result = glocal_command(scratch, arguments + "--out " + run_,
                                         "PATH=/nowhere GLOCAL_INTERRUPT_AT=" + std::to_string(place));
    REQUIRE(result.code == 130);
    file = load_safetensors(run_ + "/last.safetensors");
    const app::Json config = app::parse_json(read_file(run_ + "/config.json"), "config.json");
    options_.command = arguments.starts_with("train") ? app::Command::train : app::Command::tune;
    app::read_settings(options_, config, "config.json");
    estimator_ = config.at("estimator").get<std::string>();
    experiment_.emplace(app::build(options_, options_.experiment.seed));
    rules_ = app::rules_of(*experiment_, options_, estimator_);
    identity_ = app::identity_of(*experiment_, app::config_of(*experiment_, options_, estimator_));
  }

  // What is said of a file with these contents and sums of its own; "" when it is taken.
  std::string refusal(const SafeTensors& changed) const {
    const SafeTensors read = decode_safetensors(encode_safetensors(changed), "last.safetensors");
    try {
      const app::Checkpoint checkpoint = app::from_file(read, identity_, *experiment_, rules_, "last.safetensors");
      app::check_lines(run_, checkpoint, *experiment_, rules_);
      return "";
    } catch (const DataError& error) {
      return error.what();
    }
  }
  std::string path(const char* name) const { return run_ + "/" + name; }
  bool replays() const {
    return rules_.replays_at(Json::parse(file.metadata.at("seen"))["updates"].get<std::int64_t>());
  }
  const app::RunRules& rules() const { return rules_; }

  SafeTensors file;

 private:
  std::string run_, estimator_;
  app::Options options_;
  std::optional<train::Experiment> experiment_;
  app::RunRules rules_;
  app::Identity identity_;
};

std::vector<Json> all_other_values(const Json& value) {
  const Json text = "x", none = nullptr;
  if (value.is_boolean()) return {!value.get<bool>(), 1, text, none};
  if (value.is_number_integer()) {
    const auto n = value.get<std::int64_t>();
    return {n + 1, n - 1, n + 7, std::int64_t{1'000'000'000'000}, -1, static_cast<double>(n) + 0.5, 1e300, text, none};
  }
  if (value.is_number()) {
    const auto x = value.get<double>();
    return {2 * std::abs(x) + 1, x * (1 + 1e-6) + 1e-9, -1 - std::abs(x), text};
  }
  if (value.is_string()) return {value.get<std::string>() + "x", 3, none};
  if (value.is_null()) return {1.5, -1, text};
  return {none, text, Json::array({1})};
}

std::vector<Json> other_values(const Json& value) {
  std::vector<Json> values = all_other_values(value);
  if (sanitized) values.resize(2);
  return values;
}

// The fields that nothing else determines; docs/checkpoints.md says so of each. A change to within their range is
// taken.
bool is_free(const std::string& field, const Json& now, const Stopped& run) {
  const bool number = now.is_number() && now.get<double>() >= 0;
  if (field == "used.seconds" || field == "used.block_seconds") return number;
  if (field == "used.peak_bytes") return number && now.is_number_integer();
  if (field == "machine.threads") return now.is_number_integer() && now > 0 && now <= 1'000'000;
  if (field.starts_with("machine.") && field != "machine.version") return now.is_string();
  const auto seen = Json::parse(run.file.metadata.at("seen")), progress = Json::parse(run.file.metadata.at("progress"));
  if (field == "progress.estimate_seconds") return number && progress["updates"] > 0;
  if (field == "progress.block.pairs" && run.rules().estimator == "es")  // 0 is refused for a sum that is there
    return now.is_number_integer() && now > 0 && now <= 2 && progress["t"] == progress["block"]["t0"];
  const bool loss_known = (!seen["pending"].get<bool>() && progress["t"] > 0) || seen["steps"] > 0 ||
                          (progress["t"] <= 1 && progress["updates"] == 0);
  if (field == "seen.train_loss" && !loss_known) return now.is_number() || (run.rules().search && now.is_null());
  return false;
}

// In a run from the start, of which nothing else is written, the step may be any of it that fits its block.
bool may_be_free(const std::string& field, const Json& now, const Stopped& run) {
  if (!run.replays()) return false;
  const auto progress = Json::parse(run.file.metadata.at("progress"));
  if (field == "seen.pending") return now.is_boolean() && progress["t"] > 0;
  return field == "progress.t" && now.is_number_integer() && now >= 0 && now <= progress["T"];
}

struct Tally {
  std::int64_t refused = 0, taken = 0;
  std::set<std::string> fields;
};

// A field without the numbers of items of lists at its end.
std::string without_numbers(std::string field) {
  for (auto dot = field.rfind('.');
       dot != std::string::npos && field.find_first_not_of("0123456789", dot + 1) == std::string::npos;
       dot = field.rfind('.'))
    field.resize(dot);
  return field;
}

// What must stand in the message: "progress.t"; of a setting and the version its own name.
std::string spoken_name(const std::string& field) {
  if (field == "machine.version") return "version";
  const std::string name = without_numbers(field);
  return field.starts_with("config.") ? name.substr(name.rfind('.') + 1) : name;
}

void check_field(const Stopped& run, const char* section, const std::string& pointer, const Json& now, Tally& tally) {
  SafeTensors changed = run.file;
  Json json = Json::parse(changed.metadata.at(section));
  const Json::json_pointer at(pointer);
  if (json.contains(at) && json[at] == now && json[at].type() == now.type()) return;
  json[at] = now;
  changed.metadata[section] = json.dump();
  std::string field = section + pointer;
  std::replace(field.begin(), field.end(), '/', '.');
  const std::string said = run.refusal(changed);
  CAPTURE(field);
  CAPTURE(now);
  CAPTURE(said);
  tally.fields.insert(field);
  if (is_free(field, now, run)) {
    ++tally.taken;
    CHECK(said.empty());
    return;
  }
  if (said.empty() && may_be_free(field, now, run)) return;
  ++tally.refused;
  CHECK(!said.empty());
  CHECK(has(said, "last.safetensors"));
  CHECK(has(said, spoken_name(field)));
}

void check_section(const Stopped& run, const char* section, Tally& tally) {
  const Json json = Json::parse(run.file.metadata.at(section));
  check_field(run, section, "/stranger", 1, tally);
  const std::function<void(const std::string&, const Json&)> each = [&](const std::string& pointer, const Json& value) {
    if (value.is_structured())
      for (const auto& [key, inner] : value.items()) each(pointer + "/" + key, inner);
    if (pointer.empty()) return;
    for (const Json& now : other_values(value)) check_field(run, section, pointer, now, tally);
    // Without it:
    SafeTensors changed = run.file;
    Json without = json;
    const Json::json_pointer at(pointer);
    if (!without[at.parent_pointer()].is_object()) return;
    without[at.parent_pointer()].erase(at.back());
    changed.metadata[section] = without.dump();
    const std::string said = run.refusal(changed);
    CAPTURE(pointer);
    CAPTURE(said);
    std::string field = section + pointer;
    std::replace(field.begin(), field.end(), '/', '.');
    CHECK(has(said, pointer == "/block" ? "block" : spoken_name(field)));
  };
  each("", json);
}

// Numbers of these may be any that are finite.
bool is_free_tensor(const std::string& name, const Stopped& run) {
  const auto progress = Json::parse(run.file.metadata.at("progress"));
  const bool at_start = progress["t"] == 0 && !run.rules().from_start && !run.rules().search;
  const bool state = name.starts_with("param/") || name.starts_with("stats/") || name.starts_with("optimizer/");
  if (state) return !at_start;
  if (name == "training_loss") {
    const bool pending = Json::parse(run.file.metadata.at("seen"))["pending"].get<bool>();
    return !at_start && (pending || progress["t"] == 0);
  }
  const bool begins = name == "block/h" && progress["t"] == progress["block"]["t0"] && progress["block"]["pairs"] == 0;
  if (begins) return false;
  if (name.starts_with("best/")) return name != "best/u";
  return name.starts_with("tangent/") || name.starts_with("particle/plus/") || name.starts_with("particle/minus/") ||
         name.starts_with("block/squares/") || (name == "block/h" && !run.rules().kept.trajectory);
}

Tensor with(const Tensor& x, std::int64_t at, double number) {
  Tensor y = x.clone();
  if (y.dtype() == DType::f32)
    y.data<float>()[at] = static_cast<float>(number);
  else if (y.dtype() == DType::f64)
    y.data<double>()[at] = number;
  else
    y.data<std::int32_t>()[at] = static_cast<std::int32_t>(number);
  return y;
}

void check_tensor(const Stopped& run, const std::string& name, Tally& tally) {
  const Tensor good = run.file.tensors.at(name);
  tally.fields.insert(name);
  const auto said_of = [&](const std::optional<Tensor>& now) {
    SafeTensors changed = run.file;
    if (now)
      changed.tensors[name] = *now;
    else
      changed.tensors.erase(name);
    return run.refusal(changed);
  };
  const auto refused = [&](const std::optional<Tensor>& now) {
    const std::string said = said_of(now);
    CAPTURE(name);
    CAPTURE(said);
    ++tally.refused;
    CHECK(has(said, name));
    CHECK(has(said, "last.safetensors"));
  };
  const std::int64_t last = good.size() - 1;
  refused(std::nullopt);
  refused(Tensor::zeros(good.rank() == 0 ? Shape{2} : Shape{}, good.dtype()));
  if (good.dtype() == DType::i32) {
    refused(with(good, 0, 2));
    refused(with(good, last, good.at(last) == 0 ? 1 : 0));
    return;
  }
  const bool judged = Json::parse(run.file.metadata.at("progress"))["scores"] > run.rules().updates;
  if (judged && name == "search/scores") return refused(with(good, 0, good.at(0) + 1));  // the last one may be any
  const bool squares = name.starts_with("block/squares");
  refused(with(good, last, std::numeric_limits<double>::quiet_NaN()));
  if (!squares) refused(with(good, 0, std::numeric_limits<double>::infinity()));
  if (name == "meta/v" || squares) refused(with(good, 0, -1));
  const Tensor other = with(good, last, good.at(last) + 1);
  if (!is_free_tensor(name, run)) return refused(other);
  const std::string said = said_of(other);
  CAPTURE(name);
  CAPTURE(said);
  ++tally.taken;
  CHECK(said.empty());
}

std::string family(const std::string& name) {
  for (const std::string kind : {"best/u", "param/NAME", "stats/I", "optimizer/I", "tangent/LEAF", "particle/plus/LEAF",
                                 "particle/minus/LEAF", "block/squares/I", "best/LEAF"})
    if (name == kind || (kind != "best/u" && name.starts_with(kind.substr(0, kind.rfind('/') + 1)))) return kind;
  return name;
}

// Every field has its line in the documentation: a new one fails here until it is thought about.
void check_documented(const std::set<std::string>& fields) {
  static const std::string page = read_file(GLOCAL_SOURCE_DIR "/docs/checkpoints.md");
  for (std::string field : fields) {
    if (field.ends_with("stranger") || field.starts_with("config.")) continue;
    if (field.find('/') == std::string::npos) field = without_numbers(field);
    CAPTURE(field);
    CHECK(has(page, "`" + family(field) + "`"));
  }
}

void check_run(const std::string& arguments, int place) {
  CAPTURE(arguments);
  CAPTURE(place);
  const Scratch scratch;
  const Stopped run(scratch, arguments, place);
  const std::string said = run.refusal(run.file);
  CAPTURE(said);
  REQUIRE(said.empty());
  Tally tally;
  for (const char* section : {"progress", "seen", "used", "machine", "config"}) check_section(run, section, tally);
  for (const auto& [name, tensor] : run.file.tensors) check_tensor(run, name, tally);
  for (const auto& [key, text] : run.file.metadata) {
    SafeTensors changed = run.file;
    changed.metadata[key] = text + "0";
    CHECK(has(run.refusal(changed), "last.safetensors"));
    changed.metadata.erase(key);
    const std::string missing = run.refusal(changed);
    CAPTURE(missing);
    CHECK(has(missing, key));
    tally.fields.insert(key);
  }
  SafeTensors changed = run.file;
  changed.tensors["stranger"] = Tensor::scalar(1);
  CHECK(has(run.refusal(changed), "stranger"));
  changed = run.file;
  changed.metadata["stranger"] = "1";
  CHECK(has(run.refusal(changed), "stranger"));
  check_documented(tally.fields);
  CHECK(tally.refused > (sanitized ? 150 : 200));
  CHECK(tally.fields.size() > 60);
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("checkpoint fields: a changed field of a plain run is refused by name or documented as free") {
    check_run("train --optimizer adam --dropout 0.2 " + plain, 30);
    check_run("train --dtype f64 --schedule cosine " + plain, 1);
  }

  TEST_CASE("checkpoint fields: a changed field of a run of blocks is refused by name or documented as free") {
    check_run("tune --estimator glocal " + two, 33);
    check_run("tune --estimator glocal --dtype f64 --meta-clip 0.01 " + two, 60);
    check_run("tune --estimator local --meta-optimizer sgd " + two, 44);
    check_run("tune --estimator local-online " + two, 57);
    check_run("tune --estimator random-forward --directions 3 " + two, 26);
    check_run("tune --estimator truncated --steps-back 4 " + two, 57);
    check_run("tune --estimator hypergradient-descent " + two, 40);
    check_run("tune --estimator implicit-cg --set l2=1e-3 --tune l2 " + small, 50);
  }

  TEST_CASE("checkpoint fields: a changed field of a run of particles is refused by name or documented as free") {
    check_run("tune --estimator pes --particles 2 " + two, 77);
    check_run("tune --estimator es --particles 2 " + two, 100);
  }

  TEST_CASE("checkpoint fields: a changed field of a run of runs is refused by name or documented as free") {
    check_run("tune --estimator global --updates 2 " + two, 150);
    check_run("tune --estimator global --updates 2 " + two, 170);  // in the last training
    check_run("tune --estimator global-forward --updates 3 " + two, 120);
    check_run("tune --estimator local-restart --updates 3 " + two, 30);
    check_run("tune --estimator gp --budget 4 " + two, 101);
    check_run("tune --estimator random-search --budget 3 --trial-steps 20 " + two, 130);
  }

  TEST_CASE("checkpoint fields: a steps count of 10^12 and a weight that is not a number stop the command unchanged") {
    const Scratch scratch;
    const std::string out = scratch / "run";
    const Stopped run(scratch, "tune --estimator glocal " + two, 33);
    const auto refused = [&](const SafeTensors& changed, const std::string& words) {
      save_safetensors(out + "/last.safetensors", changed);
      const std::string summary = read_file(out + "/summary.json"), report = read_file(out + "/report.html");
      const Result result = glocal_command(scratch, "tune --quiet --resume " + out, "PATH=/nowhere");
      CAPTURE(result.error);
      CHECK(result.code == 3);
      CHECK(has(result.error, words));
      CHECK(read_file(out + "/summary.json") == summary);
      CHECK(read_file(out + "/report.html") == report);
    };
    SafeTensors changed = run.file;
    Json progress = Json::parse(changed.metadata.at("progress"));
    progress["T"] = 1'000'000'000'000;
    changed.metadata["progress"] = progress.dump();
    refused(changed, "progress.T: expected 40 (the steps of this run), found 1000000000000");
    changed = run.file;
    Tensor& weight = changed.tensors.at("param/layers.0.weight");
    weight = with(weight, 3, std::numeric_limits<double>::quiet_NaN());
    refused(changed, "param/layers.0.weight[3]: expected finite numbers, found nan");
    save_safetensors(out + "/last.safetensors", run.file);
    CHECK(glocal_command(scratch, "tune --quiet --resume " + out, "PATH=/nowhere").code == 0);
  }

  TEST_CASE("checkpoint fields: a damaged line is found before the first step and a cut last line is repaired") {
    const Scratch scratch;
    const Stopped run(scratch, "tune --estimator glocal " + two, 60);
    const std::string resume = "tune --quiet --resume " + (scratch / "run");
    for (const char* name : {"metrics.jsonl", "hparams.jsonl", "timing.jsonl"}) {
      const std::string path = run.path(name), good = read_file(path);
      for (const auto& [from, to] :
           std::vector<std::pair<std::string, std::string>>{{"{\"step\":1,", "{\"step\":2,"},
                                                            {"\"train_loss\":", "\"train_loss\":1"},
                                                            {"\"update\":0", "\"update\":1"},
                                                            {"\"seconds\":", "\"seconds\":1"},
                                                            {"\"hypergradient\":[", "\"hypergradient\":[1"},
                                                            {"{", "\xff"},
                                                            {"\n", "\n\n"},
                                                            {"\n", "x"},
                                                            {"\n{", "\n"},
                                                            {"\"lr\":", "\"lr\":1"}}) {
        const auto at = good.find(from);
        if (at == std::string::npos) continue;
        std::string damaged = good;
        damaged.replace(at, from.size(), to);
        write_file_atomically(path, damaged);
        const std::string summary = read_file(run.path("summary.json"));
        const Result result = glocal_command(scratch, resume, "PATH=/nowhere");
        CAPTURE(name);
        CAPTURE(to);
        CAPTURE(result.error);
        CHECK(result.code == 3);
        CHECK(has(result.error, name));
        CHECK(read_file(path) == damaged);
        CHECK(read_file(run.path("summary.json")) == summary);
      }
      const std::string bytes = std::string(name).substr(0, std::string(name).find('.')) + "_bytes";
      const auto counted = Json::parse(run.file.metadata.at("seen"))[bytes].get<std::size_t>();
      write_file_atomically(path, good.substr(0, counted - 3));  // a line that the checkpoint counts on
      const Result result = glocal_command(scratch, resume, "PATH=/nowhere");
      CAPTURE(result.error);
      CHECK(has(result.error, name));
      write_file_atomically(path, good.substr(0, counted) + "{\"half of a li");
    }
    REQUIRE(glocal_command(scratch, resume, "PATH=/nowhere").code == 0);
    for (const char* name : {"metrics.jsonl", "hparams.jsonl", "timing.jsonl"})
      CHECK(!has(read_file(run.path(name)), "half of"));
  }
}
