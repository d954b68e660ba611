// What a hyperparameter starts from, as it is given and as config.json holds it.
#pragma once
#include <utility>
#include <vector>

namespace glocal::train {

/// One number, or the numbers of a vector in their order.
struct HyperValue {
  std::vector<double> numbers;
  bool vector = false;  ///< also of a single number

  HyperValue(double number = 0) : numbers{number} {}
  HyperValue(std::vector<double> all) : numbers(std::move(all)), vector(true) {}
  bool operator==(const HyperValue&) const = default;
};

}  // namespace glocal::train
