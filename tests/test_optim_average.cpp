// Averages of the weights against their definitions, and their derivatives.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/tensor.h>
#include <glocal/optim/average.h>

#include "gradcheck.h"

using namespace glocal;
using namespace glocal::optim;

namespace {

Var number(double x) { return Tensor::scalar(x, DType::f64); }
double weight_at(std::int64_t t) { return std::sin(1.7 * static_cast<double>(t) + 0.3); }  // after step t

// The average after T steps of weights that start at 100, which nothing may remember.
Var after(const Average& average, const Vars& values, std::int64_t T) {
  Vars mean{number(100)};
  for (std::int64_t t = 0; t < T; ++t) mean = averaged(average, values, mean, {number(weight_at(t))}, t);
  return mean[0];
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("optim average: exponential is the sum with weights d^age, which add up to 1 from the first step on") {
    const Average average = make_average("exponential", 10, 0.5);
    for (const double d : {0.0, 0.3, 0.99})
      for (std::int64_t T = 1; T < 12; ++T) {
        double sum = 0, of_weights = 0;
        for (std::int64_t t = 0; t < T; ++t) {
          sum += std::pow(d, static_cast<double>(T - 1 - t)) * weight_at(t);
          of_weights += std::pow(d, static_cast<double>(T - 1 - t));
        }
        CHECK(after(average, {number(d)}, T).item() == doctest::Approx(sum / of_weights).epsilon(1e-13));
      }
  }

  TEST_CASE("optim average: tail is the mean over the last share of the steps, before it the last weights") {
    const std::int64_t T = 10;
    const Average average = make_average("tail", T, 0.4);
    double sum = 0;
    for (std::int64_t t = 6; t < T; ++t) sum += weight_at(t);
    CHECK(after(average, {}, T).item() == doctest::Approx(sum / 4).epsilon(1e-14));
    CHECK(after(average, {}, 5).item() == weight_at(4));
    CHECK(after(average, {}, 7).item() == weight_at(6));
    CHECK(after(make_average("tail", T, 1e-9), {}, T).item() == weight_at(9));
    sum = 0;
    for (std::int64_t t = 0; t < T; ++t) sum += weight_at(t);
    CHECK(after(make_average("tail", T, 1), {}, T).item() == doctest::Approx(sum / 10).epsilon(1e-14));
  }

  TEST_CASE("optim average: what does not fit is refused") {
    CHECK_THROWS_WITH_AS(make_average("tale", 10, 0.5), doctest::Contains("did you mean tail?"), ValueError);
    CHECK_THROWS_AS(make_average("tail", 0, 0.5), ValueError);
    for (const double last : {0.0, -1.0, 1.1, std::nan("")})
      CHECK_THROWS_AS(make_average("tail", 10, last), ValueError);
    CHECK_THROWS_AS(averaged(make_average("tail", 10, 0.5), {}, {number(1)}, {}, 0), ShapeError);
    CHECK(make_average("none", 10, 0.5).none());
  }
}

TEST_SUITE("gradcheck") {
  TEST_CASE("optim average: derivatives in the weights and in the decay") {
    const Average average = make_average("exponential", 10, 0.5);
    const auto f = [&](const Vars& v) {  // (decay, average, weights)
      return averaged(average, Vars{v[0]}, {v[1]}, {v[2]}, 3)[0];
    };
    const gradcheck::Errors e =
        gradcheck::measure({"average", "", f, gradcheck::in_range({Shape{}, {4}, {4}}, 0.3, 0.9)}, key(1));
    CHECK(e.adjoint <= 1e-12);
    CHECK(e.difference <= 1e-7);
    CHECK(e.mixes <= 1e-10);
    CHECK(e.second <= 1e-6);
  }
}
