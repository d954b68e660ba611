// Every number that a run prints, writes or tabulates, computed again from the raw files it left.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <glocal/core/io/npy.h>
#include <glocal/hpo/dmd/model/operator.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/forecast/dmd_forecaster.h>
#include <glocal/hpo/forecast/forecast.h>

#include "command.h"
#include "raw_run.h"

namespace fs = std::filesystem;
using namespace glocal;
using doctest::Approx;
using raw::Json;

namespace {

const std::string without_pictures = "PATH=/nowhere ";  // gnuplot takes longer than all else
const std::string small = "--hidden 8 --steps 40 --block 10 --batch 32 --quiet ";

std::string four_digits(double x) { return std::isnan(x) ? "" : fmt::format("{:.4g}", x); }
std::string percent(double share) { return fmt::format("{:.2f} %", 100 * share); }

struct Ended {
  std::string folder, out = {};
  Json summary = {}, meta = {};
  std::vector<Json> metrics = {}, starts = {}, updates = {};  // of hparams.jsonl: where it started from, and the rest
};

Ended run(const Scratch& scratch, const std::string& arguments, const std::string& name = "run") {
  Ended ended{.folder = scratch / name};
  const Result result = glocal_command(scratch, arguments + " --force --out " + ended.folder, without_pictures);
  REQUIRE_MESSAGE(result.code == 0, result.error);
  ended.out = result.out;
  ended.summary = raw::json(ended.folder + "/summary.json");
  ended.meta = raw::json(ended.folder + "/meta.json");
  ended.metrics = raw::lines(ended.folder + "/metrics.jsonl");
  for (const Json& line : raw::lines(ended.folder + "/hparams.jsonl"))
    (line.at("update") == -1 ? ended.starts : ended.updates).push_back(line);
  REQUIRE(ended.starts.size() == 1);
  return ended;
}

// params.npz under the names of a checkpoint.
std::map<std::string, raw::Array> last_network(const std::string& folder) {
  std::map<std::string, raw::Array> network;
  for (const auto& [name, tensor] : load_npz(folder + "/params.npz")) {
    const Tensor wide = tensor.to(DType::f64);
    network["param/" + name].numbers.assign(wide.data<double>(), wide.data<double>() + wide.size());
  }
  return network;
}

datasets::Parts digits(std::uint64_t seed) { return datasets::load_parts("digits", 250, split(key(seed), 0)); }

// Scores of summary, last lines, best checkpoint and page against the networks that were kept.
void check_scores(const Ended& ended, std::uint64_t seed) {
  const datasets::Parts parts = digits(seed);
  const auto network = last_network(ended.folder);
  const raw::Score validation = raw::score(network, parts.validation), test = raw::score(network, parts.test);
  const Json &val = ended.summary.at("val"), &tested = ended.summary.at("test"), &last = ended.metrics.back();
  CHECK(raw::number(val.at("loss")) == Approx(validation.loss).epsilon(1e-5));
  CHECK(raw::number(val.at("accuracy")) == Approx(validation.accuracy).epsilon(1e-12));
  CHECK(raw::number(tested.at("loss")) == Approx(test.loss).epsilon(1e-5));
  CHECK(raw::number(tested.at("accuracy")) == Approx(test.accuracy).epsilon(1e-12));
  CHECK(last.at("val_loss") == val.at("loss"));
  CHECK(last.at("val_accuracy") == val.at("accuracy"));
  CHECK(last.at("test_loss") == tested.at("loss"));
  CHECK(last.at("test_accuracy") == tested.at("accuracy"));

  const std::vector<Json> scores = raw::with(ended.metrics, "val_loss");
  const Json best = *std::min_element(scores.begin(), scores.end(),
                                      [](const Json& a, const Json& b) { return a.at("val_loss") < b.at("val_loss"); });
  const raw::Score kept = raw::score(raw::network(ended.folder + "/best.safetensors"), parts.validation);
  CHECK(raw::number(best.at("val_loss")) == Approx(kept.loss).epsilon(1e-5));
  CHECK(raw::number(best.at("val_accuracy")) == Approx(kept.accuracy).epsilon(1e-12));
  const auto at_end = raw::network(ended.folder + "/model.safetensors");
  for (const auto& [name, array] : network) CHECK(at_end.at(name).numbers == array.numbers);

  const auto tiles = raw::tiles(read_file(ended.folder + "/report.html"));
  CHECK(tiles.at("test accuracy") == percent(test.accuracy));
  CHECK(tiles.at("validation accuracy") == percent(validation.accuracy));
  CHECK(tiles.at("test loss") == four_digits(raw::number(tested.at("loss"))));
  CHECK(has(ended.out, "test accuracy " + percent(test.accuracy)));
  CHECK(has(ended.out, "validation accuracy " + percent(validation.accuracy)));
  CHECK(has(ended.out, "test loss " + four_digits(raw::number(tested.at("loss")))));
}

// The line of hparams.jsonl whose hyperparameters the run ended with: of estimators from the start that of its best.
const Json& end_of(const Ended& ended) {
  if (ended.updates.empty()) return ended.starts.front();
  if (!ended.summary.contains("judged")) return ended.updates.back();
  const Json& judged = ended.summary.at("judged");
  const auto kept = static_cast<std::size_t>(std::min_element(judged.begin(), judged.end()) - judged.begin());
  CHECK(ended.summary.at("best").at("update") == kept);
  CHECK(ended.summary.at("best").at("of") == ended.updates.size());
  return kept == 0 ? ended.starts.front() : ended.updates.at(kept - 1);
}

// Losses, counts and times of the summary against the lines.
void check_lines(const Ended& ended) {
  const std::vector<Json> losses = raw::with(ended.metrics, "train_loss");
  REQUIRE(losses.size() == 40);
  for (std::size_t i = 0; i < losses.size(); ++i) CHECK(losses[i].at("step") == i + 1);
  if (!ended.summary.contains("judged")) CHECK(ended.summary.at("train_loss") == losses.back().at("train_loss"));
  CHECK(ended.summary.at("steps") == 40);
  CHECK(ended.summary.at("updates") == ended.updates.size());
  CHECK(ended.summary.at("values") == end_of(ended).at("values"));
  for (const char* key : {"predicted_bytes", "predicted_seconds"}) CHECK(ended.summary.at(key) == ended.meta.at(key));
  double seconds = 0;
  for (const Json& line : raw::lines(ended.folder + "/timing.jsonl")) seconds += raw::number(line.at("seconds"));
  CHECK(raw::number(ended.summary.at("estimate_seconds")) == Approx(seconds).epsilon(1e-12));
  CHECK(raw::number(ended.summary.at("seconds")) > seconds);
}

double norm(const std::vector<double>& h) {
  double squares = 0;
  for (const double v : h) squares += v * v;
  return std::sqrt(squares);
}

// The page's table of updates against hparams.jsonl.
void check_update_table(const Ended& ended, const char* moved, const char* moved_key) {
  const std::vector<raw::Rows> tables = raw::tables(read_file(ended.folder + "/report.html"));
  REQUIRE(!tables.empty());
  const raw::Rows& rows = tables.front();
  REQUIRE(rows.size() == ended.updates.size() + 2);
  const bool judged = ended.summary.contains("judged");
  for (std::size_t i = 0; i < ended.updates.size(); ++i) {
    const Json& line = ended.updates[i];
    const std::size_t row = i + 2;
    CHECK(rows[row][0] == std::to_string(i + 1) + (&line == &end_of(ended) && judged ? ", kept" : ""));
    CHECK(raw::cell(rows, row, "step") == line.at("step").dump());
    for (const char* name : {"lr", "momentum"}) {
      CHECK(raw::cell(rows, row, name) == four_digits(raw::number(line.at("values").at(name))));
      const Json& by = line.at(moved_key);
      const Json& number = by.is_object() ? by.at(name) : by.at(name == std::string("lr") ? 0 : 1);
      CHECK(raw::cell(rows, row, moved + std::string(name)) == four_digits(raw::number(number)));
    }
    // E at the values before an update is that of its block, or the judgement of the update before.
    if (judged) CHECK(ended.summary.at("judged").at(i) == line.at("outer"));
    const Json& outer = judged ? ended.summary.at("judged").at(i + 1) : line.at("outer");
    CHECK(raw::cell(rows, row, "validation loss") == four_digits(raw::number(outer)));
    if (!line.contains("skill")) continue;
    const bool law = line.contains("exponent");  // of training, which has no operator and no eigenvalues
    CHECK(law == !line.contains("eigenvalues"));
    for (const char* column :
         law ? std::vector{"exponent", "residual", "skill"} : std::vector{"rank", "delays", "residual", "skill"})
      CHECK(raw::cell(rows, row, column) == four_digits(raw::number(line.at(column))));
    CHECK(raw::cell(rows, row, "forecast") == (line.at("fell_back").get<bool>() ? "fell back" : "used"));
  }
  const auto tiles = raw::tiles(read_file(ended.folder + "/report.html"));
  CHECK(tiles.at("lr at the end") == four_digits(raw::number(end_of(ended).at("values").at("lr"))));
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("numbers: a plain run says what its networks and lines say") {
    const Scratch scratch;
    const Ended ended = run(scratch, "train --hidden 8 --steps 40 --batch 32 --quiet");
    check_scores(ended, 0);
    check_lines(ended);
    CHECK(ended.summary.at("clipped") == 0);
    CHECK(ended.summary.at("gradient_evaluations") == 40);
    const std::vector<Json> scores = raw::with(ended.metrics, "val_loss");
    CHECK(static_cast<double>(scores.size()) * 250 <= 3 * 32 * 40 + 250);  // three passes a step, and the end
    const auto least = std::min_element(
        scores.begin(), scores.end(), [](const Json& a, const Json& b) { return a.at("val_loss") < b.at("val_loss"); });
    CHECK(least + 1 != scores.end());  // the end is not the best here, so that the two can be told apart
    const std::string page = raw::plain(read_file(ended.folder + "/report.html"));
    CHECK(has(page, "40 steps of 32 images"));
    CHECK(has(page, fmt::format("{} parameters", 64 * 8 + 8 + 8 * 10 + 10)));
  }

  TEST_CASE("numbers: a run whose end is its best keeps its end") {
    const Scratch scratch;
    const Ended ended = run(scratch, "train --hidden 8 --steps 40 --batch 32 --lr 0.05 --set momentum=0 --quiet");
    check_scores(ended, 0);
    const auto best = raw::network(ended.folder + "/best.safetensors");
    for (const auto& [name, array] : last_network(ended.folder)) CHECK(best.at(name).numbers == array.numbers);
  }

  TEST_CASE("numbers: a tuned run says what its lines say, whatever the estimator") {
    const Scratch scratch;
    for (const std::string estimator : {"local", "glocal", "truncated", "pes", "global"}) {
      CAPTURE(estimator);
      const Ended ended =
          run(scratch, "tune " + small + "--seed 1 --tune lr,momentum --updates 3 --particles 2 --meta-optimizer sgd " +
                           "--meta-lr 0.1 --meta-clip 0.2 --estimator " + estimator);
      check_scores(ended, 1);
      check_lines(ended);
      check_update_table(ended, "h ", "hypergradient");
      Json before = ended.starts.front();
      std::int64_t clipped = 0, number = 0;
      for (const Json& line : ended.updates) {
        CHECK(line.at("update") == number++);
        CHECK(line.at("step") == (estimator == "global" ? 0 : 10 * number));
        const double lr = raw::number(line.at("u").at("lr")), momentum = raw::number(line.at("u").at("momentum"));
        CHECK(raw::number(line.at("values").at("lr")) == Approx(std::exp(lr)).epsilon(1e-5));
        CHECK(raw::number(line.at("values").at("momentum")) == Approx(1 / (1 + std::exp(-momentum))).epsilon(1e-5));
        const auto h = line.at("hypergradient").get<std::vector<double>>();
        clipped += norm(h) > 0.2;
        const double step = 0.1 * std::min(1.0, 0.2 / norm(h));
        if (estimator != "global") {  // which may go back
          CHECK(lr == Approx(raw::number(before.at("u").at("lr")) - step * h[0]).epsilon(1e-5));
          CHECK(momentum == Approx(raw::number(before.at("u").at("momentum")) - step * h[1]).epsilon(1e-5));
        }
        before = line;
      }
      if (estimator != "global") CHECK(ended.summary.at("clipped") == clipped);
      if (estimator == "global") CHECK(raw::number(ended.summary.at("peak_bytes")) > 150e3);  // an unrolled run's
    }
  }

  TEST_CASE("numbers: a run of glocal writes the fit and the forecast of its block") {
    const Scratch scratch;
    const Ended ended =
        run(scratch, std::string("tune --hidden 8 --steps 40 --block 16 --batch 32 --quiet --tune "
                                 "lr,momentum --policy raw --delays 2 --rank 4 --lr 0.02 --set momentum=0.5 ") +
                         "--extrapolation dmd --estimator glocal");
    check_update_table(ended, "h ", "hypergradient");
    hpo::DmdOptions options;
    options.delays = 2;
    options.rank = 4;
    options.policy = hpo::DmdOptions::Policy::raw;
    REQUIRE(ended.updates.size() == 2);
    std::int64_t pairs = 0;
    std::map<std::string, std::vector<bool>> fates_by_test;
    for (const Json& line : ended.updates) {
      const std::int64_t end = line.at("step"), begin = line.at("begin");
      CHECK(begin == end - 16);
      CHECK(line.at("every") == 1);
      std::vector<double> rows;
      for (const Json& row : line.at("trajectory")) rows.insert(rows.end(), row.begin(), row.end());
      REQUIRE(rows.size() == 32);
      const hpo::Forecast again =
          hpo::forecast_dmd(Tensor::from(rows, {16, 2}), static_cast<double>(40 - begin - 1), options);
      CHECK(line.at("hypergradient").get<std::vector<double>>() == again.value);
      const hpo::DmdFit& fit = *hpo::dmd_of(again);
      CHECK(line.at("rank") == fit.rank);
      CHECK(line.at("delays") == fit.delays_used);
      CHECK(raw::number(line.at("residual")) == Approx(fit.residual).epsilon(1e-12));
      CHECK(raw::number(line.at("skill")) == Approx(again.skill).epsilon(1e-12));
      CHECK(line.at("fell_back") == again.fell_back);
      fates_by_test[line.value("test", "")].push_back(again.fell_back);
      CHECK(line.at("error_bar").get<std::vector<double>>() == again.error_bar);
      CHECK(line.at("singular_values").get<std::vector<double>>() == fit.singular_values);
      std::vector<std::array<double, 2>> eigenvalues;
      for (const auto& lambda : fit.eigenvalues) eigenvalues.push_back({lambda.real(), lambda.imag()});
      pairs += std::count_if(eigenvalues.begin(), eigenvalues.end(), [](const auto& e) { return e[1] < 0; });
      CHECK(line.at("eigenvalues").get<std::vector<std::array<double, 2>>>() == eigenvalues);
      const Json& forecast = line.at("forecast");
      CHECK(forecast.front().at(0) == end);
      CHECK(forecast.back().at(0) == 40);
      for (const Json& point : forecast)
        CHECK(point.at(1).get<std::vector<double>>() ==
              fit.forecast(point.at(0).get<double>() - static_cast<double>(begin) - 1));
    }
    CHECK(pairs > 0);  // a sign is written only where there is one
    const std::string page = raw::plain(read_file(ended.folder + "/report.html"));
    for (const auto& [test, fates] : fates_by_test)
      CHECK(has(page, fmt::format("{} of {} rejected", std::count(fates.begin(), fates.end(), true), fates.size())));
  }

  TEST_CASE("numbers: a search counts its trials and says what it tried and what was best") {
    const Scratch scratch;
    const std::string search = "tune " + small + "--tune lr,momentum --estimator random-search --budget 6 ";
    const Ended ended = run(scratch, search + "--trial-steps 20");
    check_scores(ended, 0);
    check_lines(ended);
    check_update_table(ended, "tried ", "tried");
    CHECK(ended.updates.size() == 10);  // 6 x 40 gradients: 40 for the last run, 20 a trial
    CHECK(ended.summary.at("gradient_evaluations") == 10 * 20 + 40);
    std::set<double> tried;
    double best = INFINITY;
    Json values;
    for (const Json& line : ended.updates) {
      tried.insert(raw::number(line.at("tried").at("lr")));
      if (raw::number(line.at("outer")) < best) values = line.at("tried");
      best = std::min(best, raw::number(line.at("outer")));
      CHECK(line.at("values") == values);
    }
    CHECK(tried.size() == ended.updates.size());

    const auto draws = [&](const std::string& arguments) {
      std::vector<double> logs;
      for (const Json& line : run(scratch, search + arguments).updates)
        logs.push_back(std::log(raw::number(line.at("tried").at("lr")) / raw::number(ended.starts[0]["values"]["lr"])));
      return logs;
    };
    const std::vector<double> one = draws(""), half = draws("--search-width 0.5"), other = draws("--seed 1");
    REQUIRE(one.size() == half.size());
    for (std::size_t i = 1; i < one.size(); ++i) {
      CHECK(one[i] == Approx(2 * half[i]).epsilon(1e-5));
      CHECK(std::abs(one[i] - other[i]) > 1e-6);
    }
    const Result stopped = glocal_command(scratch, search + "--out " + (scratch / "stopped"),
                                          without_pictures + "GLOCAL_INTERRUPT_AT=100");
    CHECK(stopped.code == 130);
    const std::size_t whole = raw::lines(scratch / "stopped/hparams.jsonl").size() - 1;
    CHECK(whole > 0);
    CHECK(has(stopped.error, fmt::format("in run {} from the start", whole + 1)));
  }

  TEST_CASE("numbers: a run that goes on counts the time before and says what was expected then") {
    const Scratch scratch;
    const std::string folder = scratch / "run";
    const auto stopped_at = [&](const std::string& arguments, int place) {
      const Result result =
          glocal_command(scratch, arguments, fmt::format("{}GLOCAL_INTERRUPT_AT={} ", without_pictures, place));
      CHECK(result.code == 130);
      return raw::json(folder + "/summary.json");
    };
    const std::string arguments = "tune " + small + "--tune lr,momentum --estimator local --out " + folder;
    const Json first = stopped_at(arguments, 33);
    const double used = raw::number(raw::metadata(folder + "/last.safetensors", "used").at("seconds"));
    CHECK(used > 0);
    const Json second = stopped_at("tune --quiet --resume " + folder, 2);
    const std::vector<Json> updates = raw::lines(folder + "/hparams.jsonl");
    REQUIRE(updates.size() > 1);
    CHECK(first.at("values") == updates.back().at("values"));
    CHECK(second.at("values") == updates.back().at("values"));
    CHECK(raw::number(second.at("seconds")) > used);
    for (const char* file : {"/meta.json", "/summary.json"}) {
      Json changed = raw::json(folder + file);
      changed["predicted_seconds"] = 7500;
      write_file_atomically(folder + file, changed.dump());
    }
    const Result end = glocal_command(scratch, "tune --resume " + folder, without_pictures);
    CHECK(end.code == 0);
    CHECK(has(end.error, "s (expected 2 h 5 min), at most "));
    CHECK(raw::number(raw::json(folder + "/summary.json").at("seconds")) > used);
  }
}
