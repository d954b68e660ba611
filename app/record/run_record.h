// A run folder read back: what `glocal train`, `tune` and `compare` wrote, as plain structs.
#pragma once
#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include <glocal/app/record/numbers.h>

namespace glocal::app {

using Json = nlohmann::ordered_json;
using Curve = std::vector<std::array<double, 2>>;  ///< (step, number)

/// Components whose hypergradients are drawn: of more, the first.
constexpr std::size_t most_drawn = 4;

/// One outer update. Numbers that do not apply are NaN, lists empty.
struct UpdateRecord {
  std::int64_t index = 0, step = 0;   ///< index -1: the values the run started from
  std::vector<Spread> values;         ///< after the update, in the order of RunRecord::names
  std::vector<Spread> hypergradient;  ///< in the same order
  std::vector<Spread> tried;          ///< a search's trial: the values it ran with, while `values` are the best so far
  Json value_texts;                   ///< `values` as they stand in the file
  double outer = 0, exponent = 0, rank = 0, delays = 0, residual = 0, skill = 0;
  bool forecast_made = false, fell_back = false;
  std::string note;
  std::string test;   ///< what a forecast had to pass, see hpo::Forecast; empty: it had no test
  std::string ended;  ///< how that ended
  std::vector<std::complex<double>> eigenvalues;
  std::vector<double> singular_values;
  std::vector<double> drawn;      ///< the hypergradient of the first most_drawn components
  std::vector<Curve> trajectory;  ///< of those, against steps of training
  std::vector<Curve> forecast;    ///< the same, from the block's end to the end of training
};

struct RunRecord {
  std::filesystem::path folder;
  Json config, meta, summary;
  std::string estimator;
  std::vector<std::string> names;  ///< of the tuned hyperparameters; a vector has one
  std::vector<std::string> drawn;  ///< of the first most_drawn components: "lr", "class_weights[0]", ...
  std::size_t components = 0;      ///< in all
  Curve train_loss, val_loss, val_accuracy;
  double test_loss = std::numeric_limits<double>::quiet_NaN(), test_accuracy = test_loss;  ///< NaN before the end
  std::vector<UpdateRecord> updates;                                                       ///< from index -1 on
  std::string kept;            ///< estimators from the start: "best of 6: update 3"; "" for others
  std::vector<double> judged;  ///< theirs: the validation loss with the values of each of `updates`
};

/// True where a run's config.json says that it has a target to meet and no classes, and so no accuracy.
bool is_regression(const Json& config);
/// True when `folder` was written by `compare`.
bool is_comparison(const Json& summary);

/// The number at a path of keys ("val", "loss"); NaN when it is not there or null.
double number_at(const Json& json, std::initializer_list<const char*> keys);
/// The update that was kept at the end, an index of `updates`; none where none was.
std::optional<std::size_t> kept_update(const RunRecord& run);
/// The text of a value: strings as they are, lists joined by ", ", "" when it is not there.
std::string text_at(const Json& json, const char* key);

}  // namespace glocal::app
