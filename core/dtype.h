// Element types and the one dispatch over them.
#pragma once
#include <fmt/core.h>
#include <fmt/format.h>

#include <cstdint>
#include <string_view>
#include <type_traits>

#include <glocal/core/error.h>

namespace glocal {

enum class DType : std::uint8_t { f32, f64, i32 };

constexpr std::int64_t size_of(DType dtype) { return dtype == DType::f64 ? 8 : 4; }
constexpr std::string_view name_of(DType dtype) {
  return dtype == DType::f32 ? "f32" : dtype == DType::f64 ? "f64" : "i32";
}

template <class T>
struct dtype_of_t;
template <>
struct dtype_of_t<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct dtype_of_t<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct dtype_of_t<std::int32_t> {
  static constexpr DType value = DType::i32;
};
template <class T>
constexpr DType dtype_of = dtype_of_t<std::remove_const_t<T>>::value;

/// Calls f.operator()<float>() or <double>(); throws DTypeError for i32, naming `where`.
template <class F>
decltype(auto) visit_float(DType dtype, std::string_view where, F&& f) {
  if (dtype == DType::f32) return f.template operator()<float>();
  if (dtype == DType::f64) return f.template operator()<double>();
  fail<DTypeError>("[{}] needs f32 or f64, got i32; convert with .to(DType::f32)", where);
}

/// As visit_float, for all three element types.
template <class F>
decltype(auto) visit_any(DType dtype, F&& f) {
  if (dtype == DType::f32) return f.template operator()<float>();
  if (dtype == DType::f64) return f.template operator()<double>();
  return f.template operator()<std::int32_t>();
}

}  // namespace glocal

template <>
struct fmt::formatter<glocal::DType> : fmt::formatter<std::string_view> {
  auto format(glocal::DType dtype, fmt::format_context& ctx) const {
    return fmt::formatter<std::string_view>::format(glocal::name_of(dtype), ctx);
  }
};
