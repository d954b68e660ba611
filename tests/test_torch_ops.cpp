// Every op and layer against PyTorch: values, tangents, gradients and Hessian products of the calls in
// tests/torch/ops.npz (PyTorch's own OpInfo samples) and tests/torch/layers.npz (sizes of our own).
#include <fmt/format.h>

#include <functional>
#include <numeric>
#include <set>

#include <glocal/autodiff/transforms.h>
#include <glocal/nn/layers/batch_norm.h>
#include <glocal/nn/layers/dropout.h>
#include <glocal/nn/layers/group_norm.h>
#include <glocal/nn/layers/layer_norm.h>
#include <glocal/nn/loss.h>
#include <glocal/optim/clip.h>

#include "torch_goldens.h"

using namespace torch_goldens;

namespace {

using Table = std::map<std::string, std::function<Vars(const Call&, const Vars&)>>;

// ---- from PyTorch's arguments to ours ----

Conv2dSpec conv_spec(const Call& c) {
  return {c.pair("stride"), c.pair("padding"), c.pair("dilation"), static_cast<std::int64_t>(c.number("groups"))};
}

// (C, H, W), (C, L) and (N, C, L) as images, with a size of one where an axis is missing; `batched` says whether N is
// there.
Var image(const Var& x, bool line, bool batched) {
  Shape shape = x.shape();
  if (line) shape = shape.with(shape.rank() - 1, 1).append(shape.back());
  std::vector<std::int64_t> sizes(shape.begin(), shape.end());
  if (!batched) sizes.insert(sizes.begin(), 1);
  return reshape(x, Shape(std::span<const std::int64_t>(sizes)));
}

Vars convolution(const Call& c, const Vars& t) {
  const bool line = t[1].rank() == 3, batched = t[0].rank() == t[1].rank();
  const Var x = image(t[0], line, batched), weight = image(t[1], line, true);
  Var y;
  if (c.op == "conv2d_max_pool")
    return {conv2d_max_pool(x, weight, t[2], conv_spec(c))};
  else if (c.op == "conv2d_input")
    y = conv2d_input(x, weight, batched ? c.outputs[0] : image(zeros_like(Tensor(c.outputs[0])), line, false).shape(),
                     conv_spec(c));
  else
    return {reshape(c.flag("bias") ? conv2d(x, weight, t[2], conv_spec(c)) : conv2d(x, weight, conv_spec(c)),
                    c.outputs[0])};
  if (c.flag("bias")) y = add_bias(y, t[2]);
  return {reshape(y, c.outputs[0])};
}

Vars pooling(const Call& c, const Vars& t) {
  const PoolSpec spec{c.pair("kernel"), c.pair("stride"), c.pair("padding")};
  // One plane a channel: whether an axis counts images or channels makes no difference to pooling.
  const bool line = c.name.ends_with("1d");
  const Shape& s = t[0].shape();
  const std::int64_t width = s.back(), height = line ? 1 : s.back(2);
  const Var x = reshape(t[0], Shape{s.size() / std::max<std::int64_t>(1, width * height), 1, height, width});
  return {reshape(c.op == "max_pool2d" ? max_pool2d(x, spec) : avg_pool2d(x, spec), c.outputs[0])};
}

// f over one axis, as f over the last.
Vars over_axis(const Call& c, const Vars& t, Var (*f)(const Var&)) {
  const int axis = c.axes("axis")[0], rank = t[0].rank();
  Axes order(static_cast<std::size_t>(rank));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[static_cast<std::size_t>(axis)], order.back());
  return {permute(f(permute(t[0], order)), order)};
}

// An op of one axis, axis by axis.
Var reduced(const Call& c, Var x, Var (*f)(const Var&, int, bool)) {
  Axes axes = c.axes("axes");
  if (axes.empty() && x.rank() == 0) return f(reshape(x, {1}), 0, false);
  for (const int axis : axes) x = f(x, axis, true);
  return reshape(x, c.outputs[0]);
}

Var variance(const Call& c, const Var& x) {
  const Axes axes = c.axes("axes");
  double n = 1;
  for (const int axis : axes) n *= static_cast<double>(x.dim(axis));
  if (axes.empty()) return x - x;
  return sum(square(x - mean(x, axes, true)), axes, c.flag("keep")) / (n - c.number("correction"));
}

Vars product(const Call& c, const Vars& t) {
  const std::size_t first = c.has("beta") ? 1 : 0;
  Var b = t[first + 1];
  if (c.flag("swap_b") && b.rank() == 2) b = transpose(b);
  Var y = matmul(broadcast_to(reshape(t[first], c.shape("a")), c.shape("big_a")),
                 broadcast_to(reshape(b, c.shape("b")), c.shape("big_b")));
  if (c.name == "addbmm") y = sum(y, {0});
  if (first == 0) return {reshape(y, c.outputs[0])};
  y = reshape(y, c.outputs[0]);
  return {c.number("beta") * broadcast_to(t[0], y.shape()) + c.number("alpha") * y};
}

// The inner product of the last axes: x (..., in), weight (out, in) as PyTorch keeps it.
Vars linear_layer(const Call& c, const Vars& t) {
  const Shape& s = t[0].shape();
  const Var x = reshape(t[0], Shape{s.size() / s.back(), s.back()});
  const Var weight = t[1].rank() == 1 ? reshape(t[1], {t[1].size(), 1}) : transpose(t[1]);
  if (!c.flag("bias")) return {reshape(matmul(x, weight), c.outputs[0])};
  return {reshape(linear(x, weight, reshape(t[2], {t[2].size()})), c.outputs[0])};
}

Var padded(const Call& c, Var x) {
  const double value = c.number("value");
  const std::vector<double> sides = c.numbers("sides");
  x = x - value;
  for (std::size_t i = 0; i + 1 < sides.size(); i += 2) {
    const int axis = x.rank() - 1 - static_cast<int>(i / 2);
    const auto before = static_cast<std::int64_t>(sides[i]), after = static_cast<std::int64_t>(sides[i + 1]);
    // A negative side cuts.
    x = slice(x, axis, std::max<std::int64_t>(0, -before), x.dim(axis) - std::max<std::int64_t>(0, -after));
    x = pad(x, axis, std::max<std::int64_t>(0, before), std::max<std::int64_t>(0, after));
  }
  return x + value;
}

Vars joined(const Call& c, const Vars& t) {
  Vars parts;
  for (std::size_t i = 0; i < t.size(); ++i) parts.push_back(reshape(t[i], c.shape(fmt::format("r{}", i))));
  const int axis = c.axes("axis")[0];
  return {reshape(c.op == "stack" ? stack(parts, axis) : concat(parts, axis), c.outputs[0])};
}

Vars cut(const Call& c, const Vars& t) {
  const std::vector<double> at = c.numbers("at");
  Vars y;
  for (std::size_t i = 0; i < c.outputs.size(); ++i)
    y.push_back(reshape(
        slice(t[0], c.axes("axis")[0], static_cast<std::int64_t>(at[2 * i]), static_cast<std::int64_t>(at[2 * i + 1])),
        c.outputs[i]));
  return y;
}

// The tensors that PyTorch was given by name, in the order in which they follow the first.
std::map<std::string, Var> named(const Call& c, const Vars& t) {
  std::map<std::string, Var> out;
  std::istringstream in(c.word("has"));
  std::size_t i = 1;
  for (std::string name; std::getline(in, name, '+') && name != "none";) out[name] = t.at(i++);
  return out;
}

Var or_else(const std::map<std::string, Var>& given, const std::string& name, const Shape& shape, double value,
            DType dtype) {
  const auto found = given.find(name);
  return found != given.end() ? found->second : Var(Tensor::full(shape, value, dtype));
}

Vars normalised(const Call& c, const Vars& t) {
  const std::map<std::string, Var> given = named(c, t);
  const Var& x = t[0];
  const double eps = c.number("eps");
  if (c.op == "layer_norm") {
    Shape over;
    for (int i = static_cast<int>(c.axes("axes").size()); i > 0; --i) over = over.append(x.shape().back(i));
    nn::LayerNorm norm(over, x.dtype());
    norm.eps = eps;
    norm.weight = or_else(given, "weight", over, 1, x.dtype());
    norm.bias = or_else(given, "bias", over, 0, x.dtype());
    return {norm(x)};
  }
  const std::int64_t channels = x.dim(1);
  const Var weight = or_else(given, "weight", {channels}, 1, x.dtype());
  const Var bias = or_else(given, "bias", {channels}, 0, x.dtype());
  if (c.op == "group_norm" || c.op == "instance_norm") {  // instance norm: each channel a group
    nn::GroupNorm norm(c.op == "group_norm" ? static_cast<std::int64_t>(c.number("groups")) : channels, channels,
                       x.dtype());
    norm.eps = eps, norm.weight = weight, norm.bias = bias;
    return {norm(x)};
  }
  nn::BatchNorm norm(channels, x.dtype());
  norm.eps = eps, norm.weight = weight, norm.bias = bias;
  if (c.has("momentum")) norm.momentum = c.number("momentum");
  nn::Pass pass;
  pass.training = c.flag("training");
  pass.stats = {or_else(given, "running_mean", {channels}, 0, x.dtype()),
                or_else(given, "running_var", {channels}, 1, x.dtype())};
  Vars y{norm(x, pass, c.flag("relu"))};
  if (c.outputs.size() == 3) y.insert(y.end(), pass.updated.begin(), pass.updated.end());
  return y;
}

Vars cross_entropy_loss(const Call& c, const Vars& t) {
  // (K), (N, K) or (N, K, d...) -> rows of logits.
  const auto rows = [](const Var& x) {
    if (x.rank() == 1) return reshape(x, {1, x.size()});
    Axes order{0};
    for (int i = 2; i < x.rank(); ++i) order.push_back(i);
    order.push_back(1);
    return reshape(permute(x, order), {-1, x.dim(1)});
  };
  const Var logits = rows(t[0]);
  const double smoothing = c.number("smoothing");
  const Var weight = c.flag("weight") ? t.back() : Var();
  const std::string& reduction = c.word("reduction");
  Var losses;
  if (c.flag("soft")) {
    Var target = rows(t[1]) * (1 - smoothing) + smoothing / static_cast<double>(logits.dim(1));
    losses = softmax_cross_entropy(logits, weight ? target * weight : target);
    if (reduction == "mean") return {mean(losses) * 1.0};
  } else {
    nn::CrossEntropyOptions options;
    if (smoothing > 0) options.label_smoothing = Tensor::scalar(smoothing, logits.dtype());
    options.class_weights = weight;
    if (reduction == "mean") return {nn::cross_entropy(logits, c.index[0], options)};
    losses = nn::cross_entropies(logits, c.index[0], options);
  }
  return {reduction == "sum" ? sum(losses) : reshape(losses, c.outputs[0])};
}

Tensor scalar_like(const Var& x, double value) { return Tensor::scalar(value, x.dtype()); }

using Unary = Var (*)(const Var&);
using Binary = Var (*)(const Var&, const Var&);

Table make_table() {
  Table table;
  const std::map<std::string, Unary> unary = {{"neg", neg},
                                              {"exp", exp},
                                              {"log", log},
                                              {"log1p", log1p},
                                              {"sqrt", sqrt},
                                              {"rsqrt", rsqrt},
                                              {"abs", abs},
                                              {"sign", sign},
                                              {"sin", sin},
                                              {"cos", cos},
                                              {"reciprocal", reciprocal},
                                              {"square", square},
                                              {"erf", erf},
                                              {"relu", relu},
                                              {"gelu", gelu},
                                              {"silu", silu},
                                              {"softplus", softplus},
                                              {"sigmoid", sigmoid},
                                              {"tanh", tanh},
                                              {"global_avg_pool", global_avg_pool}};
  for (const auto& [name, f] : unary) table[name] = [f](const Call&, const Vars& t) { return Vars{f(t[0])}; };
  const std::map<std::string, Binary> binary = {{"mul", mul}, {"div", div}, {"minimum", minimum}, {"maximum", maximum}};
  for (const auto& [name, f] : binary) table[name] = [f](const Call&, const Vars& t) { return Vars{f(t[0], t[1])}; };
  const auto one = [&](const char* name, Var (*f)(const Call&, const Vars&)) {
    table[name] = [f](const Call& c, const Vars& t) { return Vars{f(c, t)}; };
  };
  one("add", [](const Call& c, const Vars& t) { return t[0] + c.number("alpha") * t[1]; });
  one("sub", [](const Call& c, const Vars& t) { return t[0] - c.number("alpha") * t[1]; });
  one("rsub", [](const Call& c, const Vars& t) { return t[1] - c.number("alpha") * t[0]; });
  one("outer", [](const Call&, const Vars& t) { return reshape(t[0], {-1, 1}) * t[1]; });
  one("dot", [](const Call&, const Vars& t) { return dot(t[0], t[1]); });
  one("axpy", [](const Call&, const Vars& t) { return axpy(t[0], t[1], t[2]); });
  one("pow", [](const Call& c, const Vars& t) { return pow(t[0], c.number("exponent")); });
  one("pow_by", [](const Call&, const Vars& t) {
    return pow(broadcast_to(t[0], broadcast_shapes(t[0].shape(), t[1].shape(), "pow")), t[1]);
  });
  one("clamp", [](const Call& c, const Vars& t) { return clamp(t[0], c.number("low"), c.number("high")); });
  one("clamp_by", [](const Call& c, const Vars& t) {
    const Var x = c.flag("low") ? maximum(t[0], t[1]) : t[0];
    return c.flag("high") ? minimum(x, t.back()) : x;
  });
  one("where", [](const Call& c, const Vars& t) { return where(c.index[0], t[0], t[1]); });
  one("masked_fill",
      [](const Call& c, const Vars& t) { return where(c.index[0], scalar_like(t[0], c.number("value")), t[0]); });
  one("lerp", [](const Call& c, const Vars& t) {
    return c.flag("tensor") ? t[0] + t[2] * (t[1] - t[0]) : t[0] + c.number("weight") * (t[1] - t[0]);
  });
  one("addcmul", [](const Call& c, const Vars& t) { return t[0] + c.number("value") * (t[1] * t[2]); });
  one("addcdiv", [](const Call& c, const Vars& t) { return t[0] + c.number("value") * (t[1] / t[2]); });
  one("leaky_relu", [](const Call& c, const Vars& t) { return leaky_relu(t[0], c.number("slope")); });
  one("elu", [](const Call& c, const Vars& t) { return elu(t[0], c.number("alpha")); });
  one("logsigmoid", [](const Call&, const Vars& t) { return -softplus(-t[0]); });
  one("dropout", [](const Call& c, const Vars& t) {
    nn::Pass pass;
    pass.training = c.number("rate") == 0;
    return nn::Dropout(c.number("rate") < 1 ? c.number("rate") : 0)(t[0], pass);
  });
  one("sum", [](const Call& c, const Vars& t) { return sum(t[0], c.axes("axes"), c.flag("keep")); });
  one("mean", [](const Call& c, const Vars& t) { return mean(t[0], c.axes("axes"), c.flag("keep")); });
  one("max", [](const Call& c, const Vars& t) { return reduced(c, t[0], max); });
  one("min", [](const Call& c, const Vars& t) { return -reduced(c, -t[0], max); });
  one("logsumexp", [](const Call& c, const Vars& t) { return reduced(c, t[0], logsumexp); });
  one("var", [](const Call& c, const Vars& t) { return variance(c, t[0]); });
  one("std", [](const Call& c, const Vars& t) { return sqrt(variance(c, t[0])); });
  one("argmax", [](const Call& c, const Vars& t) {
    const int axis = c.axes("axis")[0];
    const Tensor x = axis < 0 ? t[0].value().reshape({t[0].size()}) : t[0].value();
    return Var(argmax(x, std::max(axis, 0)).reshape(c.outputs[0]));
  });
  one("one_hot", [](const Call& c, const Vars&) {
    const std::int64_t classes = c.outputs[0].back();
    return Var(one_hot(c.index[0].reshape({c.index[0].size()}), classes, DType::f64).reshape(c.outputs[0]));
  });
  one("broadcast_to", [](const Call& c, const Vars& t) { return broadcast_to(t[0], c.outputs[0]); });
  one("sum_to", [](const Call& c, const Vars& t) { return sum_to(t[0], c.outputs[0]); });
  one("reshape", [](const Call& c, const Vars& t) { return reshape(t[0], c.outputs[0]); });
  one("permute", [](const Call& c, const Vars& t) { return permute(t[0], c.axes("axes")); });
  one("pad", [](const Call& c, const Vars& t) { return padded(c, t[0]); });
  one("take", [](const Call& c, const Vars& t) { return take(t[0], c.index[0], c.outputs[0]); });
  one("take_sum", [](const Call& c, const Vars& t) { return sum(take(t[0], c.index[0], c.index[0].shape())); });
  one("rows", [](const Call& c, const Vars& t) {
    return reshape(gather(t[0], 0, c.index[0].reshape({c.index[0].size()})), c.outputs[0]);
  });
  one("index_add", [](const Call& c, const Vars& t) {
    const int axis = c.axes("axis")[0];
    const Var x = t[0].rank() == 0 ? reshape(t[0], {1}) : t[0], y = t[0].rank() == 0 ? reshape(t[1], {1}) : t[1];
    return reshape(x + c.number("alpha") * scatter(y, axis, c.index[0], x.dim(axis)), c.outputs[0]);
  });
  one("scatter_add", [](const Call& c, const Vars& t) {
    return t[0] + put(take(t[1], c.index[1], c.index[1].shape()), c.index[0], t[0].shape());
  });
  one("mse", [](const Call&, const Vars& t) { return nn::mse(t[0], t[1]); });
  one("bce_with_logits", [](const Call&, const Vars& t) { return nn::bce_with_logits(t[0], t[1]); });
  for (const char* name : {"conv2d", "conv2d_input", "conv2d_max_pool"}) table[name] = convolution;
  for (const char* name : {"max_pool2d", "avg_pool2d"}) table[name] = pooling;
  for (const char* name : {"concat", "stack"}) table[name] = joined;
  for (const char* name : {"batch_norm", "layer_norm", "group_norm", "instance_norm"}) table[name] = normalised;
  table["slices"] = cut;
  table["matmul"] = product;
  table["linear"] = linear_layer;
  table["cross_entropy"] = cross_entropy_loss;
  table["softmax"] = [](const Call& c, const Vars& t) { return over_axis(c, t, softmax); };
  table["log_softmax"] = [](const Call& c, const Vars& t) { return over_axis(c, t, log_softmax); };
  table["softmin"] = [](const Call& c, const Vars& t) { return over_axis(c, {-t[0]}, softmax); };
  table["clip"] = [](const Call& c, const Vars& t) {
    return optim::clip_by_global_norm(t, scalar_like(t[0], c.number("max_norm"))).grads;
  };
  return table;
}

// ---- the comparison ----

struct Worst {
  double value = 0, tangent = 0, gradient = 0, second = 0;
  void take(const Worst& w) {
    value = std::max(value, w.value), tangent = std::max(tangent, w.tangent);
    gradient = std::max(gradient, w.gradient), second = std::max(second, w.second);
  }
  double most() const { return std::max({value, tangent, gradient, second}); }
};

// One line of the list: the call, its inputs, and which of them are differentiated.
struct Line {
  Call call;
  Vars inputs;
  std::vector<std::size_t> wanted;
};

Line parse(const std::string& text, std::uint32_t seed, DType dtype, Reader& goldens) {
  Line line;
  std::istringstream in(text);
  in >> line.call.name >> line.call.op;
  for (std::string word; in >> word;) {
    const std::size_t equals = word.find('=');
    const std::string key = word.substr(0, equals), value = word.substr(equals + 1);
    if (key == "t" || key == "c") {
      const std::size_t colon = value.find(':'), second = value.find(':', colon + 1);
      if (key == "t") line.wanted.push_back(line.inputs.size());
      line.inputs.push_back(spread(seed + static_cast<std::uint32_t>(line.inputs.size()),
                                   Call::shape_of(value.substr(0, colon)), std::stod(value.substr(colon + 1)),
                                   std::stod(value.substr(second + 1)), dtype));
    } else if (key == "i") {
      line.call.index.push_back(goldens.index(Call::shape_of(value)));
    } else if (key == "o") {
      line.call.outputs.push_back(Call::shape_of(value));
    } else {
      line.call.arguments[key] = value;
    }
  }
  return line;
}

Var weighted(In a, In b) {
  Var sum;
  for (std::size_t i = 0; i < a.size(); ++i) sum = plus(sum, dot(a[i], b[i]));
  return sum;
}

Worst compare(const Line& line, const Table& table, std::uint32_t seed, Reader& goldens) {
  const auto& f = table.at(line.call.op);
  Worst worst;
  if (line.call.flag("plain")) {
    worst.value = goldens.gap(f(line.call, line.inputs)[0].value().to(DType::f64), seed + 48);
    return worst;
  }
  Vars x, v, gy;
  for (const std::size_t j : line.wanted) {
    x.push_back(line.inputs[j]);
    v.push_back(signed_numbers(seed + 16 + static_cast<std::uint32_t>(j), x.back().shape(), x.back().dtype()));
  }
  const auto run = [&](const Vars& leaves) {
    Vars all = line.inputs;
    for (std::size_t j = 0; j < leaves.size(); ++j) all[line.wanted[j]] = leaves[j];
    return f(line.call, all);
  };
  const auto [y, dy] = jvp(run, x, v);
  REQUIRE(y.size() == line.call.outputs.size());
  for (std::size_t k = 0; k < y.size(); ++k)
    gy.push_back(signed_numbers(seed + 32 + static_cast<std::uint32_t>(k), y[k].shape(), y[k].dtype()));
  const auto gradient = [&](const Vars& leaves) {
    return grad([&](const Vars& a) { return weighted(gy, run(a)); })(leaves);
  };
  const auto [gx, hv] = jvp(gradient, x, v);
  for (std::size_t k = 0; k < y.size(); ++k) {
    CHECK(y[k].shape() == line.call.outputs[k]);
    worst.value = std::max(worst.value, goldens.gap(y[k].value(), seed + 48));
    worst.tangent = std::max(worst.tangent, goldens.gap(dy[k].value(), seed + 48, 1));
  }
  for (std::size_t j = 0; j < x.size(); ++j) {
    worst.gradient = std::max(worst.gradient, goldens.gap(gx[j].value(), seed + 48, 1));
    worst.second = std::max(worst.second, goldens.gap(hv[j].value(), seed + 48, 1));
  }
  return worst;
}

// All calls of a file: each below `bound`; prints one line a name when asked to.
Worst compare_file(const std::string& name, std::uint32_t base, DType dtype, double bound) {
  const std::map<std::string, Tensor> file = load(name);
  const Table table = make_table();
  Reader goldens(file.at("numbers"), file.at("integers"));
  std::istringstream lines(text(file.at("cases")));
  Worst all;
  std::map<std::string, std::pair<int, double>> by_name;
  std::uint32_t n = base;
  for (std::string line; std::getline(lines, line); ++n) {
    const Line call = parse(line, 64 * n, dtype, goldens);
    INFO(line);
    const Worst worst = compare(call, table, 64 * n, goldens);
    INFO(fmt::format("value {:.1e}, tangent {:.1e}, gradient {:.1e}, Hessian product {:.1e}", worst.value,
                     worst.tangent, worst.gradient, worst.second));
    // One number normalised is a difference of equal numbers, times 1 / sqrt(eps) = 316: f32 leaves 316 roundings.
    const bool alone = dtype == DType::f32 && call.call.op == "layer_norm" && call.call.outputs[0].size() == 1;
    CHECK(worst.most() <= (alone ? 316 * 6e-8 * 2 : bound));
    all.take(worst);
    auto& [calls, most] = by_name[call.call.name];
    ++calls, most = std::max(most, worst.most());
  }
  CHECK(goldens.at_end());
  std::string report = fmt::format(
      "{} in {}: {} calls of {} functions, worst value {:.1e}, tangent {:.1e}, "
      "gradient {:.1e}, Hessian product {:.1e}\n",
      name, dtype, n - base, by_name.size(), all.value, all.tangent, all.gradient, all.second);
  for (const auto& [function, row] : by_name)
    report += fmt::format("  {:48} {:5} {:.1e}\n", function, row.first, row.second);
  if (file.count("refused")) report += text(file.at("refused"));
  MESSAGE(report);
  return all;
}

}  // namespace

TEST_SUITE_BEGIN("golden");

TEST_CASE("PyTorch: OpInfo samples in double precision") { compare_file("ops.npz", 0, DType::f64, 1e-12); }
TEST_CASE("PyTorch: layers and kernels in double precision") { compare_file("layers.npz", 4096, DType::f64, 1e-12); }
TEST_CASE("PyTorch: OpInfo samples in single precision") { compare_file("ops.npz", 0, DType::f32, 5e-6); }
TEST_CASE("PyTorch: layers and kernels in single precision") { compare_file("layers.npz", 4096, DType::f32, 5e-6); }

TEST_SUITE_END();
