#include <glocal/app/checkpoint/numbers.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include <glocal/app/checkpoint/checkpoint.h>
#include <glocal/app/setup/run_rules.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/estimators/evolution.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/space.h>
#include <glocal/train/experiment.h>

namespace glocal::app {
namespace {

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

// Equal but for the last bits, which another machine may have made.
bool close(double a, double b, double eps) {
  return std::isfinite(a) && std::abs(a - b) <= eps * std::max({1.0, std::abs(a), std::abs(b)});
}

double rounding(DType dtype) { return dtype == DType::f32 ? 1e-5 : 1e-11; }

class Numbers {
 public:
  Numbers(const Checkpoint& checkpoint, const train::Experiment& experiment, const RunRules& rules,
          const std::vector<std::string>& names, const std::string& where)
      : c_(checkpoint),
        state_(checkpoint.state),
        progress_(checkpoint.state.progress),
        experiment_(experiment),
        rules_(rules),
        names_(names),
        where_(where) {}

  void check() const {
    for (std::size_t i = 0; i < progress_.s.size(); ++i) finite(names_[i], progress_.s[i].value());
    check_start();
    check_hyperparameters();
    check_loss();
    check_particles();
    check_tangents();
    if (progress_.block && rules_.kept.block != hpo::Kept::Block::anything) check_block(*progress_.block);
  }

 private:
  [[noreturn]] void refuse(const std::string& field, const std::string& expected, double found,
                           std::int64_t at = -1) const {
    fail<DataError>("[checkpoint] {}: {}{}: expected {}, found {}", where_, field,
                    at < 0 ? "" : fmt::format("[{}]", at), expected, found);
  }

  void finite(const std::string& name, const Tensor& x) const {
    if (is_finite(x)) return;
    std::int64_t at = 0;
    while (std::isfinite(x.at(at))) ++at;
    refuse(name, "finite numbers", x.at(at), at);
  }

  template <class Accept>
  void each(const char* name, const std::vector<double>& list, const char* expected, Accept accept) const {
    for (std::size_t i = 0; i < list.size(); ++i)
      if (!accept(list[i])) refuse(name, expected, list[i], static_cast<std::int64_t>(i));
  }

  void equal(const char* name, const std::vector<double>& found, const std::vector<double>& expected, double eps,
             const char* by) const {
    for (std::size_t i = 0; i < found.size(); ++i)
      if (!close(found[i], expected[i], eps))
        refuse(name, fmt::format("{} ({})", expected[i], by), found[i], static_cast<std::int64_t>(i));
  }

  // A state at step 0 follows from the seed, unless it is thrown away for a run from the start.
  void check_start() const {
    if (progress_.t > 0 || rules_.search || rules_.from_start) return;
    const Vars start = experiment_.problem().init(experiment_.phi());
    for (std::size_t i = 0; i < start.size(); ++i) {
      const Tensor &found = progress_.s[i].value(), &expected = start[i].value();
      for (std::int64_t k = 0; k < found.size(); ++k)
        if (!close(found.at(k), expected.at(k), rounding(found.dtype())))
          refuse(names_[i], fmt::format("{} (the seed's at step 0)", expected.at(k)), found.at(k), k);
    }
  }

  void check_hyperparameters() const {
    const auto is_number = [](double x) { return std::isfinite(x); };
    each("hyper/u", state_.u, "finite numbers", is_number);
    each("hyper/values", c_.values, "finite numbers", is_number);
    each("meta/m", state_.meta.m, "finite numbers", is_number);
    each("meta/v", state_.meta.v, "finite numbers >= 0", [](double x) { return std::isfinite(x) && x >= 0; });
    each("best/u", state_.best_u, "finite numbers", is_number);
    for (std::size_t i = 0; i < state_.best_s.size(); ++i) finite("best/" + names_[i], state_.best_s[i].value());
    each("search/scores", state_.scores, "numbers, NaN for a run that failed", [](double x) { return !std::isinf(x); });
    const Vars start = experiment_.phi();
    const double eps = rounding(experiment_.dtype());
    if (!rules_.tunes()) equal("hyper/u", state_.u, hpo::to_components(start, start), eps, "the start value");
    // In a search they are those of the best trial: see check_lines.
    if ((!rules_.search || state_.updates == 0) && rules_.kept.block != hpo::Kept::Block::anything)
      equal("hyper/values", c_.values, experiment_.space().values(state_.phi), eps, "as hyper/u");
  }

  void check_loss() const {
    const double found = c_.seen.train_loss;
    const std::int64_t steps = progress_.t - (c_.seen.pending ? 1 : 0);
    // The last training from the start may have been left for a run that was better.
    const bool left = rules_.from_start && std::ssize(state_.scores) > state_.updates && steps == rules_.tau;
    if (!c_.seen.pending && progress_.t > 0 && !left) {
      const double expected = train::Experiment::training_loss(progress_.s);
      if (found != expected)
        refuse("seen.train_loss", fmt::format("{} (training_loss, unless seen.pending)", expected), found);
    } else if (steps == 0 && state_.updates == 0) {
      if (found != 0) refuse("seen.train_loss", "0 at progress.t = 0 and in the step pending after it", found);
    } else if (!rules_.search && !rules_.from_start && !std::isfinite(found)) {  // a trial may have diverged
      refuse("seen.train_loss", "a finite number", found);
    }
  }

  // xi is the sum of what has been drawn for a pair, and the draws follow from the seed.
  void check_particles() const {
    if (!rules_.kept.particles) return;
    const hpo::Evolution draws(true, rules_.tau, rules_.kept.pairs, 1, rules_.seed);
    for (std::size_t k = 0; k < progress_.particles.size(); ++k) {
      const hpo::AntitheticPair& pair = progress_.particles[k];
      for (std::size_t i = 0; i < names_.size(); ++i) {
        finite("particle/plus/" + names_[i], pair.plus[i].value());
        finite("particle/minus/" + names_[i], pair.minus[i].value());
      }
      const auto number = static_cast<std::int64_t>(k);
      const bool ran = progress_.block && number < progress_.block->pairs;
      std::vector<double> sum(pair.xi.size());
      for (std::int64_t block = 0; block < state_.updates + (ran ? 1 : 0); ++block) {
        const Tensor e = draws.perturbation(rules_.block_start(block), number, rules_.q);
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += e.at(static_cast<std::int64_t>(i));
      }
      equal("particle/xi", pair.xi, sum, 1e-9, "the sum of the seed's draws up to progress.block.pairs");
    }
  }

  // Tangents that explode leave the numbers, and forecasts leave that part out; then others are near to it.
  bool exploded() const {
    double largest = 0;
    std::int64_t lost = 0, all = 0;
    for (const Vars& direction : progress_.z)
      for (const Var& leaf : direction)
        for (std::int64_t k = 0; leaf && k < leaf.size(); ++k, ++all) {
          const double x = std::abs(leaf.value().at(k));
          if (std::isfinite(x))
            largest = std::max(largest, x);
          else
            ++lost;
        }
    return largest >= (experiment_.dtype() == DType::f32 ? 0x1p48 : 0x1p500) || 2 * lost > all;
  }

  void check_tangents() const {
    if (exploded()) return;
    for (const Vars& direction : progress_.z)
      for (std::size_t i = 0; i < direction.size(); ++i)
        if (direction[i]) finite("tangent/" + names_[i], direction[i].value());
  }

  void check_block(const hpo::Block& block) const {
    const bool forward = rules_.kept.block == hpo::Kept::Block::tangents, free = forward && exploded();
    const auto accept = [free](double x) { return free || std::isfinite(x); };
    each("block/h", block.h, "finite numbers", accept);
    each("block/trajectory", block.trajectory, "finite numbers", accept);
    each("block/outers", block.outers, "finite numbers", accept);
    for (std::size_t i = 0; i < block.squares.size(); ++i)
      each(fmt::format("block/squares/{}", i).c_str(), block.squares[i], "numbers >= 0",
           [free](double x) { return x >= 0 || (free && std::isnan(x)); });  // squares overflow first
    if (rules_.kept.block == hpo::Kept::Block::pairs && block.pairs == 0)
      each("block/h", block.h, "0 while progress.block.pairs is 0", [](double x) { return x == 0; });
    if (rules_.kept.block == hpo::Kept::Block::sums && progress_.t == block.t0)
      each("block/h", block.h, "0 before the first step", [](double x) { return x == 0; });
    const bool asked = forward && !block.h.empty();
    if (!block.outers.empty() && !same(block.outer, block.outers.back()))
      refuse("progress.block.outer", fmt::format("{} (the last of block/outers)", block.outers.back()), block.outer);
    if (asked && !accept(block.outer)) refuse("progress.block.outer", "a finite number", block.outer);
    if (!asked && block.outer != 0) refuse("progress.block.outer", "0, since E was not asked for", block.outer);
    if (!block.trajectory.empty())
      for (std::size_t k = 0; k < block.h.size(); ++k)
        if (!same(block.h[k], block.trajectory[block.trajectory.size() - block.h.size() + k]))
          refuse("block/h", "the last row of block/trajectory", block.h[k], static_cast<std::int64_t>(k));
  }

  const Checkpoint& c_;
  const hpo::TuneState& state_;
  const hpo::Progress& progress_;
  const train::Experiment& experiment_;
  const RunRules& rules_;
  const std::vector<std::string>& names_;
  const std::string& where_;
};

}  // namespace

void check_numbers(const Checkpoint& checkpoint, const train::Experiment& experiment, const RunRules& rules,
                   const std::vector<std::string>& names, const std::string& where) {
  Numbers(checkpoint, experiment, rules, names, where).check();
}

}  // namespace glocal::app
