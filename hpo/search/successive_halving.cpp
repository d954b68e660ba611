#include <glocal/hpo/search/successive_halving.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/hpo/search/random_search.h>
#include <glocal/hpo/search/search.h>

namespace glocal::hpo {
namespace {

constexpr std::int64_t eta = 3;
constexpr std::size_t rungs = 3;
constexpr std::array<double, rungs + 1> reached{0, 1.0 / 27, 1.0 / 9, 1.0 / 3};  // shares of a run, rung by rung

using Counts = std::array<std::int64_t, rungs>;

// Trials of each rung, of n in the first.
Counts counts_of(std::int64_t n) {
  Counts counts{n};
  for (std::size_t k = 1; k < rungs; ++k) counts[k] = std::max<std::int64_t>(1, counts[k - 1] / eta);
  return counts;
}

// What they cost in 27ths of a run; the last training, from 1/3 on, is left out.
std::int64_t cost(const Counts& counts) { return counts[0] + 2 * counts[1] + 6 * counts[2]; }

struct SuccessiveHalving : Search {
  Counts counts{};
  std::vector<std::vector<double>> points;  // of the first rung
  std::vector<std::int64_t> place;          // of each trial asked so far: its point
  std::vector<double> scores;               // of each trial told so far
  std::vector<std::int64_t> promoted;       // trials of the rung before, the best first
  std::unique_ptr<Search> draw;

  SuccessiveHalving(const SearchBox& box, std::int64_t runs, Key key) {
    // The last training costs 2/3 of the run that is kept for it.
    const std::int64_t most = checked_budget(runs);
    std::int64_t n = 1;
    while (cost(counts_of(n + 1)) <= most) ++n;
    counts = counts_of(n);
    draw = random_search(box, n, key);
  }

  static std::int64_t checked_budget(std::int64_t runs) {
    constexpr std::int64_t most_runs = 1'000'000;
    if (runs > most_runs)
      fail<ValueError>("[successive-halving] a budget of {} runs is more than it can divide; give at most {}", runs,
                       most_runs);
    return 27 * runs + 9;
  }

  const char* name() const override { return "successive-halving"; }
  std::int64_t trials() const override { return std::accumulate(counts.begin(), counts.end(), std::int64_t{0}); }

  std::int64_t first_of(std::size_t rung) const {
    return std::accumulate(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(rung), std::int64_t{0});
  }
  std::size_t rung_of(std::int64_t trial) const {
    std::size_t rung = 0;
    while (rung + 1 < rungs && trial >= first_of(rung + 1)) ++rung;
    return rung;
  }

  Part part(std::int64_t trial) const override {
    const std::size_t rung = rung_of(trial);
    return {reached[rung], reached[rung + 1]};
  }
  double last_begins() const override { return reached[rungs]; }

  // The trials of a rung by their score, the best first; one that failed is last, the earlier of equals first.
  std::vector<std::int64_t> ranked(std::size_t rung) const {
    const std::int64_t told = std::ssize(scores);
    std::vector<std::int64_t> order;
    for (std::int64_t i = first_of(rung); i < std::min(told, first_of(rung) + counts[rung]); ++i) order.push_back(i);
    const auto worth = [this](std::int64_t i) {
      const double E = scores[static_cast<std::size_t>(i)];
      return std::isfinite(E) ? E : std::numeric_limits<double>::infinity();
    };
    std::ranges::stable_sort(order, {}, worth);
    return order;
  }

  std::int64_t goes_on_from() const override {
    const std::int64_t asked = std::ssize(place) - 1;
    const std::size_t rung = rung_of(asked);
    return rung == 0 ? -1 : promoted[static_cast<std::size_t>(asked - first_of(rung))];
  }

  // What may still be promoted: of a rung that is being made the best so far, of the one before what has not gone on.
  bool keeps(std::int64_t trial) const override {
    const std::int64_t told = std::ssize(scores);
    const std::size_t rung = rung_of(trial), now = told == 0 ? 0 : rung_of(std::min(told, trials() - 1));
    if (trial >= told || rung + 1 < now) return false;
    const std::int64_t go_on = rung + 1 < rungs ? counts[rung + 1] : 1;
    const std::vector<std::int64_t> order = ranked(rung);
    const std::int64_t rank = std::ranges::find(order, trial) - order.begin();
    if (rank >= go_on) return false;
    return rung == now || rank >= told - first_of(now);
  }
  std::int64_t most_kept() const override { return std::max(counts[1], std::int64_t{1}) + 1; }

  std::vector<double> ask() override {
    const std::int64_t trial = std::ssize(place);
    const std::size_t rung = rung_of(trial);
    if (rung == 0) {
      points.push_back(draw->ask());
      place.push_back(trial);
      return points.back();
    }
    const std::int64_t within = trial - first_of(rung);
    if (within == 0) promoted = ranked(rung - 1);
    place.push_back(place[static_cast<std::size_t>(promoted[static_cast<std::size_t>(within)])]);
    return points[static_cast<std::size_t>(place.back())];
  }

  void tell(const std::vector<double>&, double E) override { scores.push_back(E); }
};

}  // namespace

std::unique_ptr<Search> successive_halving(const SearchBox& box, std::int64_t runs, Key key) {
  return std::make_unique<SuccessiveHalving>(box, runs, key);
}

SearchKind successive_halving_kind() {
  return {"successive-halving", "many short runs, of which the better third goes on for three times as long, and again",
          "sky", successive_halving};
}

}  // namespace glocal::hpo
