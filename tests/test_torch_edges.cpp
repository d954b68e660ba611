// Ties, kinks and infinities against PyTorch: the same answers, but for a short list of choices that differ.
#include <fmt/format.h>

#include <functional>

#include <glocal/autodiff/transforms.h>
#include <glocal/nn/loss.h>

#include "torch_goldens.h"

using namespace torch_goldens;

namespace {

using Edge = std::function<Var(const Vars&)>;

Var plane(const Var& x, std::int64_t height) { return reshape(x, {1, 1, height, x.size() / height}); }

std::map<std::string, Edge> make_functions() {
  std::map<std::string, Edge> f;
  const auto unary = [&](const char* name, Var (*op)(const Var&)) {
    f[name] = [op](const Vars& x) { return op(x[0]); };
  };
  for (const auto& [name, op] : std::map<const char*, Var (*)(const Var&)>{{"relu 0", relu},
                                                                           {"abs 0", abs},
                                                                           {"sign 0", sign},
                                                                           {"sqrt 0", sqrt},
                                                                           {"rsqrt 0", rsqrt},
                                                                           {"log 0", log},
                                                                           {"log1p -1", log1p},
                                                                           {"reciprocal 0", reciprocal},
                                                                           {"exp large", exp},
                                                                           {"tanh large", tanh},
                                                                           {"sigmoid large", sigmoid},
                                                                           {"erf large", erf},
                                                                           {"gelu large", gelu},
                                                                           {"silu large", silu},
                                                                           {"softplus large", softplus},
                                                                           {"softplus above 20", softplus},
                                                                           {"softmax large", softmax},
                                                                           {"softmax -inf", softmax},
                                                                           {"log_softmax large", log_softmax},
                                                                           {"log_softmax huge", log_softmax}})
    unary(name, op);
  f["leaky_relu 0"] = [](const Vars& x) { return leaky_relu(x[0], 0.1); };
  f["elu 0"] = [](const Vars& x) { return elu(x[0]); };
  f["clamp bounds"] = [](const Vars& x) { return clamp(x[0], -1, 2); };
  f["minimum tie"] = [](const Vars& x) { return minimum(x[0], x[1]); };
  f["maximum tie"] = [](const Vars& x) { return maximum(x[0], x[1]); };
  f["max tie"] = f["amax tie"] = [](const Vars& x) { return max(x[0], 0); };
  f["max_pool tie"] = [](const Vars& x) { return reshape(max_pool2d(plane(x[0], 2)), {-1}); };
  f["max_pool tie padded"] = [](const Vars& x) {
    return reshape(max_pool2d(plane(x[0], 2), {.kernel = {2, 2}, .stride = {1, 1}, .padding = {1, 1}}), {-1});
  };
  f["div 0"] = [](const Vars& x) { return x[0] / x[1]; };
  f["norm 0"] = f["sqrt of sum of squares 0"] = [](const Vars& x) { return sqrt(dot(x[0], x[0])); };
  for (const auto& [name, exponent] : std::map<const char*, double>{
           {"pow 0", 0}, {"pow 1", 1}, {"pow 2", 2}, {"pow 3", 3}, {"pow half", 0.5}, {"pow 1.5", 1.5}, {"pow -1", -1}})
    f[name] = [e = exponent](const Vars& x) { return pow(x[0], e); };
  f["pow of tensors"] = f["pow of tensors 0 0"] = [](const Vars& x) { return pow(x[0], x[1]); };
  for (const char* name : {"logsumexp large", "logsumexp -inf", "logsumexp all -inf"})
    f[name] = [](const Vars& x) { return logsumexp(x[0], 0); };
  f["cross_entropy large"] = [](const Vars& x) {
    return nn::cross_entropy(reshape(x[0], {1, 3}), Tensor::full({1}, 2, DType::i32));
  };
  f["bce large"] = [](const Vars& x) {
    return nn::bce_with_logits(x[0], Tensor::from(std::vector<double>{1, 0, 1}, {3}));
  };
  const auto positive = [](const Var& x) {
    Tensor mask(x.shape(), DType::i32);
    for (std::int64_t i = 0; i < mask.size(); ++i) mask.data<std::int32_t>()[i] = x.value().at(i) > 0;
    return mask;
  };
  f["where masked"] = [=](const Vars& x) { return where(positive(x[0]), square(x[0]), zeros_like(x[0])); };
  f["where masked infinity"] = [=](const Vars& x) { return where(positive(x[0]), log(x[0]), zeros_like(x[0])); };
  f["normalise a constant"] = f["normalise offset"] = [](const Vars& x) {
    const Var one = Tensor::ones({1}, DType::f64), zero = Tensor::zeros({1}, DType::f64);
    return reshape(batch_norm(reshape(x[0], {4, 1}), one, zero, 1e-5).y, {4});
  };
  return f;
}

// Where ours is another choice; docs/trust.md lists them.
const std::map<std::string, std::string> choices = {
    {"amax tie", "the first of equals takes the gradient; amax shares it, max over an axis does as ours"},
    {"norm 0", "sqrt(dot(x, x)) has no derivative at 0, in PyTorch neither; torch.norm answers 0"},
    {"gelu large", "ours keeps all digits below zero; PyTorch has lost 4e-11 of them at -5"},
    {"sigmoid large", "the slope comes from the exponential; PyTorch's s (1 - s) has lost 1e-3 of it at 30"},
    {"softplus above 20", "log(1 + e^x) everywhere; PyTorch answers x there, off by 1e-9"},
    {"logsumexp all -inf", "gradient 0; PyTorch's is NaN"},
    {"normalise offset", "1e6 + small numbers to the last digit; PyTorch has lost 1e-10"}};

bool close(double mine, double golden) {
  if (std::isnan(mine) || std::isnan(golden)) return std::isnan(mine) == std::isnan(golden);
  return mine == golden || std::abs(mine - golden) <= 1e-12 * std::max(std::abs(mine), std::abs(golden));
}

}  // namespace

TEST_SUITE_BEGIN("golden");

TEST_CASE("PyTorch: ties, kinks and infinities") {
  const std::map<std::string, Tensor> file = load("edges.npz");
  const std::map<std::string, Edge> functions = make_functions();
  Reader goldens(file.at("numbers"), Tensor(Shape{0}, DType::i32));
  std::istringstream lines(text(file.at("cases")));
  int same = 0, different = 0;
  std::string report;
  for (std::string line; std::getline(lines, line);) {
    const std::string name = line.substr(0, line.find(':'));
    Vars x;
    std::istringstream operands(line.substr(name.size() + 1));
    for (std::string operand; std::getline(operands, operand, '|');) {
      std::vector<double> numbers;
      std::istringstream in(operand);
      for (std::string word; in >> word;) numbers.push_back(std::stod(word));
      x.push_back(Tensor::from(numbers, {static_cast<std::int64_t>(numbers.size())}));
    }
    const auto [y, pullback] = vjp([&](const Vars& a) { return Vars{functions.at(name)(a)}; }, x);
    Tensor weights(y[0].shape(), DType::f64);
    for (std::int64_t i = 0; i < weights.size(); ++i) weights.data<double>()[i] = static_cast<double>(i + 1);
    Vars results = y;
    for (const Var& g : pullback(Vars{weights})) results.push_back(g);
    std::string mine, theirs;
    bool agree = true;
    for (const Var& r : results)
      for (std::int64_t i = 0; i < r.size(); ++i) {
        const double golden = goldens.next();
        agree = agree && close(r.value().at(i), golden);
        mine += fmt::format(" {}", r.value().at(i));
        theirs += fmt::format(" {}", golden);
      }
    INFO(line, "\n  ours   ", mine, "\n  PyTorch", theirs);
    const bool chosen = choices.count(name) > 0;
    CHECK(agree != chosen);
    if (chosen) report += fmt::format("\n  {}: {}", name, choices.at(name));
    ++(chosen ? different : same);
  }
  CHECK(goldens.at_end());
  MESSAGE(fmt::format("{} edges as in PyTorch, {} by choice not:{}", same, different, report));
}

TEST_SUITE_END();
