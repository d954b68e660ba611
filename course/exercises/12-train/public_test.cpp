#include EXERCISE
#include "check.h"
#include "picture.h"

using course::close;

namespace {
const datasets::Dataset digits = datasets::load("digits", datasets::Part::train);
const datasets::BatchOrder order(digits.size(), 64, key(3));
}  // namespace

TEST_CASE("logits [2 points]") {
  const Vars w{ones_like(Var(Tensor::zeros({64, 2}, DType::f32))), Tensor::from<float>({-1, -1000}, {2}),
               Tensor::full({2, 10}, 2, DType::f32), Tensor::zeros({10}, DType::f32)};
  const Var x = Tensor::full({1, 1, 8, 8}, 0.5, DType::f32);  // hidden: relu(32 - 1) = 31 and relu(32 - 1000) = 0
  close("logits", logits(w, x), Tensor::full({1, 10}, 62, DType::f32), 1e-6,
        {{Tensor::full({1, 10}, -1874, DType::f32), "The relu after the first layer is missing."}});
}

TEST_CASE("the batch is a function of the step [1 points]") {
  const auto again = batch_of(digits, order, 5), first = batch_of(digits, order, 5), other = batch_of(digits, order, 6);
  close("step 5 twice", again.y, first.y);
  CHECK(!(course::difference(first.y, other.y, 0) == ""));
}

TEST_CASE("300 steps on the digits, drawn [3 points]") {
  const Trained trained = train(digits, order, initial_weights(32), 0.2, 300);
  REQUIRE(trained.losses.size() == 300);
  course::Picture picture{"Training on digits", "step", "loss of the batch", {{"lr = 0.2", {}}}};
  for (std::size_t t = 0; t < 300; ++t) picture.lines[0].points.emplace_back(static_cast<double>(t), trained.losses[t]);
  MESSAGE("look at ", course::draw(picture, "training.svg"));
  CHECK(trained.losses.front() > 2);
  const auto test = datasets::load("digits", datasets::Part::test).all();
  const double accuracy = nn::accuracy(logits(trained.w, test.x).value(), test.y);
  MESSAGE("test accuracy ", accuracy);
  CHECK(accuracy > 0.85);
}
