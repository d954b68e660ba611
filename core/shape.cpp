#include <glocal/core/shape.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <glocal/core/error.h>

namespace glocal {

std::int64_t checked_mul(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) fail<ShapeError>("[shape] {} x {} does not fit 64 bits", a, b);
  return product;
}

std::int64_t checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) fail<ShapeError>("[shape] {} + {} does not fit 64 bits", a, b);
  return sum;
}

Shape::Shape(std::span<const std::int64_t> sizes) : rank_(static_cast<int>(sizes.size())) {
  if (sizes.size() > max_rank) fail<ShapeError>("[shape] rank {} is above the limit of {}", sizes.size(), +max_rank);
  std::copy(sizes.begin(), sizes.end(), sizes_.begin());
  for (std::int64_t n : sizes)
    if (n < 0) fail<ShapeError>("[shape] {} has a negative size", to_string());
  // A zero size makes the product zero, but the strides of the other sizes must still fit 64 bits, in bytes too.
  std::int64_t nonzero = 1;
  for (std::int64_t n : sizes) {
    if (n > 0 && n > max_size / nonzero) fail<ShapeError>("[shape] {} is more than 2^59 numbers", to_string());
    if (n > 0) nonzero *= n;
    size_ *= n > 0 ? 1 : 0;
  }
  size_ = size_ ? nonzero : 0;
}

int Shape::axis(int axis, std::string_view where) const {
  const int resolved = axis < 0 ? axis + rank_ : axis;
  if (resolved < 0 || resolved >= rank_)
    fail<ShapeError>("[{}] axis {} is out of range for shape {}", where, axis, *this);
  return resolved;
}

Shape Shape::with(int axis, std::int64_t size) const {
  auto sizes = sizes_;
  sizes[static_cast<std::size_t>(axis)] = size;
  return Shape(std::span<const std::int64_t>(sizes.data(), static_cast<std::size_t>(rank_)));
}

Shape Shape::without(int axis) const {
  std::array<std::int64_t, max_rank> sizes{};
  std::size_t kept = 0;
  for (int i = 0; i < rank_; ++i)
    if (i != axis) sizes[kept++] = (*this)[i];
  return Shape(std::span<const std::int64_t>(sizes.data(), kept));
}

Shape Shape::append(std::int64_t size) const {
  if (rank_ == max_rank) fail<ShapeError>("[shape] {} cannot take a ninth axis", *this);
  auto sizes = sizes_;
  sizes[static_cast<std::size_t>(rank_)] = size;
  return Shape(std::span<const std::int64_t>(sizes.data(), static_cast<std::size_t>(rank_) + 1));
}

std::int64_t Shape::product(int begin, int end) const {
  std::int64_t product = 1;
  for (int i = begin; i < end; ++i) product = checked_mul(product, (*this)[i]);
  return product;
}

bool Shape::operator==(const Shape& other) const { return std::equal(begin(), end(), other.begin(), other.end()); }

std::string Shape::to_string() const {
  std::string text = "(";
  for (int i = 0; i < rank_; ++i) text += (i ? ", " : "") + std::to_string((*this)[i]);
  return text + (rank_ == 1 ? ",)" : ")");
}

Shape broadcast_shapes(const Shape& a, const Shape& b, std::string_view where) {
  std::array<std::int64_t, Shape::max_rank> sizes{};
  const int rank = std::max(a.rank(), b.rank());
  for (int i = 1; i <= rank; ++i) {
    const std::int64_t m = i <= a.rank() ? a.back(i) : 1, n = i <= b.rank() ? b.back(i) : 1;
    if (m != n && m != 1 && n != 1) fail<ShapeError>("[{}] shapes {} and {} do not broadcast", where, a, b);
    sizes[static_cast<std::size_t>(rank - i)] = m == 1 ? n : m;
  }
  return Shape(std::span<const std::int64_t>(sizes.data(), static_cast<std::size_t>(rank)));
}

}  // namespace glocal
