// Every op against the same checks, to third order. A new op needs one line in the table of its family.
#include <doctest/doctest.h>

#include <set>

#include <glocal/autodiff/op.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/rules/registry.h>

#include "gradcheck.h"

using namespace glocal;
using namespace glocal::gradcheck;

namespace {

using Rows = std::vector<Row>;

// Each row: {name, primitive that must be on the tape or "", function, inputs}. Constants made inside a function take
// their element type from its inputs, because it also runs in f32.

// The fused derivative f'(x) d of an elementwise function, as a function of (x, d).
OpFunction along(std::function<Var(const Var&)> f) {
  return [f](const Vars& x) { return jvp(f, x[0], x[1]).second; };
}

Tensor i32(std::vector<std::int32_t> numbers, Shape shape) { return Tensor::from(numbers, shape); }

Rows elementwise_rows() {
  const Shape s{2, 3}, one{}, row{3}, column{2, 1};
  const Tensor mask = i32({1, 0, 0, 1, 1, 0}, s);
  return {
      {"add", "add", [](const Vars& x) { return x[0] + x[1]; }, in_range({s, s})},
      {"add broadcast", "broadcast_to", [](const Vars& x) { return x[0] + x[1]; }, in_range({column, row})},
      {"add one number", "add", [](const Vars& x) { return x[0] + x[1]; }, in_range({one, s})},
      {"sub", "sub", [](const Vars& x) { return x[0] - x[1]; }, in_range({s, s})},
      {"sub broadcast", "sub", [](const Vars& x) { return x[0] - x[1]; }, in_range({row, s})},
      {"mul", "mul", [](const Vars& x) { return x[0] * x[1]; }, in_range({s, s})},
      {"mul broadcast", "mul", [](const Vars& x) { return x[0] * x[1]; }, in_range({s, row})},
      {"mul by one number", "scale_by", [](const Vars& x) { return x[0] * x[1]; }, in_range({{1, 1}, s})},
      {"div", "div", [](const Vars& x) { return x[0] / x[1]; }, off_zero({s, s}, 0.5)},
      {"div broadcast", "div", [](const Vars& x) { return x[0] / x[1]; }, off_zero({row, column}, 0.5)},
      {"div by one number", "scale_by", [](const Vars& x) { return x[0] / x[1]; }, off_zero({s, one}, 0.5)},
      {"div of one number", "div", [](const Vars& x) { return x[0] / x[1]; }, off_zero({one, s}, 0.5)},
      {"neg", "scale", [](const Vars& x) { return -x[0]; }, in_range({s})},
      {"scale", "scale", [](const Vars& x) { return 2.5 * x[0]; }, in_range({s})},
      {"shift", "shift", [](const Vars& x) { return 1.5 - x[0]; }, in_range({s})},
      {"scale_by", "scale_by", [](const Vars& x) { return scale_by(x[0], x[1]); }, in_range({s, {1}})},
      {"axpy", "axpy", [](const Vars& x) { return axpy(x[0], x[1], x[2]); }, in_range({one, s, s})},
      {"dot", "dot", [](const Vars& x) { return dot(x[0], x[1]); }, in_range({s, s})},
      {"minimum", "choose", [](const Vars& x) { return minimum(x[0], x[1]); }, spaced({s, s})},
      {"maximum", "choose", [](const Vars& x) { return maximum(x[0], x[1]); }, spaced({s, row})},
      {"clamp", "choose", [](const Vars& x) { return clamp(x[0], -0.013, 0.022); }, spaced({{3, 4}})},
      {"where", "choose", [=](const Vars& x) { return where(mask, x[0], x[1]); }, in_range({s, row})},
      {"where taken", "keep", along([=](const Var& x) { return where(mask, x, zeros_like(x)); }), in_range({s, s})},
      {"where not taken", "keep", along([=](const Var& x) { return where(mask, zeros_like(x), x); }), in_range({s, s})},
  };
}

Rows unary_rows() {
  const Shape s{2, 3};
  return {
      {"exp", "exp", [](const Vars& x) { return exp(x[0]); }, in_range({s})},
      {"log", "log", [](const Vars& x) { return log(x[0]); }, in_range({s}, 0.3, 2)},
      {"log1p", "log1p", [](const Vars& x) { return log1p(x[0]); }, in_range({s}, -0.6, 2)},
      {"sqrt", "sqrt", [](const Vars& x) { return sqrt(x[0]); }, in_range({s}, 0.3, 2)},
      {"rsqrt", "rsqrt", [](const Vars& x) { return rsqrt(x[0]); }, in_range({s}, 0.4, 2)},
      {"reciprocal", "reciprocal", [](const Vars& x) { return 2.0 / x[0]; }, off_zero({s}, 0.5)},
      {"square", "square", [](const Vars& x) { return square(x[0]); }, in_range({s})},
      {"abs", "abs", [](const Vars& x) { return abs(x[0]); }, off_zero({s})},
      {"sign", "sign", [](const Vars& x) { return sign(x[0]); }, off_zero({s})},
      {"sin", "sin", [](const Vars& x) { return sin(x[0]); }, in_range({s})},
      {"cos", "cos", [](const Vars& x) { return cos(x[0]); }, in_range({s})},
      {"erf", "erf", [](const Vars& x) { return erf(x[0]); }, in_range({s})},
      {"erf along x", "gaussian", along([](const Var& x) { return erf(x); }), in_range({s, s})},
      {"pow 2", "square", [](const Vars& x) { return pow(x[0], 2); }, in_range({s})},
      {"pow 3", "power", [](const Vars& x) { return pow(x[0], 3); }, in_range({s})},
      {"pow 2.5", "power", [](const Vars& x) { return pow(x[0], 2.5); }, in_range({s}, 0.3, 2)},
      {"pow -1.5", "power", [](const Vars& x) { return pow(x[0], -1.5); }, in_range({s}, 0.5, 2)},
      {"pow of both", "power_of", [](const Vars& x) { return pow(x[0], x[1]); },
       each({in_range({s}, 0.4, 2), in_range({s})})},
      {"pow broadcast", "power_of", [](const Vars& x) { return pow(x[0], x[1]); },
       each({in_range({s}, 0.4, 2), in_range({{}})})},
  };
}

Rows activation_rows() {
  const Shape s{2, 4};
  return {
      {"relu", "relu", [](const Vars& x) { return relu(x[0]); }, off_zero({s})},
      {"relu_lin", "relu_lin", along(relu), off_zero({s, s})},
      {"leaky_relu", "relu", [](const Vars& x) { return leaky_relu(x[0], 0.2); }, off_zero({s})},
      {"leaky_relu_lin", "relu_lin", along([](const Var& x) { return leaky_relu(x, 0.2); }), off_zero({s, s})},
      {"elu", "elu", [](const Vars& x) { return elu(x[0], 0.7); }, off_zero({s})},
      {"gelu", "gelu", [](const Vars& x) { return gelu(x[0]); }, in_range({s})},
      {"gelu_lin", "gelu_lin", along(gelu), in_range({s, s})},
      {"silu", "silu", [](const Vars& x) { return silu(x[0]); }, in_range({s})},
      {"silu_lin", "silu_lin", along(silu), in_range({s, s})},
      {"softplus", "softplus", [](const Vars& x) { return softplus(x[0]); }, in_range({s})},
      {"sigmoid", "sigmoid", [](const Vars& x) { return sigmoid(x[0]); }, in_range({s})},
      {"sigmoid_lin", "sigmoid_lin", along(sigmoid), in_range({s, s})},
      {"tanh", "tanh", [](const Vars& x) { return tanh(x[0]); }, in_range({s})},
      {"tanh_lin", "tanh_lin", along([](const Var& x) { return tanh(x); }), in_range({s, s})},
  };
}

Rows reduce_rows() {
  const Shape s{2, 3, 4};
  return {
      {"broadcast_to", "broadcast_to",
       [](const Vars& x) {
         return broadcast_to(x[0], {5, 2, 3, 4});
       },
       in_range({{2, 1, 4}})},
      {"broadcast_to of one", "broadcast_to",
       [](const Vars& x) {
         return broadcast_to(x[0], {2, 3});
       },
       in_range({{}})},
      {"sum_to", "sum_to",
       [](const Vars& x) {
         return sum_to(x[0], {3, 1});
       },
       in_range({s})},
      {"sum_to bias", "sum_to", [](const Vars& x) { return sum_to(x[0], {4}); }, in_range({s})},
      {"sum", "sum_to", [](const Vars& x) { return sum(x[0]); }, in_range({s})},
      {"sum of an axis", "sum_to", [](const Vars& x) { return sum(x[0], {1}); }, in_range({s})},
      {"sum of axes kept", "sum_to",
       [](const Vars& x) {
         return sum(x[0], {0, -1}, true);
       },
       in_range({s})},
      {"mean", "sum_to", [](const Vars& x) { return mean(x[0], {-2}); }, in_range({s})},
      {"max", "take", [](const Vars& x) { return max(x[0], 1); }, spaced({s})},
      {"max kept", "take", [](const Vars& x) { return max(x[0], -1, true); }, spaced({s})},
      {"logsumexp", "logsumexp", [](const Vars& x) { return logsumexp(x[0], 1); }, in_range({s})},
      {"logsumexp kept", "logsumexp", [](const Vars& x) { return logsumexp(x[0], -1, true); }, in_range({s})},
  };
}

Rows shape_rows() {
  const Shape s{2, 3, 4};
  return {
      {"reshape", "reshape",
       [](const Vars& x) {
         return reshape(x[0], {4, -1});
       },
       in_range({s})},
      {"flatten_from", "reshape", [](const Vars& x) { return flatten_from(x[0], 1); }, in_range({s})},
      {"permute", "permute",
       [](const Vars& x) {
         return permute(x[0], {2, 0, 1});
       },
       in_range({s})},
      {"transpose", "permute", [](const Vars& x) { return transpose(x[0]); }, in_range({s})},
      {"slice", "slice", [](const Vars& x) { return slice(x[0], 1, 1, 3); }, in_range({s})},
      {"pad", "pad", [](const Vars& x) { return pad(x[0], -1, 2, 1); }, in_range({s})},
      {"concat", "concat", [](const Vars& x) { return concat(x, 1); }, in_range({{2, 1, 4}, s, {2, 2, 4}})},
      {"stack", "concat", [](const Vars& x) { return stack(x, -1); }, in_range({{2, 3}, {2, 3}})},
  };
}

Rows index_rows() {
  const Tensor places = i32({5, 0, -1, 5, 3, 2, 0, 11}, {2, 4}), rows = i32({2, 0, 2, 1}, {4});
  return {
      {"take", "take",
       [=](const Vars& x) {
         return take(x[0], places, {4, 2});
       },
       in_range({{3, 4}})},
      {"put", "put",
       [=](const Vars& x) {
         return put(x[0], places, {3, 4});
       },
       in_range({{2, 4}})},
      {"gather", "gather", [=](const Vars& x) { return gather(x[0], 1, rows); }, in_range({{2, 3, 2}})},
      {"scatter", "scatter", [=](const Vars& x) { return scatter(x[0], 1, rows, 3); }, in_range({{2, 4, 2}})},
  };
}

// All four transpositions of matrices, of batches, and of a batch against a shared matrix on either side.
Rows matmul_rows() {
  Rows rows;
  for (const bool ta : {false, true})
    for (const bool tb : {false, true})
      for (const std::string kind : {"matrices", "batches", "shared right", "shared left"}) {
        const Shape a = ta ? Shape{4, 2} : Shape{2, 4}, b = tb ? Shape{3, 4} : Shape{4, 3};
        const auto batched = [](const Shape& s) { return Shape{2, 3, s[0], s[1]}; };
        const Shape left = kind == "batches" || kind == "shared right" ? batched(a) : a;
        const Shape right = kind == "batches" || kind == "shared left" ? batched(b) : b;
        rows.push_back({fmt::format("matmul of {}, ta {}, tb {}", kind, ta, tb), "matmul",
                        [=](const Vars& x) { return matmul(x[0], x[1], ta, tb); }, in_range({left, right}, -1, 1)});
      }
  rows.push_back({"linear", "linear", [](const Vars& x) { return linear(x[0], x[1], x[2]); },
                  in_range({{3, 4}, {4, 2}, {2}}, -1, 1)});
  return rows;
}

Rows conv_rows() {
  Rows rows;
  const auto add_case = [&](const std::string& kind, const Shape& x, const Shape& w, const Shape& y, Conv2dSpec spec) {
    rows.push_back(
        {"conv2d " + kind, "conv2d", [=](const Vars& a) { return conv2d(a[0], a[1], spec); }, in_range({x, w}, -1, 1)});
    rows.push_back({"conv2d_input " + kind, "conv2d_input",
                    [=](const Vars& a) { return conv2d_input(a[0], a[1], x, spec); }, in_range({y, w}, -1, 1)});
    rows.push_back({"conv2d_weight " + kind, "conv2d_weight",
                    [=](const Vars& a) { return conv2d_weight(a[0], a[1], w, spec); }, in_range({x, y}, -1, 1)});
  };
  rows.push_back({"conv2d with a bias", "conv2d", [](const Vars& a) { return conv2d(a[0], a[1], a[2], {}); },
                  in_range({{2, 2, 4, 3}, {3, 2, 2, 3}, {3}}, -1, 1)});
  rows.push_back({"conv2d_max_pool", "conv2d_max_pool", [](const Vars& a) { return conv2d_max_pool(a[0], a[1], a[2]); },
                  in_range({{16, 1, 3, 3}, {2, 1, 2, 2}, {2}})});
  add_case("plain", {2, 2, 4, 3}, {3, 2, 2, 3}, {2, 3, 3, 1}, {});
  add_case("strided", {2, 1, 5, 4}, {2, 1, 3, 2}, {2, 2, 3, 5}, {{2, 1}, {1, 1}});
  add_case("dilated in groups", {1, 4, 4, 5}, {2, 2, 2, 2}, {1, 2, 2, 4}, {{1, 1}, {0, 1}, {2, 3}, 2});
  add_case("1x1", {2, 3, 2, 2}, {2, 3, 1, 1}, {2, 2, 2, 2}, {});
  return rows;
}

Rows pool_rows() {
  const Shape s{2, 2, 5, 4};
  const PoolSpec wide{{3, 2}, {2, 1}, {1, 1}};
  return {
      {"max_pool2d", "max_pool2d", [](const Vars& x) { return max_pool2d(x[0]); }, spaced({s})},
      {"max_pool2d wide", "max_pool2d", [=](const Vars& x) { return max_pool2d(x[0], wide); }, spaced({s})},
      {"avg_pool2d", "avg_pool2d", [=](const Vars& x) { return avg_pool2d(x[0], wide); }, in_range({s})},
      {"avg_pool2d_input", "avg_pool2d_input", [=](const Vars& x) { return avg_pool2d_input(x[0], s, wide); },
       in_range({{2, 2, 3, 5}})},
      {"global_avg_pool", "", [](const Vars& x) { return global_avg_pool(x[0]); }, in_range({s})},
  };
}

Rows softmax_rows() {
  const Shape s{2, 4};
  return {
      {"softmax", "softmax", [](const Vars& x) { return softmax(x[0]); }, in_range({s})},
      {"softmax_lin", "softmax_lin", [](const Vars& x) { return softmax_lin(x[0], x[1]); }, in_range({s, s})},
      {"softmax_lin along x", "softmax_centred",
       [](const Vars& x) { return jvp([&](const Var& v) { return softmax_lin(x[0], v); }, x[1], x[2]).second; },
       in_range({s, s, s})},
      {"log_softmax along x", "softmax_centred", along(log_softmax), in_range({s, s})},
      {"log_softmax back and along x", "row_dot_mul",
       [](const Vars& x) {
         const auto back = [&](const Var& v) { return vjp(log_softmax, v).second(x[1]); };
         return jvp(back, x[0], x[2]).second;
       },
       in_range({s, s, s})},
      {"log_softmax", "log_softmax", [](const Vars& x) { return log_softmax(x[0]); }, in_range({s})},
      {"softmax_cross_entropy", "softmax_cross_entropy",
       [](const Vars& x) { return softmax_cross_entropy(x[0], x[1]); }, each({in_range({s}), in_range({s}, 0, 1)})},
      {"softmax_cross_entropy along x", "softmax_cross_entropy_slope",
       [](const Vars& x) {
         return jvp([&](const Var& v) { return softmax_cross_entropy(v, x[1]); }, x[0], x[2]).second;
       },
       each({in_range({s}), in_range({s}, 0, 1), in_range({s})})},
      {"softmax_cross_entropy back from g", "softmax_cross_entropy_slope",
       [](const Vars& x) {
         return vjp([&](const Var& v) { return softmax_cross_entropy(v, x[1]); }, x[0]).second(x[2]);
       },
       each({in_range({s}), in_range({s}, 0, 1), in_range({{2}})})},
  };
}

// Step 3 of a rule as one vector (parameters, buffers), in (w, g, buffers..., hyperparameters...); `active` of these
// are inputs and the others constants, since every subset of the inputs is checked alone.
Row update_row(const std::string& name, const std::string& op, const Vars& x, std::size_t begin, std::size_t end) {
  const optim::Optimizer optimizer = optim::make_optimizer(name);
  const std::size_t first_hyper = x.size() - optimizer.hyper.size();
  const auto step = [=](const Vars& active) {
    Vars all, flat;
    for (const Var& v : x) all.push_back(v.value().to(active[0].dtype()));
    std::copy(active.begin(), active.end(), all.begin() + std::ptrdiff_t(begin));
    const auto part = [&](std::size_t i, std::size_t j) {
      return Vars(all.begin() + std::ptrdiff_t(i), all.begin() + std::ptrdiff_t(j));
    };
    const optim::Step next =
        optimizer.step(part(first_hyper, x.size()), part(0, 1), part(1, 2), part(2, first_hyper), 3);
    for (const Vars& list : {next.params, next.state})
      for (const Var& v : list) flat.push_back(reshape(v, {-1}));
    return concat(flat, 0);
  };
  const Vars active(x.begin() + std::ptrdiff_t(begin), x.begin() + std::ptrdiff_t(end));
  return {name + " step in inputs from " + std::to_string(begin), op, step, [=](Key) { return active; }};
}

Rows update_rows() {
  const auto inputs = [](std::size_t tensors, std::vector<double> hyper) {
    Vars x;
    while (x.size() < tensors) x.push_back(uniform(key(x.size()), {3, 2}, 0.3, 1, DType::f64));
    for (double h : hyper) x.push_back(Tensor::scalar(h, DType::f64));
    return x;
  };
  const Vars sgd = inputs(3, {0.3, 0.7, 0.2}), adam = inputs(4, {0.3, 0.7, 0.8, 0.1, 0.05, 0.2});
  const Vars rmsprop = inputs(4, {0.3, 0.7, 0.1, 0.05, 0.6, 0.2}), adagrad = inputs(3, {0.3, 0.1, 0.05, 0.2});
  return {update_row("sgd", "sgd_update", sgd, 0, 6),
          update_row("nesterov", "nesterov_update", sgd, 0, 6),
          update_row("rmsprop", "rmsprop_update", rmsprop, 0, 4),
          update_row("rmsprop", "rmsprop_update", rmsprop, 4, 10),
          update_row("adagrad", "adagrad_update", adagrad, 0, 7),
          update_row("adam", "adam_update", adam, 0, 4),
          update_row("adam", "adam_update", adam, 4, 10),
          update_row("adamw", "adamw_update", adam, 0, 4),
          update_row("adamw", "adamw_update", adam, 4, 10)};
}

Rows normalize_rows() {
  const auto batch = [](const Var& x) { return normalize(x, {0, 2}, 0.3); };
  const auto twice = [=](const Vars& x) {
    return jvp([&](const Var& v) { return jvp(batch, v, x[1]).second; }, x[0], x[2]).second;
  };
  // Gradients and tangents of batch_norm as functions of everything: the ops of the first order, on the tape.
  const auto relued = [](const Vars& x) { return batch_norm(x[0], x[1], x[2], 0.3, true).y; };
  const auto relued_along = [=](const Vars& x) {
    return jvp([&](const Var& v) { return relued({v, x[1], x[2]}); }, x[0], x[3]).second;
  };
  const auto gradient = [=](const Vars& x) {
    const Vars g = vjp(relued, Vars{x[0], x[1], x[2]}).second(x[3]);
    return concat({reshape(g[0], {-1}), g[1], g[2]}, 0);
  };
  const auto by_both = [](const Vars& x) {
    const Var w = slice(reshape(x[1], {-1}), 0, 0, 2);
    return jvp(
               [&](const Var& v) {
                 return vjp([&](const Var& u) { return batch_norm(v, u, u, 0.3).y; }, w).second(x[1]);
               },
               x[0], x[1])
        .second;
  };
  const Shape s{2, 2, 3};
  return {
      {"normalize batch", "normalize", [=](const Vars& x) { return batch(x[0]); }, in_range({s})},
      {"normalize layer", "normalize", [](const Vars& x) { return normalize(x[0], {-1}, 0.1); }, in_range({{2, 9}})},
      {"normalize permuted", "normalize",
       [](const Vars& x) {
         return normalize(x[0], {0, 2}, 0.2);
       },
       in_range({{2, 2, 2, 2}})},
      {"normalize_lin", "normalize_lin", along(batch), in_range({s, s})},
      {"normalize twice", "normalize_bend", twice, in_range({s, s, s})},
      {"normalize along everything", "normalize_form", by_both, in_range({s, s})},
      {"batch_norm", "normalize", [](const Vars& x) { return batch_norm(x[0], x[1], x[2], 0.3).y; },
       in_range({s, {2}, {2}})},
      {"batch_norm and relu", "normalize", relued, in_range({s, {2}, {2}})},
      {"batch_norm and relu along x", "normalize_gate", [=](const Vars& x) { return relued_along(x); },
       in_range({s, {2}, {2}, s})},
      {"batch_norm statistics", "channel_moments",
       [](const Vars& x) {
         const BatchNormed b = batch_norm(x[0], x[1], x[2], 0.3);
         return concat({b.mean, b.variance}, 0);
       },
       in_range({s, {2}, {2}})},
      {"batch_norm gradient", "normalize_sums", gradient, in_range({s, {2}, {2}, s})},
      {"add_bias", "add_bias", [](const Vars& x) { return add_bias(x[0], x[1]); }, in_range({s, {2}})},
      {"add_bias of features", "add_bias", [](const Vars& x) { return add_bias(x[0], x[1]); }, in_range({{3, 4}, {4}})},
      {"channel_affine", "", [](const Vars& x) { return channel_affine(x[0], x[1], x[2]); }, in_range({s, {2}, {2}})},
  };
}

void check_all(const Rows& rows) {
  for (const Row& row : rows) check_row(row);
}

Rows all_rows() {
  Rows rows;
  for (const auto family : {elementwise_rows, unary_rows, activation_rows, reduce_rows, shape_rows, index_rows,
                            matmul_rows, conv_rows, pool_rows, softmax_rows, normalize_rows, update_rows})
    for (Row& row : family()) rows.push_back(std::move(row));
  return rows;
}

}  // namespace

TEST_SUITE_BEGIN("gradcheck");

TEST_CASE("autodiff ops: elementwise") { check_all(elementwise_rows()); }
TEST_CASE("autodiff ops: unary") { check_all(unary_rows()); }
TEST_CASE("autodiff ops: activations") { check_all(activation_rows()); }
TEST_CASE("autodiff ops: reduce") { check_all(reduce_rows()); }
TEST_CASE("autodiff ops: shape") { check_all(shape_rows()); }
TEST_CASE("autodiff ops: index") { check_all(index_rows()); }
TEST_CASE("autodiff ops: matmul") { check_all(matmul_rows()); }
TEST_CASE("autodiff ops: conv") { check_all(conv_rows()); }
TEST_CASE("autodiff ops: pool") { check_all(pool_rows()); }
TEST_CASE("autodiff ops: softmax") { check_all(softmax_rows()); }
TEST_CASE("autodiff ops: normalize") { check_all(normalize_rows()); }
TEST_CASE("autodiff ops: update rules in one pass") { check_all(update_rows()); }

namespace {

// y = x^2 with one mistake: 0 none, 1 in vjp, 2 in jvp, 3 and 4 a second-order term dropped in one mode.
struct Wrong : Op {
  int mistake;
  explicit Wrong(int m) : mistake(m) {}
  const char* name() const override { return "wrong"; }
  Tensor eval(Values x) const override { return square(x[0]).value(); }
  Var jvp(In x, const Var&, In dx) const override {
    return scale(mul(dx[0], mistake == 3 ? stop_gradient(x[0]) : x[0]), mistake == 2 ? 2.0000003 : 2);
  }
  void vjp(In x, const Var&, const Var& gy, Wants, Out gx) const override {
    gx[0] = scale(mul(gy, mistake == 4 ? stop_gradient(x[0]) : x[0]), mistake == 1 ? 2 + 1e-11 : 2);
  }
};

}  // namespace

TEST_CASE("autodiff ops: the checks reject wrong rules") {
  const auto with = [](int mistake) {
    return measure({"wrong", "", [=](const Vars& x) { return apply(Wrong(mistake), x[0]); }, in_range({{3}})}, key(3));
  };
  const Errors right = with(0);
  CHECK(std::max({right.adjoint, right.mixes, right.zeros}) <= 1e-12);
  CHECK(with(1).adjoint > 1e-12);
  CHECK(with(2).difference > 1e-7);
  CHECK(with(3).mixes > 1e-10);
  CHECK(with(4).mixes > 1e-10);
  CHECK(with(4).second > 1e-6);
}

TEST_CASE("autodiff ops: every op has a row that records it") {
  std::set<std::string> covered;
  for (const Row& row : all_rows()) {
    if (row.op.empty()) continue;
    INFO("row: ", row.name);
    CHECK(records(row, row.op, key(11)));
    covered.insert(row.op);
  }
  for (const std::string& name : op_names()) {
    INFO("op without a row: ", name);
    CHECK(covered.count(name) == 1);
  }
}

TEST_SUITE_END();
