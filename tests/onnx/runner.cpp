#include "runner.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <glocal/core/io/file.h>

namespace onnx {

namespace {

constexpr double relative = 5e-6, absolute = 1e-7;
constexpr std::int64_t largest_file = std::int64_t{1} << 26;

const Table& all_ops() {
  static const Table table = [] {
    Table all;
    for (Table part : {elementwise_ops(), shape_ops(), index_ops(), reduce_ops(), network_ops(), pool_ops(), loss_ops(),
                       update_ops()})
      all.merge(part);
    return all;
  }();
  return table;
}

std::string read(const std::filesystem::path& path) { return read_file(path.string(), largest_file); }

// input_0.pb, input_1.pb, ...; empty when they are no tensors.
std::vector<Numbers> tensors(const std::filesystem::path& folder, const char* kind, const std::vector<Port>& ports) {
  std::vector<Numbers> all;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const auto path = folder / fmt::format("{}_{}.pb", kind, i);
    if (!std::filesystem::exists(path)) fail<DataError>("[onnx] {} is missing", path.string());
    all.push_back(parse_tensor(read(path)));
  }
  return all;
}

Case load_case(const std::filesystem::path& folder) {
  Case c;
  c.name = folder.filename().string().substr(5);
  c.model = parse_model(read(folder / "model.onnx"));
  c.op = c.model.nodes.size() == 1 ? c.model.nodes[0].op : "(graph)";
  bool real = false;
  for (const auto* ports : {&c.model.inputs, &c.model.outputs})
    for (const Port& port : *ports) {
      if (!is_real(port.type) && !is_whole(port.type)) c.unread = name_of(port.type);
      real = real || is_real(port.type);
    }
  c.real = c.unread.empty() && real;
  if (!c.unread.empty()) return c;
  for (int set = 0; std::filesystem::exists(folder / fmt::format("test_data_set_{}", set)); ++set) {
    const auto data = folder / fmt::format("test_data_set_{}", set);
    c.inputs.push_back(tensors(data, "input", c.model.inputs));
    c.outputs.push_back(tensors(data, "output", c.model.outputs));
  }
  if (c.inputs.empty()) fail<DataError>("[onnx] {} has no data", folder.string());
  return c;
}

double error_of(const Value& got, const Numbers& wanted) {
  if (got.x.shape() != wanted.shape) fail<ShapeError>("got shape {}, wanted {}", got.x.shape(), wanted.shape);
  if (got.type != wanted.type)
    fail<DTypeError>("got element type {}, wanted {}", name_of(got.type), name_of(wanted.type));
  double worst = 0;
  for (std::size_t i = 0; i < wanted.values.size(); ++i) {
    const double y = wanted.values[i], x = got.x.value().at(static_cast<std::int64_t>(i));
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    const double allowed = is_real(wanted.type) ? absolute + relative * std::abs(y) : 0.5;
    const double error = std::abs(x - y) / allowed;
    worst = std::isnan(error) ? HUGE_VAL : std::max(worst, error);
  }
  return worst;
}

}  // namespace

std::vector<Case> load_cases(const std::string& folder) {
  std::vector<Case> cases;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_directory() && entry.path().filename().string().starts_with("test_"))
      cases.push_back(load_case(entry.path()));
  std::sort(cases.begin(), cases.end(), [](const Case& a, const Case& b) { return a.name < b.name; });
  std::map<std::string, std::string> op_of;
  for (const Case& c : cases) op_of[c.name] = c.op;
  for (Case& c : cases)
    if (const auto at = c.name.rfind("_expanded"); at != std::string::npos && op_of.contains(c.name.substr(0, at)))
      c.op = op_of[c.name.substr(0, at)];
  return cases;
}

std::vector<Value> run(const Model& model, const std::vector<Value>& inputs, bool wide) {
  std::map<std::string, Value> known{{"", Value{}}};
  for (std::size_t i = 0; i < inputs.size(); ++i) known[model.inputs[i].name] = inputs[i];
  for (const Numbers& constant : model.constants) known[constant.name] = load(constant, wide);
  for (const Node& node : model.nodes) {
    const auto op = all_ops().find(node.op);
    if (op == all_ops().end()) refuse("{}", missing(node.op));
    Call call{node, {}, wide};
    for (const std::string& name : node.inputs) {
      if (!known.contains(name)) fail<DataError>("[onnx] {} wants {}, which nothing makes", node.op, name);
      call.in.push_back(known[name]);
    }
    const std::vector<Value> results = op->second(call);
    for (std::size_t i = 0; i < std::min(results.size(), node.outputs.size()); ++i) known[node.outputs[i]] = results[i];
  }
  std::vector<Value> outputs;
  for (const Port& port : model.outputs) {
    if (!known.contains(port.name)) refuse("output {} is not computed", port.name);
    outputs.push_back(known[port.name]);
  }
  return outputs;
}

std::vector<Value> inputs_of(const Case& c, std::size_t set, bool wide) {
  std::vector<Value> values;
  for (const Numbers& numbers : c.inputs[set]) values.push_back(load(numbers, wide));
  return values;
}

Outcome judge(const Case& c) {
  Outcome outcome;
  if (!c.real) outcome.reason = "dtype: " + (c.unread.empty() ? "whole numbers" : c.unread);
  for (const char* op : {"Constant", "Shape", "Size"})  // read-outs, which larger graphs need
    if (c.op == op) outcome.reason = "nothing to compute";
  // Its model leaves epsilon at 1e-6, its data were made with 1e-2.
  if (c.name == "adam_multiple") outcome.reason = "the data contradict the model";
  if (!outcome.reason.empty()) return outcome;
  try {
    for (std::size_t set = 0; set < c.inputs.size(); ++set) {
      const std::vector<Value> got = run(c.model, inputs_of(c, set, false), false);
      outcome.supported = true;
      for (std::size_t i = 0; i < got.size(); ++i)
        outcome.worst = std::max(outcome.worst, error_of(got[i], c.outputs[set][i]));
    }
  } catch (const Refused& why) {
    outcome.supported = false;
    outcome.reason = why.what();
  } catch (const Error& error) {
    outcome.supported = true;
    outcome.reason = error.what();
  }
  return outcome;
}

std::vector<std::size_t> differentiable_inputs(const Case& c) {
  // Bounds, fill values, rates, labels and numbers of classes are parameters of ours, not inputs.
  static const std::map<std::string, std::size_t> only{{"Clip", 0}, {"Pad", 0}, {"Dropout", 0}, {"OneHot", 2}};
  const auto place = only.find(c.op);
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < c.model.inputs.size(); ++i)
    if (is_real(c.model.inputs[i].type) && (place == only.end() || place->second == i)) places.push_back(i);
  return places;
}

std::vector<std::size_t> differentiable_outputs(const Case& c) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < c.model.outputs.size(); ++i)
    if (is_real(c.model.outputs[i].type)) places.push_back(i);
  return places;
}

}  // namespace onnx
