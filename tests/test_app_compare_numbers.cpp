// The numbers of a comparison: means, deviations, ratios, the best, and what `runs` shows, from its runs' summaries.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/report/gnuplot.h>
#include <glocal/app/report/report.h>

#include "command.h"
#include "raw_run.h"
#include "raw_svg.h"

namespace fs = std::filesystem;
using namespace glocal;
using doctest::Approx;
using raw::Json;

namespace {

const std::string without_pictures = "PATH=/nowhere ";
const std::string small = "--hidden 8 --steps 20 --block 5 --batch 32 --tune lr,momentum ";
const std::vector<std::string> ways{"fixed", "local", "glocal"};

std::string run_of(const std::string& way, int seed) { return fmt::format("{}-seed{}", way, seed); }

void write(const std::string& file, const std::vector<Json>& lines) {
  std::string text;
  for (const Json& line : lines) text += line.dump() + "\n";
  write_file_atomically(file, text);
}

// The last lines of a run say what its summary says.
void write_lines(const std::string& run, const Json& summary) {
  std::vector<Json> metrics = raw::lines(run + "/metrics.jsonl"), hparams = raw::lines(run + "/hparams.jsonl");
  for (Json& line : metrics) {
    if (line.at("step") != summary.at("steps")) continue;
    if (line.contains("train_loss")) line["train_loss"] = summary["train_loss"];
    for (const char* part : {"val", "test"})
      for (const char* key : {"loss", "accuracy"}) {
        const std::string name = std::string(part) + "_" + key;
        if (summary.contains(part) && line.contains(name))
          line[name] = summary[part][key];
        else if (!summary.contains(part))
          line.erase(name);
      }
  }
  hparams.back()["values"] = summary["values"];
  write(run + "/metrics.jsonl", metrics);
  write(run + "/hparams.jsonl", hparams);
}

// Three seeds of three ways, with numbers of their own in every summary, no two alike and none in proportion to
// another; of local two seeds diverged, of glocal one. The comparison itself has not come to its end.
void write_summaries(const std::string& folder) {
  for (std::size_t k = 0; k < ways.size(); ++k)
    for (int seed = 0; seed < 3; ++seed) {
      const std::string file = folder + "/" + run_of(ways[k], seed) + "/summary.json";
      auto summary = nlohmann::ordered_json::parse(read_file(file));  // a comparison's rows have its order
      const double i = static_cast<double>(k), s = seed;
      summary["val"] = {{"loss", 0.91 - 0.2 * i + 0.013 * s * s}, {"accuracy", 0.61 + 0.07 * i + 0.011 * s}};
      summary["test"] = {{"loss", 0.83 + 0.3 * i + 0.017 * s * s}, {"accuracy", 0.88 - 0.09 * i - 0.019 * s * s}};
      summary["train_loss"] = 0.5 + 0.01 * i + s;
      summary["seconds"] = 3 + 5 * i + 0.7 * s;
      summary["estimate_seconds"] = 1 + 1.3 * i * i + 0.1 * s;
      summary["peak_bytes"] = 40'000'000 + 9'000'000 * static_cast<std::int64_t>(k) + 1'000'000 * seed;
      for (auto& [name, value] : summary["values"].items())
        value = 0.3 + 0.1 * i + 0.02 * s + (name == "lr" ? 0 : 0.07);
      if ((ways[k] == "glocal" && seed == 1) || (ways[k] == "local" && seed > 0)) {
        summary["status"] = "diverged";
        summary["error"] = "[local] step 7: the training loss is not finite";
        summary["val"] = {{"loss", 9e9}, {"accuracy", 0.1}};
        summary["train_loss"] = 1e10;
        summary.erase("test");
      }
      write_file_atomically(file, summary.dump());
      write_lines(folder + "/" + run_of(ways[k], seed), raw::json(file));
    }
  fs::remove(folder + "/summary.json");
  fs::remove(folder + "/report.html");
}

// A number of the runs of one way that came to their end.
std::vector<double> of_way(const std::string& folder, const std::string& way,
                           const std::function<double(const Json&)>& number) {
  std::vector<double> numbers;
  for (int seed = 0; seed < 3; ++seed) {
    const Json summary = raw::json(folder + "/" + run_of(way, seed) + "/summary.json");
    if (summary.at("status") == "ok") numbers.push_back(number(summary));
  }
  return numbers;
}

std::string with_deviation(const std::vector<double>& numbers, int decimals, double unit = 1) {
  const raw::Moments m = raw::moments(numbers);
  const std::string mean = fmt::format("{:.{}f}", m.mean * unit, decimals);
  return numbers.size() < 2 ? mean : fmt::format("{} ± {:.{}f}", mean, m.deviation * unit, decimals);
}

struct Expected {
  std::vector<double> val_loss, val_accuracy, test_loss, test_accuracy, lr, momentum, estimate, seconds, bytes,
      gradients;
};

Expected expected(const std::string& folder, const std::string& way) {
  const auto at = [&](const char* part, const char* key) {
    return of_way(folder, way, [=](const Json& s) { return raw::number(s.at(part).at(key)); });
  };
  const auto top = [&](const char* key) {
    return of_way(folder, way, [=](const Json& s) { return raw::number(s.at(key)); });
  };
  return {at("val", "loss"),  at("val", "accuracy"),      at("test", "loss"),      at("test", "accuracy"),
          at("values", "lr"), at("values", "momentum"),   top("estimate_seconds"), top("seconds"),
          top("peak_bytes"),  top("gradient_evaluations")};
}

double mean(const std::vector<double>& numbers) { return raw::moments(numbers).mean; }

// The line of a printed table that begins with `first`, the n-th of them.
std::vector<std::string> line_of(const std::string& text, const std::string& first, int n) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(first + " ") && n-- == 0) return raw::columns(line);
  FAIL("no line ", first);
  return {};
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("numbers: a comparison's table, lines, page and lists are means of the runs that came to their end") {
    const Scratch scratch;
    const std::string folder = scratch / "runs/compared";
    const std::string arguments = small + "--quiet ";
    const Result began = glocal_command(
        scratch, "compare " + arguments + "--estimators local,glocal --seeds 3 --out " + folder, without_pictures);
    REQUIRE_MESSAGE(began.code == 0, began.error);

    // Each seed is a run of its own: that of train with the seed.
    REQUIRE(glocal_command(scratch,
                           "train --hidden 8 --steps 20 --batch 32 --quiet --seed 1 --out " + (scratch / "alone"),
                           without_pictures)
                .code == 0);
    const auto alone_lines = raw::lines(scratch / "alone/metrics.jsonl");
    const auto seed_lines = raw::lines(folder + "/fixed-seed1/metrics.jsonl");
    REQUIRE(alone_lines.size() == seed_lines.size());
    for (const char* key : {"val_loss", "val_accuracy", "test_loss", "test_accuracy"})  // lr went through its logarithm
      CHECK(raw::number(alone_lines.back().at(key)) == Approx(raw::number(seed_lines.back().at(key))).epsilon(1e-4));

    // What is expected of all is what is expected of each.
    double predicted = 0, bytes = 0;
    for (const std::string& way : ways)
      for (int seed = 0; seed < 3; ++seed) {
        const Json meta = raw::json(folder + "/" + run_of(way, seed) + "/meta.json");
        predicted += raw::number(meta.at("predicted_seconds"));
        bytes = std::max(bytes, raw::number(meta.at("predicted_bytes")));
      }
    CHECK(raw::number(raw::json(folder + "/meta.json").at("predicted_seconds")) == Approx(predicted).epsilon(1e-9));
    CHECK(raw::number(raw::json(folder + "/meta.json").at("predicted_bytes")) == bytes);

    write_summaries(folder);
    const Result ended = glocal_command(scratch, "compare --quiet --resume " + folder, without_pictures);
    CHECK(ended.code == 5);
    const Json table = raw::json(folder + "/summary.json").at("table");
    const std::vector<raw::Rows> pages = raw::tables(read_file(folder + "/report.html"));
    REQUIRE(pages.size() >= 2);
    const std::string shown = glocal_command(scratch, "runs show " + folder).out;
    const Expected plain = expected(folder, "fixed");
    for (std::size_t k = 0; k < ways.size(); ++k) {
      CAPTURE(ways[k]);
      const Expected e = expected(folder, ways[k]);
      const Json& row = table.at(k);
      const std::size_t diverged = 3 - e.seconds.size();
      CHECK(row.at("estimator") == ways[k]);
      CHECK(row.at("seeds") == 3);
      CHECK(row.at("diverged") == diverged);
      const auto check_statistic = [&](const Json& json, const std::vector<double>& numbers) {
        CHECK(raw::number(json.at("mean")) == Approx(mean(numbers)).epsilon(1e-12));
        CHECK(raw::number(json.at("sd")) == Approx(raw::moments(numbers).deviation).epsilon(1e-9));
      };
      check_statistic(row.at("val_loss"), e.val_loss);
      check_statistic(row.at("val_accuracy"), e.val_accuracy);
      check_statistic(row.at("test_loss"), e.test_loss);
      check_statistic(row.at("test_accuracy"), e.test_accuracy);
      if (k > 0) check_statistic(row.at("values").at("lr"), e.lr);
      if (k > 0) check_statistic(row.at("values").at("momentum"), e.momentum);
      const double time = mean(e.seconds) / mean(plain.seconds), memory = mean(e.bytes) / mean(plain.bytes);
      const double gradients = mean(e.gradients) / mean(plain.gradients);
      CHECK(raw::number(row.at("hypergradient_seconds")) == Approx(mean(e.estimate)).epsilon(1e-12));
      CHECK(raw::number(row.at("seconds")) == Approx(mean(e.seconds)).epsilon(1e-12));
      CHECK(raw::number(row.at("ratio_time")) == Approx(time).epsilon(1e-12));
      CHECK(raw::number(row.at("peak_bytes")) == Approx(mean(e.bytes)).epsilon(1e-12));
      CHECK(raw::number(row.at("ratio_memory")) == Approx(memory).epsilon(1e-12));
      CHECK(raw::number(row.at("gradient_evaluations")) == mean(e.gradients));
      CHECK(raw::number(row.at("ratio_gradients")) == Approx(gradients).epsilon(1e-12));

      const std::string val_loss = with_deviation(e.val_loss, 4), val_accuracy = with_deviation(e.val_accuracy, 2, 100);
      const std::string test_loss = with_deviation(e.test_loss, 4);
      const std::string test_accuracy = with_deviation(e.test_accuracy, 2, 100);
      const std::string fate = fmt::format("{} of 3", diverged);
      CHECK(line_of(ended.out, ways[k], 0) ==
            std::vector<std::string>{ways[k], val_loss, val_accuracy, test_loss, test_accuracy, fate});
      const std::vector<std::string> cost = line_of(ended.out, ways[k], 1);
      REQUIRE(cost.size() >= 8);
      CHECK(cost[1] == fmt::format("{:.3g}", mean(e.lr)));
      CHECK(cost[2] == fmt::format("{:.3g}", mean(e.momentum)));
      CHECK(std::vector(cost.end() - 5, cost.end()) ==
            std::vector{fmt::format("{:.2f}", mean(e.estimate)), fmt::format("{:.2f}", mean(e.seconds)),
                        fmt::format("{:.1f}", time), fmt::format("{:.1f}", mean(e.bytes) / 1e6),
                        fmt::format("{:.1f}", memory)});

      const raw::Rows &quality = pages[0], &costs = pages[1];
      CHECK(raw::cell(quality, k + 1, "validation loss") == val_loss);
      CHECK(raw::cell(quality, k + 1, "validation accuracy %") == val_accuracy);
      CHECK(raw::cell(quality, k + 1, "test loss") == test_loss);
      CHECK(raw::cell(quality, k + 1, "test accuracy %") == test_accuracy);
      CHECK(raw::cell(quality, k + 1, "diverged") == fate);
      CHECK(raw::cell(costs, k + 1, "lr") == fmt::format("{:.3g}", mean(e.lr)));
      CHECK(raw::cell(costs, k + 1, "momentum") == fmt::format("{:.3g}", mean(e.momentum)));
      CHECK(raw::cell(costs, k + 1, "gradients, × plain") == fmt::format("{:.1f}", gradients));
      CHECK(raw::cell(costs, k + 1, "hypergradient s") == fmt::format("{:.2f}", mean(e.estimate)));
      CHECK(raw::cell(costs, k + 1, "total s") == fmt::format("{:.2f}", mean(e.seconds)));
      CHECK(raw::cell(costs, k + 1, "× plain", 0) == fmt::format("{:.1f}", time));
      CHECK(raw::cell(costs, k + 1, "peak MB") == fmt::format("{:.1f}", mean(e.bytes) / 1e6));
      CHECK(raw::cell(costs, k + 1, "× plain", 1) == fmt::format("{:.1f}", memory));

      CHECK(line_of(shown, ways[k], 0) == std::vector<std::string>{ways[k], fmt::format("{:.4f}", mean(e.val_loss)),
                                                                   fmt::format("{:.4f}", mean(e.test_loss)),
                                                                   fmt::format("{:.2f}", 100 * mean(e.test_accuracy)),
                                                                   fmt::format("{:.1f}", time),
                                                                   fmt::format("{:.1f}", memory)});
    }
    // The losses fall from way to way and the test accuracies with them: best is not first, nor best in everything.
    const auto tiles = raw::tiles(read_file(folder + "/report.html"));
    const Expected best = expected(folder, "glocal");
    CHECK(tiles.at("has the lowest validation loss") == "glocal");
    CHECK(tiles.at("its test accuracy") == fmt::format("{:.2f} %", 100 * mean(best.test_accuracy)));
    CHECK(tiles.at("test accuracy of plain training") == fmt::format("{:.2f} %", 100 * mean(plain.test_accuracy)));
    CHECK(tiles.at("its time over plain training") ==
          fmt::format("{:.1f} ×", mean(best.seconds) / mean(plain.seconds)));
    CHECK(tiles.at("its memory over plain training") == fmt::format("{:.1f} ×", mean(best.bytes) / mean(plain.bytes)));
    const std::string listed = glocal_command(scratch, "runs list " + (scratch / "runs")).out;
    CHECK(has(listed, fmt::format(" {:.2f} ", 100 * mean(plain.test_accuracy))));

    // One run alone.
    const Json one = raw::json(folder + "/local-seed0/summary.json");
    const std::string alone = glocal_command(scratch, "runs show " + folder + "/local-seed0").out;
    CHECK(line_of(alone, "updates", 0).back() == one.at("updates").dump());
    CHECK(line_of(alone, "validation accuracy %", 0).back() ==
          fmt::format("{:.2f}", 100 * raw::number(one.at("val").at("accuracy"))));
    CHECK(line_of(alone, "test accuracy %", 0).back() ==
          fmt::format("{:.2f}", 100 * raw::number(one.at("test").at("accuracy"))));
    CHECK(line_of(alone, "peak of tensors", 0).back() == "49.0 MB");
    CHECK(line_of(alone, "time", 0).back() == "8.0 s");
    CHECK(line_of(alone, "lr", 0).back() == one.at("values").at("lr").dump());

    // The page of a run that diverged says after how many steps.
    REQUIRE(glocal_command(scratch, "runs report " + folder + "/local-seed1", without_pictures).code == 0);
    CHECK(has(read_file(folder + "/local-seed1/report.html"), "after 20 steps"));

    // Thin lines are the seeds that came to their end: three of plain training, two of glocal, and one needs none.
    if (!app::gnuplot_found()) return;
    app::write_report(folder);
    const std::string page = read_file(folder + "/report.html");
    const std::string losses = raw::between(page, "<figure id=\"loss\">", "</figure>").at(0);
    const std::string svg = losses.substr(losses.find("<svg class=\"plot\""));
    CHECK(count(svg, "opacity='") == 3 + 2);

    // Bars end where the ratios of the table are.
    for (const auto& [id, ratio] : {std::pair("time", "ratio_time"), std::pair("memory", "ratio_memory")}) {
      CAPTURE(id);
      const raw::Picture bars = raw::figure(page, id);
      REQUIRE(bars.marks.size() == 2 * ways.size());
      for (std::size_t k = 0; k < ways.size(); ++k) {
        const raw::Pixels& corners = bars.marks[2 * k].pieces.at(0);
        const double value = raw::number(table.at(k).at(ratio));
        CHECK(std::abs(corners.at(1)[0] - raw::Picture::pixel(bars.x, value, false)) < 0.05);
        CHECK(std::abs((corners[0][1] + corners.at(2)[1]) / 2 - bars.categories.at(ways[k])) < 0.05);
      }
    }
  }
}
