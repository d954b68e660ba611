// Losses against their formulas written out, derivatives in every option, extremes, typed errors.
#include <doctest/doctest.h>

#include <cmath>

#include <glocal/nn/loss.h>

#include "layer_check.h"

using namespace glocal;
using namespace glocal::nn;
using namespace glocal::gradcheck;

namespace {

constexpr DType f64 = DType::f64;
const Tensor labels = Tensor::from<std::int32_t>({2, 0, 1, 2}, {4});

// sum_n s_n sum_k t_nk w_k (-log p_nk) / sum_n s_n w_label, with t = (1 - eps) one_hot + eps / K.
double reference(const Tensor& x, double eps, const Tensor& w, const Tensor& s) {
  const std::int64_t classes = x.dim(1);
  double total = 0, weight = 0;
  for (std::int64_t n = 0; n < x.dim(0); ++n) {
    double z = 0;
    for (std::int64_t k = 0; k < classes; ++k) z += std::exp(x.at(n * classes + k));
    const std::int64_t label = labels.data<std::int32_t>()[n];
    for (std::int64_t k = 0; k < classes; ++k) {
      const double target = (k == label ? 1 - eps : 0) + eps / static_cast<double>(classes);
      total -= s.at(n) * target * w.at(k) * (x.at(n * classes + k) - std::log(z));
    }
    weight += s.at(n) * w.at(label);
  }
  return total / weight;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("nn cross_entropy: every combination of options against the formula") {
    const Tensor x = normal(key(1), {4, 3}, 0, 2, f64);
    const Tensor ones3 = Tensor::ones({3}, f64), ones4 = Tensor::ones({4}, f64);
    const Tensor w = uniform(key(2), {3}, 0.5, 2, f64), s = uniform(key(3), {4}, 0, 1, f64);
    const Var eps = Tensor::scalar(0.1, f64);
    const auto close = [](double v) { return doctest::Approx(v).epsilon(1e-13); };
    CHECK(cross_entropy(x, labels).item() == close(reference(x, 0, ones3, ones4)));
    CHECK(cross_entropy(x, labels, {.label_smoothing = eps}).item() == close(reference(x, 0.1, ones3, ones4)));
    CHECK(cross_entropy(x, labels, {.class_weights = w}).item() == close(reference(x, 0, w, ones4)));
    CHECK(cross_entropy(x, labels, {.sample_weights = s}).item() == close(reference(x, 0, ones3, s)));
    CHECK(cross_entropy(x, labels, {.label_smoothing = eps, .class_weights = w}).item() ==
          close(reference(x, 0.1, w, ones4)));
    CHECK(cross_entropy(x, labels, {.label_smoothing = eps, .class_weights = w, .sample_weights = s}).item() ==
          close(reference(x, 0.1, w, s)));
  }

  TEST_CASE("nn cross_entropy: large logits stay exact") {
    const Tensor x = Tensor::from<float>({1e4F, -1e4F, 0, 1e4F, 0, 0}, {2, 3});
    const Tensor right_and_wrong = Tensor::from<std::int32_t>({0, 1}, {2});
    CHECK(cross_entropy(x, right_and_wrong).item() == doctest::Approx(5000));
  }

  TEST_CASE("nn mse and bce_with_logits: values, and extremes of bce") {
    const Tensor a = normal(key(1), {3, 2}, 0, 1, f64), b = uniform(key(2), {3, 2}, 0, 1, f64);
    double squares = 0, entropy = 0;
    for (std::int64_t i = 0; i < 6; ++i) {
      squares += (a.at(i) - b.at(i)) * (a.at(i) - b.at(i)) / 6;
      const double p = 1 / (1 + std::exp(-a.at(i)));
      entropy -= (b.at(i) * std::log(p) + (1 - b.at(i)) * std::log(1 - p)) / 6;
    }
    CHECK(mse(a, b).item() == doctest::Approx(squares).epsilon(1e-14));
    CHECK(bce_with_logits(a, b).item() == doctest::Approx(entropy).epsilon(1e-13));
    const Tensor far = Tensor::from<float>({1000, -1000, 1000, -1000}, {4}), t = Tensor::from<float>({1, 0, 0, 1}, {4});
    CHECK(bce_with_logits(far, t).item() == 500);
  }

  TEST_CASE("nn accuracy: counts the rows whose largest logit is at the label") {
    const Tensor x = Tensor::from<float>({0, 1, 2, 5, 1, 1, 0, 1, 0, 3, 2, 1}, {4, 3});
    CHECK(accuracy(x, labels) == 0.75);
  }

  TEST_CASE("nn losses: bad labels, batches and weights are refused") {
    const Tensor x = Tensor::zeros({4, 3});
    const auto bad = [](std::int32_t label) { return Tensor::from<std::int32_t>({0, label, 1, 2}, {4}); };
    CHECK_THROWS_WITH_AS(cross_entropy(x, bad(3)), "[cross_entropy] label 3 of sample 1 is outside 0..2", ValueError);
    CHECK_THROWS_AS(cross_entropy(x, bad(-1)), ValueError);
    CHECK_THROWS_AS(accuracy(x, bad(7)), ValueError);
    CHECK_THROWS_WITH_AS(cross_entropy(Tensor::zeros({5, 3}), labels),
                         "[cross_entropy] logits (5, 3) need labels of shape (5,), labels have shape (4,)", ShapeError);
    CHECK_THROWS_AS(cross_entropy(Tensor::zeros({4}), labels), ShapeError);
    CHECK_THROWS_AS(cross_entropy(Tensor::zeros({0, 3}), Tensor::zeros({0}, DType::i32)), ShapeError);
    CHECK_THROWS_AS(cross_entropy(x, labels.to(DType::f32)), DTypeError);
    CHECK_THROWS_AS(cross_entropy(x, labels, {.label_smoothing = Tensor::scalar(1.5)}), ValueError);
    CHECK_THROWS_AS(cross_entropy(x, labels, {.class_weights = Tensor::ones({4})}), ShapeError);
    CHECK_THROWS_AS(cross_entropy(x, labels, {.sample_weights = Tensor::ones({3})}), ShapeError);
    CHECK_THROWS_AS(cross_entropy(x, labels, {.sample_weights = Tensor::zeros({4})}), ValueError);
    CHECK_THROWS_AS(mse(Tensor::zeros({2}), Tensor::zeros({2, 1})), ShapeError);
    CHECK_THROWS_AS(bce_with_logits(Tensor::zeros({2}), Tensor::zeros({3})), ShapeError);
  }
}

TEST_SUITE("gradcheck") {
  TEST_CASE("nn losses: derivatives to third order in logits and every option") {
    const OpFunction weighted = [](const Vars& v) {
      return cross_entropy(v[0], labels, {.label_smoothing = v[1], .class_weights = v[2], .sample_weights = v[3]});
    };
    check_row({"cross_entropy", "", weighted,
               each({in_range({{4, 3}}), in_range({{}}, 0.2, 0.8), in_range({{3}, {4}}, 0.5, 2)})});
    check_row(
        {"cross_entropy plain", "", [](const Vars& v) { return cross_entropy(v[0], labels); }, in_range({{4, 3}})});
    check_row({"mse", "", [](const Vars& v) { return mse(v[0], v[1]); }, in_range({{3, 2}, {3, 2}})});
    check_row({"bce", "", [](const Vars& v) { return bce_with_logits(v[0], v[1]); }, in_range({{3, 2}, {3, 2}})});
  }
}
