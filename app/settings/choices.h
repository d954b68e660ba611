// Settings with a few named values: each enumeration as text and back.
#pragma once
#include <array>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/text/nearest.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/unroll/options.h>

namespace glocal::app {

/// The names of an enumeration; where two stand for one value, the first is written.
template <class E>
constexpr auto names_of() {
  using Policy = hpo::DmdOptions::Policy;
  using TimeAxis = hpo::DmdOptions::TimeAxis;
  using Sketch = hpo::ImplicitOptions::Sketch;
  using hpo::Extrapolation;
  if constexpr (std::is_same_v<E, Extrapolation>) {
    return std::array{std::pair{Extrapolation::automatic, "auto"}, std::pair{Extrapolation::scaling, "scaling"},
                      std::pair{Extrapolation::dmd, "dmd"}};
  } else if constexpr (std::is_same_v<E, DType>) {
    return std::array{std::pair{DType::f32, "f32"}, std::pair{DType::f64, "f64"}};
  } else if constexpr (std::is_same_v<E, Policy>) {
    return std::array{std::pair{Policy::raw, "raw"}, std::pair{Policy::clip, "clip"}, std::pair{Policy::snap, "snap"},
                      std::pair{Policy::unit, "unit"}};
  } else if constexpr (std::is_same_v<E, Sketch>) {
    return std::array{std::pair{Sketch::columns, "columns"}, std::pair{Sketch::gaussian, "gaussian"}};
  } else {
    static_assert(std::is_same_v<E, TimeAxis>);
    return std::array{std::pair{TimeAxis::linear, "linear"}, std::pair{TimeAxis::logarithmic, "logarithmic"},
                      std::pair{TimeAxis::logarithmic, "log"}, std::pair{TimeAxis::log_grid, "log-grid"}};
  }
}

template <class E>
std::string text_of(E value) {
  for (const auto& [one, name] : names_of<E>())
    if (one == value) return name;
  fail<ValueError>("[options] value {} has no name", static_cast<int>(value));
}

/// What a value of the enumeration is called, and the list of `glocal list` that has them.
template <class E>
constexpr std::pair<const char*, const char*> kind_of() {
  if constexpr (std::is_same_v<E, hpo::Extrapolation>) return {"extrapolation", "extrapolations"};
  if constexpr (std::is_same_v<E, DType>) return {"element type", "dtypes"};
  if constexpr (std::is_same_v<E, hpo::DmdOptions::Policy>) return {"policy", "policies"};
  if constexpr (std::is_same_v<E, hpo::ImplicitOptions::Sketch>) return {"sketch", "sketches"};
  if constexpr (std::is_same_v<E, hpo::DmdOptions::TimeAxis>) return {"time axis", "time-axes"};
}

/// Throws ValueError, naming `source` and the nearest name, for a text that is none of them.
template <class E>
E from_text(const std::string& source, const std::string& text) {
  std::vector<std::string> known;
  for (const auto& [one, name] : names_of<E>()) {
    if (text == name) return one;
    known.emplace_back(name);
  }
  const auto [kind, list] = kind_of<E>();
  fail<ValueError>("[options] {}: {}", source, unknown_name(text, kind, known, std::string("glocal list ") + list));
}

}  // namespace glocal::app
