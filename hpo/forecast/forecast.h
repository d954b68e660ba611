// A forecast, with the test that it was put to.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/hpo/dmd/model/fit.h>

namespace glocal::hpo {

struct Forecast {
  std::vector<double> value;  ///< (q,) at the target; the last snapshot when it fell back
  bool fell_back = false;
  double skill = 0;  ///< hold-out error of the forecast over that of persistence: below 1 the forecast wins; infinite
                     ///< when the hold-out is constant or the series too short for a trial
  DmdFit fit;        ///< to all snapshots
  std::string note;  ///< why it fell back, and what the fit reduced
  /// (q,) one standard error of value: the fit's own, joined with what the trial showed; infinite when the series was
  /// too short for a trial.
  std::vector<double> error_bar{};
  double weight = 1;             ///< value = last + weight (model - last): 0 when it fell back
  int candidate = 0;             ///< of forecast_auto: the one chosen
  std::vector<double> skills{};  ///< of forecast_auto: of each candidate, infinite when a forecast was not finite
  /// The test it was put to: it is believed when "steps 38 to 50, forecast from the first 37, missed by less than 1
  /// times what step 37 repeated misses"; empty when the series was too short for one.
  std::string test{};
};

/// The words of Forecast::test: steps from + 1 .. tau forecast from the first `kept`, believed below (or up to) a
/// skill.
std::string words_of_test(std::int64_t kept, std::int64_t from, std::int64_t tau, const char* bound, double skill);

}  // namespace glocal::hpo
