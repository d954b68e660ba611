#include <glocal/core/tensor.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>

#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/memory.h>
#include <glocal/core/recycle.h>
#include <glocal/core/shape.h>

namespace glocal {
namespace {

// What C++ leaves undefined is refused: NaN and numbers that no 32 bits hold. Others are cut towards zero.
template <class To, class From>
To checked_cast(From value) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    const auto cut = std::trunc(static_cast<double>(value));
    if (!(cut >= std::numeric_limits<To>::min() && cut <= std::numeric_limits<To>::max()))
      fail<NumericError>("[tensor] {} does not fit i32", value);
  }
  return static_cast<To>(value);
}

}  // namespace

Tensor::Tensor(Shape shape, DType dtype)
    : block_(std::allocate_shared<MemoryBlock>(Recycled<MemoryBlock>(), checked_mul(shape.size(), size_of(dtype)))),
      shape_(shape),
      dtype_(dtype) {}

Tensor Tensor::full(Shape shape, double value, DType dtype) {
  Tensor out(shape, dtype);
  visit_any(dtype, [&]<class T>() { std::fill_n(out.data<T>(), out.size(), checked_cast<T>(value)); });
  return out;
}

double Tensor::item() const {
  if (!block_ || size() != 1) fail<ShapeError>("[item] needs exactly one number, shape is {}", shape_);
  return at(0);
}

double Tensor::at(std::int64_t index) const {
  if (!block_ || index < 0 || index >= size())
    fail<ShapeError>("[at] index {} is out of range for shape {}", index, shape_);
  return visit_any(dtype_, [&]<class T>() { return static_cast<double>(data<T>()[index]); });
}

Tensor Tensor::reshape(Shape shape) const {
  if (shape.size() != size())
    fail<ShapeError>("[reshape] {} has {} numbers, {} has {}", shape_, size(), shape, shape.size());
  Tensor out = *this;
  out.shape_ = shape;
  return out;
}

Tensor Tensor::clone() const {
  if (!block_) return {};
  Tensor out(shape_, dtype_);
  std::memcpy(out.raw(), raw(), static_cast<std::size_t>(bytes()));
  return out;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_ || !block_) return *this;
  Tensor out(shape_, dtype);
  visit_any(dtype_, [&]<class From>() {
    visit_any(dtype, [&]<class To>() {
      std::transform(data<From>(), data<From>() + size(), out.data<To>(), checked_cast<To, From>);
    });
  });
  return out;
}

void* Tensor::checked_data(DType wanted) const {
  if (!block_) fail<ShapeError>("[tensor] an empty tensor has no data");
  if (wanted != dtype_) fail<DTypeError>("[tensor] data of shape {} is {}, asked for as {}", shape_, dtype_, wanted);
  return block_->data();
}

bool is_finite(const Tensor& x) {
  if (!x || x.dtype() == DType::i32) return true;
  return visit_float(x.dtype(), "is_finite", [&]<class T>() {
    const T* p = x.data<T>();
    return std::all_of(p, p + x.size(), [](T v) { return std::isfinite(v); });
  });
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (!a || !b) return !a && !b;
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         std::memcmp(a.raw(), b.raw(), static_cast<std::size_t>(a.bytes())) == 0;
}

}  // namespace glocal
