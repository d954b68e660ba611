// Numbers: shape, element type, a shared 64-byte aligned buffer, contiguous row-major. Knows nothing of derivatives.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/memory.h>
#include <glocal/core/shape.h>

namespace glocal {

/// A cheap handle: copies share the buffer, clone() copies the numbers. Treat a tensor that others may hold as
/// immutable; write only to one you have just made. A default-constructed Tensor is empty (no buffer).
class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(Shape shape, DType dtype = DType::f32);  ///< uninitialised numbers

  static Tensor full(Shape shape, double value, DType dtype = DType::f32);  ///< throws NumericError as to()
  static Tensor zeros(Shape shape, DType dtype = DType::f32) { return full(shape, 0, dtype); }
  static Tensor ones(Shape shape, DType dtype = DType::f32) { return full(shape, 1, dtype); }
  static Tensor scalar(double value, DType dtype = DType::f32) { return full({}, value, dtype); }
  /// Row-major numbers; throws ShapeError when their count is not shape.size().
  template <class T>
  static Tensor from(std::span<const T> numbers, Shape shape);
  template <class T>
  static Tensor from(const std::vector<T>& numbers, Shape shape) {
    return from(std::span<const T>(numbers), shape);
  }

  explicit operator bool() const { return block_ != nullptr; }
  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  std::int64_t size() const { return shape_.size(); }
  std::int64_t dim(int axis) const { return shape_[shape_.axis(axis, "dim")]; }  ///< axis may be negative
  DType dtype() const { return dtype_; }
  std::int64_t bytes() const { return size() * size_of(dtype_); }
  bool sole_owner() const { return block_.use_count() == 1; }

  /// The numbers; throws DTypeError when T is not the element type.
  template <class T>
  const T* data() const {
    return static_cast<const T*>(checked_data(dtype_of<T>));
  }
  template <class T>
  T* data() {
    return static_cast<T*>(checked_data(dtype_of<T>));
  }
  template <class T>
  std::span<const T> span() const {
    return {data<T>(), static_cast<std::size_t>(size())};
  }
  template <class T>
  std::span<T> span() {
    return {data<T>(), static_cast<std::size_t>(size())};
  }
  const void* raw() const { return block_ ? block_->data() : nullptr; }
  void* raw() { return block_ ? block_->data() : nullptr; }

  double item() const;                  ///< the one number; throws ShapeError when size() != 1
  double at(std::int64_t index) const;  ///< one number by flat index, as double; throws ShapeError out of range
  Tensor reshape(Shape shape) const;    ///< shares the buffer; throws ShapeError when sizes differ
  Tensor clone() const;                 ///< its own copy of the numbers
  Tensor to(DType dtype) const;         ///< converted copy, or itself; throws NumericError for what no i32 can hold

 private:
  void* checked_data(DType wanted) const;
  std::shared_ptr<MemoryBlock> block_;
  Shape shape_;
  DType dtype_ = DType::f32;
};

template <class T>
Tensor Tensor::from(std::span<const T> numbers, Shape shape) {
  Tensor out(shape, dtype_of<T>);
  if (static_cast<std::int64_t>(numbers.size()) != shape.size())
    fail<ShapeError>("[tensor] {} numbers cannot fill shape {}", numbers.size(), shape);
  std::copy(numbers.begin(), numbers.end(), out.data<T>());
  return out;
}

/// True when every number is finite (i32 always is).
bool is_finite(const Tensor& x);
/// True when shape, element type and every bit agree.
bool same_bits(const Tensor& a, const Tensor& b);

}  // namespace glocal
