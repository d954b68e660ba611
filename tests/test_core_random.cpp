#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <vector>

#include <glocal/core/parallel.h>
#include <glocal/core/random.h>

using namespace glocal;

namespace {

using Words = std::array<std::uint32_t, 4>;

// FNV-1a of the raw bytes: pins every bit of a tensor.
std::uint64_t fingerprint(const Tensor& t) {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto* bytes = static_cast<const unsigned char*>(t.raw());
  for (std::int64_t i = 0; i < t.bytes(); ++i) hash = (hash ^ bytes[i]) * 0x100000001b3;
  return hash;
}

double mean_of(const Tensor& t, int power) {
  double sum = 0;
  for (std::int64_t i = 0; i < t.size(); ++i) sum += std::pow(t.at(i), power);
  return sum / static_cast<double>(t.size());
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("philox: the known answers published with Random123") {
    const std::uint32_t ones = 0xffffffff;
    CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    CHECK(philox4x32({ones, ones, ones, ones}, {ones, ones}) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
          Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
  }

  TEST_CASE("random: golden values") {
    CHECK(key(0) == Key{0x4f1a097e40892754, 0x2f9e2f43261374e1});
    CHECK(split(key(42), 7) == Key{0x4d4e17ec9fc7ba1f, 0x4ca3871c19c6c9c2});
    CHECK(bits(key(42), 0) == 0x391771956adc1ded);
    CHECK(bits(key(42), 1) == 0x4ec7b0fa11d2306d);
    CHECK(uniform_int(key(42), 3, 1000) == 120);
    CHECK(uniform(key(42), {3}, 0, 1, DType::f64).at(2) == 0x1.6a8c0a560277ep-2);
    CHECK(normal(key(42), {3}, 0, 1, DType::f64).at(2) == -0x1.7f65347919898p-2);
    CHECK(fingerprint(uniform(key(42), {1000})) == 0x2362a083f05d508a);
    CHECK(fingerprint(normal(key(42), {1000}, 0, 1, DType::f64)) == 0xd75f38e432122a9f);
    CHECK(fingerprint(permutation(key(42), 1000)) == 0x12697e93a5b4d28d);
    CHECK(fingerprint(bernoulli(key(42), 0.25, {1000})) == 0x32ab9a9448771135);
  }

  TEST_CASE("random: keys and their children are distinct, streams do not overlap") {
    std::set<std::pair<std::uint64_t, std::uint64_t>> keys;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      keys.emplace(key(seed).hi, key(seed).lo);
      for (std::uint64_t i = 0; i < 20; ++i) keys.emplace(split(key(seed), i).hi, split(key(seed), i).lo);
    }
    CHECK(keys.size() == 20 * 21);
    std::set<std::uint64_t> draws;
    for (std::uint64_t i = 0; i < 1000; ++i) {
      draws.insert(bits(key(1), i));
      draws.insert(bits(split(key(1), 0), i));
      draws.insert(split(key(1), i).hi);
    }
    CHECK(draws.size() == 3000);
  }

  TEST_CASE("random: same bits for every thread count; a longer tensor begins with the shorter one") {
    const int before = threads();
    set_threads(1);
    const Tensor one = normal(key(3), {50001}), uni = uniform(key(3), {50001}, -1, 1, DType::f64);
    for (const int count : {2, 3}) {
      set_threads(count);
      CHECK(same_bits(normal(key(3), {50001}), one));
      CHECK(same_bits(uniform(key(3), {50001}, -1, 1, DType::f64), uni));
    }
    set_threads(before);
    const Tensor shorter = normal(key(3), {7});
    for (std::int64_t i = 0; i < 7; ++i) CHECK(shorter.at(i) == one.at(i));
  }

  TEST_CASE("random: f32 numbers are the f64 ones rounded") {
    const Tensor single = normal(key(4), {101}, 2, 3), wide = normal(key(4), {101}, 2, 3, DType::f64);
    CHECK(same_bits(single, wide.to(DType::f32)));
  }

  TEST_CASE("random: bits(key, i) are the draws that tensors use") {
    const Tensor u = uniform(key(5), {11}, 0, 1, DType::f64);
    for (std::uint64_t i = 0; i < 11; ++i)
      CHECK(u.at(static_cast<std::int64_t>(i)) == static_cast<double>(bits(key(5), i) >> 11) * 0x1p-53);
  }

  TEST_CASE("normal: the inverse distribution function to 1e-13, far tails included") {
    // Draw i was p = (bits >> 12 + 1/2) / 2^52; Phi(x) = erfc(-x / sqrt 2) / 2 must give it back.
    const Tensor x = normal(key(6), {20000}, 0, 1, DType::f64);
    double worst = 0, largest = 0;
    for (std::int64_t i = 0; i < x.size(); ++i) {
      const double p = (static_cast<double>(bits(key(6), static_cast<std::uint64_t>(i)) >> 12) + 0.5) * 0x1p-52;
      const bool left = p < 0.5;
      const double tail = left ? p : 1 - p, got = std::erfc((left ? -x.at(i) : x.at(i)) / std::sqrt(2.0)) / 2;
      // relative error of the tail is |x| + 1 times that of x
      worst = std::max(worst, std::abs(got / tail - 1) / (1 + x.at(i) * x.at(i)));
      largest = std::max(largest, std::abs(x.at(i)));
    }
    CHECK(worst < 1e-14);
    CHECK(largest > 3.5);
  }

  TEST_CASE("random: moments of 200000 draws") {
    const Tensor n = normal(key(7), {200000}, 0, 1, DType::f64), u = uniform(key(8), {200000}, 0, 1, DType::f64);
    CHECK(std::abs(mean_of(n, 1)) < 0.01);
    CHECK(std::abs(mean_of(n, 2) - 1) < 0.015);
    CHECK(std::abs(mean_of(n, 4) - 3) < 0.15);
    CHECK(std::abs(mean_of(u, 1) - 0.5) < 0.003);
    CHECK(std::abs(mean_of(u, 2) - 1.0 / 3) < 0.003);
    CHECK(std::abs(mean_of(bernoulli(key(9), 0.3, {200000}), 1) - 0.3) < 0.005);
  }

  TEST_CASE("uniform: stays in its range") {
    const Tensor u = uniform(key(10), {10000}, -3, 5);
    const auto numbers = u.span<float>();
    const auto [low, high] = std::minmax_element(numbers.begin(), numbers.end());
    CHECK(*low >= -3);
    CHECK(*low < -2.99F);
    CHECK(*high <= 5);
    CHECK(*high > 4.99F);
    CHECK(uniform(key(10), {3}, 2, 2).at(1) == 2);
  }

  TEST_CASE("bernoulli: 0 never, 1 always, every element type") {
    for (const DType dtype : {DType::f32, DType::f64, DType::i32}) {
      CHECK(mean_of(bernoulli(key(11), 0, {1000}, dtype), 1) == 0);
      CHECK(mean_of(bernoulli(key(11), 1, {1000}, dtype), 1) == 1);
      const Tensor half = bernoulli(key(11), 0.5, {1000}, dtype);
      CHECK(half.dtype() == dtype);
      CHECK(mean_of(half, 1) == mean_of(half, 2));
    }
  }

  TEST_CASE("permutation: holds every number once, and all six orders of three equally often") {
    const Tensor p = permutation(key(12), 1000);
    CHECK(p.dtype() == DType::i32);
    std::vector<std::int32_t> sorted(p.span<std::int32_t>().begin(), p.span<std::int32_t>().end());
    std::sort(sorted.begin(), sorted.end());
    for (std::int32_t i = 0; i < 1000; ++i) REQUIRE(sorted[static_cast<std::size_t>(i)] == i);
    std::map<std::vector<std::int32_t>, int> counts;
    for (std::uint64_t i = 0; i < 6000; ++i) {
      const Tensor order = permutation(split(key(13), i), 3);
      ++counts[{order.data<std::int32_t>(), order.data<std::int32_t>() + 3}];
    }
    double chi2 = 0;
    for (const auto& [order, count] : counts) chi2 += (count - 1000) * (count - 1000) / 1000.0;
    CHECK(counts.size() == 6);
    CHECK(chi2 < 20.5);  // 0.999 quantile at 5 degrees of freedom
    CHECK(permutation(key(1), 0).size() == 0);
    CHECK(permutation(key(1), 1).at(0) == 0);
  }

  TEST_CASE("uniform_int: unbiased where a plain remainder is not") {
    const std::int64_t n = std::int64_t{3} << 61;  // 2^64 / n = 8/3: a remainder would favour the low numbers
    int low = 0, residues[3] = {};                 // a product not redrawn favours the residues 0 and 1 of 3
    for (std::uint64_t i = 0; i < 30000; ++i) {
      const std::int64_t x = uniform_int(key(14), i, n);
      REQUIRE(x >= 0);
      REQUIRE(x < n);
      low += x < n / 3;
      ++residues[x % 3];
    }
    CHECK(std::abs(low - 10000) < 300);
    for (const int count : residues) CHECK(std::abs(count - 10000) < 300);
    CHECK(uniform_int(key(14), 5, 1) == 0);
  }

  TEST_CASE("random: arguments out of range are refused") {
    CHECK_THROWS_AS(uniform(key(1), {2}, 1, 0), ValueError);
    CHECK_THROWS_AS(uniform(key(1), {2}, 0, INFINITY), ValueError);
    CHECK_THROWS_AS(uniform(key(1), {2}, 0, 1, DType::i32), DTypeError);
    CHECK_THROWS_AS(normal(key(1), {2}, 0, -1), ValueError);
    CHECK_THROWS_AS(normal(key(1), {2}, NAN), ValueError);
    CHECK_THROWS_AS(bernoulli(key(1), 1.5, {2}), ValueError);
    CHECK_THROWS_AS(bernoulli(key(1), NAN, {2}), ValueError);
    CHECK_THROWS_AS(permutation(key(1), -1), ValueError);
    CHECK_THROWS_AS(uniform_int(key(1), 0, 0), ValueError);
  }
}
