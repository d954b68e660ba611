#include <glocal/hpo/rehearsal/rehearsal.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>
#include <tuple>
#include <utility>

#include <glocal/core/error.h>

namespace glocal::hpo {
namespace {

constexpr double ln2 = std::numbers::ln2, decade = std::numbers::ln10;
constexpr double left_the_start = 0.9;  // of the loss at s_0: what a rehearsal that has left a plateau is below
constexpr double diverged = 9;          // times the loss at s_0 stand for every loss above, and for one that is none
constexpr double refused = 1.3;         // times the least of a rehearsal: the whole run has begun with too large a rate
constexpr int most_halvings = 3;

// The recipe below is written as if every loss were known; the first that is not is thrown, and asked for.
struct Unknown {
  double u;
  std::int64_t steps;
};
struct Exhausted {};

// Through (-1, below), (0, middle), (1, above): where it is least, within half a step, and how far from there it rises
// by `rise`, at most two steps.
struct Parabola {
  double least = 0, width = 2;
  Parabola(double below, double middle, double above, double rise) {
    const double curvature = below - 2 * middle + above;
    if (!(curvature > 0)) return;
    least = std::clamp((below - above) / (2 * curvature), -0.5, 0.5);
    width = std::min(width, std::sqrt(2 * rise / curvature));
  }
};

}  // namespace

// By length; two ways to the same rate may differ in the last bits.
bool Rehearsal::Before::operator()(const RehearsalTrial& a, const RehearsalTrial& b) const {
  const auto key = [](const RehearsalTrial& t) { return std::tuple(t.schedule, t.steps, std::llround(1e9 * t.u)); };
  return key(a) < key(b);
}

Rehearsal::Rehearsal(double u, const RehearsalOptions& options) : start_(u), options_(options) {
  const RehearsalOptions& o = options_;
  if (!std::isfinite(u)) fail<ValueError>("[rehearsal] starts from the rate exp({}); give a number", u);
  if (!(o.ceiling > 0)) fail<ValueError>("[rehearsal] ceiling = {} must be > 0, a share of the run", o.ceiling);
  if (!(o.exponent >= 0 && o.exponent <= 1))
    fail<ValueError>("[rehearsal] exponent = {} must be in [0, 1]", o.exponent);
  if (o.shortest < 1) fail<ValueError>("[rehearsal] shortest = {} must be at least 1 step", o.shortest);
  constexpr std::int64_t few = 3;  // rehearsals, below which nothing can be said
  const auto allowed = static_cast<std::int64_t>(o.ceiling * static_cast<double>(o.T));
  if (allowed < few * first_length())
    fail<ValueError>(
        "[rehearsal] a run of {} steps has room for {} steps of rehearsals, which are {} steps each; give at least {} "
        "steps, or a rate",
        o.T, allowed, first_length(),
        static_cast<std::int64_t>(std::ceil(static_cast<double>(few * first_length()) / o.ceiling)));
  plan();
}

std::int64_t Rehearsal::first_length() const { return std::max(options_.shortest, options_.T / 40); }

// Up or down by decades, to a longer one where nothing moves yet, then half a decade, then a parabola.
Rehearsed Rehearsal::rehearse(const Loss& loss) const {
  // On a grid that all starts share, so that those which lead to one optimum end at one rate.
  double u = decade / 2 * std::round(start_ / (decade / 2)), f = decade;
  std::int64_t n = first_length();
  const double at_start = loss(u, 0);
  // Shares of a loss are counted of what is left of it, or of what has been gained, where that is less.
  const auto scale = [&](double here) { return std::max(0.0, std::min(here, at_start - here)); };
  const auto climb = [&](double better, int moves) {
    for (int i = 0; i < moves; ++i) {
      const double here = loss(u, n);
      if (here >= diverged * at_start)
        u -= f;
      else if (here == at_start || loss(u + f, n) < here - better * scale(here))
        u += f;
      else if (loss(u - f, n) < here)
        u -= f;
      else
        break;
    }
  };
  const auto left = [&] { return loss(u, n) < left_the_start * at_start; };
  climb(0, 30);

  bool longer = false, plateau = false;
  if (!left()) {
    const std::pair short_of(u, n);
    for (f = decade / 2; !left() && n <= options_.T / 5; longer = true) {
      n *= 2;
      u -= options_.exponent * ln2;
      climb(0.02, 4);
    }
    plateau = !left();
    if (plateau) std::tie(u, n) = short_of, longer = false;
  }
  f = decade / 2;
  if (longer) {  // of two nearly equal rates the smaller: one too large may lose the run, one too small costs little
    const double here = loss(u, n);
    if (loss(u - f, n) < here + 0.1 * scale(here)) u -= f;
  } else {
    const double here = loss(u, n), above = loss(u + f, n), below = loss(u - f, n);
    if (std::min(above, below) < here) u += above < below ? f : -f;
  }
  const Parabola parabola(std::log(loss(u - f, n)), std::log(loss(u, n)), std::log(loss(u + f, n)), std::log(1.02));
  const double at = law(u + f * parabola.least, n), width = f * parabola.width;
  return {at, at - width, at + width, n, std::min({loss(u - f, n), loss(u, n), loss(u + f, n)}), false, plateau};
}

double Rehearsal::law(double u, std::int64_t n) const {
  return u + options_.exponent * std::log(static_cast<double>(n) / static_cast<double>(options_.T));
}

// Of the longest rehearsals that left the loss of the start the best; of the shortest where none did.
Rehearsed Rehearsal::best_known() const {
  const double most = left_the_start * known_.at({0, 0, 0});
  const auto best = [&](auto&& counts) {
    const std::pair<const RehearsalTrial, double>* found = nullptr;
    for (const auto& each : known_)
      if (each.first.schedule < options_.T && each.first.steps > 0 && counts(each) &&
          (!found || each.first.steps > found->first.steps || each.second < found->second))
        found = &each;
    return found;
  };
  const auto* found = best([&](const auto& each) { return each.second < most; });
  const bool plateau = !found;
  if (plateau) found = best([&](const auto& each) { return each.first.steps == first_length(); });
  const double at = law(found->first.u, found->first.steps);
  return {at, at - decade / 2, at + decade / 2, found->first.steps, found->second, true, plateau};
}

void Rehearsal::plan() {
  next_.reset();
  try {
    rehearsed_ = rehearse([this](double u, std::int64_t steps) {
      if (const auto found = known_.find({steps == 0 ? 0 : u, steps, steps}); found != known_.end())
        return found->second;
      if (static_cast<double>(used_ + steps) > options_.ceiling * static_cast<double>(options_.T)) throw Exhausted();
      throw Unknown{u, steps};
    });
  } catch (const Unknown& unknown) {
    next_ = {unknown.steps == 0 ? 0 : unknown.u, unknown.steps, unknown.steps};
    return;
  } catch (const Exhausted&) {
    rehearsed_ = best_known();
  }
  const std::int64_t steps = 2 * rehearsed_.steps;
  if (steps >= options_.T) return;
  for (int halved = 0; halved < most_halvings; ++halved) {
    const RehearsalTrial begun{rehearsed_.u, steps, options_.T};
    const auto found = known_.find(begun);
    if (found == known_.end()) {
      next_ = begun;
      return;
    }
    if (found->second <= refused * rehearsed_.least) return;
    for (double* u : {&rehearsed_.u, &rehearsed_.low, &rehearsed_.high}) *u -= ln2;
  }
}

RehearsalTrial Rehearsal::ask() const {
  if (!next_) fail<ValueError>("[rehearsal] has finished; there is nothing left to ask");
  return *next_;
}

void Rehearsal::tell(double E) {
  const RehearsalTrial trial = ask();
  if (trial.steps == 0) {
    if (!std::isfinite(E)) fail<DivergedError>("[rehearsal] the loss before any training is {}", E);
    known_[trial] = E;
  } else {
    const double most = diverged * known_.at({0, 0, 0});
    known_[trial] = E < most ? E : most;
    if (trial.schedule < options_.T) used_ += trial.steps;
  }
  plan();
}

}  // namespace glocal::hpo
