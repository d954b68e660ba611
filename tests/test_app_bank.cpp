// The trajectory bank: recipes, the file, and the numbers against forward mode from the same start.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include <glocal/app/reproduce/bank.h>
#include <glocal/core/io/file.h>
#include <glocal/core/io/npy.h>
#include <glocal/hpo/estimators/global.h>
#include <glocal/hpo/unroll/forward.h>

#include "data_files.h"
#include "scratch.h"

using namespace glocal;
using namespace glocal::app;

namespace {

Recipe tiny(std::int64_t start = 0) {
  Recipe recipe;
  recipe.name = "tiny";
  train::ExperimentConfig& e = recipe.experiment;
  e.dataset = "digits";
  e.model = "mlp";
  e.model_options.hidden = {8};
  e.model_options.activation = "tanh";
  e.model_options.dtype = DType::f64;
  e.tune = {"lr", "momentum", "weight_decay"};
  e.hyper = {{"lr", 0.05}, {"momentum", 0.8}};
  e.train_limit = 200;
  e.batch = 40;
  e.val_batch = 100;
  recipe.start = start;
  recipe.T = 30;
  recipe.dense = 10;
  recipe.orders = 2;
  e.steps = recipe.start + recipe.T;
  return recipe;
}

void check_close(const std::vector<double>& got, const std::vector<double>& expected) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t k = 0; k < got.size(); ++k) CHECK(got[k] == doctest::Approx(expected[k]).epsilon(1e-12));
}

const char* const entry = R"({"dataset": "digits", "model": "mlp", "hidden": [8], "activation": "tanh",
  "optimizer": "sgd", "hyper": {"lr": 0.1}, "batch": 32, "val_batch": 64, "seed": 3, "start": 5, "T": 30,
  "orders": 2, "held_out": true})";

std::string recipes_with(const std::string& what, const std::string& instead) {
  std::string text = entry;
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return R"({"trajectories": [)" + std::string(entry) + ", " + text.replace(at, what.size(), instead) + "]}";
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("bank: recipes are read") {
    const Recipe recipe = parse_recipes(R"({"trajectories": [)" + std::string(entry) + "]}").at(0);
    CHECK(recipe.experiment.dataset == "digits");
    CHECK(recipe.experiment.model_options.dtype == DType::f64);
    CHECK(recipe.experiment.hyper.at("lr") == 0.1);
    CHECK(recipe.experiment.seed == 3);
    CHECK(recipe.experiment.steps == 35);
    CHECK(recipe.start == 5);
    CHECK(recipe.T == 30);
    CHECK(recipe.orders == 2);
    CHECK(recipe.held_out);
    CHECK(recipe.name == "digits mlp sgd lr 0.1 batch 32 from 5");
  }

  TEST_CASE("bank: a wrong recipe is an error with its number and field") {
    const auto refused = [](const std::string& json, const char* says) {
      CAPTURE(json);
      CHECK_THROWS_WITH_AS(parse_recipes(json), doctest::Contains(says), DataError);
    };
    refused("", "the recipes: expected JSON");
    refused("{", "the recipes: expected JSON");
    refused("[]", "recipe 0");
    refused("{}", "trajectories");
    refused(R"({"trajectories": [1]})", "recipe 0");
    refused(recipes_with("\"seed\": 3,", ""), "recipe 1");
    refused(recipes_with("\"seed\": 3,", ""), "seed");
    refused(recipes_with("\"dataset\": \"digits\",", ""), "dataset");
    refused(recipes_with("\"hidden\": [8],", ""), "hidden");
    refused(recipes_with("\"held_out\": true", "\"held_out\": \"yes\""), "recipe 1");
    refused(recipes_with("0.1", "\"fast\""), "recipe 1");
    refused(recipes_with("\"start\": 5", "\"start\": -1"), "start >= 0");
    refused(recipes_with("\"T\": 30", "\"T\": 0"), "T >= 1");
    refused(recipes_with("\"orders\": 2", "\"orders\": 0"), "orders >= 1");
  }

  TEST_CASE("bank: a trajectory is forward mode from its start, block and truth are rows of it") {
    for (const std::int64_t start : {0, 5}) {
      CAPTURE(start);
      const Recipe recipe = tiny(start);
      const Trajectory got = make_trajectory(recipe);
      const train::Experiment experiment(recipe.experiment);
      const hpo::FlatProblem& problem = experiment.problem();
      const Vars phi = experiment.phi();
      Vars s = problem.init(phi);
      for (std::int64_t t = 0; t < start; ++t) s = problem.step(s, phi, t);
      const auto after = [&](std::int64_t tau) {
        return hpo::run_forward(problem, s, hpo::zero_tangents(3, s.size()), phi, start, tau, true);
      };
      const hpo::ForwardRun run = after(recipe.T);
      check_close(got.truth(recipe.T), run.h);
      if (start == 0) check_close(got.truth(recipe.T), hpo::global_forward(problem, phi, recipe.T).h);
      CHECK(got.steps.back() == recipe.T);
      REQUIRE(got.h.shape() == Shape{std::ssize(got.steps), 3});
      REQUIRE(got.tangents.shape() == got.h.shape());
      for (std::size_t i = 0; i < got.steps.size(); ++i) {
        const std::int64_t row = got.steps[i] - 1;
        CHECK(got.outer.at(static_cast<std::int64_t>(i)) == doctest::Approx(run.outers.at(row)).epsilon(1e-12));
        for (std::int64_t k = 0; k < 3; ++k)
          CHECK(got.h.at(static_cast<std::int64_t>(i) * 3 + k) ==
                doctest::Approx(run.trajectory.at(row * 3 + k)).epsilon(1e-12));
      }
      CHECK(got.block(10).shape() == Shape{10, 3});
      CHECK(got.block(4).at(11) == got.h.at(11));
      CHECK(got.truth(4) == std::vector<double>{got.h.at(9), got.h.at(10), got.h.at(11)});
      CHECK(got.truth(31).empty());
      CHECK(got.truth(0).empty());
      CHECK_THROWS_AS(got.block(0), ValueError);
      CHECK_THROWS_AS(got.block(31), ValueError);
      REQUIRE(got.other_orders.size() == 1);
      CHECK(got.other_orders[0].shape() == Shape{10, 3});
      CHECK_FALSE(same_bits(got.other_orders[0], got.block(10)));
    }
  }

  TEST_CASE("bank: a saved bank comes back bit for bit, and one that lacks an array is refused") {
    const Scratch folder;
    const std::string path = (folder.path / "bank.npz").string();
    const std::vector<Recipe> recipes{tiny(), tiny(5)};
    const std::vector<Trajectory> bank{make_trajectory(recipes[0]), make_trajectory(recipes[1])};
    save_bank(path, bank);
    const std::vector<Trajectory> back = load_bank(path, recipes);
    REQUIRE(back.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
      CHECK(back[i].recipe.start == recipes[i].start);
      CHECK(back[i].steps == bank[i].steps);
      CHECK(same_bits(back[i].h, bank[i].h));
      CHECK(same_bits(back[i].outer, bank[i].outer));
      CHECK(same_bits(back[i].loss, bank[i].loss));
      CHECK(same_bits(back[i].tangents, bank[i].tangents));
      REQUIRE(back[i].other_orders.size() == 1);
      CHECK(same_bits(back[i].other_orders[0], bank[i].other_orders[0]));
    }
    const std::map<std::string, Tensor> whole = load_npz(path);
    CHECK(whole.size() == 12);
    for (const auto& [name, tensor] : whole) {
      CAPTURE(name);
      std::map<std::string, Tensor> part = whole;
      part.erase(name);
      save_npz(path, part);
      CHECK_THROWS_AS(load_bank(path, recipes), DataError);
      part[name] = Tensor::zeros({2, 2, 2}, tensor.dtype());
      save_npz(path, part);
      CHECK_THROWS_AS(load_bank(path, recipes), DataError);
      if (name.find("order") != std::string::npos) continue;
      part[name] = tensor.rank() == 1 ? Tensor::zeros({3}, tensor.dtype()) : Tensor::zeros({3, 3}, tensor.dtype());
      save_npz(path, part);
      CHECK_THROWS_AS(load_bank(path, recipes), DataError);
    }
    save_npz(path, whole);
    CHECK_THROWS_AS(load_bank(path, {tiny(), tiny(), tiny()}), DataError);
    CHECK_THROWS_AS(load_bank((folder.path / "none.npz").string(), recipes), IoError);
  }

  TEST_CASE("bank: the committed bank is that of bank.json, with enough trajectories in both halves") {
    const std::string root = GLOCAL_SOURCE_DIR;
    const std::vector<Recipe> recipes = parse_recipes(read_file(root + "/app/reproduce/bank.json"));
    const std::vector<Trajectory> bank = load_bank(root + "/docs/questions/bank.npz", recipes);
    CHECK(bank.size() >= 48);
    const auto held_out = std::ranges::count_if(bank, [](const Trajectory& one) { return one.recipe.held_out; });
    CHECK(held_out >= 20);
    CHECK(std::ssize(bank) - held_out >= 20);
    std::set<std::string> models, optimizers;
    for (const Trajectory& one : bank) {
      CAPTURE(one.recipe.name);
      models.insert(one.recipe.experiment.model);
      optimizers.insert(one.recipe.experiment.optimizer);
      CHECK(one.h.dim(1) == 3);
      CHECK(is_finite(one.h));
      CHECK(one.steps.back() <= one.recipe.T);
    }
    CHECK(models.size() >= 2);
    CHECK(optimizers.size() >= 2);
  }
}
