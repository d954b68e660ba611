// Where training stands, inside a block too: a value that can be written down and gone on from with the same bits.
#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/problem.h>

namespace glocal::hpo {

/// Z, one list of leaves per direction k = 1..q; leaves may be symbolic zeros.
using Tangents = std::vector<Vars>;

/// Two particles of `pes` that go on from their own states, perturbed by the same numbers with opposite signs.
struct AntitheticPair {
  Vars plus, minus;
  std::vector<double> xi;  ///< (q,) sum of the perturbations of `plus` so far, in units of sigma
};

/// What is known of a block that has begun and is not yet an estimate.
struct Block {
  std::int64_t t0 = 0;                  ///< the step it began at
  std::int64_t pairs = 0;               ///< es, pes: pairs of particles that have run
  double outer = 0;                     ///< forward mode: E at the last step where it was asked for
  std::vector<double> h = {};           ///< h there; hypergradient-descent, es, pes: the sum so far
  std::vector<double> trajectory = {};  ///< h after each step so far, row by row
  std::vector<double> outers = {};      ///< E at the same steps
  /// |Z_k|^2 after tau, tau / 2, ... steps; none where Z did not start at 0.
  std::vector<std::vector<double>> squares = {};
};

/// The state after `t` of T steps, (for `online` and inside a block of forward mode) the tangents, (for `pes`) the
/// particles, the block in progress, and what an estimator from outside keeps.
struct Progress {
  Vars s;
  Tangents z;
  std::int64_t t = 0, T = 0;
  std::vector<AntitheticPair> particles = {};
  std::optional<Block> block = {};
  /// What else an estimator keeps, by names of its own; nothing of ours does. A copy of a Progress shares them, so that
  /// one that changes is replaced, not written to.
  std::map<std::string, Tensor> own = {};

  std::int64_t block_start() const { return block ? block->t0 : t; }
  /// Steps of the block in progress, or of the next one: tau, or what is left.
  std::int64_t block_steps(std::int64_t tau) const { return std::min(tau, T - block_start()); }
  /// The block in progress, or a new one that begins here.
  Block& open_block();
};

/// What of Progress an estimator fills between the steps of a block: what a checkpoint of it holds.
struct Kept {
  enum class Block {
    none,      ///< it has no blocks, or makes each in one piece
    steps,     ///< plain steps
    tangents,  ///< those of forward mode, with h and E where the trajectory is recorded
    sums,      ///< the sum of h so far
    pairs,     ///< the sum of h so far over pairs of perturbed runs
    anything   ///< that of an estimator which does not say; only such a one may fill Progress::own
  };
  Block block = Block::anything;
  std::int64_t tangents = 0;  ///< lists in Progress::z inside a block
  bool online = false;        ///< the tangents stay between blocks too
  bool trajectory = false;    ///< Block::trajectory and outers are recorded
  std::int64_t pairs = 0;     ///< perturbed ones
  bool particles = false;     ///< the pairs go on from block to block
};

/// Plain steps until progress.t is `end`. problem.watch sees `progress` as it stands after each.
void train_to(const FlatProblem& problem, const Vars& phi, Progress& progress, std::int64_t end);

}  // namespace glocal::hpo
