// Initial weights: fans, variances and bounds.
#include <doctest/doctest.h>

#include <cmath>

#include <glocal/nn/init.h>

using namespace glocal;
using namespace glocal::nn;

namespace {

struct Sample {
  double mean, deviation, largest;
};

Sample sample(const Tensor& x) {
  double sum = 0, squares = 0, largest = 0;
  for (std::int64_t i = 0; i < x.size(); ++i) {
    sum += x.at(i);
    squares += x.at(i) * x.at(i);
    largest = std::max(largest, std::abs(x.at(i)));
  }
  const double n = static_cast<double>(x.size());
  return {sum / n, std::sqrt(squares / n), largest};
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("nn init: fans of linear and convolution weights") {
    CHECK(fans({30, 20}).in == 30);
    CHECK(fans({30, 20}).out == 20);
    CHECK(fans({16, 6, 5, 5}).in == 150);
    CHECK(fans({16, 6, 5, 5}).out == 400);
    CHECK_THROWS_AS(fans({3}), ShapeError);
    CHECK_THROWS_AS(fan_in_uniform(key(1), {3}, 0), ValueError);
  }

  // 10^5 numbers: the relative error of the deviation is below 1 % by more than four standard errors.
  TEST_CASE("nn init: deviations and bounds") {
    const Shape weight{200, 500};
    const auto expect = [](const Tensor& x, double deviation, bool bounded) {
      const Sample s = sample(x);
      CHECK(s.deviation == doctest::Approx(deviation).epsilon(0.01));
      CHECK(std::abs(s.mean) < 0.015 * deviation);
      const double edge = std::sqrt(3.0) * deviation;
      CHECK((s.largest <= edge * (1 + 1e-6)) == bounded);
      CHECK(s.largest > 0.99 * edge);
    };
    expect(kaiming_normal(key(1), weight), std::sqrt(2.0 / 200), false);
    expect(kaiming_normal(key(2), weight, Fan::out), std::sqrt(2.0 / 500), false);
    expect(kaiming_uniform(key(3), weight), std::sqrt(2.0 / 200), true);
    expect(xavier_normal(key(4), weight), std::sqrt(2.0 / 700), false);
    expect(xavier_uniform(key(5), weight), std::sqrt(2.0 / 700), true);
    expect(fan_in_uniform(key(6), weight, 200), 1 / std::sqrt(3.0 * 200), true);
  }

  TEST_CASE("nn init: the same key gives the same numbers, another key others") {
    CHECK(same_bits(kaiming_normal(key(1), {4, 5}), kaiming_normal(key(1), {4, 5})));
    CHECK_FALSE(same_bits(kaiming_normal(key(1), {4, 5}), kaiming_normal(key(2), {4, 5})));
    CHECK(kaiming_normal(key(1), {4, 5}, Fan::in, DType::f64).dtype() == DType::f64);
  }
}
