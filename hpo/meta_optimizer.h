// Meta-optimisers: move the q unconstrained hyperparameters along a hypergradient. All in f64.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/core/text/registry.h>

namespace glocal::hpo {

/// One of meta_optimizers().
struct MetaOptimizer {
  std::string name = "adam";
  double lr = 0.05;     ///< step in u; for a log transform 0.05 is about 5 %
  double max_norm = 0;  ///< h is scaled down to this Euclidean norm first; 0: never

  std::vector<double> m{}, v{};  ///< adam's moments, (q,)
  std::int64_t updates = 0;      ///< how many so far
  std::int64_t clipped = 0;      ///< how many of them had h scaled down

  /// The next u. Throws ValueError for an unknown name or lr <= 0, NumericError for a non-finite h.
  std::vector<double> step(std::vector<double> u, std::vector<double> h);
};

/// An entry of the list of meta-optimisers.
struct MetaKind {
  std::string name, about;
  /// Moves u (q,) along h (q,), which are finite; state.updates counts this one.
  void (*move)(MetaOptimizer& state, std::vector<double>& u, const std::vector<double>& h);
};
const Registry<MetaKind>& meta_optimizers();
std::vector<std::string> meta_optimizer_names();

}  // namespace glocal::hpo
