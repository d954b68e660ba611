#include <glocal/app/reproduce/bank.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/settings/json_text.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/io/npy.h>
#include <glocal/core/linalg/blas.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/unroll/forward.h>
#include <glocal/train/experiment.h>

namespace glocal::app {
namespace {

using Json = nlohmann::ordered_json;

// 1, 2, ..., dense, then about 60 more to T, evenly in log t, with the round ones that tables ask for.
std::vector<std::int64_t> recorded_steps(std::int64_t dense, std::int64_t T) {
  std::set<std::int64_t> steps{T};
  for (std::int64_t t = 1; t <= std::min(dense, T); ++t) steps.insert(t);
  constexpr int later = 60;
  const double ratio = static_cast<double>(T) / static_cast<double>(dense);
  for (int i = 1; dense < T && i < later; ++i)
    steps.insert(std::llround(static_cast<double>(dense) * std::pow(ratio, i / static_cast<double>(later))));
  for (const std::int64_t t : {500, 600, 800, 1000, 1500})
    if (t < T) steps.insert(t);
  return {steps.begin(), steps.end()};
}

double norm(const Vars& tangent) {
  double sum = 0;
  for (const Var& leaf : tangent) {
    if (!leaf) continue;
    const Tensor wide = leaf.value().to(DType::f64);
    sum += blas::dot(wide.size(), wide.data<double>(), wide.data<double>());
  }
  return std::sqrt(sum);
}

// Appends to trajectory.steps, h, ... from state s, with the data order that begins at step `from`.
void follow(Trajectory& trajectory, const hpo::FlatProblem& problem, Vars s, const Vars& phi, std::int64_t from,
            const std::vector<std::int64_t>& recorded) {
  hpo::FlatProblem block = problem;  // E stays that of the block, however the steps are cut
  block.outer = [&](const Vars& now, const Vars& hyper, std::int64_t) {
    return problem.outer(now, hyper, trajectory.recipe.start);
  };
  hpo::Tangents z = hpo::zero_tangents(hpo::components(phi), s.size());
  std::vector<double> h, outer, loss, norms;
  std::int64_t t = 0;
  for (const std::int64_t next : recorded) {
    hpo::ForwardRun run;
    try {
      run = hpo::run_forward(block, std::move(s), std::move(z), phi, from + t, next - t, false);
    } catch (const NumericError&) {
      break;  // here the trajectory ends
    }
    trajectory.steps.push_back(next);
    h.insert(h.end(), run.h.begin(), run.h.end());
    outer.push_back(run.outer);
    loss.push_back(train::Experiment::training_loss(run.s));
    for (const Vars& direction : run.z) norms.push_back(norm(direction));
    s = std::move(run.s);
    z = std::move(run.z);
    t = next;
  }
  const std::int64_t n = std::ssize(outer), q = hpo::components(phi);
  trajectory.h = Tensor::from(h, {n, q});
  trajectory.outer = Tensor::from(outer, {n});
  trajectory.loss = Tensor::from(loss, {n});
  trajectory.tangents = Tensor::from(norms, {n, q});
}

// The hyperparameters that a trajectory follows.
std::vector<std::string> followed(const std::string& optimizer) {
  if (optimizer == "sgd") return {"lr", "momentum", "weight_decay"};
  return {"lr", "beta1", "beta2"};
}

Recipe parse(const Json& json) {
  Recipe recipe;
  train::ExperimentConfig& e = recipe.experiment;
  e.dataset = json.at("dataset");
  e.model = json.at("model");
  if (e.model == "mlp") {
    json.at("hidden").get_to(e.model_options.hidden);
    json.at("activation").get_to(e.model_options.activation);
  }
  e.model_options.dtype = DType::f64;
  e.optimizer = json.at("optimizer");
  e.tune = followed(e.optimizer);
  for (const auto& [name, value] : json.at("hyper").items()) e.hyper[name] = value.get<double>();
  e.batch = json.at("batch");
  e.val_batch = json.at("val_batch");
  e.seed = json.at("seed");
  recipe.start = json.at("start");
  recipe.T = json.at("T");
  recipe.orders = json.value("orders", 1);
  recipe.held_out = json.at("held_out");
  e.steps = recipe.start + recipe.T;
  recipe.name = fmt::format("{} {} {}", e.dataset, e.model, e.optimizer);
  for (const auto& [name, value] : e.hyper) recipe.name += fmt::format(" {} {}", name, value.numbers[0]);
  recipe.name += fmt::format(" batch {} from {}", e.batch, recipe.start);
  if (recipe.start < 0 || recipe.T < 1 || recipe.orders < 1)
    fail<DataError>("[bank] {}: needs start >= 0, T >= 1 and orders >= 1, got {}, {}, {}", recipe.name, recipe.start,
                    recipe.T, recipe.orders);
  return recipe;
}

}  // namespace

Tensor Trajectory::block(std::int64_t tau) const {
  const std::int64_t q = h.dim(1), n = std::ssize(steps);
  if (tau < 1 || tau > n || steps[static_cast<std::size_t>(tau - 1)] != tau)
    fail<ValueError>("[bank] {} has no unbroken block of {} steps", recipe.name, tau);
  return Tensor::from(h.span<double>().first(static_cast<std::size_t>(tau * q)), {tau, q});
}

std::vector<double> Trajectory::truth(std::int64_t T) const {
  const auto found = std::lower_bound(steps.begin(), steps.end(), T);
  if (found == steps.end() || *found != T) return {};
  const double* const row = h.data<double>() + (found - steps.begin()) * h.dim(1);
  return {row, row + h.dim(1)};
}

std::vector<Recipe> parse_recipes(const std::string& text) {
  std::vector<Recipe> recipes;
  try {
    const Json all = parse_json(text, "the recipes");
    for (const Json& json : all.at("trajectories")) recipes.push_back(parse(json));
  } catch (const nlohmann::json::exception& error) {
    fail<DataError>("[bank] recipe {}: {}", recipes.size(), error.what());
  }
  return recipes;
}

Trajectory make_trajectory(const Recipe& recipe) {
  const train::Experiment experiment(recipe.experiment);
  const hpo::FlatProblem& problem = experiment.problem();
  const Vars phi = experiment.phi();
  Vars s = problem.init(phi);
  for (std::int64_t t = 0; t < recipe.start; ++t) s = problem.step(s, phi, t);

  Trajectory trajectory{
      .recipe = recipe, .steps = {}, .h = {}, .outer = {}, .loss = {}, .tangents = {}, .other_orders = {}};
  follow(trajectory, problem, s, phi, recipe.start, recorded_steps(recipe.dense, recipe.T));
  for (std::int64_t order = 1; order < recipe.orders; ++order) {
    constexpr std::int64_t far = 1'000'000;  // the batches of steps that are never reached
    Trajectory other{
        .recipe = recipe, .steps = {}, .h = {}, .outer = {}, .loss = {}, .tangents = {}, .other_orders = {}};
    follow(other, problem, s, phi, recipe.start + order * far, recorded_steps(recipe.dense, recipe.dense));
    trajectory.other_orders.push_back(other.h);
  }
  return trajectory;
}

void save_bank(const std::string& path, const std::vector<Trajectory>& bank) {
  std::map<std::string, Tensor> arrays;
  for (std::size_t i = 0; i < bank.size(); ++i) {
    const Trajectory& trajectory = bank[i];
    const auto put = [&](const char* what, const Tensor& tensor) { arrays[fmt::format("{:02}_{}", i, what)] = tensor; };
    Tensor steps({std::ssize(trajectory.steps)}, DType::i32);
    std::ranges::copy(trajectory.steps, steps.data<std::int32_t>());
    put("steps", steps);
    put("h", trajectory.h);
    put("outer", trajectory.outer);
    put("loss", trajectory.loss);
    put("tangents", trajectory.tangents);
    for (std::size_t k = 0; k < trajectory.other_orders.size(); ++k)
      put(fmt::format("order{}", k + 1).c_str(), trajectory.other_orders[k]);
  }
  save_npz(path, arrays, /*compress=*/true);
}

std::vector<Trajectory> load_bank(const std::string& path, const std::vector<Recipe>& recipes) {
  const std::map<std::string, Tensor> arrays = load_npz(path);
  std::vector<Trajectory> bank;
  for (std::size_t i = 0; i < recipes.size(); ++i) {
    const auto get = [&](const std::string& what, DType dtype, int rank) {
      const auto found = arrays.find(fmt::format("{:02}_{}", i, what));
      if (found == arrays.end() || found->second.dtype() != dtype || found->second.rank() != rank)
        fail<DataError>("[bank] {}: trajectory {} ({}) lacks {} of {} dimensions; make the bank again", path, i,
                        recipes[i].name, what, rank);
      return found->second;
    };
    const Tensor steps = get("steps", DType::i32, 1);
    Trajectory trajectory{.recipe = recipes[i],
                          .steps = {steps.data<std::int32_t>(), steps.data<std::int32_t>() + steps.size()},
                          .h = get("h", DType::f64, 2),
                          .outer = get("outer", DType::f64, 1),
                          .loss = get("loss", DType::f64, 1),
                          .tangents = get("tangents", DType::f64, 2),
                          .other_orders = {}};
    const Shape rows{steps.size()};
    if (trajectory.h.dim(0) != steps.size() || trajectory.outer.shape() != rows || trajectory.loss.shape() != rows ||
        trajectory.tangents.shape() != trajectory.h.shape())
      fail<DataError>("[bank] {}: trajectory {} has {} steps, but h {}, outer {}, loss {} and tangents {}", path, i,
                      steps.size(), trajectory.h.shape(), trajectory.outer.shape(), trajectory.loss.shape(),
                      trajectory.tangents.shape());
    for (std::int64_t k = 1; k < recipes[i].orders; ++k)
      trajectory.other_orders.push_back(get(fmt::format("order{}", k), DType::f64, 2));
    bank.push_back(std::move(trajectory));
  }
  return bank;
}

}  // namespace glocal::app
