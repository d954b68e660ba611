// The shape of a tensor: up to eight sizes, their product checked once, at construction.
#pragma once
#include <fmt/core.h>
#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace glocal {

/// Sizes per axis, each >= 0. `Shape{}` is a scalar (rank 0, size 1).
class Shape {
 public:
  static constexpr int max_rank = 8;
  static constexpr std::int64_t max_size = std::int64_t{1} << 59;  ///< of 16-byte numbers, 2^63 bytes

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> sizes) : Shape(std::span(sizes.begin(), sizes.size())) {}
  /// Throws ShapeError for a negative size, rank above 8, or nonzero sizes whose product is above max_size.
  explicit Shape(std::span<const std::int64_t> sizes);

  int rank() const { return rank_; }
  std::int64_t size() const { return size_; }                                                 ///< number of elements
  std::int64_t operator[](int axis) const { return sizes_[static_cast<std::size_t>(axis)]; }  ///< unchecked
  std::int64_t back(int from_end = 1) const { return (*this)[rank_ - from_end]; }             ///< unchecked
  /// Resolves a possibly negative axis; throws ShapeError when out of range, naming `where`.
  int axis(int axis, std::string_view where) const;

  Shape with(int axis, std::int64_t size) const;   ///< the same shape with one size replaced
  Shape without(int axis) const;                   ///< the same shape with one axis removed
  Shape append(std::int64_t size) const;           ///< the same shape with one axis added at the end
  std::int64_t product(int begin, int end) const;  ///< product of sizes over axes [begin, end)

  const std::int64_t* begin() const { return sizes_.data(); }
  const std::int64_t* end() const { return sizes_.data() + rank_; }
  bool operator==(const Shape& other) const;
  std::string to_string() const;  ///< "(32, 3, 28, 28)"

 private:
  std::array<std::int64_t, max_rank> sizes_{};
  std::int64_t size_ = 1;
  int rank_ = 0;
};

/// a * b and a + b for sizes; throw ShapeError when the result does not fit 64 bits.
std::int64_t checked_mul(std::int64_t a, std::int64_t b);
std::int64_t checked_add(std::int64_t a, std::int64_t b);

/// The shape both broadcast to (numpy's rule); throws ShapeError naming `where` when they do not.
Shape broadcast_shapes(const Shape& a, const Shape& b, std::string_view where);

}  // namespace glocal

template <>
struct fmt::formatter<glocal::Shape> : fmt::formatter<std::string_view> {
  auto format(const glocal::Shape& shape, fmt::format_context& ctx) const {
    return fmt::formatter<std::string_view>::format(shape.to_string(), ctx);
  }
};
