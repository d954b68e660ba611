#include <doctest/doctest.h>

#include <cmath>

#include <glocal/autodiff/ops.h>

using namespace glocal;

TEST_SUITE_BEGIN("fast");

TEST_CASE("autodiff dropout: zeros and 1 / (1 - rate) at the right rate") {
  for (DType dtype : {DType::f32, DType::f64})
    for (double rate : {0.1, 0.5, 0.9}) {
      const Tensor mask = dropout_mask(key(5), rate, {100, 200}, dtype);
      const double kept = dtype == DType::f32 ? double(static_cast<float>(1 / (1 - rate))) : 1 / (1 - rate);
      std::int64_t zeros = 0, others = 0;
      for (std::int64_t i = 0; i < mask.size(); ++i) {
        zeros += mask.at(i) == 0;
        others += mask.at(i) != 0 && mask.at(i) != kept;
      }
      CHECK(others == 0);
      // Five standard deviations of a binomial count.
      CHECK(std::abs(double(zeros) - 20000 * rate) < 5 * std::sqrt(20000 * rate * (1 - rate)));
    }
}

TEST_CASE("autodiff dropout: rate 0 keeps all; a key gives one mask") {
  CHECK(same_bits(dropout_mask(key(1), 0, {50}, DType::f64), Tensor::ones({50}, DType::f64)));
  const Tensor mask = dropout_mask(key(1), 0.5, {50}, DType::f32);
  CHECK(same_bits(mask, dropout_mask(key(1), 0.5, {50}, DType::f32)));
  CHECK_FALSE(same_bits(mask, dropout_mask(key(2), 0.5, {50}, DType::f32)));
}

TEST_CASE("autodiff dropout: errors") {
  CHECK_THROWS_AS(dropout_mask(key(1), 1, {3}, DType::f32), ValueError);
  CHECK_THROWS_AS(dropout_mask(key(1), -0.1, {3}, DType::f32), ValueError);
  CHECK_THROWS_AS(dropout_mask(key(1), NAN, {3}, DType::f32), ValueError);
  CHECK_THROWS_AS(dropout_mask(key(1), 0.5, {3}, DType::i32), DTypeError);
}

TEST_SUITE_END();
