// One node of an ONNX graph on its way to our ops: inputs, attributes with ONNX's defaults, and the tables of ops.
#pragma once
#include <fmt/format.h>

#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <glocal/autodiff/ops.h>

#include "model.h"

namespace onnx {

using namespace glocal;

/// Why a case is not one of ours.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};
template <class... A>
[[noreturn]] void refuse(fmt::format_string<A...> format, A&&... args) {
  throw Refused(fmt::format(format, std::forward<A>(args)...));
}

/// A tensor of a graph. Integers and truth values are f64 constants here, exact to 2^53: our ops have f32 and f64.
struct Value {
  Type type = Type::none;  ///< none: an input left out
  Var x{};
};

struct Call {
  const Node& node;
  std::vector<Value> in;
  bool wide;  ///< everything in f64, for derivatives

  bool has(std::size_t i) const { return i < in.size() && in[i].type != Type::none; }
  /// A tensor of any type; throws DataError when it is left out.
  const Value& any(std::size_t i) const;
  /// Real numbers; refuses integers.
  const Var& x(std::size_t i) const;
  std::vector<std::int64_t> integers(std::size_t i) const;
  Tensor mask(std::size_t i) const;  ///< truth values as i32
  double number(std::size_t i) const { return any(i).x.item(); }

  std::int64_t integer(const char* name, std::int64_t otherwise) const;
  double real(const char* name, double otherwise) const;
  std::string text(const char* name, const char* otherwise) const;
  std::vector<std::int64_t> list(const char* name, std::vector<std::int64_t> otherwise = {}) const;
  const Attribute* attribute(const char* name) const;
  bool wants(std::size_t output) const;

  DType dtype(Type type) const { return type == Type::f32 && !wide ? DType::f32 : DType::f64; }
  /// Constants of the element type of input i.
  Var full(const Shape& shape, double value, std::size_t i = 0) const;
};

Value load(const Numbers& numbers, bool wide);
/// Numbers that our ops take as i32, from f64.
Tensor i32(const std::vector<std::int64_t>& numbers, const Shape& shape);
Axes axes_of(const std::vector<std::int64_t>& axes);
std::vector<std::int64_t> sizes(const Var& x);
/// x with `axis` moved to the end, and back.
Var to_last(const Var& x, int axis);
Var from_last(const Var& x, int axis);

using Op = std::function<std::vector<Value>(const Call&)>;
using Table = std::map<std::string, Op>;

/// Real numbers in, one tensor of the same type out.
template <class F>
Op same(F f) {
  return [f](const Call& c) { return std::vector<Value>{{c.any(0).type, f(c)}}; };
}

Table elementwise_ops();
Table shape_ops();
Table index_ops();
Table reduce_ops();
Table network_ops();
Table pool_ops();
Table loss_ops();
Table update_ops();
/// Why an op of no table has none.
std::string missing(const std::string& op);

}  // namespace onnx
