// ONNX's node test cases on our ops: values in the element type of the case, derivatives in f64.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "data_files.h"
#include "onnx/derivatives.h"
#include "onnx/wire.h"
#include "scratch.h"

using namespace onnx;

namespace {

// Debian's libonnx-testdata. Without it ctest calls these tests skipped, for what they print.
const std::vector<Case>* cases() {
  const char* elsewhere = std::getenv("GLOCAL_ONNX_NODE_DATA");
  const std::string folder = elsewhere ? elsewhere : "/usr/share/libonnx-testdata/data/node";
  if (!std::filesystem::is_directory(folder)) {
    fmt::print("[skipped] no ONNX cases in {}: install libonnx-testdata, or set GLOCAL_ONNX_NODE_DATA\n", folder);
    return nullptr;
  }
  static const std::vector<Case> all = load_cases(folder);
  return &all;
}

// What a training framework is asked for; the rest of ONNX's ops are tried as well, and counted apart.
bool is_core(const std::string& op) {
  static const std::set<std::string> ops{
      // layers, losses, optimisers
      "Conv", "Gemm", "MatMul", "BatchNormalization", "LayerNormalization", "InstanceNormalization", "MaxPool",
      "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Softmax", "LogSoftmax", "SoftmaxCrossEntropyLoss",
      "NegativeLogLikelihoodLoss", "Adam", "Momentum", "Adagrad", "Dropout",
      // reductions
      "ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
      "ReduceLogSumExp", "ReduceSumSquare", "CumSum", "Einsum",
      // shapes
      "Pad", "Slice", "Gather", "Where", "Clip", "Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand",
      "Concat", "Split", "Identity", "ConstantOfShape",
      // elementwise
      "Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Mean", "Sum", "Neg", "Abs", "Sign", "Exp", "Log", "Sqrt",
      "Reciprocal", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "Erf",
      "Tanh", "Sigmoid", "Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Softplus", "Softsign", "HardSigmoid",
      "HardSwish", "ThresholdedRelu", "Shrink", "Floor", "Ceil", "Round", "Mod", "Greater", "GreaterOrEqual", "Less",
      "LessOrEqual", "Equal", "And", "Or", "Not", "Xor", "IsNaN", "IsInf"};
  return ops.contains(op);
}

struct Tally {
  int cases = 0, real = 0, supported = 0, passed = 0;
  void add(const Case& c, const Outcome& o) { ++cases, real += c.real, supported += o.supported, passed += o.passed(); }
};

void print_row(const std::string& name, const Tally& t) {
  fmt::print("{:26} {:6} {:6} {:10} {:7} {:8}", name, t.cases, t.real, t.supported, t.passed, t.cases - t.supported);
}

void print_table(const std::vector<Case>& all, const std::vector<Outcome>& outcomes) {
  std::map<std::string, Tally> tallies;
  std::map<std::string, std::map<std::string, std::string>> refused;  // op -> reason -> names
  std::map<std::string, std::string> passed;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Case& c = all[i];
    tallies[c.op].add(c, outcomes[i]);
    if (outcomes[i].supported)
      passed[c.op] += " " + c.name;
    else
      refused[c.op][outcomes[i].reason] += " " + c.name;
  }
  fmt::print("{:26} {:>6} {:>6} {:>10} {:>7} {:>8}\n", "op", "cases", "float", "supported", "passed", "refused");
  for (const auto& [op, tally] : tallies) {
    print_row(op + (is_core(op) ? "" : " *"), tally);
    for (const auto& [reason, names] : refused[op])
      fmt::print("  {} x {}", std::count(names.begin(), names.end(), ' '), reason);
    fmt::print("\n");
  }
  fmt::print("\nsupported cases:\n");
  for (const auto& [op, names] : passed) fmt::print("  {}:{}\n", op, names);
  fmt::print("refused cases:\n");
  for (const auto& [op, reasons] : refused)
    for (const auto& [reason, names] : reasons) fmt::print("  {} ({}):{}\n", op, reason, names);
}

}  // namespace

TEST_SUITE("golden") {
  TEST_CASE("ONNX node cases: values to rtol 5e-6 and atol 1e-7") {
    const std::vector<Case>* all = cases();
    if (!all) return;
    Tally whole, core, single;
    double worst = 0;
    std::string worst_case;
    std::vector<Outcome> outcomes;
    for (const Case& c : *all) {
      const Outcome o = judge(c);
      outcomes.push_back(o);
      whole.add(c, o);
      if (is_core(c.op)) core.add(c, o);
      if (is_core(c.op) && c.model.nodes.size() == 1) single.add(c, o);
      if (!o.supported) continue;
      CAPTURE(c.name);
      CHECK(o.reason == "");
      CHECK(o.worst <= 1);
      if (o.worst > worst) worst = o.worst, worst_case = c.name;
    }
    print_table(*all, outcomes);
    fmt::print("\n{:26} {:>6} {:>6} {:>10} {:>7} {:>8}\n", "(* is not in core)", "cases", "float", "supported",
               "passed", "refused");
    print_row("core, one node", single);
    fmt::print("\n");
    print_row("core, with expanded", core);
    fmt::print("\n");
    print_row("all", whole);
    fmt::print("\nworst error {:.2f} of what is allowed, in {}\n", worst, worst_case);
    CHECK(single.supported >= 300);
    CHECK(whole.passed == whole.supported);
  }

  TEST_CASE("ONNX node cases: two derivatives in both modes and against differences") {
    const std::vector<Case>* all = cases();
    if (!all) return;
    int checked = 0, moved = 0;
    double adjoint = 0, difference = 0, modes = 0, second = 0;
    for (const Case& c : *all) {
      if (!judge(c).supported) continue;
      const Slopes s = slopes(c);
      if (!s.any) continue;
      CAPTURE(c.name);
      CHECK(s.adjoint <= 1e-12);
      CHECK(s.smooth);
      CHECK(s.difference <= 1e-6);
      CHECK(s.modes <= 1e-12);
      CHECK(s.second <= 1e-6);
      ++checked, moved += s.moved;
      adjoint = std::max(adjoint, s.adjoint), difference = std::max(difference, s.difference);
      modes = std::max(modes, s.modes), second = std::max(second, s.second);
    }
    fmt::print("derivatives of {} cases, {} of them beside a kink or edge that the case sits on\n", checked, moved);
    fmt::print("first: modes agree to {:.1e}, differences to {:.1e}; second: {:.1e} and {:.1e}\n", adjoint, difference,
               modes, second);
    CHECK(checked >= 300);
  }

  TEST_CASE("ONNX adam_multiple: its data were made with another epsilon than its model says") {
    const std::vector<Case>* all = cases();
    if (!all) return;
    const auto found = std::find_if(all->begin(), all->end(), [](const Case& c) { return c.name == "adam_multiple"; });
    REQUIRE(found != all->end());
    CHECK_FALSE(judge(*found).supported);
    Case corrected = *found;
    corrected.name = "adam_multiple with epsilon 1e-2";
    corrected.model.nodes[0].attributes["epsilon"].real = 1e-2F;
    CHECK(judge(corrected).passed());
    corrected.model.nodes[0].attributes["epsilon"].real = 1e-6F;  // ONNX's default
    CHECK(judge(corrected).worst > 1);
  }
}

TEST_SUITE("fast") {
  TEST_CASE("ONNX reader: what is no such message is a DataError") {
    const std::string good("\x08\x07\x3a\x08\x0a\x06\x0a\x01x\x22\x01y", 12);  // opset-less model of one node
    CHECK_THROWS_AS(parse_model(""), DataError);
    CHECK_THROWS_AS(parse_model("\x3a"), DataError);  // a field without its length
    CHECK_THROWS_AS(parse_model("\x3a\x05"
                                "ab"),
                    DataError);                                                          // five bytes wanted, two there
    CHECK_THROWS_AS(fields(std::string_view("\x00\x00", 2)), DataError);                 // field 0
    CHECK_THROWS_AS(fields("\x0b"), DataError);                                          // a group: no kind of ours
    CHECK_THROWS_AS(fields("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), DataError);  // 65 bits
    CHECK(fields("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")[0].integer() == -1);
    CHECK_THROWS_AS(fields("\x08\x01")[0].text(), DataError);
    CHECK_THROWS_AS(fields("\x08\x01")[0].real(), DataError);
    CHECK_THROWS_AS(fields("\x0a\x01x")[0].integer(), DataError);
    const Model model = parse_model(good);
    REQUIRE(model.nodes.size() == 1);
    CHECK(model.nodes[0].op == "y");
    for (std::size_t size = 0; size < good.size(); ++size)
      if (size != 2) CHECK_THROWS_AS(parse_model(std::string_view(good).substr(0, size)), DataError);
  }

  TEST_CASE("ONNX reader: a tensor is filled by its numbers or refused") {
    const auto tensor = [](const std::string& rest) { return parse_tensor("\x08\x02\x10\x01" + rest); };  // f32 (2,)
    const std::string two("\x22\x08\0\0\x80\x3f\0\0\0\x40", 10);
    CHECK(tensor(two).values == std::vector<double>{1, 2});
    CHECK(tensor(std::string("\x4a\x08\0\0\x80\x3f\0\0\0\x40", 10)).values == std::vector<double>{1, 2});
    CHECK_THROWS_AS(tensor(""), DataError);
    CHECK_THROWS_AS(tensor(std::string("\x4a\x07\0\0\x80\x3f\0\0\0", 9)), DataError);           // 7 bytes are no floats
    CHECK_THROWS_AS(tensor(std::string("\x22\x04\0\0\x80\x3f", 6)), DataError);                 // one of two
    CHECK_THROWS_AS(parse_tensor("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), ShapeError);  // size -1
  }

  // Release 1.13 and later have types that 1.12 had not; the others of its cases are judged all the same.
  TEST_CASE("ONNX: an unknown element type refuses its case by name, not the run") {
    const auto port = [](const std::string& name, char type) {  // ValueInfoProto {name, type {tensor_type {elem_type}}}
      const std::string tensor("\x08" + std::string(1, type));
      const std::string kind("\x0a" + std::string(1, static_cast<char>(tensor.size())) + tensor);
      return "\x0a" + std::string(1, static_cast<char>(name.size())) + name + "\x12" +
             std::string(1, static_cast<char>(kind.size())) + kind;
    };
    const auto model = [&](char type) {  // y = Neg(x) of one element type
      const std::string node("\x0a\x01x\x12\x01y\x22\x03Neg"), x = port("x", type), y = port("y", type);
      const auto size = [](const std::string& text) { return std::string(1, static_cast<char>(text.size())); };
      const std::string graph = "\x0a" + size(node) + node + "\x5a" + size(x) + x + "\x62" + size(y) + y;
      return "\x3a" + size(graph) + graph;
    };
    const auto tensor = [](const std::string& name, char type) {  // one number, 3 or -3, as raw bytes
      const char sign = name == "x" ? '\x40' : '\xc0';
      return std::string("\x10") + type + "\x42\x01" + name + std::string("\x4a\x04\0\0\x40", 5) + sign;
    };
    const Scratch folder;
    for (const auto& [name, type] : std::map<std::string, char>{{"f32", 1}, {"later", 20}, {"last", 127}}) {
      folder.write("test_neg_" + name + "/model.onnx", model(type));
      folder.write("test_neg_" + name + "/test_data_set_0/input_0.pb", tensor("x", type));
      folder.write("test_neg_" + name + "/test_data_set_0/output_0.pb", tensor("y", type));
    }
    const std::vector<Case> all = load_cases(folder.path.string());
    REQUIRE(all.size() == 3);
    CHECK(all[0].name == "neg_f32");
    CHECK(judge(all[0]).passed());
    CHECK_FALSE(judge(all[1]).supported);
    CHECK(judge(all[1]).reason == "dtype: number 127");
    CHECK(judge(all[2]).reason == "dtype: number 20");
    // A constant of such a type, inside a graph between others, is refused where it is used.
    CHECK(parse_tensor(tensor("x", 20)).values.empty());
    CHECK_THROWS_WITH_AS(load(parse_tensor(tensor("x", 20)), false), "dtype: x of type number 20", Refused);
    CHECK_THROWS_AS(parse_tensor(std::string("\x10\xff\xff\xff\xff\x7f", 6)),
                    DataError);  // no number of an enumeration
  }
}
