#include "call.h"

#include <algorithm>
#include <numeric>

namespace onnx {

const Value& Call::any(std::size_t i) const {
  if (!has(i)) fail<DataError>("[onnx] {} has no input {}", node.op, i);
  return in[i];
}

const Var& Call::x(std::size_t i) const {
  if (!is_real(any(i).type)) refuse("dtype: {} of integers", node.op);
  return in[i].x;
}

std::vector<std::int64_t> Call::integers(std::size_t i) const {
  std::vector<std::int64_t> out;
  const Tensor& t = any(i).x.value();
  for (std::int64_t k = 0; k < t.size(); ++k)  // "to the end" is the largest integer
    out.push_back(static_cast<std::int64_t>(std::clamp(t.at(k), -0x1p62, 0x1p62)));
  return out;
}

Tensor Call::mask(std::size_t i) const { return any(i).x.value().to(DType::i32); }

const Attribute* Call::attribute(const char* name) const {
  const auto found = node.attributes.find(name);
  return found == node.attributes.end() ? nullptr : &found->second;
}

std::int64_t Call::integer(const char* name, std::int64_t otherwise) const {
  const Attribute* a = attribute(name);
  return a ? a->integer : otherwise;
}

// The attribute is an f32; for derivatives any value near it would do.
double Call::real(const char* name, double otherwise) const {
  const Attribute* a = attribute(name);
  return a ? static_cast<double>(a->real) : otherwise;
}

std::string Call::text(const char* name, const char* otherwise) const {
  const Attribute* a = attribute(name);
  return a ? a->text : otherwise;
}

std::vector<std::int64_t> Call::list(const char* name, std::vector<std::int64_t> otherwise) const {
  const Attribute* a = attribute(name);
  return a ? a->integers : std::move(otherwise);
}

bool Call::wants(std::size_t output) const { return output < node.outputs.size() && !node.outputs[output].empty(); }

Var Call::full(const Shape& shape, double value, std::size_t i) const {
  return Tensor::full(shape, value, any(i).x.dtype());
}

Value load(const Numbers& numbers, bool wide) {
  if (!is_real(numbers.type) && !is_whole(numbers.type))
    refuse("dtype: {} of type {}", numbers.name, name_of(numbers.type));
  const Tensor t = Tensor::from(numbers.values, numbers.shape);
  return {numbers.type, numbers.type == Type::f32 && !wide ? t.to(DType::f32) : t};
}

Tensor i32(const std::vector<std::int64_t>& numbers, const Shape& shape) {
  std::vector<std::int32_t> small;
  for (const std::int64_t n : numbers) small.push_back(static_cast<std::int32_t>(n));
  return Tensor::from(small, shape);
}

Axes axes_of(const std::vector<std::int64_t>& axes) {
  Axes out;
  for (const std::int64_t a : axes) out.push_back(static_cast<int>(a));
  return out;
}

std::vector<std::int64_t> sizes(const Var& x) { return {x.shape().begin(), x.shape().end()}; }

Var to_last(const Var& x, int axis) {
  Axes order(static_cast<std::size_t>(x.rank()));
  std::iota(order.begin(), order.end(), 0);
  const auto at = order.begin() + x.shape().axis(axis, "onnx");
  std::rotate(at, at + 1, order.end());
  return permute(x, order);
}

Var from_last(const Var& x, int axis) {
  Axes order(static_cast<std::size_t>(x.rank()));
  std::iota(order.begin(), order.end(), 0);
  std::rotate(order.begin() + x.shape().axis(axis, "onnx"), order.end() - 1, order.end());
  return permute(x, order);
}

}  // namespace onnx
