#include <doctest/doctest.h>

#include <array>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/shape.h>

using glocal::broadcast_shapes;
using glocal::Shape;
using glocal::ShapeError;

TEST_SUITE("fast") {
  TEST_CASE("shape: sizes, product and text") {
    const Shape s{2, 3, 5};
    CHECK(s.rank() == 3);
    CHECK(s.size() == 30);
    CHECK(s[1] == 3);
    CHECK(s.back() == 5);
    CHECK(s.back(3) == 2);
    CHECK(s.product(1, 3) == 15);
    CHECK(s.product(1, 1) == 1);
    CHECK(s.to_string() == "(2, 3, 5)");
    CHECK(fmt::format("{}", Shape{7}) == "(7,)");
    CHECK(Shape{}.size() == 1);
    CHECK(Shape{}.to_string() == "()");
  }

  TEST_CASE("shape: a zero size makes an empty shape") {
    CHECK(Shape{3, 0, 4}.size() == 0);
    CHECK(Shape{0}.size() == 0);
  }

  TEST_CASE("shape: negative sizes, rank nine and overflow are refused") {
    CHECK_THROWS_AS((Shape{2, -1}), ShapeError);
    CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError);
    CHECK_NOTHROW(Shape{1, 1, 1, 1, 1, 1, 1, 1});
    const std::int64_t big = std::int64_t{1} << 32;
    CHECK_THROWS_AS((Shape{big, big}), ShapeError);
    CHECK_THROWS_AS((Shape{big, 0, big}), ShapeError);
    CHECK(Shape{Shape::max_size / 4, 0, 4}.size() == 0);
    CHECK(Shape{Shape::max_size}.size() == Shape::max_size);
    CHECK_THROWS_WITH_AS((Shape{std::int64_t{1} << 58, 0, 3}),
                         "[shape] (288230376151711744, 0, 3) is more than 2^59 numbers", ShapeError);
    CHECK_THROWS_AS(Shape{Shape::max_size + 1}, ShapeError);
    CHECK_THROWS_WITH_AS((Shape{4, -2}), "[shape] (4, -2) has a negative size", ShapeError);
  }

  TEST_CASE("shape: axes count from either end") {
    const Shape s{2, 3, 5};
    CHECK(s.axis(-1, "here") == 2);
    CHECK(s.axis(0, "here") == 0);
    CHECK_THROWS_WITH_AS(s.axis(3, "here"), "[here] axis 3 is out of range for shape (2, 3, 5)", ShapeError);
    CHECK_THROWS_AS(s.axis(-4, "here"), ShapeError);
  }

  TEST_CASE("shape: with, without and append") {
    const Shape s{2, 3, 5};
    CHECK(s.with(1, 7) == Shape{2, 7, 5});
    CHECK(s.without(0) == Shape{3, 5});
    CHECK(s.append(9) == Shape{2, 3, 5, 9});
    CHECK(Shape{}.append(4) == Shape{4});
    CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1, 1, 1, 1}.append(1)), ShapeError);
    CHECK_FALSE(Shape{2, 3} == Shape{2, 3, 1});
  }

  TEST_CASE("shape: broadcasting follows numpy") {
    CHECK(broadcast_shapes({4, 1, 3}, {5, 3}, "add") == Shape{4, 5, 3});
    CHECK(broadcast_shapes({}, {2, 2}, "add") == Shape{2, 2});
    CHECK(broadcast_shapes({1}, {0}, "add") == Shape{0});
    CHECK_THROWS_WITH_AS(broadcast_shapes({2, 3}, {2}, "add"), "[add] shapes (2, 3) and (2,) do not broadcast",
                         ShapeError);
    CHECK_THROWS_AS(broadcast_shapes({0}, {2}, "add"), ShapeError);
  }

  TEST_CASE("shape: checked arithmetic") {
    const std::int64_t most = INT64_MAX;
    CHECK(glocal::checked_mul(1 << 20, 1 << 20) == std::int64_t{1} << 40);
    CHECK(glocal::checked_add(most - 1, 1) == most);
    CHECK_THROWS_AS(glocal::checked_mul(most, 2), ShapeError);
    CHECK_THROWS_AS(glocal::checked_add(most, 1), ShapeError);
  }
}
