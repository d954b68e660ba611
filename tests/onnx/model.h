// The part of ONNX's file format (onnx.proto3) that its node test cases use.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <glocal/core/shape.h>

namespace onnx {

/// TensorProto.DataType up to release 1.12; a file may hold any other number.
enum class Type : std::int32_t {
  none,
  f32,
  u8,
  i8,
  u16,
  i16,
  i32,
  i64,
  text,
  boolean,
  f16,
  f64,
  u32,
  u64,
  c64,
  c128,
  bf16
};
std::string name_of(Type type);  ///< "f32"; "number 20" of a type that is not in the list
bool is_real(Type type);         ///< f32 or f64
bool is_whole(Type type);        ///< an integer or a truth value

/// Numbers of f32, f64, the integers and bool, as doubles (integers beyond 2^53 are rounded); other types have none.
struct Numbers {
  std::string name;
  Type type = Type::none;
  glocal::Shape shape;
  std::vector<double> values;
};

struct Attribute {
  float real = 0;
  std::int64_t integer = 0;
  std::string text;
  Numbers tensor;
  std::vector<float> reals;
  std::vector<std::int64_t> integers;
  bool graph = false;  ///< a sub-graph, which is not read
};

struct Node {
  std::string op;
  std::vector<std::string> inputs, outputs;  ///< an empty name: left out
  std::map<std::string, Attribute> attributes;
};

/// An input or output of a graph. Type::none: a sequence, or optional.
struct Port {
  std::string name;
  Type type = Type::none;
};

struct Model {
  std::vector<Node> nodes;
  std::vector<Numbers> constants;
  std::vector<Port> inputs, outputs;
  std::int64_t opset = 0;
};

/// Both throw DataError for bytes that are no such message, or a tensor whose numbers do not fill its shape.
Model parse_model(std::string_view bytes);
Numbers parse_tensor(std::string_view bytes);

}  // namespace onnx
