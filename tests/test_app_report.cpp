#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <glocal/app/report/gnuplot.h>
#include <glocal/app/report/html.h>
#include <glocal/app/report/report.h>
#include <glocal/app/report/ticks.h>
#include <glocal/app/settings/options.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>

#include "scratch.h"

using namespace glocal;
using app::Json;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& file, const std::string& text) { write_file_atomically(file.string(), text); }

// A run of two outer updates; the second falls back. `shift` sets the seeds of a comparison apart.
Json write_run(const fs::path& folder, const std::string& estimator, double shift, bool synthetic = false,
               int seed = 3) {
  fs::create_directories(folder);
  write(folder / "config.json", Json{{"command", "tune"},
                                     {"dataset", "digits"},
                                     {"model", "mlp"},
                                     {"optimizer", "sgd"},
                                     {"estimator", estimator},
                                     {"steps", 40},
                                     {"batch", 16},
                                     {"seed", seed}}
                                    .dump());
  write(folder / "meta.json",
        Json{{"dataset_title", "digits <8x8> & co"}, {"synthetic", synthetic}, {"parameters", 4810}}.dump());
  std::string metrics, hparams;
  for (int t = 4; t <= 40; t += 4) {
    metrics += Json{{"step", t}, {"train_loss", 2.0 / t}}.dump() + "\n";
    if (t % 20 == 0) metrics += Json{{"step", t}, {"val_loss", 3.0 / t + shift}, {"val_accuracy", 0.9}}.dump() + "\n";
  }
  write(folder / "metrics.jsonl", metrics);
  hparams = R"({"update":-1,"step":0,"values":{"lr":0.0125,"momentum":0.5}})"
            "\n";
  for (int i = 0; estimator != "fixed" && i < 2; ++i) {
    Json line{{"update", i},
              {"step", 10 * (i + 1)},
              {"values", {{"lr", 0.0125 * (i + 2)}, {"momentum", 0.5}}},
              {"hypergradient", {-0.1372 - i, 0.25}},
              {"outer", 1.5},
              {"begin", 10 * i},
              {"every", 2}};
    for (int t = 1; t <= 5; ++t) line["trajectory"].push_back({-0.1 * t, 0.05 * t});
    line.update(Json{{"rank", 2},
                     {"delays", 3},
                     {"residual", 0.0625},
                     {"skill", 0.375 + i},
                     {"fell_back", i == 1},
                     {"eigenvalues", {{1, 0}, {0.5, 0.25}}},
                     {"singular_values", {2.0, 0.5, 0.001}}});
    line["forecast"] = {{10 * (i + 1), {-0.5, 0.25}}, {40, {-0.6, 0.3}}};
    hparams += line.dump() + "\n";
  }
  write(folder / "hparams.jsonl", hparams);
  const Json summary{{"command", "tune"},
                     {"estimator", estimator},
                     {"seed", seed},
                     {"status", "ok"},
                     {"data", "digits <8x8> & co"},
                     {"steps", 40},
                     {"val", {{"loss", 3.0 / 40 + shift}, {"accuracy", 0.9}}},
                     {"test", {{"loss", 0.2345}, {"accuracy", 0.8765}}},
                     {"seconds", 2.5},
                     {"estimate_seconds", 2.0},
                     {"peak_bytes", 13000000},
                     {"predicted_seconds", 2.0},
                     {"predicted_bytes", 26000000}};
  write(folder / "summary.json", summary.dump());
  return summary;
}

void write_comparison(const fs::path& folder) {
  Json rows = Json::array(), table = Json::array();
  for (const char* estimator : {"fixed", "glocal"}) {
    for (int seed = 0; seed < 2; ++seed) {
      const fs::path run = folder / fmt::format("{}-seed{}", estimator, seed);
      rows.push_back(write_run(run, estimator, 0.01 * seed, false, seed));
    }
    const Json statistic{{"mean", 0.31416}, {"sd", 0.00271}};
    table.push_back({{"estimator", estimator},
                     {"seeds", 2},
                     {"diverged", 0},
                     {"val_loss", statistic},
                     {"val_accuracy", statistic},
                     {"test_loss", statistic},
                     {"test_accuracy", statistic},
                     {"values", {{"lr", statistic}, {"momentum", statistic}}},
                     {"hypergradient_seconds", 1.25},
                     {"seconds", 2.5},
                     {"ratio_time", 4.5},
                     {"peak_bytes", 12345678},
                     {"ratio_memory", 1.75}});
  }
  Json config = Json::parse(read_file((folder / "glocal-seed0" / "config.json").string()));
  config["command"] = "compare";
  write(folder / "config.json", config.dump());
  fs::copy_file(folder / "glocal-seed0" / "meta.json", folder / "meta.json");
  write(folder / "summary.json",
        Json{{"command", "compare"}, {"status", "ok"}, {"rows", rows}, {"table", table}}.dump());
}

std::string report_of(const fs::path& folder) {
  app::write_report(folder);
  return read_file((folder / "report.html").string());
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

// The first tag that is closed out of order or left open; "" when every tag is closed.
std::string unbalanced_tag(const std::string& html) {
  std::vector<std::string> open;
  for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    const std::size_t end = html.find('>', at);
    if (end == std::string::npos) return html.substr(at);
    const std::string tag = html.substr(at + 1, end - at - 1);
    const std::string name = tag.substr(tag.starts_with('/'), tag.find_first_of(" \n/", 1) - tag.starts_with('/'));
    if (tag.starts_with('!') || tag.ends_with('/') || name == "meta") continue;
    if (!tag.starts_with('/'))
      open.push_back(name);
    else if (open.empty() || open.back() != tag.substr(1))
      return tag;
    else
      open.pop_back();
  }
  return open.empty() ? "" : open.back();
}

void check_page(const std::string& html) {
  CHECK(unbalanced_tag(html) == "");
  for (const char* outside : {"http:", "https:", "<script", "<link", "<img", "url(", "@import", "xlink", "nan", "inf<"})
    CHECK_MESSAGE(html.find(outside) == std::string::npos, std::string(outside));
  std::vector<std::string> ids;
  for (const char quote : {'"', '\''}) {
    const std::string key = std::string(" id=") + quote;
    for (std::size_t at = html.find(key); at != std::string::npos; at = html.find(key, at + 1)) {
      const std::size_t begin = at + key.size();
      ids.push_back(html.substr(begin, html.find(quote, begin) - begin));
    }
  }
  std::sort(ids.begin(), ids.end());
  CHECK(std::adjacent_find(ids.begin(), ids.end()) == ids.end());
}

// What `glocal runs ...` says on both outputs, and its exit code.
struct Answer {
  std::string words;
  int code = 0;
};
Answer runs(const std::string& arguments) {
  std::FILE* pipe = ::popen((std::string(GLOCAL_COMMAND_PATH " runs ") + arguments + " 2>&1").c_str(), "r");
  Answer answer;
  char part[4096];
  while (const auto size = std::fread(part, 1, sizeof part, pipe)) answer.words.append(part, size);
  answer.code = WEXITSTATUS(::pclose(pipe));
  return answer;
}

// The programs of PATH are out of sight while one lives.
struct NoPrograms {
  std::string path = std::getenv("PATH");
  NoPrograms() { ::setenv("PATH", "/nonexistent", 1); }
  ~NoPrograms() { ::setenv("PATH", path.c_str(), 1); }
};

}  // namespace

TEST_SUITE_BEGIN("fast");

TEST_CASE("the report of a tuned run holds its numbers and nothing from outside") {
  const Scratch scratch;
  write_run(scratch.path, "glocal", 0);
  const std::string html = report_of(scratch.path);
  check_page(html);
  for (const char* part : {"87.65 %", "0.2345", "glocal tuning", "digits &lt;8x8&gt; &amp; co", "-1.137", "0.0375",
                           "0.375", "1.375", "1 of 2 rejected", "fell back", "13.0 MB", "26.0 MB", "0.50", "1.25"})
    CHECK_MESSAGE(html.find(part) != std::string::npos, std::string(part));
  CHECK(html.find("SYNTHETIC") == std::string::npos);
  CHECK(report_of(scratch.path) == html);
  if (!app::gnuplot_found()) return;
  // loss, accuracy, 2 values, 2 components x 2 updates, eigenvalues, singular values
  CHECK(count(html, "<svg class=\"plot\"") == 10);
  CHECK(html.find("forecast (rejected)") != std::string::npos);
  CHECK(html.find("var(--blue)") != std::string::npos);
}

TEST_CASE("the report says which test each forecast was put to and counts what became of them") {
  const Scratch scratch;
  write_run(scratch.path, "glocal", 0);
  std::istringstream lines(read_file((scratch.path / "hparams.jsonl").string()));
  std::string start, first;
  std::getline(lines, start);
  std::getline(lines, first);
  const Json like = Json::parse(first);
  std::string hparams = start + "\n";
  int made = 0;
  const auto add = [&](double skill, bool fell_back, const char* test) {
    Json line = like;
    line["update"] = made++;
    line["skill"] = skill;
    line["fell_back"] = fell_back;
    if (*test) line["test"] = test;
    line["ended"] = fmt::format("it missed by {} <times> that", skill);
    hparams += line.dump() + "\n";
  };
  const char* quarter = "the mean of steps 46 to 50, forecast from the first 12, missed by at most 2 times";
  add(0.3, false, quarter);
  add(1.09, false, quarter);
  add(1.10, false, quarter);
  add(2.5, true, quarter);
  add(0.8, true, quarter);  // rejected for another reason: E was not positive
  add(1e300, false, "");
  add(0.01, false, "steps 38 to 50");
  write(scratch.path / "hparams.jsonl", hparams);
  const std::string html = report_of(scratch.path);
  for (const char* part :
       {"5 forecasts were tested inside the block first, and believed when the mean of steps 46 to 50, forecast from "
        "the "
        "first 12, missed by at most 2 times. 2 of 5 rejected; the value at the block's end was used instead. 2 of the "
        "3 "
        "used have a skill above 1: they passed, though the last value did better.",
        "1 forecast was tested inside the block first, and believed when steps 38 to 50. 0 of 1 rejected",
        "1 forecast was made without a test: there was no room for one in the block. 0 of 1 rejected",
        "How the last test ended: it missed by 0.01 &lt;times&gt; that."})
    CHECK_MESSAGE(html.find(part) != std::string::npos, std::string(part));
  CHECK(html.find("quarter") == std::string::npos);
}

TEST_CASE("synthetic data is stamped on the report") {
  const Scratch scratch;
  write_run(scratch.path, "local", 0, true);
  const std::string html = report_of(scratch.path);
  CHECK(html.find("SYNTHETIC") < html.find("<h1>"));
}

TEST_CASE("the report of a comparison holds the table of stdout") {
  const Scratch scratch;
  write_comparison(scratch.path);
  const std::string html = report_of(scratch.path);
  check_page(html);
  CHECK(count(html, "0.3142 ± 0.0027") == 4);
  CHECK(count(html, "31.42 ± 0.27") == 4);
  CHECK(count(html, "<td>4.5</td>") == 2);
  CHECK(count(html, "<td>12.3</td>") == 2);
  CHECK(count(html, "<td>1.8</td>") == 2);
}

TEST_CASE("without gnuplot the report has its tables and says what to install") {
  const Scratch scratch;
  write_run(scratch.path, "glocal", 0);
  const NoPrograms hidden;
  CHECK_FALSE(app::gnuplot_found());
  const std::string html = report_of(scratch.path);
  check_page(html);
  CHECK(html.find("apt-get install gnuplot-nox") != std::string::npos);
  CHECK(html.find("<svg") == std::string::npos);
  CHECK(html.find("-1.137") != std::string::npos);
  CHECK_THROWS_WITH_AS(app::run_gnuplot("exit"), doctest::Contains("apt-get install gnuplot-nox"), IoError);
}

TEST_CASE("a run folder with a missing or damaged file is refused by name") {
  const Scratch scratch;
  write_run(scratch.path, "glocal", 0);
  const auto refused = [&](const char* words) {
    CHECK_THROWS_WITH_AS(app::write_report(scratch.path), doctest::Contains(words), DataError);
  };
  const std::string hparams = read_file((scratch.path / "hparams.jsonl").string());
  write(scratch.path / "hparams.jsonl", hparams.substr(0, hparams.size() - 20));
  refused("hparams.jsonl:3:");
  write(scratch.path / "hparams.jsonl", R"({"update":-1,"step":"zero","values":{}})");
  refused("hparams.jsonl:1:");
  write(scratch.path / "hparams.jsonl",
        R"({"update":0,"step":1,"values":{"a":1,"b":2},"hypergradient":[1],"begin":0,"every":1,"trajectory":[[1]]})");
  refused("hparams.jsonl:1: hypergradient: expected 2 numbers, found 1");
  write(scratch.path / "hparams.jsonl", hparams);
  write(scratch.path / "meta.json", "[]");
  refused("meta.json holds no JSON object");
  fs::remove(scratch.path / "meta.json");
  refused("meta.json is missing");
  write(scratch.path / "summary.json", "{\"status\":");
  refused("summary.json: ");
  CHECK_FALSE(fs::exists(scratch.path / "report.html"));
}

TEST_CASE("a run folder whose files contradict each other is refused by field") {
  const Scratch scratch;
  const auto refused = [&](const char* file, const char* pointer, const Json& now, const std::string& words) {
    write_run(scratch.path, "glocal", 0);
    app::write_report(scratch.path);
    const std::string path = (scratch.path / file).string();
    Json json = Json::parse(read_file(path));
    json[Json::json_pointer(pointer)] = now;
    write(path, json.dump());
    CAPTURE(pointer);
    CHECK_THROWS_WITH_AS(app::write_report(scratch.path), doctest::Contains(words.c_str()), DataError);
  };
  refused("summary.json", "/command", "train", "command: expected \"tune\" (command of config.json)");
  refused("summary.json", "/seed", 4, "seed: expected 3 (seed of config.json), found 4");
  refused("summary.json", "/estimator", "local", "estimator: expected \"glocal\"");
  refused("summary.json", "/data", "mnist", "data: expected");
  refused("summary.json", "/status", "fine", "status: expected ok, diverged, interrupted or failed, found \"fine\"");
  refused("summary.json", "/error", "no", "error: expected none");
  refused("summary.json", "/steps", 39, "steps: expected 40");
  refused("summary.json", "/steps", 1e300, "steps: expected 40");
  refused("summary.json", "/updates", 3, "updates: expected 2 (the lines of hparams.jsonl), found 3");
  refused("summary.json", "/clipped", -1, "clipped: expected a whole number");
  refused("summary.json", "/val/loss", 0.2, "val.loss: expected 0.075");
  refused("summary.json", "/val/accuracy", 0.8, "val.accuracy: expected 0.9");
  refused("summary.json", "/test/accuracy", 1.5, "test.accuracy: expected a number, 0 to 1");
  refused("summary.json", "/values", {{"lr", 1}}, "values.lr: expected 0.0375");
  refused("summary.json", "/seconds", -1, "seconds: expected a number");
  refused("summary.json", "/peak_bytes", "many", "peak_bytes: expected a number");
  refused("summary.json", "/train_loss", 1, "train_loss: expected 0.05");
  refused("config.json", "/steps", 39, "steps: expected 39 (steps of config.json), found 40");
  refused("config.json", "/steps", -1, "steps: expected");
  refused("meta.json", "/dataset_title", "digits", "data: expected \"digits\"");
  refused("meta.json", "/predicted_bytes", 1, "predicted_bytes: expected 1 (predicted_bytes of meta.json)");

  const auto line = [&](const char* file, const std::string& from, const std::string& to, const char* words) {
    write_run(scratch.path, "glocal", 0);
    const std::string path = (scratch.path / file).string();
    std::string text = read_file(path);
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    write(path, text.replace(at, from.size(), to));
    CAPTURE(to);
    CHECK_THROWS_WITH_AS(app::write_report(scratch.path), doctest::Contains(words), DataError);
  };
  line("metrics.jsonl", "\"step\":8,", "\"step\":3,", "step of train_loss number 2: expected 4 to 40, found 3");
  line("metrics.jsonl", "\"step\":40,", "\"step\":41,", "step of train_loss number 10: expected 36 to 40, found 41");
  line("metrics.jsonl", "\"val_accuracy\":0.9", "\"val_accuracy\":9.0", "val_accuracy: expected 0 to 1, found 9");
  line("hparams.jsonl", "\"update\":1", "\"update\":2", "update of line 3: expected 1, found 2");
  line("hparams.jsonl", "\"step\":20", "\"step\":5", "step of update 1: expected 10 to 40, found 5");

  fs::remove_all(scratch.path);
  write_comparison(scratch.path);
  app::write_report(scratch.path);
  Json summary = Json::parse(read_file((scratch.path / "summary.json").string()));
  summary["rows"][3]["test"]["accuracy"] = 0.9999;
  write(scratch.path / "summary.json", summary.dump());
  CHECK_THROWS_WITH_AS(app::write_report(scratch.path), doctest::Contains("rows of glocal-seed1.test: expected"),
                       DataError);
}

TEST_CASE("runs list, show and report on the command line") {
  const Scratch scratch;
  write_run(scratch.path / "tuned", "glocal", 0);
  write_comparison(scratch.path / "compared");
  write_run(scratch.path / "going-on", "local", 0);
  fs::remove(scratch.path / "going-on" / "summary.json");
  const std::string dir = scratch.path.string();
  const Answer list = runs("list " + dir);
  CHECK(list.code == 0);
  CHECK(list.words.find("tuned        tune  digits    mlp     glocal            87.65          ok") !=
        std::string::npos);
  CHECK(list.words.find("unfinished") != std::string::npos);
  CHECK(list.words.find("31.42") != std::string::npos);
  CHECK(runs("show " + dir + "/tuned").words.find("test accuracy %        87.65") != std::string::npos);
  CHECK(runs("show " + dir + "/compared").words.find("glocal           0.3142     0.3142") != std::string::npos);
  CHECK(runs("report " + dir + "/tuned").words == dir + "/tuned/report.html\n");
  CHECK(fs::exists(scratch.path / "tuned" / "report.html"));
  const Answer refused = runs("show " + dir + "/going-on");
  CHECK(refused.code == 3);
  CHECK(refused.words.find("summary.json is missing") != std::string::npos);
  CHECK(runs("list " + dir + "/nowhere").code == 3);
}

TEST_CASE("runs list: a damaged run is a row, and the others are shown") {
  const Scratch scratch;
  write_run(scratch.path / "first", "glocal", 0);
  write_run(scratch.path / "damaged-one", "local", 0);
  write_run(scratch.path / "last", "global", 0);
  write_file_atomically((scratch.path / "damaged-one" / "config.json").string(), "{");
  const Answer list = runs("list " + scratch.path.string());
  CHECK(list.code == 0);
  CHECK(list.words.find("first ") != std::string::npos);
  CHECK(list.words.find("last ") != std::string::npos);
  CHECK(list.words.find("damaged\n") != std::string::npos);
  CHECK(list.words.find("note: ") != std::string::npos);
  CHECK(list.words.find("damaged-one/config.json") != std::string::npos);
}

TEST_CASE("gnuplot's own words reach the error") {
  if (!app::gnuplot_found()) return;
  CHECK_THROWS_WITH_AS(app::run_gnuplot("plot sin(undefined_name)\n"), doctest::Contains("undefined"), IoError);
}

TEST_CASE("ticks are round numbers inside the axis") {
  CHECK(app::tick_positions(0, 1, false) == std::vector<double>{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1});
  CHECK(app::tick_positions(-3, 480, false) == std::vector<double>{0, 100, 200, 300, 400});
  CHECK(app::tick_positions(0.009, 0.12, true) == std::vector<double>{0.01, 0.02, 0.05, 0.1});
  CHECK(app::tick_positions(0.0019, 0.0061, true) == std::vector<double>{0.002, 0.003, 0.004, 0.005, 0.006});
  std::string texts;
  for (const double tick : app::tick_positions(0.9e-9, 2e3, true)) texts += app::tick_text(tick) + " ";
  CHECK(texts == "1e-09 1e-06 0.001 1 1000 ");
  CHECK(app::tick_text(20000) == "20k");
  CHECK(app::tick_text(0.30000000000000004) == "0.3");
}

TEST_SUITE_END();
