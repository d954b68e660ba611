// The pictures and the page of a run against the numbers of its files, every one of which is another.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <complex>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <glocal/app/dmd/figures.h>
#include <glocal/app/record/read_run.h>
#include <glocal/app/report/figures.h>
#include <glocal/app/report/gnuplot.h>
#include <glocal/app/report/plot.h>
#include <glocal/app/report/report.h>
#include <glocal/app/report/sections.h>
#include <glocal/core/io/file.h>
#include <glocal/hpo/dmd/dmd.h>

#include "raw_run.h"
#include "raw_svg.h"
#include "scratch.h"

namespace fs = std::filesystem;
using namespace glocal;
using doctest::Approx;
using Points = std::vector<std::array<double, 2>>;

namespace {

// The programs of PATH are out of sight while one lives.
struct NoPrograms {
  std::string path = std::getenv("PATH");
  NoPrograms() { ::setenv("PATH", "/nonexistent", 1); }
  ~NoPrograms() { ::setenv("PATH", path.c_str(), 1); }
};

void write(const fs::path& file, const raw::Json& json) { write_file_atomically(file.string(), json.dump()); }
void write(const fs::path& file, const std::vector<raw::Json>& lines) {
  std::string text;
  for (const raw::Json& line : lines) text += line.dump() + "\n";
  write_file_atomically(file.string(), text);
}

// Five updates of blocks of 8 steps, the second and the last rejected; of a search, what was tried besides.
struct Written {
  fs::path folder;
  std::vector<raw::Json> metrics = {}, hparams = {};
  raw::Json summary = {};
};

Written write_run(const fs::path& folder, const std::string& estimator, double shift = 0, bool search = false) {
  Written out{.folder = folder};
  fs::create_directories(folder);
  write(folder / "config.json", raw::Json{{"command", "tune"},
                                          {"dataset", "digits"},
                                          {"model", "mlp"},
                                          {"optimizer", "sgd"},
                                          {"estimator", estimator},
                                          {"steps", 48},
                                          {"batch", 16},
                                          {"val_batch", 64},
                                          {"seed", 3}});
  write(folder / "meta.json",
        raw::Json{{"dataset_title", "Digits"}, {"synthetic", false}, {"parameters", 4810}, {"train_images", 1234}});
  for (int t = 8; t <= 48; t += 8) {
    out.metrics.push_back({{"step", t}, {"train_loss", 3.0 - 0.04 * t + shift}});
    if (t % 16 == 0)
      out.metrics.push_back({{"step", t},
                             {"val_loss", 2.6 - 0.03 * t - 0.0002 * t * t + shift},
                             {"val_accuracy", 0.3 + 0.01 * t + shift / 9}});
  }
  out.hparams.push_back({{"update", -1}, {"step", 0}, {"values", {{"lr", 0.01 + shift}, {"momentum", 0.5}}}});
  for (int i = 0; i < 5; ++i) {
    raw::Json line{{"update", i},
                   {"step", 8 * (i + 1)},
                   {"values", {{"lr", 0.02 + 0.003 * i * i + shift}, {"momentum", 0.6 + 0.01 * i}}},
                   {"outer", 1.5 - 0.1 * i}};
    if (search) {
      line["tried"] = {{"lr", 0.04 + 0.01 * i}, {"momentum", 0.7 - 0.02 * i}};
      line["hypergradient"] = raw::Json::array();
      if (i == 2) line["outer"] = nullptr;
    } else {
      line["hypergradient"] = {-0.11 - 0.01 * i, 0.23 + 0.02 * i};
      line["begin"] = 8 * i;
      line["every"] = 2;
      for (int t = 1; t <= 4; ++t) line["trajectory"].push_back({-0.02 * t - 0.01 * i, 0.05 * t});
      line["rank"] = 2;
      line["delays"] = 3;
      line["residual"] = 0.0625 + 0.001 * i;
      line["skill"] = 0.375 + i;
      line["fell_back"] = i % 3 == 1;
      line["eigenvalues"] = {{0.6, 0.7}, {0.6, -0.7}, {0.75 + 0.01 * i, 0}};
      line["singular_values"] = {4.0 + i, 1.0, 0.25};
      line["forecast"] = {{8 * (i + 1), {-0.1, 0.21}}, {8 * (i + 1) + 4, {-0.12, 0.22}}, {48, {-0.13, 0.24}}};
    }
    out.hparams.push_back(line);
  }
  out.summary = {{"command", "tune"},
                 {"estimator", estimator},
                 {"seed", 3},
                 {"status", "ok"},
                 {"steps", 48},
                 {"updates", 5},
                 {"train_loss", raw::with(out.metrics, "train_loss").back()["train_loss"]},
                 {"val", {{"loss", out.metrics.back()["val_loss"]}, {"accuracy", out.metrics.back()["val_accuracy"]}}},
                 {"test", {{"loss", 0.62}, {"accuracy", 0.81}}},
                 {"seconds", 250.0},
                 {"estimate_seconds", 130.0},
                 {"peak_bytes", 13'000'000},
                 {"predicted_seconds", 200.0},
                 {"predicted_bytes", 26'000'000}};
  write(folder / "metrics.jsonl", out.metrics);
  write(folder / "hparams.jsonl", out.hparams);
  write(folder / "summary.json", out.summary);
  return out;
}

Points curve(const Written& run, const char* key, double unit = 1) {
  Points points;
  for (const raw::Json& line : raw::with(run.metrics, key))
    points.push_back({raw::number(line.at("step")), unit * raw::number(line.at(key))});
  return points;
}

Points values(const Written& run, const char* name, const char* of = "values") {
  Points points;
  for (const raw::Json& line : raw::with(run.hparams, of))
    points.push_back({raw::number(line.at("update")) + 1, raw::number(line.at(of).at(name))});
  return points;
}

void check_points(const Points& found, const Points& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CHECK(found[i][0] == Approx(expected[i][0]).epsilon(1e-12));
    CHECK(found[i][1] == Approx(expected[i][1]).epsilon(1e-12));
  }
}

const app::Series& labelled(const app::Plot& plot, const std::string& label) {
  for (const app::Series& series : plot.series)
    if (series.label == label) return series;
  FAIL("no series ", label);
  return plot.series.front();
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
std::string four_digits(double x) { return fmt::format("{:.4g}", x); }

}  // namespace

TEST_SUITE_BEGIN("fast");

TEST_CASE("figures: losses, accuracies and hyperparameters are those of the lines") {
  const Scratch scratch;
  const Written written = write_run(scratch.path, "glocal");
  const app::RunRecord run = app::read_run(scratch.path);
  const Points losses = curve(written, "val_loss"), accuracies = curve(written, "val_accuracy", 100);
  const app::Plot loss = app::loss_plot(run), accuracy = app::accuracy_plot(run);
  check_points(labelled(loss, "validation").points, losses);
  check_points(labelled(loss, "training batch").points, curve(written, "train_loss"));
  CHECK(has(loss.title, "fell from " + four_digits(losses.front()[1]) + " to " + four_digits(losses.back()[1])));
  for (const app::Series& series : accuracy.series) check_points(series.points, accuracies);
  CHECK(has(accuracy.title, fmt::format("ended at {:.2f} %", accuracies.back()[1])));
  const char* const names[] = {"lr", "momentum"};
  for (std::size_t k = 0; k < 2; ++k) {
    const app::Plot plot = app::value_plot(run, k);
    const Points expected = values(written, names[k]);
    check_points(labelled(plot, "").points, expected);
    check_points(labelled(plot, "after the update").points, expected);
    check_points(labelled(plot, "fell back").points, {expected[2], expected[5]});
    CHECK(plot.title == fmt::format("{} went from {} to {}", names[k], four_digits(expected.front()[1]),
                                    four_digits(expected.back()[1])));
  }
}

TEST_CASE("figures: blocks, forecasts and spectra are those of the lines") {
  const Scratch scratch;
  const Written written = write_run(scratch.path, "glocal");
  const app::RunRecord run = app::read_run(scratch.path);
  const std::vector<app::UpdateRecord> some = app::selected_updates(run);
  REQUIRE(some.size() == 3);
  CHECK(some[0].index == 0);
  CHECK(some[1].index == 2);
  CHECK(some[2].index == 4);
  const app::Plot eigenvalues = app::eigenvalue_plot(some), singular = app::singular_value_plot(some);
  CHECK(has(eigenvalues.title, fmt::format("|λ| = {:.4f}", std::hypot(0.6, 0.7))));
  for (std::size_t i = 0; i < some.size(); ++i) {
    const raw::Json& line = written.hparams.at(1 + static_cast<std::size_t>(some[i].index));
    const bool fell_back = line.at("fell_back");
    for (std::size_t k = 0; k < 2; ++k) {
      const app::Plot plot = app::trajectory_plot(run, some[i], k);
      Points block, forecast;
      double step = line.at("begin");
      for (const raw::Json& row : line.at("trajectory")) block.push_back({step += 2, row.at(k).get<double>()});
      for (const raw::Json& row : line.at("forecast")) forecast.push_back({row.at(0), row.at(1).at(k).get<double>()});
      check_points(labelled(plot, "h in the block").points, block);
      check_points(labelled(plot, fell_back ? "forecast (rejected)" : "forecast").points, forecast);
      check_points(labelled(plot, "h used").points,
                   {{(fell_back ? block : forecast).back()[0], line.at("hypergradient").at(k).get<double>()}});
      CHECK(has(plot.title, fmt::format("update {}", some[i].index + 1)));
    }
    check_points(eigenvalues.series.at(i).points, line.at("eigenvalues").get<Points>());
    Points all, kept;
    for (std::size_t k = 0; k < 3; ++k) {
      const double size =
          line.at("singular_values").at(k).get<double>() / line.at("singular_values").at(0).get<double>();
      all.push_back({static_cast<double>(k + 1), size});
      if (k < 2) kept.push_back(all.back());
    }
    check_points(singular.series.at(2 * i).points, all);
    check_points(singular.series.at(2 * i + 1).points, kept);
  }
}

TEST_CASE("figures: what a search tried is not what was best so far") {
  const Scratch scratch;
  const Written written = write_run(scratch.path, "gp", 0, true);
  const app::RunRecord run = app::read_run(scratch.path);
  const app::Plot plot = app::value_plot(run, 0);
  Points tried = values(written, "lr", "tried");
  check_points(labelled(plot, "best so far").points, values(written, "lr"));
  check_points(labelled(plot, "diverged").points, {tried[2]});
  tried.erase(tried.begin() + 2);
  check_points(labelled(plot, "tried").points, tried);
}

TEST_CASE("figures: a comparison draws means where every seed has a number, in percent, and bars at their names") {
  const Scratch scratch;
  const Written one = write_run(scratch.path / "a", "local"), two = write_run(scratch.path / "b", "local", 0.09);
  app::RunGroup group{"local", {app::read_run(one.folder), app::read_run(two.folder)}};
  group.runs[1].val_loss.pop_back();  // a seed that ended early
  const auto mean = [](Points a, const Points& b) {
    a.resize(std::min(a.size(), b.size()));
    for (std::size_t i = 0; i < a.size(); ++i) a[i][1] = (a[i][1] + b[i][1]) / 2;
    return a;
  };
  Points shorter = curve(two, "val_loss");
  shorter.pop_back();
  check_points(labelled(app::loss_overlay({group}), "local").points, mean(curve(one, "val_loss"), shorter));
  const app::Plot accuracy = app::accuracy_overlay({group});
  check_points(labelled(accuracy, "local").points,
               mean(curve(one, "val_accuracy", 100), curve(two, "val_accuracy", 100)));
  check_points(accuracy.series.at(0).points, curve(one, "val_accuracy", 100));
  check_points(labelled(app::value_overlay({group}, 0), "local").points, mean(values(one, "lr"), values(two, "lr")));

  const std::vector<double> ratios{1, 7.25, 2.5, 4};
  const std::vector<std::string> names{"fixed", "global", "local", "glocal"};
  const app::Plot bars = app::ratio_bars(names, ratios, "Time", "times plain training");
  CHECK(bars.categories == names);
  for (std::size_t i = 0; i < ratios.size(); ++i)
    check_points(bars.series.at(i).points, {{ratios[i], static_cast<double>(i)}});
  if (!app::gnuplot_found()) return;
  const raw::Picture drawn = raw::picture(app::inline_svg(bars, "bars"));
  REQUIRE(drawn.marks.size() == 2 * ratios.size());
  for (std::size_t i = 0; i < ratios.size(); ++i) {
    const raw::Pixels& corners = drawn.marks[2 * i].pieces.at(0);
    CHECK(std::abs(corners.at(1)[0] - raw::Picture::pixel(drawn.x, ratios[i], false)) < 0.05);
    CHECK(std::abs((corners[0][1] + corners[2][1]) / 2 - drawn.categories.at(names[i])) < 0.05);
    CHECK(std::strtod(drawn.marks[2 * i + 1].text.c_str(), nullptr) == ratios[i]);
  }
}

TEST_CASE("figures: the pictures of a page stand where the numbers belong") {
  if (!app::gnuplot_found()) return;
  const Scratch scratch;
  const Written written = write_run(scratch.path, "glocal");
  const std::string page = app::report_page(app::read_run(scratch.path));
  const raw::Picture loss = raw::figure(page, "loss"), accuracy = raw::figure(page, "accuracy"),
                     value = raw::figure(page, "value-1"), block = raw::figure(page, "trajectory-0-1");
  raw::check_drawn(loss, loss.marks.at(0), curve(written, "train_loss"), true);
  raw::check_drawn(loss, loss.marks.at(1), curve(written, "val_loss"), true);
  raw::check_drawn(accuracy, accuracy.marks.at(0), curve(written, "val_accuracy", 100));
  raw::check_drawn(accuracy, accuracy.marks.at(1), curve(written, "val_accuracy", 100));
  raw::check_drawn(value, value.marks.at(0), values(written, "momentum"));
  raw::check_drawn(block, block.marks.at(0), {{2, -0.02}, {4, -0.04}, {6, -0.06}, {8, -0.08}});
  raw::check_drawn(block, block.marks.at(1), {{8, -0.1}, {12, -0.12}, {48, -0.13}});
  raw::check_drawn(block, block.marks.at(2), {{48, -0.11}});

  app::Plot gap{.title = "a gap", .x = {"x"}, .y = {"y"}, .series = {}};
  gap.series.push_back({"", app::Paint::blue, app::Series::Style::line, {{0, 0}, {1, 1}, {2, NAN}, {3, 9}, {4, 4}}});
  const raw::Picture broken = raw::picture(app::inline_svg(gap, "gap"));
  REQUIRE(broken.marks.at(0).pieces.size() == 2);
  CHECK(broken.marks.at(0).pieces[0].size() == 2);
  CHECK(broken.marks.at(0).pieces[1].size() == 2);
  app::Plot other = gap;
  other.title = "the second panel";
  const std::string sheet = app::svg_sheet({gap, other}, "both");
  CHECK(has(sheet, "a gap"));
  CHECK(has(sheet, "the second panel"));
}

TEST_CASE("figures: tiles, tables and titles of a page are the numbers of its files") {
  const Scratch scratch;
  const NoPrograms without_pictures;  // which take longer than all else
  Written written = write_run(scratch.path, "glocal");
  const std::string page = app::report_page(app::read_run(scratch.path));
  auto tiles = raw::tiles(page);
  CHECK(tiles.at("test accuracy") == "81.00 %");
  CHECK(tiles.at("test loss") == "0.62");
  CHECK(tiles.at("validation accuracy") == "78.00 %");
  CHECK(tiles.at("lr at the end") == "0.068");
  CHECK(tiles.at("momentum at the end") == "0.64");
  CHECK(tiles.at("of training") == "4 min 10 s");
  CHECK(tiles.at("peak of tensors") == "13.0 MB");
  const std::vector<raw::Rows> tables = raw::tables(page);
  REQUIRE(tables.size() == 2);
  for (std::size_t row = 2; row < tables[0].size(); ++row) {
    const raw::Json& line = written.hparams.at(row - 1);
    CHECK(raw::cell(tables[0], row, "step") == line.at("step").dump());
    CHECK(raw::cell(tables[0], row, "residual") == four_digits(line.at("residual")));
    CHECK(raw::cell(tables[0], row, "skill") == four_digits(line.at("skill")));
    CHECK(raw::cell(tables[0], row, "validation loss") == four_digits(line.at("outer")));
  }
  const raw::Rows cost{{"", "predicted", "measured", "measured / predicted"},
                       {"time", "3 min 20 s", "4 min 10 s", "1.25"},
                       {"of it hypergradients", "", "2 min 10 s", ""},
                       {"peak memory of tensors", "26.0 MB", "13.0 MB", "0.50"}};
  CHECK(tables[1] == cost);
  const std::string words = raw::plain(page);
  CHECK(has(words, "48 steps of 16 images"));
  CHECK(has(words, "4810 parameters"));
  CHECK(has(words, "2 of 5 rejected"));

  written.metrics.resize(written.metrics.size() - 2);  // those of step 48
  written.summary["status"] = "interrupted";
  written.summary["steps"] = 41;
  const raw::Json last = raw::with(written.metrics, "val_loss").back();
  written.summary["val"] = {{"loss", last["val_loss"]}, {"accuracy", last["val_accuracy"]}};
  write(scratch.path / "metrics.jsonl", written.metrics);
  write(scratch.path / "summary.json", written.summary);
  CHECK(has(app::report_page(app::read_run(scratch.path)), "after 41 steps"));
}

TEST_CASE("figures: dmd draws the data, the fit, what was fitted and what was used") {
  std::vector<double> numbers;
  for (int t = 0; t < 24;
       ++t) {  // one mode grows, which the policy does not allow; some noise, so that fit and data differ
    numbers.push_back(std::pow(1.05, t) + 0.05 * std::sin(7.1 * t * t));
    numbers.push_back(2 * std::pow(0.9, t) + 0.3 * std::pow(1.05, t) + 0.05 * std::cos(5.3 * t * t));
  }
  const Tensor h = Tensor::from(numbers, {24, 2});
  hpo::DmdOptions options;
  options.rank = 3;
  options.delays = 4;
  options.policy = hpo::DmdOptions::Policy::clip;
  const hpo::DmdFit fit = hpo::fit_dmd(h, options);
  const std::vector<app::Plot> panels = app::dmd_panels(h, fit, /*fell_back=*/false, 60);
  REQUIRE(panels.size() == 4);
  REQUIRE(fit.eigenvalues != fit.fitted_eigenvalues);
  for (std::size_t k = 0; k < 2; ++k) {
    Points data, fitted;
    for (int t = 0; t < 24; ++t) {
      const auto i = static_cast<std::size_t>(t);
      data.push_back({static_cast<double>(t), numbers[2 * i + k]});
      fitted.push_back({static_cast<double>(t), fit.forecast(t)[k]});
      CHECK(labelled(panels[0], fmt::format("fit h{}", k + 1)).points.at(i)[1] ==
            Approx(fitted.back()[1]).epsilon(1e-9));
    }
    check_points(labelled(panels[0], fmt::format("data h{}", k + 1)).points, data);
    const Points& future = labelled(panels[0], fmt::format("forecast h{}", k + 1)).points;
    CHECK(future.front()[0] == 23);
    CHECK(future.back()[0] == 60);
    for (const auto& [t, value] : future) CHECK(value == Approx(fit.forecast(t)[k]).epsilon(1e-12));
  }
  const auto points = [](const std::vector<std::complex<double>>& lambdas) {
    Points all;
    for (const auto& lambda : lambdas) all.push_back({lambda.real(), lambda.imag()});
    return all;
  };
  check_points(labelled(panels[1], "as fitted").points, points(fit.fitted_eigenvalues));
  check_points(labelled(panels[1], "used").points, points(fit.eigenvalues));
  CHECK(labelled(panels[2], "kept").points.size() == 3);
  CHECK(labelled(panels[2], "dropped").points.size() == fit.singular_values.size() - 3);
  CHECK(labelled(panels[2], "dropped").points.front()[1] == fit.singular_values[3]);
  for (std::size_t k = 0; k < 3; ++k) {
    const auto mode = static_cast<std::int64_t>(k);
    CHECK(panels[3].series.at(0).points.at(k)[0] ==
          Approx(std::hypot(std::abs(fit.amplitudes(mode, 0)), std::abs(fit.amplitudes(mode, 1)))).epsilon(1e-12));
  }
}

TEST_SUITE_END();
