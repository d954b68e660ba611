// Reads what tests/torch/generate.py wrote: the numbers by formula, the digests, and the list of calls.
#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/core/io/npy.h>

namespace torch_goldens {

using namespace glocal;

inline std::map<std::string, Tensor> load(const std::string& file) {
  return load_npz(std::string(GLOCAL_SOURCE_DIR) + "/tests/torch/" + file);
}

inline std::string text(const Tensor& bytes) {
  std::string out;
  for (const std::int32_t c : bytes.span<std::int32_t>()) out.push_back(static_cast<char>(c));
  return out;
}

/// Word i of a seed: a 32-bit hash, integers only.
inline std::uint32_t word(std::uint32_t seed, std::uint32_t i) {
  std::uint32_t x = i * 0x9E3779B1U + seed * 0x85EBCA77U + 0x165667B1U;
  x = (x ^ (x >> 15)) * 0x2C1B3C6DU;
  x = (x ^ (x >> 12)) * 0x297A2D39U;
  return x ^ (x >> 15);
}

template <class F>
Tensor filled(const Shape& shape, DType dtype, F number) {
  Tensor x(shape, DType::f64);
  for (std::int64_t i = 0; i < x.size(); ++i) x.data<double>()[i] = number(static_cast<std::uint32_t>(i));
  return x.to(dtype);
}

/// Multiples of 2^-21 in [-1, 1), times `factor`.
inline Tensor signed_numbers(std::uint32_t seed, const Shape& shape, DType dtype = DType::f64, double factor = 1) {
  return filled(shape, dtype, [=](std::uint32_t i) { return ((word(seed, i) >> 10) / 2097152.0 - 1) * factor; });
}

/// (low + span k / 2^14) / 8.
inline Tensor spread(std::uint32_t seed, const Shape& shape, double low, double span, DType dtype) {
  return filled(shape, dtype, [=](std::uint32_t i) { return (low + span * (word(seed, i) >> 18) / 16384.0) / 8; });
}

/// Walks the goldens of one file in the order in which they were written.
class Reader {
 public:
  Reader(Tensor numbers, Tensor integers) : numbers_(std::move(numbers)), integers_(std::move(integers)) {}

  /// Largest difference of x from the next digest, relative to the largest of the numbers that are compared (of a
  /// sum: to the sum of magnitudes), or to `least` if that is more.
  double gap(const Tensor& x, std::uint32_t seed, double least = 0) {
    std::vector<double> mine, size;
    double most = least;
    for (std::int64_t i = 0; i < x.size(); ++i) most = std::max(most, std::abs(x.at(i)));
    if (x.size() <= 12) {
      for (std::int64_t i = 0; i < x.size(); ++i) mine.push_back(x.at(i)), size.push_back(most);
    } else {
      for (std::uint32_t i = 0; i < 4; ++i)
        mine.push_back(x.at(word(seed, i) % static_cast<std::uint32_t>(x.size()))), size.push_back(most);
      for (std::uint32_t r = 1; r <= 3; ++r) {
        const Tensor weights = signed_numbers(seed + r, {x.size()});
        double sum = 0, magnitude = 0;
        for (std::int64_t i = 0; i < x.size(); ++i) {
          sum += weights.at(i) * x.at(i);
          magnitude += std::abs(weights.at(i) * x.at(i));
        }
        mine.push_back(sum), size.push_back(std::max(magnitude, least));
      }
    }
    double worst = 0;
    for (std::size_t i = 0; i < mine.size(); ++i) {
      const double golden = next(), difference = std::abs(mine[i] - golden);
      if (difference > 0) worst = std::max(worst, difference / std::max(size[i], std::abs(golden)));
      if (std::isnan(difference)) worst = HUGE_VAL;
    }
    return worst;
  }
  void skip(std::int64_t size) { at_ += size <= 12 ? size : 7; }
  double next() { return numbers_.at(at_++); }

  Tensor index(const Shape& shape) {
    Tensor out(shape, DType::i32);
    for (std::int64_t i = 0; i < out.size(); ++i) out.data<std::int32_t>()[i] = integers_.data<std::int32_t>()[at_i_++];
    return out;
  }
  bool at_end() const { return at_ == numbers_.size() && at_i_ == integers_.size(); }

 private:
  Tensor numbers_, integers_;
  std::int64_t at_ = 0, at_i_ = 0;
};

/// What to call: the arguments that are not tensors, and the shapes of what comes out.
struct Call {
  std::string name, op;
  std::map<std::string, std::string> arguments;
  std::vector<Tensor> index;
  std::vector<Shape> outputs;

  bool has(const std::string& key) const { return arguments.count(key) > 0; }
  const std::string& word(const std::string& key) const { return arguments.at(key); }
  std::vector<double> numbers(const std::string& key) const {
    std::vector<double> out;
    std::istringstream in(arguments.at(key));
    for (std::string part; std::getline(in, part, ',');) out.push_back(std::stod(part));
    return out;
  }
  double number(const std::string& key) const { return numbers(key).at(0); }
  bool flag(const std::string& key) const { return has(key) && number(key) != 0; }
  Axes axes(const std::string& key) const {
    Axes out;
    for (const double v : numbers(key)) out.push_back(static_cast<int>(v));
    return out;
  }
  Shape shape(const std::string& key) const { return shape_of(word(key)); }
  std::array<std::int64_t, 2> pair(const std::string& key) const {
    const std::vector<double> v = numbers(key);
    return {static_cast<std::int64_t>(v.at(0)), static_cast<std::int64_t>(v.at(1))};
  }

  static Shape shape_of(const std::string& sizes) {
    std::vector<std::int64_t> out;
    std::istringstream in(sizes);
    for (std::string part; std::getline(in, part, ',');) out.push_back(std::stoll(part));
    return Shape(std::span<const std::int64_t>(out));
  }
};

}  // namespace torch_goldens
