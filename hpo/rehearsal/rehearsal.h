// Which rehearsals are made: runs that are many times shorter than the run, under the same schedule compressed.
//
// From the middle of a run the best rate that a block of steps sees is 10 to 30 times too small, since what is left of
// the schedule is cut off. A rehearsal keeps all of it. Its best rate is within a factor of two of that of the whole
// run, and the factor is a power of the length: best rate ~ length^-exponent.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>

namespace glocal::hpo {

struct RehearsalOptions {
  std::int64_t T = 1000;       ///< steps of the whole run
  std::int64_t shortest = 25;  ///< a rehearsal has T / 40 steps, but at least so many: those that a momentum remembers
  double exponent = 1.0 / 6;   ///< 0.1 for optimisers that normalise the gradient
  double ceiling = 0.5;        ///< share of T that all rehearsals together may take
};

/// What rehearsals have shown.
struct Rehearsed {
  double u = 0;              ///< logarithm of the rate for the whole run
  double low = 0, high = 0;  ///< of the rates whose loss in a rehearsal is within 2 % of the least, by its parabola
  std::int64_t steps = 0;    ///< of the rehearsals that decided
  double least = 0;          ///< loss of the best of them
  bool ceiling = false;      ///< they ended because all that was allowed had been used
  bool plateau = false;      ///< none left the loss of the start
};

/// Part of a run that is asked for: so many steps of a schedule that is compressed to so many.
struct RehearsalTrial {
  double u = 0;  ///< logarithm of the rate
  std::int64_t steps = 0, schedule = 0;
};

/// Asks for rehearsals from the rate exp(u) on, then for the first 2 n steps of the whole run; where their loss is more
/// than 1.3 times that of the best rehearsal, for the same with half the rate, three times at most. Deterministic: what
/// is asked depends on what was told.
class Rehearsal {
 public:
  static constexpr std::int64_t validation_batches = 2;  ///< over which E is averaged: those of blocks 0 and 1

  /// Throws ValueError for options out of range.
  Rehearsal(double u, const RehearsalOptions& options);

  bool finished() const { return !next_; }
  /// Throws ValueError once it has finished.
  RehearsalTrial ask() const;
  /// E of the trial asked for; NaN: it left the finite numbers. Throws ValueError once it has finished, DivergedError
  /// for a loss at s_0 that is not finite.
  void tell(double E);
  /// What is known once it has finished.
  const Rehearsed& rehearsed() const { return rehearsed_; }

 private:
  struct Before {
    bool operator()(const RehearsalTrial& a, const RehearsalTrial& b) const;
  };
  using Loss = std::function<double(double u, std::int64_t steps)>;
  std::int64_t first_length() const;
  double law(double u, std::int64_t n) const;  ///< from a rehearsal's best rate to that of the whole run
  Rehearsed rehearse(const Loss& loss) const;
  Rehearsed best_known() const;
  void plan();

  double start_;
  RehearsalOptions options_;
  std::map<RehearsalTrial, double, Before> known_;
  std::int64_t used_ = 0;
  std::optional<RehearsalTrial> next_;
  Rehearsed rehearsed_;
};

}  // namespace glocal::hpo
