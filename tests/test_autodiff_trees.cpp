#include <doctest/doctest.h>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/autodiff/tree.h>

using namespace glocal;

namespace {

Var number(double value) { return Tensor::scalar(value, DType::f64); }

struct Layer {
  Var weight, bias;
  auto fields() { return std::tie(weight, bias); }
};

struct Model {
  std::vector<Layer> layers;
  std::optional<Var> scale;
  std::array<Var, 2> ends;
  std::pair<Var, Layer> tail;
  std::tuple<Var, std::vector<Var>> rest;
  int width = 3;  // not a leaf
  auto fields() { return std::tie(layers, scale, ends, tail, rest); }
};

Model model() {
  return {{{number(1), number(2)}, {number(3), number(4)}},
          number(5),
          {number(6), number(7)},
          {number(8), {number(9), number(10)}},
          {number(11), {number(12), number(13)}}};
}

std::vector<double> leaves(const Model& m) {
  std::vector<double> values;
  for (const Var& v : flatten(m)) values.push_back(v.item());
  return values;
}

}  // namespace

static_assert(Tree<Var> && Tree<Vars> && Tree<Model> && Tree<std::pair<Model, Vars>> && Tree<std::optional<Layer>>);
static_assert(!Tree<double> && !Tree<Tensor> && !Tree<std::pair<Var, int>> && !Tree<std::vector<double>>);

TEST_SUITE_BEGIN("fast");

TEST_CASE("autodiff trees: leaves come in the order of the fields") {
  CHECK(leaves(model()) == std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13});
  Model without = model();
  without.scale.reset();
  CHECK(flatten(without).size() == 12);
}

TEST_CASE("autodiff trees: unflatten rebuilds the structure and checks the count") {
  Vars reversed = flatten(model());
  std::reverse(reversed.begin(), reversed.end());
  const Model m = unflatten(model(), reversed);
  CHECK(leaves(m) == std::vector<double>{13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1});
  CHECK(m.width == 3);
  CHECK(m.tail.second.bias.item() == 4);
  reversed.pop_back();
  CHECK_THROWS_AS(unflatten(model(), reversed), ShapeError);
  reversed.insert(reversed.end(), 2, number(0));
  CHECK_THROWS_AS(unflatten(model(), reversed), ShapeError);
}

TEST_CASE("autodiff trees: map_leaves joins trees leaf by leaf") {
  const Model sum = map_leaves([](const Var& a, const Var& b) { return a + 2.0 * b; }, model(), model());
  CHECK(leaves(sum) == std::vector<double>{3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39});
  CHECK_THROWS_AS(map_leaves(plus, Vars{number(1)}, Vars{number(1), number(2)}), ShapeError);
}

TEST_CASE("autodiff trees: the gradient of a model is a model") {
  const auto loss = [](const Model& m) {
    Var sum = number(0);
    for (const Var& v : flatten(m)) sum = sum + v * square(v);
    return sum;
  };
  const Model g = grad(loss)(model());
  const std::vector<double> x = leaves(model()), gx = leaves(g);
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(gx[i] == 3 * x[i] * x[i]);
  CHECK(leaves(hvp(loss, model(), model()))[12] == 6 * 13 * 13);
}

TEST_CASE("autodiff trees: a leaf that does not enter has gradient zero of its shape") {
  const Layer at{Tensor::full({2, 3}, 2, DType::f64), Tensor::full({4}, 5, DType::f64)};
  const Layer g = grad([](const Layer& l) { return sum(square(l.weight)); })(at);
  CHECK(g.weight.value().at(5) == 4);
  CHECK(g.bias.shape() == Shape{4});
  CHECK(sum(abs(g.bias)).item() == 0);
}

TEST_CASE("autodiff trees: results may be trees, and extras pass through") {
  const auto f = [](const Vars& x) { return std::pair(x[0] * x[1], std::vector<Var>{x[0], number(7)}); };
  const Vars at{number(3), number(4)};
  const auto [y, dy] = jvp(f, at, {number(1), number(10)});
  CHECK(y.first.item() == 12);
  CHECK(dy.first.item() == 34);
  CHECK(dy.second[0].item() == 1);
  CHECK(dy.second[1].item() == 0);
  const auto [value, gradient] = value_and_grad(f)(at);
  CHECK(value.second[1].item() == 7);
  CHECK(gradient[0].item() == 4);
  CHECK(gradient[1].item() == 3);
}

TEST_SUITE_END();
