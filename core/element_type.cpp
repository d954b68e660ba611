#include <glocal/core/element_type.h>

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

static_assert(std::endian::native == std::endian::little, "files are little-endian and read in place");

namespace glocal {
namespace {

using Kind = ElementType::Kind;

// Sign, exponent and fraction in their places of an f32, whose exponents reach 112 further down.
float half_to_float(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000U) << 16, rest = (bits & 0x7FFFU) << 13;
  if (rest >= 0x7C00U << 13) return std::bit_cast<float>(sign | 0x7F800000U | rest);  // infinity, NaN
  const float size = std::bit_cast<float>(rest) * 0x1p112F;
  return sign ? -size : size;
}
float brain_to_float(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

template <class T>
T at(std::string_view data, std::int64_t i, bool big_endian) {
  std::array<char, sizeof(T)> bytes;
  std::memcpy(bytes.data(), data.data() + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
  if (big_endian) std::reverse(bytes.begin(), bytes.end());
  return std::bit_cast<T>(bytes);
}

// Calls put(k, i) for number k of the tensor, which is number i of the file.
template <class F>
void each(const Shape& shape, bool columns_first, F&& put) {
  const std::int64_t count = shape.size();
  if (!columns_first || shape.rank() < 2) {
    for (std::int64_t k = 0; k < count; ++k) put(k, k);
    return;
  }
  // i = sum of index_a stride_a, where the stride of an axis is the product of the sizes before it.
  std::array<std::int64_t, Shape::max_rank> index{}, stride{};
  std::int64_t step = 1, i = 0;
  for (int axis = 0; axis < shape.rank(); step *= shape[axis++]) stride[static_cast<std::size_t>(axis)] = step;
  for (std::int64_t k = 0; k < count; ++k) {
    put(k, i);
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      const auto a = static_cast<std::size_t>(axis);
      i += stride[a];
      if (++index[a] < shape[axis]) break;
      i -= stride[a] * index[a];
      index[a] = 0;
    }
  }
}

template <class From, class To, class Convert>
void fill(const ElementType& type, std::string_view data, bool columns_first, Tensor& out, Convert&& convert) {
  To* const to = out.data<To>();
  each(out.shape(), columns_first,
       [&](std::int64_t k, std::int64_t i) { to[k] = convert(at<From>(data, i, type.big_endian), i); });
}

template <std::integral From>
void fill_whole(const ElementType& type, std::string_view data, bool columns_first, Tensor& out,
                const std::string& where) {
  fill<From, std::int32_t>(type, data, columns_first, out, [&](From value, std::int64_t i) {
    if (!std::in_range<std::int32_t>(value))
      fail<DataError>("{}: number {}: expected a value that fits i32, found {}", where, i, value);
    return static_cast<std::int32_t>(value);  // NOLINT(bugprone-signed-char-misuse): i1 keeps its sign
  });
}

void convert(const ElementType& type, std::string_view data, bool columns_first, Tensor& out,
             const std::string& where) {
  const auto same = [](auto value, std::int64_t) { return value; };
  const auto one_of = [&]<class A, class B, class C, class D>() {
    if (type.width == 1) return fill_whole<A>(type, data, columns_first, out, where);
    if (type.width == 2) return fill_whole<B>(type, data, columns_first, out, where);
    if (type.width == 4) return fill_whole<C>(type, data, columns_first, out, where);
    fill_whole<D>(type, data, columns_first, out, where);
  };
  if (type.kind == Kind::real && type.width == 8)
    fill<double, double>(type, data, columns_first, out, same);
  else if (type.kind == Kind::real && type.width == 4)
    fill<float, float>(type, data, columns_first, out, same);
  else if (type.kind == Kind::real || type.kind == Kind::brain)
    fill<std::uint16_t, float>(type, data, columns_first, out, [&](std::uint16_t bits, std::int64_t) {
      return type.kind == Kind::brain ? brain_to_float(bits) : half_to_float(bits);
    });
  else if (type.kind == Kind::boolean)
    fill<std::uint8_t, std::int32_t>(type, data, columns_first, out,
                                     [](std::uint8_t value, std::int64_t) { return value != 0 ? 1 : 0; });
  else if (type.kind == Kind::integer)
    one_of.template operator()<std::int8_t, std::int16_t, std::int32_t, std::int64_t>();
  else
    one_of.template operator()<std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>();
}

}  // namespace

DType ElementType::dtype() const {
  if (kind == Kind::real || kind == Kind::brain) return width == 8 ? DType::f64 : DType::f32;
  return DType::i32;
}

Tensor decode_elements(ElementType type, std::string_view data, const Shape& shape, bool columns_first,
                       const std::string& where) {
  const auto held = static_cast<std::int64_t>(data.size());
  if (held % type.width != 0 || held / type.width != shape.size())
    fail<DataError>("{}: expected {} numbers of {} bytes for shape {}, found {} bytes", where, shape.size(), type.width,
                    shape, held);
  Tensor out(shape, type.dtype());
  const bool as_it_is = !type.big_endian && (!columns_first || shape.rank() < 2) &&
                        type.width == size_of(out.dtype()) && (type.kind == Kind::real || type.kind == Kind::integer);
  if (as_it_is)
    std::copy(data.begin(), data.end(), static_cast<char*>(out.raw()));
  else
    convert(type, data, columns_first, out, where);
  return out;
}

}  // namespace glocal
