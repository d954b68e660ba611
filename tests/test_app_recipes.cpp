// Recipes: each is a problem that trains, and its settings are those of its source.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <glocal/core/io/file.h>
#include <glocal/train/experiment.h>
#include <glocal/train/recipes.h>

#include "command.h"

using namespace glocal;

namespace {

// The recipe on small grey images that are everywhere.
train::ExperimentConfig on_digits(const train::Recipe& recipe) {
  train::ExperimentConfig config;
  recipe.apply(config);
  config.dataset = "synthetic";
  config.train_limit = 40;
  config.batch = 20;
  config.steps = 4;
  config.val_batch = 50;
  return config;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("recipes: every one trains, and what it freezes stays") {
    for (const train::Recipe& recipe : train::recipes().entries()) {
      CAPTURE(recipe.name);
      CHECK(recipe.epochs > 0);
      const train::Experiment experiment(on_digits(recipe));
      Vars s = experiment.problem().init(experiment.phi());
      const Vars start = s;
      for (std::int64_t t = 0; t < 4; ++t) s = experiment.problem().step(s, experiment.phi(), t);
      CHECK(experiment.first_non_finite(s).empty());
      for (std::size_t i = 0; i < experiment.model().names.size(); ++i)
        CHECK(same_bits(s[i].value(), start[i].value()) == (experiment.model().names[i] == "whiten.weight"));
    }
  }

  TEST_CASE("recipes: the learning rates of the residual networks are those of their papers, by shares of the run") {
    train::ExperimentConfig he, wide;
    train::recipes().at("resnet20").apply(he);
    train::recipes().at("wrn28_2").apply(wide);
    CHECK(he.milestones == std::vector<double>{0.5, 0.75});  // 32k and 48k of 64k iterations
    CHECK(he.hyper.at("lr").numbers[0] == 0.1);
    CHECK(wide.milestones == std::vector<double>{60 / 200.0, 120 / 200.0, 160 / 200.0});
    CHECK(wide.hyper.at("lr_factor").numbers[0] == 0.2);
  }

  TEST_CASE("recipes: flags override single settings, and config.json holds every one") {
    const Scratch scratch;
    const auto config_of = [&](const std::string& flags) {
      const Result result = glocal_command(
          scratch, "train --recipe " + flags +
                       " --dataset synthetic --train-limit 60 --batch 20 --quiet --force --out " + (scratch / "run"));
      REQUIRE_MESSAGE(result.code == 0, result.error);
      return nlohmann::json::parse(read_file(scratch / "run/config.json"));
    };
    const nlohmann::json fast = config_of("fast --epochs 1");
    CHECK(fast["model"] == "fastnet");
    CHECK(fast["steps"] == 3);
    CHECK(fast["augment"] == std::vector<std::string>{"reflect-crop=2", "alternating-flip"});
    CHECK(fast["hyper"]["lr@whiten.weight"] == 0);
    CHECK(fast["hyper"]["average_decay"] == 0.95);
    CHECK(fast["test_views"] == 2);
    const nlohmann::json line = config_of("wrn28_2 --steps 2 --schedule linear --lr 0.05 --model mlp --augment none");
    CHECK(line["steps"] == 2);
    CHECK(line["hyper"]["lr"] == 0.05);
    CHECK(line["hyper"]["weight_decay"] == 5e-4);
    CHECK_FALSE(line["hyper"].contains("lr_factor"));  // of the schedule that is not used
    CHECK(line["augment"] == std::vector<std::string>{"none"});
    const Result unknown = glocal_command(scratch, "train --recipe fats");
    CHECK(unknown.code == 2);
    CHECK(has(unknown.error, "did you mean fast?"));
    const Result both = glocal_command(scratch, "train --recipe fast --config " + (scratch / "run/config.json"));
    CHECK(both.code == 2);
    CHECK(has(both.error, "--config"));
  }
}
