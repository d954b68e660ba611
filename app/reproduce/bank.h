// The trajectory bank: real hypergradient trajectories h_1, h_2, ... with the exact h_T they lead to, by forward mode
// in f64 from the same start with the same data order. Estimators are tuned on one half of it and judged on the other.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/core/tensor.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

/// What makes one trajectory: a problem, where in its training the block starts, and how far the truth is known.
struct Recipe {
  std::string name;  ///< "mnist mlp sgd lr 0.1 momentum 0.5 batch 256 from 500"
  train::ExperimentConfig experiment;
  std::int64_t start = 0;    ///< steps trained before Z = 0
  std::int64_t T = 1000;     ///< steps after it
  std::int64_t dense = 400;  ///< h after every one of the first so many steps, after some 60 later ones
  std::int64_t orders = 1;   ///< batch orders from the same start; all but the first for `dense` steps only
  bool held_out = false;     ///< of the half that nothing is tuned on
};

struct Trajectory {
  Recipe recipe;
  std::vector<std::int64_t> steps;   ///< (n,) counted from the start: 1, 2, ..., dense, ..., T; shorter if it explodes
  Tensor h;                          ///< (n, q) f64, exact, after steps[i] steps
  Tensor outer, loss;                ///< (n,) f64: E, and the loss of the last batch
  Tensor tangents;                   ///< (n, q) f64: Euclidean norm of Z_k
  std::vector<Tensor> other_orders;  ///< orders - 1 times (dense, q): h under other batch orders

  /// First `tau` rows of h, (tau, q). Throws ValueError beyond the dense part.
  Tensor block(std::int64_t tau) const;
  /// (q,) h after T steps, or empty when that step was not recorded.
  std::vector<double> truth(std::int64_t T) const;
};

/// The recipes of bank.json. Throws DataError naming the entry and the field.
std::vector<Recipe> parse_recipes(const std::string& json);
/// Trains and differentiates; stops early when h is no longer finite. Throws as Experiment.
Trajectory make_trajectory(const Recipe& recipe);

/// The numbers as .npz, arrays "<name>/h" and so on; recipes are not stored. Throws IoError, DataError naming what a
/// file lacks.
void save_bank(const std::string& path, const std::vector<Trajectory>& bank);
std::vector<Trajectory> load_bank(const std::string& path, const std::vector<Recipe>& recipes);

}  // namespace glocal::app
