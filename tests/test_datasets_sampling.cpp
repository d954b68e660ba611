#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/datasets/load.h>
#include <glocal/datasets/sampling.h>
#include <glocal/datasets/synthetic.h>
#include <glocal/datasets/variants.h>

using namespace glocal;
using namespace glocal::datasets;

namespace {

std::vector<std::int64_t> count_up(std::int64_t n) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

}  // namespace

TEST_SUITE("data") {
  TEST_CASE("split: three disjoint parts cover everything") {
    const Split split = split_indices(1000, 150, 50, key(3));
    CHECK(split.validation.size() == 150);
    CHECK(split.test.size() == 50);
    std::vector<std::int64_t> all = split.train;
    all.insert(all.end(), split.validation.begin(), split.validation.end());
    all.insert(all.end(), split.test.begin(), split.test.end());
    std::sort(all.begin(), all.end());
    CHECK(all == count_up(1000));
    CHECK(std::is_sorted(split.train.begin(), split.train.end()));
    CHECK(std::is_sorted(split.validation.begin(), split.validation.end()));
  }

  TEST_CASE("split: a function of the key") {
    CHECK(split_indices(500, 100, 100, key(3)).train == split_indices(500, 100, 100, key(3)).train);
    CHECK(split_indices(500, 100, 100, key(3)).train != split_indices(500, 100, 100, key(4)).train);
    CHECK(split_fractions(500, 0.2, 0.1, key(3)).test == split_indices(500, 100, 50, key(3)).test);
  }

  TEST_CASE("split: impossible requests are refused") {
    CHECK_THROWS_AS(split_indices(10, 5, 5, key(0)), ValueError);
    CHECK_THROWS_AS(split_indices(10, -1, 0, key(0)), ValueError);
    CHECK_THROWS_AS(split_indices(0, 0, 0, key(0)), ValueError);
    CHECK_THROWS_AS(split_fractions(10, 0.5, 0.5, key(0)), ValueError);
    CHECK_THROWS_AS(split_fractions(10, std::nan(""), 0, key(0)), ValueError);
  }

  TEST_CASE("batches: each epoch visits every image once in a new order") {
    const BatchOrder order(120, 30, key(7));
    REQUIRE(order.steps_per_epoch() == 4);
    std::vector<std::vector<std::int64_t>> epochs;
    for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
      std::vector<std::int64_t> seen;
      for (std::int64_t step = 4 * epoch; step < 4 * epoch + 4; ++step) {
        const auto batch = order(step);
        CHECK(batch.size() == 30);
        seen.insert(seen.end(), batch.begin(), batch.end());
      }
      epochs.push_back(seen);
      std::sort(seen.begin(), seen.end());
      CHECK(seen == count_up(120));
    }
    CHECK(epochs[0] != epochs[1]);
    CHECK(epochs[1] != epochs[2]);
  }

  TEST_CASE("batches: the step number alone chooses the batch") {
    const BatchOrder forwards(103, 10, key(7)), backwards(103, 10, key(7));
    std::vector<std::vector<std::int64_t>> want;
    for (std::int64_t step = 0; step < 35; ++step) want.push_back(forwards(step));
    for (std::int64_t step = 34; step >= 0; --step) CHECK(backwards(step) == want[static_cast<std::size_t>(step)]);
    const BatchOrder copy = forwards;  // shares the memo: interleaved epochs must not disturb each other
    CHECK(copy(31) == want[31]);
    CHECK(forwards(2) == want[2]);
    CHECK(copy(31) == want[31]);
    CHECK(BatchOrder(103, 10, key(8))(0) != want[0]);
  }

  TEST_CASE("batches: impossible sizes are refused") {
    CHECK_THROWS_AS(BatchOrder(10, 0, key(0)), ValueError);
    CHECK_THROWS_AS(BatchOrder(10, 11, key(0)), ValueError);
    CHECK_THROWS_AS(BatchOrder(10, 5, key(0))(-1), ValueError);
    CHECK(BatchOrder(10, 10, key(0))(3).size() == 10);
  }

  TEST_CASE("long-tailed: counts follow the exponential profile") {
    const Dataset data = load("digits", Part::train);
    const auto before = data.histogram();
    const double smallest = static_cast<double>(*std::min_element(before.begin(), before.end()));
    const Dataset tailed = long_tailed(data, 50, key(1));
    const auto counts = tailed.histogram();
    for (std::size_t c = 0; c < 10; ++c)
      CHECK(counts[c] == std::llround(smallest * std::pow(50.0, -static_cast<double>(c) / 9)));
    CHECK(counts[0] == 146);
    CHECK(counts[9] == 3);
    check(tailed);
    CHECK(tailed.pixels == long_tailed(data, 50, key(1)).pixels);
    CHECK(tailed.pixels != long_tailed(data, 50, key(2)).pixels);
    CHECK_THROWS_AS(long_tailed(data, 0.5, key(1)), ValueError);
    CHECK_THROWS_AS(long_tailed(data, 1e6, key(1)), ValueError);
    CHECK_THROWS_AS(long_tailed(load("digits", Part::test), 2, key(1)), ValueError);
  }

  TEST_CASE("long tailed: class counts are those of Cui et al. 2019, n mu^c with mu = imbalance^(-1 / (classes - 1))") {
    const Dataset data = load("digits", Part::train);
    const std::vector<std::int64_t> before = data.histogram();
    const auto n = static_cast<double>(*std::min_element(before.begin(), before.end()));
    const std::vector<std::int64_t> after = long_tailed(data, 100, key(1)).histogram();
    const double mu = std::exp(-std::log(100.0) / 9);
    for (std::size_t c = 0; c < after.size(); ++c)
      CHECK(std::abs(static_cast<double>(after[c]) - n * std::pow(mu, static_cast<double>(c))) <= 0.5 + 1e-9);
    CHECK(static_cast<double>(after[0]) == n);
  }

  TEST_CASE("long tailed: every class chooses its images by a key of its own") {
    Dataset data = synthetic(Part::train, 1000, 1);
    for (std::size_t i = 0; i < 1000; ++i) {  // class i mod 10, place i / 10 in it, written into the image
      data.labels[i] = static_cast<std::int32_t>(i % 10);
      data.pixels[i * 784] = static_cast<std::uint8_t>(i / 10);
    }
    const Dataset tailed = long_tailed(data, 4, key(1));
    std::vector<std::set<int>> places(10);
    for (std::int64_t i = 0; i < tailed.size(); ++i)
      places[static_cast<std::size_t>(tailed.labels[static_cast<std::size_t>(i)])].insert(tailed.image(i)[0]);
    CHECK(places[0].size() == 100);
    // Drawn alike, the smaller class would be part of the larger one.
    for (std::size_t c = 2; c < 10; ++c)
      CHECK_FALSE(std::includes(places[c - 1].begin(), places[c - 1].end(), places[c].begin(), places[c].end()));
  }

  TEST_CASE("noisy labels: their number is rounded to the nearest") {
    const Dataset data = load("digits", Part::train);
    CHECK(noisy_labels(data, 0.3333, key(5)).changed.size() == 500);  // 499.95
    CHECK(noisy_labels(data, 0.3336, key(5)).changed.size() == 500);  // 500.4
  }

  TEST_CASE("noisy labels: pair noise turns each chosen label into the next class") {
    const Dataset data = load("digits", Part::train);
    const NoisyLabels noisy = noisy_labels(data, 0.45, key(5), NoiseKind::pair);
    CHECK(noisy.changed == noisy_labels(data, 0.45, key(5)).changed);
    std::size_t differing = 0;
    for (std::size_t i = 0; i < data.labels.size(); ++i) {
      if (noisy.data.labels[i] == data.labels[i]) continue;
      ++differing;
      CHECK(noisy.data.labels[i] == (data.labels[i] + 1) % 10);
    }
    CHECK(differing == static_cast<std::size_t>(std::llround(0.45 * static_cast<double>(data.size()))));
    CHECK(noise_kind("pair") == NoiseKind::pair);
    CHECK_THROWS_AS(noise_kind("no"), ValueError);
  }

  TEST_CASE("noisy labels: exactly the reported ones are wrong and spread over the other classes") {
    const Dataset data = synthetic(Part::train, 5000, 1);
    const NoisyLabels noisy = noisy_labels(data, 0.4, key(5));
    REQUIRE(noisy.changed.size() == 2000);
    CHECK(noisy.data.pixels == data.pixels);
    std::vector<std::int64_t> differing;
    std::vector<int> shift(10, 0);
    for (std::int64_t i = 0; i < data.size(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (noisy.data.labels[at] == data.labels[at]) continue;
      differing.push_back(i);
      ++shift[static_cast<std::size_t>((noisy.data.labels[at] - data.labels[at] + 10) % 10)];
    }
    CHECK(differing == noisy.changed);
    for (std::size_t s = 1; s < 10; ++s) CHECK(std::abs(shift[s] - 2000.0 / 9) < 5 * std::sqrt(2000.0 / 9));
    check(noisy.data);
    CHECK(noisy_labels(data, 0, key(5)).changed.empty());
    CHECK_THROWS_AS(noisy_labels(data, 1.5, key(5)), ValueError);
    CHECK_THROWS_AS(noisy_labels(load("digits", Part::test), 0.1, key(5)), ValueError);
  }
}
