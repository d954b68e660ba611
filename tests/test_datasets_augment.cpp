// Augmentation: what a pixel of the result is, what the random numbers depend on, and what is refused.
#include <doctest/doctest.h>

#include <cstdint>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/parallel.h>
#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/datasets/ahead.h>
#include <glocal/datasets/augment.h>

using namespace glocal;
using datasets::Ahead;
using datasets::Augment;
using datasets::View;

namespace {

// Images whose pixel (n, c, i, j) is 1000 n + 100 c + 10 i + j + 1: never 0, and each is known by its number.
Tensor numbered(std::int64_t n, std::int64_t channels, std::int64_t height, std::int64_t width, DType dtype) {
  Tensor x({n, channels, height, width}, DType::f64);
  std::int64_t k = 0;
  for (std::int64_t i = 0; i < n * channels * height * width; ++i, ++k) {
    const std::int64_t column = k % width, row = k / width % height, channel = k / width / height % channels;
    x.data<double>()[k] =
        static_cast<double>(1000 * (k / width / height / channels) + 100 * channel + 10 * row + column + 1);
  }
  return x.to(dtype);
}

std::vector<std::int64_t> first(std::int64_t n) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(n));
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

// What the definition of View says, pixel by pixel.
double pixel(const Tensor& x, const View& view, std::int64_t n, std::int64_t c, std::int64_t i, std::int64_t j) {
  const std::int64_t channels = x.shape()[1], height = x.shape()[2], width = x.shape()[3];
  const View::Hole& hole = view.hole;
  if (i >= hole.top && i < hole.bottom && j >= hole.left && j < hole.right) return 0;
  std::int64_t row = i + view.down, column = (view.mirrored ? width - 1 - j : j) + view.right;
  const bool reflect = view.beyond == View::Beyond::reflect;
  if (reflect && row < 0) row = -row;
  if (reflect && row >= height) row = 2 * height - 2 - row;
  if (reflect && column < 0) column = -column;
  if (reflect && column >= width) column = 2 * width - 2 - column;
  if (row < 0 || row >= height || column < 0 || column >= width) return 0;
  return x.at(((n * channels + c) * height + row) * width + column);
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("augment: every pixel is what its view says") {
    for (const DType dtype : {DType::f32, DType::f64})
      for (const auto& [height, width] : {std::pair<std::int64_t, std::int64_t>{7, 9}, {9, 7}, {5, 5}})
        for (const std::vector<std::string>& texts : {std::vector<std::string>{"crop=4"},
                                                      {"reflect-crop=4"},
                                                      {"flip"},
                                                      {"cutout=3"},
                                                      {"cutout=4", "flip", "crop=2"},
                                                      {"reflect-crop=1", "alternating-flip", "cutout=1"}}) {
          const Tensor x = numbered(20, 3, height, width, dtype);
          const Augment augment(texts, height, width, key(3));
          const Tensor y = augment(x, first(20), 6, 2);
          std::int64_t wrong = 0, k = 0;
          for (std::int64_t n = 0; n < 20; ++n) {
            const View view = augment.view(n, n, 6, 2);
            for (std::int64_t c = 0; c < 3; ++c)
              for (std::int64_t i = 0; i < height; ++i)
                for (std::int64_t j = 0; j < width; ++j, ++k) wrong += y.at(k) != pixel(x, view, n, c, i, j);
          }
          CHECK(wrong == 0);
        }
  }

  TEST_CASE("augment: numbers depend on the place in the batch, neither on threads nor on how it is divided") {
    const Tensor x = numbered(12, 1, 8, 8, DType::f32);
    const std::vector<std::int64_t> indices = first(12);
    const Augment augment({"crop=3", "flip", "cutout=3"}, 8, 8, key(1));
    set_threads(2);
    const Tensor whole = augment(x, indices, 5, 0);
    set_threads(1);
    CHECK(augment(x, indices, 5, 0).span<float>().size() == whole.span<float>().size());
    std::int64_t wrong = 0;
    for (const auto& [begin, count] : {std::pair<std::int64_t, std::int64_t>{0, 5}, {5, 4}, {9, 3}}) {
      Tensor part({count, 1, 8, 8});
      for (std::int64_t k = 0; k < part.size(); ++k) part.data<float>()[k] = x.data<float>()[begin * 64 + k];
      const Tensor y =
          augment(part, std::span(indices).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count)), 5,
                  0, begin);
      for (std::int64_t k = 0; k < y.size(); ++k) wrong += y.at(k) != whole.at(begin * 64 + k);
    }
    CHECK(wrong == 0);
  }

  TEST_CASE("augment: shifts and holes are even over what is allowed, and each step has its own") {
    const Augment augment({"crop=2", "cutout=4"}, 8, 8, key(9));
    std::set<std::pair<std::int64_t, std::int64_t>> shifts, corners;
    std::int64_t count = 0, sum = 0;
    for (std::int64_t t = 0; t < 40; ++t)
      for (std::int64_t n = 0; n < 50; ++n) {
        const View view = augment.view(0, n, t, 0);
        shifts.insert({view.down, view.right});
        corners.insert({view.hole.bottom, view.hole.right});
        sum += view.down;
        ++count;
        CHECK(std::abs(view.down) <= 2);
        CHECK(view.hole.bottom - view.hole.top <= 4);
        CHECK(view.hole.bottom - view.hole.top >= 2);
      }
    CHECK(shifts.size() == 25);
    CHECK(corners.size() > 40);
    CHECK(std::abs(static_cast<double>(sum)) / static_cast<double>(count) < 0.15);  // deviation sqrt(2 / 2000)
  }

  TEST_CASE("augment: an alternating flip mirrors each image in every other epoch, half of them in the first") {
    const Augment augment({"alternating-flip"}, 8, 8, key(2));
    std::int64_t mirrored = 0;
    for (std::int64_t index = 0; index < 1000; ++index) {
      const bool at_first = augment.view(index, 0, 0, 0).mirrored;
      mirrored += at_first;
      for (std::int64_t epoch = 1; epoch < 5; ++epoch)
        CHECK(augment.view(index, 17 * epoch, 100 * epoch, epoch).mirrored == ((epoch % 2 == 0) == at_first));
    }
    CHECK(mirrored > 420);
    CHECK(mirrored < 580);
  }

  TEST_CASE("augment: another augmentation beside it changes no number of one") {
    const Augment alone({"crop=2"}, 8, 8, key(4)), more({"flip", "cutout=2", "crop=2"}, 8, 8, key(4));
    for (std::int64_t n = 0; n < 30; ++n) {
      CHECK(alone.view(n, n, 3, 0).down == more.view(n, n, 3, 0).down);
      CHECK(alone.view(n, n, 3, 0).right == more.view(n, n, 3, 0).right);
    }
  }

  TEST_CASE("augment: what does not fit is refused") {
    const auto with = [](const std::vector<std::string>& texts) { return Augment(texts, 8, 6, key(0)); };
    CHECK_THROWS_WITH_AS(with({"crap"}), doctest::Contains("did you mean crop?"), ValueError);
    for (const char* text :
         {"crop=0", "crop=-1", "crop=6", "crop=1.5", "crop=", "crop=x", "crop=nan", "crop=1e99", "crop=2 ", "cutout=9",
          "flip=1", "none=1", "brightness=-1", "brightness=inf", "brightness=x", ""})
      CHECK_THROWS_AS(with({text}), ValueError);
    CHECK_THROWS_WITH_AS(with({"flip", "alternating-flip"}), doctest::Contains("change the same"), ValueError);
    CHECK_THROWS_AS(with({"crop", "crop=2"}), ValueError);
    CHECK(with({"none"}).empty());
    CHECK(with({"brightness=0.5"}).empty());
    CHECK(with({"brightness=0.5"}).hyper() == std::vector<std::pair<std::string, double>>{{"brightness", 0.5}});
    CHECK_THROWS_AS(with({"crop"})(numbered(2, 1, 6, 8, DType::f32), first(2), 0, 0), ShapeError);
    CHECK_THROWS_AS(with({"crop"})(numbered(2, 1, 8, 6, DType::f32), first(3), 0, 0), ShapeError);
    CHECK_THROWS_AS(datasets::mirrored(Tensor({2, 3})), ShapeError);
  }

  TEST_CASE("ahead: any order of steps gives f, and what f throws comes when its step is asked for") {
    const Ahead<std::int64_t> square([](std::int64_t t) {
      if (t == 6) fail<ValueError>("six");
      return t * t;
    });
    for (const std::int64_t t : {0, 1, 2, 3, 2, 1, 0, 0, 5, 9, 10, 11, 3, 4}) CHECK(square(t) == t * t);
    CHECK(square(5) == 25);  // begins with 6
    CHECK_THROWS_WITH_AS(square(6), "six", ValueError);
    CHECK(square(7) == 49);
    const Ahead<std::int64_t> copy = square;
    CHECK(copy(8) == 64);
  }
}
