// Tensors without elements, in every op: a defined value with derivatives to second order, or a typed error. And sizes
// whose products leave 64 bits.
#include <set>

#include <glocal/core/linalg/lapack.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/models/lenet.h>
#include <glocal/optim/clip.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/rules/registry.h>

#include "hard_cases.h"

using namespace glocal;
using namespace glocal::hard;

namespace {

constexpr DType f64 = DType::f64;

struct Row {
  std::string name;
  std::vector<Shape> inputs;
  std::function<Var(const Vars&)> f;
  bool refused = false;
};
using Rows = std::vector<Row>;

Vars ones_of(const std::vector<Shape>& shapes) {
  Vars x;
  for (const Shape& s : shapes) x.push_back(Tensor::full(s, 0.5, f64));
  return x;
}

void collect(const Function& f, In x, std::set<std::string>& names) {
  const Recording r = record(f, x);
  for (std::size_t i = 0; i < r.tape->size(); ++i) names.insert(r.tape->rule(i).name());
}

// Everything of f to second order; the names of the ops on the way.
void run(const Row& row, std::set<std::string>& names) {
  const Vars x = ones_of(row.inputs);
  const Var y = row.f(x), gy = ones_like(y);
  const auto [again, dy] = jvp(row.f, x, x);
  const Vars gx = vjp(row.f, x).second(gy);
  const auto total = [&](const Vars& v) { return sum(square(row.f(v))); };
  const Vars hv = hvp(total, x, x);
  CHECK(dy.shape() == y.shape());
  for (std::size_t i = 0; i < x.size(); ++i) {
    CHECK(gx[i].shape() == x[i].shape());
    CHECK(hv[i].shape() == x[i].shape());
    CHECK(is_finite(gx[i].value()));
    CHECK(is_finite(hv[i].value()));
  }
  CHECK(is_finite(y.value()));
  CHECK(is_finite(dy.value()));
  collect([&](const Vars& v) { return Vars{row.f(v)}; }, x, names);
  collect([&](const Vars& v) { return Vars{jvp(row.f, v, x).second}; }, x, names);
  collect([&](const Vars& v) { return vjp(row.f, v).second(gy); }, x, names);
  collect([&](const Vars& v) { return hvp(total, v, x); }, x, names);
}

void check(const Rows& rows, std::set<std::string>& names) {
  for (const Row& row : rows) {
    INFO(row.name);
    bool refused = false;
    try {
      run(row, names);
    } catch (const Error& e) {
      refused = true;
      INFO(e.what());
      CHECK(row.refused);
    }
    CHECK(refused == row.refused);
  }
}

Tensor no_index() { return Tensor(Shape{0}, DType::i32); }

Rows elementwise() {
  Rows rows;
  for (const Shape& s : {Shape{0}, {0, 3}, {2, 0, 3}}) {
    using F = Var (*)(const Var&);
    for (const F f : {F(exp), F(log), F(log1p), F(sqrt), F(rsqrt), F(reciprocal), F(square), F(abs), F(sign), F(sin),
                      F(cos), F(erf), F(relu), F(gelu), F(silu), F(softplus), F(sigmoid), F(tanh), F(neg)})
      rows.push_back({"unary", {s}, [f](const Vars& x) { return f(x[0]); }});
    using G = Var (*)(const Var&, const Var&);
    for (const G f : {G(add), G(sub), G(mul), G(div), G(minimum), G(maximum), G(pow)}) {
      rows.push_back({"binary", {s, s}, [f](const Vars& x) { return f(x[0], x[1]); }});
      rows.push_back({"binary with one number", {s, {}}, [f](const Vars& x) { return f(x[0], x[1]); }});
      rows.push_back({"binary of one number", {{1, 1}, {2, 0}}, [f](const Vars& x) { return f(x[0], x[1]); }});
      rows.push_back({"binary broadcast", {{2, 1}, {1, 0}}, [f](const Vars& x) { return f(x[0], x[1]); }});
    }
    rows.push_back({"leaky_relu", {s}, [](const Vars& x) { return leaky_relu(x[0]); }});
    rows.push_back({"elu", {s}, [](const Vars& x) { return elu(x[0]); }});
    rows.push_back({"power", {s}, [](const Vars& x) { return pow(x[0], 2.5); }});
    rows.push_back({"scale, shift", {s}, [](const Vars& x) { return scale(x[0], 2) + 1; }});
    rows.push_back({"clamp", {s}, [](const Vars& x) { return clamp(x[0], 0, 1); }});
    rows.push_back({"where", {s, s}, [s](const Vars& x) { return where(Tensor::ones(s, DType::i32), x[0], x[1]); }});
    rows.push_back({"where of one", {s}, [s](const Vars& x) {
                      return where(Tensor::ones(s, DType::i32), x[0], zeros_like(x[0]));
                    }});
    rows.push_back({"axpy", {{}, s, s}, [](const Vars& x) { return axpy(x[0], x[1], x[2]); }});
    rows.push_back({"dot", {s, s}, [](const Vars& x) { return dot(x[0], x[1]); }});
  }
  rows.push_back({"mixed shapes", {{0}, {3}}, [](const Vars& x) { return x[0] + x[1]; }, true});
  return rows;
}

Rows shapes_and_sums() {
  const Shape s{2, 0, 3};
  Rows rows{{"sum", {s}, [](const Vars& x) { return sum(x[0]); }},
            {"sum of no axis", {s}, [](const Vars& x) { return sum(x[0], {0}); }},
            {"sum of the empty axis", {s}, [](const Vars& x) { return sum(x[0], {1}, true); }},
            {"mean of another axis", {s}, [](const Vars& x) { return mean(x[0], {0}); }},
            {"mean of nothing", {s}, [](const Vars& x) { return mean(x[0]); }, true},
            {"mean of the empty axis", {s}, [](const Vars& x) { return mean(x[0], {1}); }, true},
            {"max of another axis", {s}, [](const Vars& x) { return max(x[0], 2); }},
            {"max of the empty axis", {s}, [](const Vars& x) { return max(x[0], 1); }, true},
            {"logsumexp of another axis", {s}, [](const Vars& x) { return logsumexp(x[0], 0); }},
            {"logsumexp of the empty axis", {s}, [](const Vars& x) { return logsumexp(x[0], 1); }, true},
            {"broadcast_to",
             {{1, 3}},
             [](const Vars& x) {
               return broadcast_to(x[0], {0, 3});
             }},
            {"broadcast_to of none",
             {{0, 1}},
             [](const Vars& x) {
               return broadcast_to(x[0], {2, 0, 3});
             }},
            {"sum_to",
             {{0, 3}},
             [](const Vars& x) {
               return sum_to(x[0], {1, 3});
             }},
            {"sum_to one", {{2, 0}}, [](const Vars& x) { return sum_to(x[0], {}); }},
            {"reshape",
             {s},
             [](const Vars& x) {
               return reshape(x[0], Shape{0, 7});
             }},
            {"reshape inferred",
             {s},
             [](const Vars& x) {
               return reshape(x[0], {0, -1});
             },
             true},
            {"reshape to more", {s}, [](const Vars& x) { return reshape(x[0], Shape{6}); }, true},
            {"flatten_from", {s}, [](const Vars& x) { return flatten_from(x[0], 1); }},
            {"permute",
             {s},
             [](const Vars& x) {
               return permute(x[0], {1, 2, 0});
             }},
            {"transpose", {s}, [](const Vars& x) { return transpose(x[0]); }},
            {"slice to nothing", {{3, 2}}, [](const Vars& x) { return slice(x[0], 0, 2, 2); }},
            {"slice of nothing", {s}, [](const Vars& x) { return slice(x[0], 0, 0, 1); }},
            {"pad", {{2, 0}}, [](const Vars& x) { return pad(x[0], 1, 2, 1); }},
            {"concat", {{2, 0}, {2, 3}, {2, 0}}, [](const Vars& x) { return concat(x, 1); }},
            {"concat of nothing", {{2, 0}, {2, 0}}, [](const Vars& x) { return concat(x, 1); }},
            {"stack", {{0}, {0}}, [](const Vars& x) { return stack(x, 0); }},
            {"take", {{3}}, [](const Vars& x) { return take(x[0], no_index(), {0}); }},
            {"take from nothing",
             {{0}},
             [](const Vars& x) {
               return take(x[0], Tensor::from(std::vector<std::int32_t>{-1, -1}, {2}), {2});
             }},
            {"take from nothing what is not there",
             {{0}},
             [](const Vars& x) { return take(x[0], Tensor::from(std::vector<std::int32_t>{0}, {1}), {1}); },
             true},
            {"put", {{0}}, [](const Vars& x) { return put(x[0], no_index(), {3}); }},
            {"gather", {{3, 2}}, [](const Vars& x) { return gather(x[0], 0, no_index()); }},
            {"gather of nothing",
             {{3, 0}},
             [](const Vars& x) {
               return gather(x[0], 0, Tensor::from(std::vector<std::int32_t>{2, 2}, {2}));
             }},
            {"gather from nothing",
             {{0, 2}},
             [](const Vars& x) { return gather(x[0], 0, Tensor::from(std::vector<std::int32_t>{0}, {1})); },
             true},
            {"scatter", {{0, 2}}, [](const Vars& x) { return scatter(x[0], 0, no_index(), 3); }}};
  return rows;
}

Rows products() {
  Rows rows;
  for (const auto& [m, k, n] : {std::array<std::int64_t, 3>{2, 0, 3}, {0, 2, 3}, {2, 3, 0}, {0, 0, 0}, {0, 0, 2}})
    for (const bool ta : {false, true})
      for (const bool tb : {false, true}) {
        const Shape a = ta ? Shape{k, m} : Shape{m, k}, b = tb ? Shape{n, k} : Shape{k, n};
        rows.push_back({"matmul", {a, b}, [=](const Vars& x) { return matmul(x[0], x[1], ta, tb); }});
        const Shape batch_a{2, a[0], a[1]}, no_a{0, a[0], a[1]};
        rows.push_back({"matmul of a batch", {batch_a, b}, [=](const Vars& x) { return matmul(x[0], x[1], ta, tb); }});
        rows.push_back({"matmul of no batch", {no_a, b}, [=](const Vars& x) { return matmul(x[0], x[1], ta, tb); }});
      }
  for (const auto& [n, k, m] : {std::array<std::int64_t, 3>{0, 4, 2}, {3, 0, 2}, {3, 4, 0}, {0, 0, 0}})
    rows.push_back({"linear", {{n, k}, {k, m}, {m}}, [](const Vars& x) { return linear(x[0], x[1], x[2]); }});
  return rows;
}

Rows images() {
  Rows rows;
  const auto conv = [](const Vars& x) { return conv2d(x[0], x[1]); };
  rows.push_back({"conv2d of no image", {{0, 2, 5, 5}, {3, 2, 3, 3}}, conv});
  rows.push_back({"conv2d with a bias of no image", {{0, 2, 5, 5}, {3, 2, 3, 3}, {3}}, [](const Vars& x) {
                    return conv2d(x[0], x[1], x[2], {});
                  }});
  rows.push_back({"conv2d to no channel", {{2, 2, 5, 5}, {0, 2, 3, 3}}, conv});
  rows.push_back({"conv2d_input of no image", {{0, 3, 3, 3}, {3, 2, 3, 3}}, [](const Vars& x) {
                    return conv2d_input(x[0], x[1], {0, 2, 5, 5});
                  }});
  rows.push_back({"conv2d_weight of no image", {{0, 2, 5, 5}, {0, 3, 3, 3}}, [](const Vars& x) {
                    return conv2d_weight(x[0], x[1], {3, 2, 3, 3});
                  }});
  rows.push_back({"conv2d of an empty image", {{2, 2, 0, 5}, {3, 2, 3, 3}}, conv, true});
  rows.push_back({"conv2d by an empty kernel", {{2, 2, 5, 5}, {3, 2, 0, 3}}, conv, true});
  rows.push_back({"conv2d_max_pool of no image", {{0, 1, 3, 3}, {2, 1, 2, 2}, {2}}, [](const Vars& x) {
                    return conv2d_max_pool(x[0], x[1], x[2]);
                  }});
  rows.push_back({"max_pool2d of no image", {{0, 2, 4, 4}}, [](const Vars& x) { return max_pool2d(x[0]); }});
  rows.push_back({"max_pool2d of no channel", {{2, 0, 4, 4}}, [](const Vars& x) { return max_pool2d(x[0]); }});
  rows.push_back(
      {"max_pool2d of an empty image", {{2, 2, 0, 4}}, [](const Vars& x) { return max_pool2d(x[0]); }, true});
  rows.push_back({"avg_pool2d of no image", {{0, 2, 4, 4}}, [](const Vars& x) { return avg_pool2d(x[0]); }});
  rows.push_back(
      {"avg_pool2d of an empty image", {{2, 2, 4, 0}}, [](const Vars& x) { return avg_pool2d(x[0]); }, true});
  rows.push_back({"avg_pool2d_input of no image", {{0, 2, 2, 2}}, [](const Vars& x) {
                    return avg_pool2d_input(x[0], {0, 2, 4, 4});
                  }});
  rows.push_back({"global_avg_pool of no image", {{0, 2, 4, 4}}, [](const Vars& x) { return global_avg_pool(x[0]); }});
  rows.push_back(
      {"global_avg_pool of an empty image", {{1, 2, 0, 4}}, [](const Vars& x) { return global_avg_pool(x[0]); }, true});
  rows.push_back({"add_bias", {{0, 3}, {3}}, [](const Vars& x) { return add_bias(x[0], x[1]); }});
  rows.push_back({"add_bias of no channel", {{2, 0, 4}, {0}}, [](const Vars& x) { return add_bias(x[0], x[1]); }});
  rows.push_back(
      {"channel_affine", {{0, 3}, {3}, {3}}, [](const Vars& x) { return channel_affine(x[0], x[1], x[2]); }});
  rows.push_back({"channel_affine of no channel", {{2, 0}, {0}, {0}}, [](const Vars& x) {
                    return channel_affine(x[0], x[1], x[2], true);
                  }});
  return rows;
}

Rows losses_and_norms() {
  const auto cross = [](const Vars& x) { return softmax_cross_entropy(x[0], x[1]); };
  return {{"softmax of no row", {{0, 3}}, [](const Vars& x) { return softmax(x[0]); }},
          {"softmax_lin of no row", {{0, 3}, {0, 3}}, [](const Vars& x) { return softmax_lin(x[0], x[1]); }},
          {"softmax of empty rows", {{3, 0}}, [](const Vars& x) { return softmax(x[0]); }, true},
          {"log_softmax of no row", {{0, 3}}, [](const Vars& x) { return log_softmax(x[0]); }},
          {"log_softmax of empty rows", {{3, 0}}, [](const Vars& x) { return log_softmax(x[0]); }, true},
          {"cross entropies of no row", {{0, 3}, {0, 3}}, cross},
          {"cross entropies of empty rows", {{3, 0}, {3, 0}}, cross, true},
          {"cross entropy of an empty batch",
           {{0, 3}},
           [](const Vars& x) { return nn::cross_entropy(x[0], no_index()); },
           true},
          {"mse of nothing", {{0}, {0}}, [](const Vars& x) { return nn::mse(x[0], x[1]); }, true},
          {"bce of nothing", {{0}, {0}}, [](const Vars& x) { return nn::bce_with_logits(x[0], x[1]); }, true},
          {"penalties of nothing", {{0}}, [](const Vars& x) { return nn::l2_penalty(x[0]) + nn::l1_penalty(x[0]); }},
          {"normalize of no row", {{0, 3}}, [](const Vars& x) { return normalize(x[0], {1}, 1e-5); }},
          {"normalize of nothing", {{0, 3}}, [](const Vars& x) { return normalize(x[0], {0}, 1e-5); }},
          {"batch_norm of no image",
           {{0, 3}, {3}, {3}},
           [](const Vars& x) { return batch_norm(x[0], x[1], x[2], 1e-5).y; },
           true},
          {"batch_norm of no channel",
           {{4, 0}, {0}, {0}},
           [](const Vars& x) { return batch_norm(x[0], x[1], x[2], 1e-5).y; },
           true},
          {"clip", {{0}, {2}}, [](const Vars& x) {
             return sum(optim::clip_by_global_norm(x, Tensor::scalar(0.1, f64)).grads[1]);
           }}};
}

// Empty, but not along every axis: as many rows of nothing as fit a shape.
Rows rows_of_nothing() {
  constexpr std::int64_t many = std::int64_t{1} << 50;
  const Tensor twice = Tensor::from(std::vector<std::int32_t>{1, 1}, {2});
  return {{"broadcast_to",
           {{1, 0}},
           [](const Vars& x) {
             return broadcast_to(x[0], Shape{many, 0});
           }},
          {"broadcast_to in between",
           {{2, 1, 0}},
           [](const Vars& x) {
             return broadcast_to(x[0], {2, many, 0});
           }},
          {"broadcast_to of no row",
           {{0, 1}},
           [](const Vars& x) {
             return broadcast_to(x[0], Shape{0, many});
           }},
          {"sum of the rows", {{many, 0}}, [](const Vars& x) { return sum(x[0], {0}); }},
          {"sum", {{many, 0, 2}}, [](const Vars& x) { return sum(x[0]); }},
          {"max", {{many, 0}}, [](const Vars& x) { return max(x[0], 0); }},
          {"logsumexp", {{many, 0}}, [](const Vars& x) { return logsumexp(x[0], 0); }},
          {"permute",
           {{many, 0, 2}},
           [](const Vars& x) {
             return permute(x[0], {2, 1, 0});
           }},
          {"slice", {{many, 0}}, [](const Vars& x) { return slice(x[0], 0, 1, many); }},
          {"pad", {{many, 0}}, [](const Vars& x) { return pad(x[0], 0, 1, 2); }},
          {"concat", {{many, 0}, {2, 0}}, [](const Vars& x) { return concat(x, 0); }},
          {"concat of columns", {{many, 0}, {many, 0}}, [](const Vars& x) { return concat(x, 1); }},
          {"stack", {{many, 0}, {many, 0}}, [](const Vars& x) { return stack(x, 1); }},
          {"take",
           {{many, 0}},
           [](const Vars& x) {
             return take(x[0], no_index(), Shape{0, many});
           }},
          {"put",
           {{0}},
           [](const Vars& x) {
             return put(x[0], no_index(), Shape{many, 0});
           }},
          {"gather", {{many, 2, 0}}, [twice](const Vars& x) { return gather(x[0], 1, twice); }},
          {"gather of none", {{many, 0}}, [](const Vars& x) { return gather(x[0], 1, no_index()); }},
          {"scatter", {{many, 2, 0}}, [twice](const Vars& x) { return scatter(x[0], 1, twice, 3); }},
          {"matmul", {{many, 0, 2}, {2, 3}}, [](const Vars& x) { return matmul(x[0], x[1]); }},
          {"matmul of pairs", {{many, 2, 0}, {many, 0, 0}}, [](const Vars& x) { return matmul(x[0], x[1]); }},
          {"linear", {{many, 0}, {0, 0}, {0}}, [](const Vars& x) { return linear(x[0], x[1], x[2]); }},
          {"add_bias", {{many, 0}, {0}}, [](const Vars& x) { return add_bias(x[0], x[1]); }},
          {"add_bias of no row", {{0, 3, many}, {3}}, [](const Vars& x) { return add_bias(x[0], x[1]); }},
          {"channel_affine", {{many, 0}, {0}, {0}}, [](const Vars& x) { return channel_affine(x[0], x[1], x[2]); }},
          {"normalize", {{many, 0}}, [](const Vars& x) { return normalize(x[0], {0}, 1e-5); }},
          {"softmax of no row", {{0, many}}, [](const Vars& x) { return softmax(x[0]); }},
          {"sum of two", {{many, 0}, {1, 1}}, [](const Vars& x) { return x[0] * x[1]; }},
          {"conv2d to no channel", {{2, 0, 3, 9}, {0, 0, 3, 3}}, [](const Vars& x) { return conv2d(x[0], x[1]); }},
          {"conv2d of wide images", {{0, 2, 3, many}, {3, 2, 3, 3}}, [](const Vars& x) { return conv2d(x[0], x[1]); }},
          {"max_pool2d", {{many, 0, 4, 4}}, [](const Vars& x) { return max_pool2d(x[0]); }},
          {"max_pool2d of wide images", {{0, 2, 4, many}}, [](const Vars& x) { return max_pool2d(x[0]); }},
          {"avg_pool2d", {{many, 0, 4, 4}}, [](const Vars& x) { return avg_pool2d(x[0]); }}};
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("hard case: no elements: elementwise ops") {
    std::set<std::string> names;
    check(elementwise(), names);
  }
  TEST_CASE("hard case: no elements: shapes, indices and sums") {
    std::set<std::string> names;
    check(shapes_and_sums(), names);
  }
  TEST_CASE("hard case: no elements: matrix products") {
    std::set<std::string> names;
    check(products(), names);
  }
  TEST_CASE("hard case: no elements: convolutions, pools and channels") {
    std::set<std::string> names;
    check(images(), names);
  }
  TEST_CASE("hard case: no elements: losses and normalisations") {
    std::set<std::string> names;
    check(losses_and_norms(), names);
  }

  TEST_CASE("hard case: no elements: many rows of nothing take no time") {
    std::set<std::string> names;
    check(rows_of_nothing(), names);
  }

  TEST_CASE("hard case: no elements: update rules") {
    for (const std::string& name : optim::optimizer_names()) {
      CAPTURE(name);
      const optim::Optimizer rule = optim::make_optimizer(name);
      const Vars params{Tensor({0, 3}, f64), Tensor::full({2}, 0.5, f64), Tensor::full({1, 2}, 0.5, f64)};
      const std::function<optim::Evaluation(const Vars&)> seen = [&](const Vars&) {
        return optim::Evaluation{params, Var(Tensor::scalar(1, f64)), seen};
      };
      Vars hyper;
      for (const auto& h : rule.hyper) hyper.push_back(Tensor::scalar(h.initial, f64));
      const optim::Step next = rule.step(hyper, params, seen(params), rule.init(params), 1);
      CHECK(next.params[0].shape() == Shape{0, 3});
      for (const Var& w : next.params) CHECK(is_finite(w.value()));
    }
  }

  TEST_CASE("hard case: no elements: every op has been tried") {
    std::set<std::string> names;
    for (const auto family : {elementwise, shapes_and_sums, products, images, losses_and_norms}) check(family(), names);
    // An empty batch goes by conv2d and max_pool2d; the next ones start from batch_norm or normalize, which refuse
    // tensors without elements or return them as they are; the update rules have a case of their own.
    const std::set<std::string> elsewhere{"conv2d_max_pool", "channel_moments", "normalize",     "normalize_bend",
                                          "normalize_form",  "normalize_gate",  "normalize_lin", "normalize_sums",
                                          "sgd_update",      "nesterov_update", "adam_update",   "adamw_update",
                                          "rmsprop_update",  "adagrad_update"};
    for (const std::string& name : op_names()) {
      INFO("op never tried without elements: ", name);
      CHECK(names.count(name) + elsewhere.count(name) == 1);
    }
  }

  TEST_CASE("hard case: shapes whose strides in bytes leave 64 bits are refused, empty ones too") {
    constexpr std::int64_t big = std::int64_t{1} << 32, most = std::numeric_limits<std::int64_t>::max();
    CHECK_THROWS_AS(Shape({big, big}), ShapeError);
    CHECK_THROWS_AS(Shape({most, 2}), ShapeError);
    CHECK_THROWS_AS(Shape({most, most, most}), ShapeError);
    CHECK_THROWS_AS(Shape({big, big / 2, 1}), ShapeError);  // exactly 2^63
    CHECK_THROWS_AS(Shape({0, big, big}), ShapeError);
    CHECK_THROWS_AS(Shape({-1}), ShapeError);
    const Var x = Tensor::ones({1, 1}, f64), none = Tensor({0, 1}, f64);
    CHECK_THROWS_AS(broadcast_to(x, {big, big}), ShapeError);
    CHECK_THROWS_AS(broadcast_to(none, {0, most}) + broadcast_to(Tensor::ones({1}, f64), {big, big}), ShapeError);
    CHECK_THROWS_AS(pad(x, 0, most, most), ShapeError);
    CHECK_THROWS_AS(pad(x, 0, most / 2 + 1, most / 2 + 1), ShapeError);  // together exactly 2^63
    CHECK_THROWS_AS(pad(x, 0, most, 0), Error);
    CHECK_THROWS_AS(pad(Tensor({1, 0}, f64), 0, most / 2, 0), ShapeError);  // empty, but its strides overflow
    CHECK(slice(pad(Tensor({1, 0}, f64), 0, most / 32, 0), 0, most / 64, most / 32).shape() == Shape{most / 64 + 1, 0});
    CHECK_THROWS_AS(reshape(none, Shape({0, big, big})), ShapeError);
    CHECK_THROWS_AS(Tensor(Shape{most}, f64), Error);  // bytes overflow
    CHECK_THROWS_AS(Tensor(Shape{most / 8 + 1}, f64), Error);
    CHECK_THROWS_AS(scatter(Tensor::ones({1, 4}, f64), 0, Tensor::from(std::vector<std::int32_t>{0}, {1}), most),
                    Error);
    CHECK_THROWS_AS(one_hot(Tensor::zeros({4}, DType::i32), most, f64), Error);
    CHECK_THROWS_AS(conv2d(Tensor::ones({1, 1, 3, 3}, f64), Tensor::ones({1, 1, 2, 2}, f64), {.padding = {most, 0}}),
                    Error);
    CHECK_THROWS_AS(conv2d(Tensor::ones({1, 1, 3, 3}, f64), Tensor::ones({1, 1, 2, 2}, f64), {.dilation = {most, 1}}),
                    Error);
    const Var image = Tensor::ones({1, 1, 3, 3}, f64), one_tap = Tensor::ones({1, 1, 1, 1}, f64);
    constexpr std::int64_t far = std::int64_t{1} << 40;
    CHECK_THROWS_AS(conv2d(image, one_tap, {.stride = {far, far}, .padding = {far, far}}), ShapeError);
    CHECK(conv2d(image, one_tap, {.stride = {most / 2 + 1, most}, .dilation = {most, far}}).item() == 1);
    CHECK_THROWS_AS(max_pool2d(Tensor::ones({1, 1, 3, 3}, f64), {.kernel = {most, 1}}), Error);
    CHECK_THROWS_AS(max_pool2d(Tensor::ones({1, 1, 3, 3}, f64), {.padding = {most, most}}), Error);
    CHECK_THROWS_AS(lapack::CMatrix(big, big), ShapeError);
    CHECK_THROWS_AS(lapack::svd(Tensor(Shape{0, std::int64_t{1} << 31}, f64)), ShapeError);
  }
}
