// Choice among fits by what they would have said about snapshots that were held back.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/forecast/forecast.h>

namespace glocal::hpo {

struct DmdCandidate {
  std::string name;
  DmdOptions options;
};
/// The candidates of forecast_auto for q entries.
std::vector<DmdCandidate> default_candidates(std::int64_t q);

/// When a forecast is believed.
struct DmdTrust {
  double to_beat = 1;   ///< skill below which it is
  bool shrink = false;  ///< then move from the last snapshot only as far as fitted the held-out ones best
  std::vector<double> held_back{0.25, 0.5};  ///< shares of the snapshots, in (0, 1); the error bar reads the first
};

/// Forecast at index target_t by the candidate that best forecasts what is held back. Skill is the root mean square,
/// over entries and shares held back, of a candidate's error over that of persistence. The value is the last snapshot
/// when no candidate is below trust.to_beat. The error bar joins the fit's own with the held-out error, which grows
/// with the root of the distance. Cost: a fit for each candidate and share, and one more. Throws as fit_dmd;
/// ShapeError for series of different lengths; ValueError without candidates or for a trust out of range.
Forecast forecast_auto(const DmdData& data, double target_t, const std::vector<DmdCandidate>& candidates,
                       const DmdTrust& trust = {});

}  // namespace glocal::hpo
