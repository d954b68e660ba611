#include "model.h"

#include <bit>
#include <cstring>
#include <iterator>
#include <type_traits>
#include <utility>

#include <glocal/core/error.h>

#include "wire.h"

namespace onnx {

namespace {

using glocal::DataError;
using glocal::fail;

// A later release of ONNX may have any number here: the type has no numbers for us, and its case is refused by name.
Type type_of(std::int64_t number) {
  if (!std::in_range<std::underlying_type_t<Type>>(number))
    fail<DataError>("[onnx] element type {} is beyond 32 bits", number);
  return static_cast<Type>(number);
}

std::size_t bytes_of(Type type) {
  switch (type) {
    case Type::u8:
    case Type::i8:
    case Type::boolean: return 1;
    case Type::u16:
    case Type::i16: return 2;
    case Type::f32:
    case Type::i32:
    case Type::u32: return 4;
    case Type::f64:
    case Type::i64:
    case Type::u64: return 8;
    default: return 0;
  }
}

// One little-endian number.
double number_at(Type type, const char* at) {
  std::uint64_t bits = 0;
  const std::size_t size = bytes_of(type);
  for (std::size_t i = 0; i < size; ++i) bits |= std::uint64_t{static_cast<unsigned char>(at[i])} << (8 * i);
  switch (type) {
    case Type::f32: return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    case Type::f64: return std::bit_cast<double>(bits);
    case Type::i8: return static_cast<std::int8_t>(bits);
    case Type::i16: return static_cast<std::int16_t>(bits);
    case Type::i32: return static_cast<std::int32_t>(bits);
    case Type::i64: return static_cast<double>(static_cast<std::int64_t>(bits));
    default: return static_cast<double>(bits);
  }
}

// onnx.proto3 keeps small types in int32_data, u32 and u64 in uint64_data.
std::vector<double> typed_numbers(Type type, const std::vector<Field>& all) {
  std::vector<std::int64_t> integers;
  std::vector<float> floats;
  std::vector<double> doubles;
  for (const Field& field : all) {
    if (field.number == 4) append_floats(field, floats);
    if (field.number == 5 || field.number == 7 || field.number == 11) append_integers(field, integers);
    if (field.number == 10) append_doubles(field, doubles);
  }
  if (type == Type::f32) return {floats.begin(), floats.end()};
  if (type == Type::f64) return doubles;
  std::vector<double> whole;
  for (const std::int64_t i : integers)
    whole.push_back(type == Type::u64 ? static_cast<double>(static_cast<std::uint64_t>(i)) : static_cast<double>(i));
  return whole;
}

Attribute parse_attribute(std::string_view bytes, std::string& name) {
  Attribute attribute;
  for (const Field& field : fields(bytes)) {
    switch (field.number) {
      case 1: name = field.text(); break;
      case 2: attribute.real = field.real(); break;
      case 3: attribute.integer = field.integer(); break;
      case 4: attribute.text = field.text(); break;
      case 5: attribute.tensor = parse_tensor(field.text()); break;
      case 6: attribute.graph = true; break;
      case 7: append_floats(field, attribute.reals); break;
      case 8: append_integers(field, attribute.integers); break;
      default: break;
    }
  }
  return attribute;
}

Node parse_node(std::string_view bytes) {
  Node node;
  for (const Field& field : fields(bytes)) {
    if (field.number == 1) node.inputs.emplace_back(field.text());
    if (field.number == 2) node.outputs.emplace_back(field.text());
    if (field.number == 4) node.op = field.text();
    if (field.number == 5) {
      std::string name;
      Attribute attribute = parse_attribute(field.text(), name);
      node.attributes[name] = std::move(attribute);
    }
  }
  if (node.op.empty()) fail<DataError>("[onnx] a node names no op");
  return node;
}

// ValueInfoProto.type.tensor_type.elem_type
Port parse_port(std::string_view bytes) {
  Port port;
  for (const Field& field : fields(bytes)) {
    if (field.number == 1) port.name = field.text();
    if (field.number != 2) continue;
    for (const Field& type : fields(field.text())) {
      if (type.number != 1) continue;
      for (const Field& part : fields(type.text()))
        if (part.number == 1) port.type = type_of(part.integer());
    }
  }
  return port;
}

void parse_graph(std::string_view bytes, Model& model) {
  for (const Field& field : fields(bytes)) {
    if (field.number == 1) model.nodes.push_back(parse_node(field.text()));
    if (field.number == 5) model.constants.push_back(parse_tensor(field.text()));
    if (field.number == 11) model.inputs.push_back(parse_port(field.text()));
    if (field.number == 12) model.outputs.push_back(parse_port(field.text()));
  }
}

}  // namespace

std::string name_of(Type type) {
  static constexpr const char* names[] = {"no tensor", "f32", "u8",  "i8",  "u16", "i16", "i32",  "i64", "text",
                                          "bool",      "f16", "f64", "u32", "u64", "c64", "c128", "bf16"};
  const auto number = static_cast<std::int32_t>(type);
  return number >= 0 && number < std::ssize(names) ? names[number] : fmt::format("number {}", number);
}
bool is_real(Type type) { return type == Type::f32 || type == Type::f64; }
bool is_whole(Type type) { return !is_real(type) && bytes_of(type) != 0; }

Numbers parse_tensor(std::string_view bytes) {
  Numbers tensor;
  std::vector<std::int64_t> sizes;
  std::string_view raw;
  const std::vector<Field> all = fields(bytes);
  for (const Field& field : all) {
    if (field.number == 1) append_integers(field, sizes);
    if (field.number == 2) tensor.type = type_of(field.integer());
    if (field.number == 8) tensor.name = field.text();
    if (field.number == 9) raw = field.text();
  }
  tensor.shape = glocal::Shape(sizes);
  const std::size_t width = bytes_of(tensor.type);
  if (width == 0) return tensor;
  if (raw.empty()) {
    tensor.values = typed_numbers(tensor.type, all);
  } else {
    if (raw.size() % width != 0)
      fail<DataError>("[onnx] {} bytes are no whole number of items of {}", raw.size(), width);
    for (std::size_t i = 0; i < raw.size(); i += width) tensor.values.push_back(number_at(tensor.type, raw.data() + i));
  }
  if (static_cast<std::int64_t>(tensor.values.size()) != tensor.shape.size())
    fail<DataError>("[onnx] tensor {} of shape {} has {} numbers", tensor.name, tensor.shape, tensor.values.size());
  return tensor;
}

Model parse_model(std::string_view bytes) {
  Model model;
  bool graph = false;
  for (const Field& field : fields(bytes)) {
    if (field.number == 7) parse_graph(field.text(), model), graph = true;
    if (field.number != 8) continue;
    for (const Field& part : fields(field.text()))
      if (part.number == 2) model.opset = part.integer();
  }
  if (!graph) fail<DataError>("[onnx] the model has no graph");
  return model;
}

}  // namespace onnx
