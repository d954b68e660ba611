// Schedules: values at chosen steps, derivatives in their values, typed errors.
#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include <glocal/optim/schedule.h>

#include "gradcheck.h"

using namespace glocal;
using namespace glocal::optim;

namespace {

constexpr DType f64 = DType::f64;

Var number(double value) { return Tensor::scalar(value, f64); }

// Slope of the schedule at t in its k-th value.
double slope(const Schedule& schedule, const Vars& values, std::int64_t t, std::size_t k) {
  return grad([&](const Vars& v) { return schedule.at(v, t); })(values)[k].item();
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("optim schedule: constant") {
    const Schedule s = make_schedule("constant", "lr", 0.1, {});
    CHECK(s.hyper.size() == 1);
    CHECK(s.hyper[0].name == "lr");
    CHECK(s.hyper[0].initial == 0.1);
    CHECK(s.at(Vars{number(0.3)}, 17).item() == 0.3);
    CHECK(slope(s, {number(0.3)}, 17, 0) == 1);
  }

  TEST_CASE("optim schedule: step drops by its factor every so many steps") {
    const Schedule s = make_schedule("step", "lr", 0.1, {.T = 100, .every = 10});
    CHECK(s.hyper[1].name == "lr_factor");
    const Vars v{number(0.3), number(0.5)};
    CHECK(s.at(v, 9).item() == doctest::Approx(0.3));
    CHECK(s.at(v, 10).item() == doctest::Approx(0.15));
    CHECK(s.at(v, 35).item() == doctest::Approx(0.3 * 0.125));
    CHECK(slope(s, v, 35, 0) == doctest::Approx(0.125).epsilon(1e-14));
    CHECK(slope(s, v, 35, 1) == doctest::Approx(0.3 * 3 * 0.25).epsilon(1e-14));
    CHECK(slope(s, v, 9, 1) == 0);
  }

  TEST_CASE("optim schedule: cosine from first to last") {
    const Schedule s = make_schedule("cosine", "lr", 0.1, {.T = 8});
    CHECK(s.hyper[0].name == "lr_first");
    CHECK(s.hyper[1].name == "lr_last");
    const Vars v{number(0.3), number(0.1)};
    CHECK(s.at(v, 0).item() == doctest::Approx(0.3));
    CHECK(s.at(v, 4).item() == doctest::Approx(0.2));
    CHECK(s.at(v, 8).item() == doctest::Approx(0.1));
    CHECK(s.at(v, 20).item() == doctest::Approx(0.1));
    const double share = (1 + std::cos(std::numbers::pi * 3 / 8)) / 2;
    CHECK(slope(s, v, 3, 0) == doctest::Approx(share).epsilon(1e-14));
    CHECK(slope(s, v, 3, 1) == doctest::Approx(1 - share).epsilon(1e-14));
  }

  TEST_CASE("optim schedule: piecewise linear between evenly spaced knots") {
    const Schedule s = make_schedule("piecewise", "lr", 0.1, {.T = 9, .knots = 3});
    REQUIRE(s.hyper.size() == 3);
    CHECK(s.hyper[2].name == "lr_2");
    const Vars v{number(1), number(3), number(2)};
    const double expected[] = {1, 1.5, 2, 2.5, 3, 2.75, 2.5, 2.25, 2, 2, 2};
    for (std::int64_t t = 0; t < 11; ++t) CHECK(s.at(v, t).item() == doctest::Approx(expected[t]));
    CHECK(slope(s, v, 1, 0) == doctest::Approx(0.75).epsilon(1e-14));
    CHECK(slope(s, v, 1, 1) == doctest::Approx(0.25).epsilon(1e-14));
    CHECK(slope(s, v, 1, 2) == 0);
    CHECK(slope(s, v, 100, 2) == 1);
    CHECK(piecewise_linear(Vars{number(4)}, 10, 3).item() == 4);
    CHECK(piecewise_linear(Vars{number(4), number(5)}, 1, 0).item() == 5);
  }

  TEST_CASE("optim schedule: warm-up multiplies any of them") {
    const Schedule s = make_schedule("constant", "lr", 0.1, {.T = 10, .warm_up = 4});
    const double expected[] = {0.1, 0.2, 0.3, 0.4, 0.4};
    for (std::int64_t t = 0; t < 5; ++t) CHECK(s.at(Vars{number(0.4)}, t).item() == doctest::Approx(expected[t]));
    CHECK(slope(s, {number(0.4)}, 1, 0) == doctest::Approx(0.5));
    CHECK(linear_warm_up(number(2), 0, 0).item() == 2);
  }

  TEST_CASE("optim schedule: linear rises to its value and falls to its floor by a power") {
    const Schedule s = make_schedule("linear", "lr", 0.1, {.T = 10, .warm_up = 2});
    REQUIRE(s.hyper.size() == 4);
    CHECK(s.hyper[3].name == "lr_warm_up");
    CHECK(s.hyper[3].initial == doctest::Approx(0.2));
    const Vars v{number(8), number(2), number(0.25), number(0.2)};
    // 8 m / 2 for m = t + 1/2 < 2, then 8 (1/4 + 3/4 ((10 - m) / 8)^2); the options' warm-up is not multiplied on.
    const double expected[] = {2,         6,         7.2734375, 5.9609375, 4.8359375, 3.8984375,
                               3.1484375, 2.5859375, 2.2109375, 2.0234375, 2,         2};
    for (std::int64_t t = 0; t < 12; ++t) CHECK(s.at(v, t).item() == doctest::Approx(expected[t]).epsilon(1e-14));
    const double left = 3.5 / 8, slope_power = 8 * 0.75 * left * left * std::log(left);
    CHECK(slope(s, v, 6, 0) == doctest::Approx(3.1484375 / 8).epsilon(1e-14));
    CHECK(slope(s, v, 6, 1) == doctest::Approx(slope_power).epsilon(1e-14));
    CHECK(slope(s, v, 6, 2) == doctest::Approx(8 * (1 - left * left)).epsilon(1e-14));
    // d/dw of ((T - m) / (T - w T))^2 is 2 left left / (1 - w)
    CHECK(slope(s, v, 6, 3) == doctest::Approx(8 * 0.75 * 2 * left * left / 0.8).epsilon(1e-13));
    CHECK(slope(s, v, 0, 3) == doctest::Approx(-8 * 0.5 / (0.2 * 0.2 * 10)).epsilon(1e-13));
    const Vars plain{number(1), number(1), number(0), number(0)};
    for (std::int64_t t = 0; t < 10; ++t) CHECK(s.at(plain, t).item() == doctest::Approx(0.95 - 0.1 * double(t)));
    CHECK(s.at(plain, 10).item() == 0);
    CHECK(make_schedule("linear", "lr", 0.1, {.T = 4, .warm_up = 4}).hyper[3].initial < 1);
  }

  TEST_CASE("optim schedule: milestones are shares of the run") {
    const Schedule s = make_schedule("step", "lr", 0.1, {.T = 8, .milestones = {0.5, 0.75}});
    const Vars v{number(1), number(0.1)};
    const double expected[] = {1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01, 0.01};
    for (std::int64_t t = 0; t < 9; ++t) CHECK(s.at(v, t).item() == doctest::Approx(expected[t]).epsilon(1e-14));
    CHECK(slope(s, v, 6, 1) == doctest::Approx(0.2).epsilon(1e-14));
    for (const std::vector<double>& bad : {std::vector<double>{0.5, 0.5}, {0}, {1}, {0.8, 0.2}, {std::nan("")}})
      CHECK_THROWS_AS(make_schedule("step", "lr", 0.1, {.T = 8, .milestones = bad}), ValueError);
  }

  TEST_CASE("optim schedule: what does not fit is refused") {
    CHECK_THROWS_WITH_AS(make_schedule("exponential", "lr", 0.1, {}),
                         doctest::Contains("there are: constant, step, cosine, linear, piecewise"), ValueError);
    CHECK_THROWS_AS(make_schedule("step", "lr", 0.1, {.every = 0}), ValueError);
    CHECK_THROWS_AS(make_schedule("cosine", "lr", 0.1, {.T = 0}), ValueError);
    CHECK_THROWS_AS(make_schedule("piecewise", "lr", 0.1, {.knots = 0}), ValueError);
    CHECK_THROWS_AS(make_schedule("constant", "lr", 0.1, {.warm_up = -1}), ValueError);
    const Schedule s = make_schedule("cosine", "lr", 0.1, {.T = 5});
    CHECK_THROWS_AS(s.at(Vars{number(1)}, 0), ShapeError);
    CHECK_THROWS_AS(s.at(Vars{number(1), number(1)}, -1), ValueError);
  }
}

TEST_SUITE("gradcheck") {
  TEST_CASE("optim schedule: derivatives to third order") {
    for (const std::string& name : schedule_names()) {
      INFO("schedule: ", name);
      const Schedule s = make_schedule(name, "lr", 0.1, {.T = 20, .every = 3, .knots = 4, .warm_up = 12});
      const auto f = [&](const Vars& v) { return s.at(v, 11); };
      const gradcheck::Errors e =
          gradcheck::measure({name, "", f, gradcheck::in_range(std::vector<Shape>(s.hyper.size()), 0.3, 1)}, key(1));
      CHECK(e.adjoint <= 1e-12);
      CHECK(e.difference <= 1e-7);
      CHECK(e.mixes <= 1e-10);
      CHECK(e.second <= 1e-6);
    }
  }
}
