// The numbers of `glocal reproduce`: scores, means and shares of its studies, computed again from what they were made
// of.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <complex>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <glocal/app/reproduce/bank_judge.h>
#include <glocal/app/reproduce/comparison.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/trial.h>
#include <glocal/core/io/file.h>
#include <glocal/core/random.h>
#include <glocal/hpo/dmd/dmd.h>
#include <glocal/hpo/estimators/glocal.h>
#include <glocal/hpo/forecast/forecast.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/hpo/unroll/forward.h>

#include "raw_run.h"
#include "scratch.h"

namespace fs = std::filesystem;
using namespace glocal;
using namespace glocal::app;
using doctest::Approx;

namespace {

Lab lab_of(const std::string& name, const Json& changes) {
  const Study& each = find_study(name);
  Json config = Json::parse(std::string(reinterpret_cast<const char*>(each.config.data()), each.config.size()));
  config.merge_patch(changes);
  return Lab(name, config, {.quiet = true});
}

Findings found(const std::string& name, const Json& changes) { return find_study(name).run(lab_of(name, changes)); }

const Json digits{{"dataset", "digits"}, {"hidden", {8}},   {"steps", 40},        {"batch", 32}, {"val_batch", 64},
                  {"block", 10},         {"val_size", 200}, {"train_limit", 400}, {"seeds", 1},  {"dtype", "f64"}};

std::vector<Json> rows_of(const Findings& findings, const char* key, const Json& value) {
  std::vector<Json> rows;
  for (const Json& row : findings.rows)
    if (row.contains(key) && row.at(key) == value) rows.push_back(row);
  return rows;
}

Trial trial(double validation, double test, std::vector<double> values, double gradients, std::int64_t bytes) {
  Trial out;
  out.validation = {2 * validation, validation};
  out.test = {3 * test, test};
  out.values = std::move(values);
  out.gradients = gradients;
  out.peak_bytes = bytes;
  return out;
}

// Of a number of every trial.
std::vector<double> each(const std::vector<double>& numbers) {
  const raw::Moments m = raw::moments(numbers);
  return {m.mean, m.deviation};
}

constexpr std::int64_t dense = 120, end = 240;  // steps that the bank below records: all to 120, then 240

// A bank with the recipes of bank.json, of which all but those in `cases` are three steps long.
struct Bank {
  std::vector<Recipe> recipes = parse_recipes(read_file(GLOCAL_SOURCE_DIR "/app/reproduce/bank.json"));
  std::vector<Trajectory> all;

  Bank() {
    for (const Recipe& recipe : recipes)
      all.push_back(
          made(recipe, 3, [](std::int64_t t, std::int64_t k) { return 0.1 * static_cast<double>(t + k + 1); }));
  }
  template <class F>
  static Trajectory made(const Recipe& recipe, std::int64_t steps, F&& h_of) {
    Trajectory out{.recipe = recipe, .steps = {}, .h = {}, .outer = {}, .loss = {}, .tangents = {}, .other_orders = {}};
    for (std::int64_t t = 1; t <= steps; ++t) out.steps.push_back(t);
    if (steps == dense) out.steps.push_back(end);
    std::vector<double> h, outer;
    for (const std::int64_t t : out.steps) {
      for (std::int64_t k = 0; k < 3; ++k) h.push_back(h_of(t, k));
      outer.push_back(2 * std::pow(static_cast<double>(t), -0.3));
    }
    const auto n = std::ssize(out.steps);
    out.h = Tensor::from(h, {n, 3});
    out.outer = Tensor::from(outer, {n});
    out.loss = out.outer;
    out.tangents = Tensor::full({n, 3}, 1, DType::f64);
    for (std::int64_t order = 1; order < recipe.orders; ++order) out.other_orders.push_back(out.h.clone());
    return out;
  }
  // Index of the n-th recipe that passes.
  template <class F>
  std::size_t where(F&& passes, int n = 0) const {
    for (std::size_t i = 0; i < recipes.size(); ++i)
      if (passes(recipes[i]) && n-- == 0) return i;
    FAIL("no such recipe");
    return 0;
  }
};

double wavy(std::int64_t t, std::int64_t k) {
  const auto x = static_cast<double>(t);
  return (1 - 0.2 * static_cast<double>(k)) * (1 - std::exp(-0.02 * x)) +
         0.02 * std::sin(0.9 * x + static_cast<double>(k));
}

bool judged(const Recipe& recipe) { return recipe.held_out; }

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("study numbers: a cell of a grid is the mean and the deviation of its trials that ended") {
    Cell cell{{"what", {}, {}},
              {"way", {}, "local"},
              {trial(0.5, 0.6, {0.01, 0.9}, 400, 10'000'000), trial(0.7, 0.5, {0.04, 0.8}, 500, 14'000'000),
               trial(0.8, 0.9, {0.07, 0.5}, 420, 15'000'000)}};
    Trial failed = trial(0, 0, {1e9, 1}, 9e9, 900'000'000'000);
    failed.failure = "the loss is not finite";
    failed.validation = failed.test = {NAN, NAN};
    cell.trials.insert(cell.trials.begin(), failed);
    const Json row = cell_rows({cell}).front();
    const auto pair = [&](const char* key, const std::vector<double>& numbers) {
      const auto two = row.at(key).get<std::vector<double>>();
      CHECK(two.at(0) == Approx(each(numbers)[0]).epsilon(1e-12));
      CHECK(two.at(1) == Approx(each(numbers)[1]).epsilon(1e-12));
    };
    pair("validation_accuracy", {0.5, 0.7, 0.8});
    pair("validation_loss", {1, 1.4, 1.6});
    pair("test_accuracy", {0.6, 0.5, 0.9});
    pair("test_loss", {1.8, 1.5, 2.7});
    pair("gradients", {400, 500, 420});
    pair("peak_bytes", {10e6, 14e6, 15e6});
    CHECK(row.at("seeds") == 4);
    CHECK(row.at("diverged") == 1);
    CHECK(test_accuracy(cell) == fmt::format("66.67 ± {:.2f}, 1 diverged", 100 * each({0.6, 0.5, 0.9})[1]));
    CHECK(validation_accuracy(cell) == fmt::format("66.67 ± {:.2f}, 1 diverged", 100 * each({0.5, 0.7, 0.8})[1]));
    CHECK(final_values(cell) == "0.04, 0.73");
    CHECK(price(cell) == "440, 13 MB");
  }

  TEST_CASE("study numbers: every trial of a grid stands in the cell of its case, way and seed") {
    const std::vector<double> rates{0.003, 0.03, 0.3};
    const Json changes{{"training", digits}, {"sweep", {{"lr", rates}, {"estimators", {"fixed", "local"}}}}};
    Json two = changes;
    two["training"]["seeds"] = 2;
    const Lab lab = lab_of("learning-rates", two);
    const Findings findings = find_study("learning-rates").run(lab);
    REQUIRE(findings.rows.size() == 6);
    const std::vector<std::string> ways{"fixed", "local"};
    for (std::size_t i = 0; i < rates.size(); ++i)
      for (std::size_t k = 0; k < ways.size(); ++k) {
        std::vector<double> accuracies, losses;
        for (const std::uint64_t seed : {0U, 1U}) {
          const Options options = lab.options({{"hyper", {{"lr", rates[i]}}}, {"seed", seed}});
          const train::Experiment experiment(options.experiment);
          hpo::TuneOptions tuning = options.tuning;
          tuning.estimator = ways[k];
          const Vars phi = experiment.phi();
          const hpo::TuneResult result = ways[k] == "fixed" ? hpo::train(experiment.problem(), phi, 40)
                                                            : hpo::tune(experiment.problem(), phi, tuning);
          std::map<std::string, raw::Array> network;
          for (std::size_t p = 0; p < experiment.model().names.size(); ++p) {
            const Tensor& value = result.s[p].value();
            network["param/" + experiment.model().names[p]].numbers.assign(value.data<double>(),
                                                                           value.data<double>() + value.size());
          }
          const raw::Score score = raw::score(network, experiment.data(datasets::Part::test));
          accuracies.push_back(score.accuracy);
          losses.push_back(score.loss);
        }
        const Json& row = findings.rows.at(2 * i + k);
        CHECK(row.at("case") == fmt::format("{:g}", rates[i]));
        CHECK(row.at("way") == ways[k]);
        CHECK(row.at("test_accuracy").at(0).get<double>() == Approx(each(accuracies)[0]).epsilon(1e-12));
        CHECK(row.at("test_accuracy").at(1).get<double>() == Approx(each(accuracies)[1]).epsilon(1e-9));
        CHECK(row.at("test_loss").at(0).get<double>() == Approx(each(losses)[0]).epsilon(1e-9));
        const auto point = findings.plots.at(0).series.at(k).points.at(i);
        CHECK(point[0] == rates[i]);
        CHECK(point[1] == Approx(100 - 100 * each(accuracies)[0]).epsilon(1e-12));
      }
  }

  TEST_CASE("study numbers: a file keeps five digits of what was found") {
    const Scratch scratch;
    const Json changes{{"training", digits}, {"sweep", {{"lr", {0.0123456}}, {"estimators", {"fixed"}}}}};
    ReproduceOptions options;
    options.out = scratch.path / "questions";
    options.config = scratch / "changes.json";
    options.lab.quiet = true;
    write_file_atomically(options.config, changes.dump());
    app::reproduce(find_study("learning-rates"), options);
    const raw::Json kept = raw::json(scratch / "questions/learning-rates.json").at("rows").at(0);
    const Json whole = found("learning-rates", changes).rows.at(0);
    for (const char* key : {"validation_loss", "test_loss", "validation_accuracy"}) {
      const double is = kept.at(key).at(0), was = whole.at(key).at(0);
      CHECK(fmt::format("{:.5g}", is) == fmt::format("{:.5g}", was));
      CHECK(std::abs(is - was) <= 0.5e-4 * was);
    }
  }

  TEST_CASE("study numbers: spreads over batch orders and validation batches, block by block") {
    const Json sweep{{"warm_up", 5},      {"repeats", 3},          {"batch", {32}},
                     {"val_batch", {16}}, {"outcome_batch", {32}}, {"outcome_val_batch", {64}}};
    const Lab lab = lab_of("noise", {{"training", digits}, {"sweep", sweep}});
    const Findings findings = find_study("noise").run(lab);
    for (const bool order : {true, false}) {
      const train::Experiment warm(lab.options().experiment);
      const Options options = lab.options(order ? Json{{"batch", 32}} : Json{{"val_batch", 16}});
      const train::Experiment experiment(options.experiment);
      const Vars phi = experiment.phi();
      Vars s = warm.problem().init(phi);
      for (std::int64_t t = 0; t < 5; ++t) s = warm.problem().step(s, phi, t);
      std::vector<double> slopes;
      for (std::int64_t r = 0; r < 3; ++r) {
        hpo::FlatProblem problem = experiment.problem();
        problem.step = [&](const Vars& state, const Vars& h, std::int64_t t) {
          return experiment.problem().step(state, h, 5 + (order ? 10 * r : 0) + t);
        };
        problem.outer = [&](const Vars& state, const Vars& h, std::int64_t) {
          return experiment.problem().outer(state, h, order ? 0 : r);
        };
        slopes.push_back(
            hpo::run_forward(problem, s, hpo::zero_tangents(hpo::components(phi), s.size()), phi, 0, 10, false).h[0]);
      }
      const auto row = rows_of(findings, "varied", order ? "batch order" : "validation batch").at(0);
      CHECK(row.at("local").at(0).get<double>() == Approx(each(slopes)[0]).epsilon(1e-9));
      CHECK(row.at("local").at(1).get<double>() == Approx(each(slopes)[1]).epsilon(1e-6));
    }
  }

  TEST_CASE("study numbers: errors of regimes are relative to the exact hypergradient, growth is in powers of ten") {
    Json training = digits;
    training["hyper"] = {{"momentum", 0.9}, {"weight_decay", 1e-4}};
    const Findings regime =
        found("regime", {{"training", training}, {"sweep", {{"lr", {0.01}}, {"start", {0}}, {"horizon", 30}}}});
    const Json row = regime.rows.at(0);
    std::vector<double> errors;
    for (std::size_t k = 0; k < 3; ++k) {
      const double exact = row.at("h_horizon").at(k), told = row.at("h_tau").at(k);
      errors.push_back(std::abs(told - exact) / std::abs(exact));
    }
    std::sort(errors.begin(), errors.end());
    CHECK(row.at("error_h_tau").get<double>() == Approx(errors[1]).epsilon(1e-12));

    Json longer = digits;
    longer["block"] = 20;
    const Findings explosion = found(
        "explosion", {{"training", longer},
                      {"sweep", {{"lr", {0.05}}, {"momentum", {0.5}}, {"short_block", 5}, {"difference", {1e-3}}}}});
    const double exponent = explosion.rows.at(0).at("exponent");
    const auto last = explosion.plots.at(1).series.at(0).points.back();
    CHECK(last[0] == 40);
    CHECK(last[1] == Approx(exponent * 40 / std::log(10.0)).epsilon(1e-12));
  }

  TEST_CASE("study numbers: exponents of cost are slopes of what was measured") {
    const Json sweep{{"repeats", 1}, {"estimators", {"local"}}, {"P", {4, 64}},
                     {"q", {2, 4}},  {"T", {20, 40}},           {"tau", {5, 10}}};
    const Findings findings = found("cost", {{"training", digits}, {"sweep", sweep}});
    for (const char* grows : {"P", "q", "T", "tau"}) {
      CAPTURE(grows);
      const auto rows = rows_of(findings, "grows", grows);
      REQUIRE(rows.size() == 3);
      const auto slope = [&](const char* key) {
        return std::log(rows[1].at(key).get<double>() / rows[0].at(key).get<double>()) /
               std::log(rows[1].at("size").get<double>() / rows[0].at("size").get<double>());
      };
      CHECK(rows[2].at("memory_exponent").get<double>() == Approx(slope("bytes")).epsilon(1e-9));
      CHECK(rows[2].at("time_exponent").get<double>() == Approx(slope("seconds")).epsilon(1e-9));
    }
  }

  TEST_CASE("study numbers: scores of forecasts by hand") {
    Trajectory trajectory;
    trajectory.h = Tensor::from(std::vector<double>{1, -2, 4, 2, 2, -5}, {2, 3});
    const std::vector<BankCase> cases{{&trajectory, 1, 9, {2, -4, 2}, false},
                                      {&trajectory, 2, 9, {1, 4, 10}, false},
                                      {&trajectory, 1, 9, {4, 1, 5}, false},
                                      {&trajectory, 2, 9, {8, 8, -4}, false}};
    const std::vector<std::vector<double>> told{{3, -4.4, -2}, {2, 3, 5}, {4, 3, 4.5}, {2, 9, -4.4}};
    std::size_t next = 0;
    const BankScore found = judge(cases, {"by hand", [&](const BankCase&) { return told.at(next++); }});
    const auto median = [](double a, double b, double c) {
      return std::max(std::min(a, b), std::min(std::max(a, b), c));
    };
    std::vector<double> errors, ratios;
    double signs = 0, cosine = 0, logs = 0;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const std::vector<double>& truth = cases[i].truth;
      std::vector<double> error, base;
      double along = 0, a = 0, b = 0;
      for (std::size_t k = 0; k < 3; ++k) {
        const double last = trajectory.h.at((cases[i].tau - 1) * 3 + static_cast<std::int64_t>(k));
        error.push_back(std::abs(told[i][k] - truth[k]) / std::abs(truth[k]));
        base.push_back(std::abs(last - truth[k]) / std::abs(truth[k]));
        signs += (told[i][k] > 0) == (truth[k] > 0);
        along += told[i][k] * truth[k];
        a += told[i][k] * told[i][k];
        b += truth[k] * truth[k];
      }
      errors.push_back(median(error[0], error[1], error[2]));
      ratios.push_back(errors.back() / median(base[0], base[1], base[2]));
      logs += std::log(ratios.back()) / 4;
      cosine += along / std::sqrt(a * b) / 4;
    }
    CHECK(found.errors.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) CHECK(found.errors[i] == Approx(errors[i]).epsilon(1e-12));
    std::sort(errors.begin(), errors.end());
    CHECK(found.median == Approx((errors[1] + errors[2]) / 2).epsilon(1e-12));
    CHECK(found.upper_quartile == Approx(errors[2] + 0.25 * (errors[3] - errors[2])).epsilon(1e-12));
    CHECK(found.ratio == Approx(std::exp(logs)).epsilon(1e-12));
    CHECK(found.worst_ratio == Approx(*std::max_element(ratios.begin(), ratios.end())).epsilon(1e-12));
    CHECK(found.sign == Approx(signs / 12).epsilon(1e-12));
    CHECK(found.cosine == Approx(cosine).epsilon(1e-12));
  }

  TEST_CASE("study numbers: a trajectory goes through the batches, each further order through others") {
    Recipe recipe = parse_recipes(R"({"trajectories": [{"dataset": "digits", "model": "mlp", "hidden": [4],
        "activation": "tanh", "optimizer": "sgd", "hyper": {"lr": 0.05, "momentum": 0.5}, "batch": 16, "val_batch": 32,
        "seed": 4, "start": 3, "T": 8, "orders": 3, "held_out": false}]})")
                        .front();
    recipe.dense = 8;
    const Trajectory trajectory = make_trajectory(recipe);
    const train::Experiment experiment(recipe.experiment);
    const Vars phi = experiment.phi();
    Vars s = experiment.problem().init(phi);
    for (std::int64_t t = 0; t < 3; ++t) s = experiment.problem().step(s, phi, t);
    hpo::FlatProblem problem = experiment.problem();
    problem.outer = [&](const Vars& now, const Vars& h, std::int64_t) { return experiment.problem().outer(now, h, 3); };
    REQUIRE(trajectory.other_orders.size() == 2);
    for (std::int64_t order = 0; order < 3; ++order) {
      const hpo::Tangents zero = hpo::zero_tangents(hpo::components(phi), s.size());
      const hpo::ForwardRun run = hpo::run_forward(problem, s, zero, phi, 3 + order * 1'000'000, 8, true);
      const Tensor& h = order == 0 ? trajectory.h : trajectory.other_orders[static_cast<std::size_t>(order - 1)];
      REQUIRE(h.shape() == run.trajectory.shape());
      for (std::int64_t i = 0; i < h.size(); ++i) CHECK(h.at(i) == Approx(run.trajectory.at(i)).epsilon(1e-10));
    }
  }

  TEST_CASE("study numbers: explosions that a block flags, and those it does not") {
    const Scratch scratch;
    Bank bank;
    const double far = 1000;  // beyond twenty times all early h
    for (int n = 0; n < 6; ++n) {
      const bool explodes = n < 4, grows = n < 3 || n == 4;
      Trajectory& one = bank.all[bank.where(judged, n)];
      one = Bank::made(one.recipe, dense,
                       [&](std::int64_t t, std::int64_t k) { return explodes && t == end ? far : wavy(t, k); });
      // From step 25 to step 50 more than fourfold, from step 26 on less.
      for (std::int64_t t = 26; t <= dense; ++t)
        for (std::int64_t k = 0; k < 3 && grows; ++k) one.tangents.data<double>()[(t - 1) * 3 + k] = t < 50 ? 1.2 : 4.4;
      for (std::int64_t k = 0; k < 3; ++k) one.tangents.data<double>()[dense * 3 + k] = 4.4;
    }
    save_bank(scratch / "bank.npz", bank.all);
    const Findings findings =
        found("accuracy", {{"sweep", {{"bank", scratch / "bank.npz"}, {"tau", {50}}, {"T", {end}}}}});
    const auto rows = rows_of(findings, "set", "explosions");
    REQUIRE(rows.size() == 4);
    CHECK(rows[0].at("tau") == 50);
    CHECK(rows[0].at("exploding") == 4);
    CHECK(rows[0].at("flagged") == 3);
    CHECK(rows[0].at("calm") == 2);
    CHECK(rows[0].at("flagged_calm") == 1);
  }

  TEST_CASE("study numbers: policies by their tolerance, orders by their mean") {
    const Scratch scratch;
    Bank bank;
    Trajectory& one = bank.all[bank.where(judged)];
    one = Bank::made(one.recipe, dense, wavy);
    Trajectory& many = bank.all[bank.where([](const Recipe& recipe) { return recipe.orders == 4; })];
    many = Bank::made(many.recipe, dense, wavy);
    for (std::size_t order = 0; order < 3; ++order)
      for (double& v : many.other_orders[order].span<double>()) v *= 1.5 + 0.3 * static_cast<double>(order);
    for (std::int64_t k = 0; k < 3; ++k) {  // the truth is the mean over the four orders
      const double last = wavy(50, k);
      many.h.data<double>()[dense * 3 + k] = last * (1 + 1.5 + 1.8 + 2.1) / 4;
    }
    save_bank(scratch / "bank.npz", bank.all);
    const Json sweep{{"bank", scratch / "bank.npz"}, {"tau", {50}}, {"T", {end}}};
    const Findings orders = found("orders", {{"sweep", sweep}});
    const auto mean = rows_of(orders, "predictor", "mean of h_tau over the orders").at(0);
    CHECK(mean.at("cases") == 1);
    CHECK(mean.at("median_error").get<double>() < 1e-12);

    // Noise, and a mode so slow that the snapshots do not tell it from 1: within 0.05 it becomes 1, within 1e-9 not.
    Trajectory& judged_one = bank.all[bank.where(judged)];
    judged_one = Bank::made(judged_one.recipe, dense, [](std::int64_t t, std::int64_t k) {
      const auto x = static_cast<double>(t);
      return std::pow(0.999, x) * (1 - 0.2 * static_cast<double>(k)) +
             0.2 * std::sin(1.7 * x * x + static_cast<double>(k));
    });
    save_bank(scratch / "bank.npz", bank.all);
    std::vector<double> medians;
    for (const double tolerance : {1e-9, 0.05}) {
      Json with = sweep;
      with["rank"] = {3};
      with["snap_tolerance"] = tolerance;
      const Findings policies = found("policies", {{"sweep", with}});
      hpo::DmdOptions options;
      options.rank = 3;
      options.policy = hpo::DmdOptions::Policy::snap;
      options.snap_tolerance = tolerance;
      const std::vector<double> told =
          hpo::fit_dmd(judged_one.block(50), options).forecast(static_cast<double>(end - 1));
      std::vector<double> errors;
      for (std::int64_t k = 0; k < 3; ++k)
        errors.push_back(
            std::abs(told[static_cast<std::size_t>(k)] / judged_one.truth(end)[static_cast<std::size_t>(k)] - 1));
      std::sort(errors.begin(), errors.end());
      const auto row = rows_of(policies, "predictor", "snap, rank 3").at(0);
      if (rows_of(policies, "cases", 1).size() == policies.rows.size())
        CHECK(row.at("median_error").get<double>() == Approx(errors[1]).epsilon(1e-6));
      else
        FAIL("more than one case");
      medians.push_back(errors[1]);
    }
    CHECK(medians[1] != Approx(medians[0]).epsilon(0.01));
  }

  TEST_CASE("study numbers: the error bound's terms, and shares within one and two error bars") {
    const Scratch scratch;
    Bank bank;
    const std::size_t at = bank.where(judged);
    Trajectory& one = bank.all[at];
    one = Bank::made(one.recipe, dense, wavy);
    const Tensor outer =
        Tensor::from(std::vector<double>(one.outer.data<double>(), one.outer.data<double>() + 50), {50});
    const hpo::Forecast forecast = hpo::glocal_forecast(one.block(50), outer, one.recipe.start, end, {});
    const double bars[] = {0.5, 1.5, 2.5};
    for (std::int64_t k = 0; k < 3; ++k) {
      const auto i = static_cast<std::size_t>(k);
      one.h.data<double>()[dense * 3 + k] = forecast.value[i] + bars[k] * forecast.error_bar[i];
    }
    save_bank(scratch / "bank.npz", bank.all);
    const double lambda = 0.97, a = 1.5, noise = 0.02;
    const Findings findings = found("error-bound", {{"sweep",
                                                     {{"bank", scratch / "bank.npz"},
                                                      {"eigenvalues", {lambda}},
                                                      {"amplitudes", {a}},
                                                      {"block", 20},
                                                      {"draws", 1},
                                                      {"noise", {noise}},
                                                      {"horizon", {40}},
                                                      {"tau_and_T", {{50, end}}}}}});
    const auto shares = rows_of(findings, "set", "bank").at(0);
    CHECK(shares.at("components") == 3);
    CHECK(shares.at("within_one").get<double>() == Approx(1.0 / 3));
    CHECK(shares.at("within_two").get<double>() == Approx(2.0 / 3));

    const Tensor normals = normal(split(key(1), 0), {20}, 0, noise, DType::f64);
    std::vector<double> h;
    for (std::int64_t t = 0; t < 20; ++t) h.push_back(normals.at(t) + a * std::pow(lambda, t));
    hpo::DmdOptions options;
    options.rank = 1;
    options.policy = hpo::DmdOptions::Policy::clip;
    options.method = "total-least-squares";
    const hpo::DmdFit fit = hpo::fit_dmd(Tensor::from(h, {20, 1}), options);
    const double found_size = std::abs(fit.eigenvalues.at(0));
    const auto known = rows_of(findings, "set", "known operator").at(0);
    CHECK(known.at("start_term").get<double>() ==
          Approx(std::abs(fit.amplitudes(0, 0) - a) * std::pow(found_size, 40)).epsilon(1e-9));
    CHECK(known.at("operator_term").get<double>() ==
          Approx(a * 40 * std::abs(fit.eigenvalues[0] - lambda) * std::pow(std::max(found_size, lambda), 39))
              .epsilon(1e-9));
    CHECK(known.at("error").get<double>() ==
          Approx(std::abs(fit.forecast(40)[0] - a * std::pow(lambda, 40))).epsilon(1e-9));
  }
}
