// Winograd's 3x3 convolutions, every instruction set and both tiles, against the defining sums in double.
#include <doctest/doctest.h>

#include <cmath>
#include <tuple>
#include <vector>

#include <glocal/core/kernels/conv2d_winograd.h>
#include <glocal/core/parallel.h>
#include <glocal/core/random.h>

using namespace glocal;
using kernels::Conv2dSizes;

namespace {

using Int = std::int64_t;

// Relative L2 errors, measured: 1e-6 and 4e-7 for y with 128 channels, where a direct sum in single precision has 6e-7.
double bound(int tile) { return tile == 4 ? 2e-6 : 1e-6; }

template <class F>
void for_each_kernel(F f) {
  for (const Isa set : {Isa::baseline, Isa::avx2, Isa::avx512})
    for (const int tile : {2, 4})
      if (set <= isa()) {
        CAPTURE(to_string(set));
        CAPTURE(tile);
        f(set, tile);
      }
}

std::vector<float> numbers(std::uint64_t seed, Int n, double deviation) {
  const Tensor x = normal(key(seed), {n}, 0, deviation, DType::f32);
  return {x.data<float>(), x.data<float>() + n};
}

// Random x, gy, weights scaled as He does, and the three results in double.
struct Problem {
  Conv2dSizes z;
  std::vector<float> x, weight, gy;
  std::vector<double> y, gx, gw;

  Problem(Int N, Int C, Int O, Int H, Int W, std::array<Int, 2> padding) {
    z = {.N = N, .C = C, .H = H, .W = W, .O = O, .KH = 3, .KW = 3, .padding = padding};
    z.OH = H + 2 * padding[0] - 2;
    z.OW = W + 2 * padding[1] - 2;
    x = numbers(1, N * C * H * W, 1);
    weight = numbers(2, O * C * 9, std::sqrt(2.0 / (9 * double(C))));
    gy = numbers(3, N * O * z.OH * z.OW, 1);
    y.resize(gy.size());
    gx.resize(x.size());
    gw.resize(weight.size());
    for (Int n = 0; n < N; ++n)
      for (Int o = 0; o < O; ++o)
        for (Int c = 0; c < C; ++c) add_plane(n, o, c);
  }

  void add_plane(Int n, Int o, Int c) {
    for (Int i = 0; i < 3; ++i)
      for (Int j = 0; j < 3; ++j)
        for (Int r = 0; r < z.OH; ++r)
          for (Int q = 0; q < z.OW; ++q) {
            const Int h = r - z.padding[0] + i, w = q - z.padding[1] + j;
            if (h < 0 || h >= z.H || w < 0 || w >= z.W) continue;
            const auto at_x = std::size_t(((n * z.C + c) * z.H + h) * z.W + w);
            const auto at_w = std::size_t(((o * z.C + c) * 3 + i) * 3 + j);
            const auto at_y = std::size_t(((n * z.O + o) * z.OH + r) * z.OW + q);
            y[at_y] += double(x[at_x]) * double(weight[at_w]);
            gx[at_x] += double(gy[at_y]) * double(weight[at_w]);
            gw[at_w] += double(x[at_x]) * double(gy[at_y]);
          }
  }
};

struct Results {
  std::vector<float> y, gx, gw;  // each with one number behind the last that no kernel may touch

  Results(const Problem& p, int tile, Isa set, const float* bias = nullptr)
      : y(p.y.size() + 1, guard), gx(p.gx.size() + 1, guard), gw(p.gw.size() + 1, guard) {
    kernels::winograd_conv2d(p.z, p.x.data(), p.weight.data(), bias, y.data(), tile, set);
    kernels::winograd_conv2d_input(p.z, p.gy.data(), p.weight.data(), gx.data(), tile, set);
    kernels::winograd_conv2d_weight(p.z, p.x.data(), p.gy.data(), gw.data(), tile, set);
  }

  static constexpr float guard = -77;
};

double relative_error(const std::vector<float>& found, const std::vector<double>& expected) {
  double gap = 0, size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    gap += std::pow(double(found[i]) - expected[i], 2);
    size += std::pow(expected[i], 2);
  }
  return std::sqrt(gap / size);
}

void check_all(const Problem& p) {
  CAPTURE(p.z.C);
  CAPTURE(p.z.O);
  CAPTURE(p.z.H);
  CAPTURE(p.z.W);
  REQUIRE(kernels::winograd_applies(p.z));
  for_each_kernel([&](Isa set, int tile) {
    const Results found(p, tile, set);
    CHECK(relative_error(found.y, p.y) < bound(tile));
    CHECK(relative_error(found.gx, p.gx) < bound(tile));
    CHECK(relative_error(found.gw, p.gw) < bound(tile));
    CHECK(found.y.back() == Results::guard);
    CHECK(found.gx.back() == Results::guard);
    CHECK(found.gw.back() == Results::guard);
  });
}

double dot(const std::vector<float>& a, const std::vector<float>& b, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += double(a[i]) * double(b[i]);
  return sum;
}

}  // namespace

TEST_SUITE_BEGIN("fast");

TEST_CASE("winograd: any number of channels and outputs") {
  for (const Int C : {1, 3, 16, 17, 32, 40})
    for (const Int O : {1, 3, 16, 17, 32, 40}) check_all({2, C, O, 6, 5, {1, 1}});
}

TEST_CASE("winograd: any height, width and padding") {
  int turn = 0;
  for (const Int H : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 17})
    for (const Int W : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 17}) {
      const std::array<Int, 2> padding{turn % 3, turn / 3 % 3};
      ++turn;
      if (H + 2 * padding[0] >= 3 && W + 2 * padding[1] >= 3) check_all({3, 5, 9, H, W, padding});
    }
}

TEST_CASE("winograd: images and rows cut into several blocks, sums into several slots") {
  check_all({11, 16, 16, 8, 8, {1, 1}});
  check_all({1, 8, 17, 70, 34, {0, 1}});
  check_all({1, 3, 4, 5, 530, {1, 2}});
}

TEST_CASE("winograd: errors with many channels") {
  const Problem p(1, 128, 32, 12, 12, {1, 1});
  for_each_kernel([&](Isa set, int tile) {
    const Results found(p, tile, set);
    CHECK(relative_error(found.y, p.y) < (tile == 4 ? 1.2e-6 : 5e-7));
    CHECK(relative_error(found.gx, p.gx) < (tile == 4 ? 1e-6 : 5e-7));
    CHECK(relative_error(found.gw, p.gw) < (tile == 4 ? 1e-6 : 5e-7));
  });
}

TEST_CASE("winograd: adds the bias") {
  const Problem p(2, 4, 19, 7, 9, {1, 1});
  const std::vector<float> bias = numbers(4, 19, 1);
  for_each_kernel([&](Isa set, int tile) {
    const Results with(p, tile, set, bias.data()), without(p, tile, set);
    for (std::size_t i = 0; i < p.y.size(); ++i)
      CHECK(with.y[i] == without.y[i] + bias[i / std::size_t(p.z.OH * p.z.OW) % 19]);
  });
}

TEST_CASE("winograd: the three are each other's adjoints") {
  const Problem p(4, 24, 20, 9, 11, {1, 0});
  for_each_kernel([&](Isa set, int tile) {
    const Results r(p, tile, set);
    const double product = dot(p.gy, r.y, p.y.size());
    const double scale = std::sqrt(dot(p.gy, p.gy, p.y.size()) * dot(r.y, r.y, p.y.size()));
    CHECK(std::abs(dot(r.gx, p.x, p.gx.size()) - product) < 1e-7 * scale);
    CHECK(std::abs(dot(r.gw, p.weight, p.gw.size()) - product) < 1e-7 * scale);
  });
}

TEST_CASE("winograd: the same bits for one thread and two") {
  const Problem p(13, 17, 33, 10, 12, {1, 1});
  const int before = threads();
  for_each_kernel([&](Isa set, int tile) {
    set_threads(1);
    const Results one(p, tile, set);
    set_threads(2);
    const Results two(p, tile, set);
    CHECK(one.y == two.y);
    CHECK(one.gx == two.gx);
    CHECK(one.gw == two.gw);
  });
  set_threads(before);
}

TEST_CASE("winograd: applies to 3x3 with stride 1 and one group alone, and suits many channels and full tiles") {
  const Conv2dSizes z = Problem(1, 16, 16, 8, 8, {1, 1}).z;
  const auto applies = [&](auto change) {
    Conv2dSizes other = z;
    change(other);
    return kernels::winograd_applies(other);
  };
  CHECK(kernels::winograd_applies(z));
  CHECK_FALSE(applies([](Conv2dSizes& s) { s.stride[1] = 2; }));
  CHECK_FALSE(applies([](Conv2dSizes& s) { s.dilation[0] = 2; }));
  CHECK_FALSE(applies([](Conv2dSizes& s) { s.groups = 2; }));
  CHECK_FALSE(applies([](Conv2dSizes& s) { s.KH = 5; }));
  CHECK_FALSE(applies([](Conv2dSizes& s) { s.padding[0] = 3; }));
  CHECK_FALSE(applies([](Conv2dSizes& s) { s.N = 0; }));
  CHECK(kernels::winograd_suits(z));
  CHECK_FALSE(kernels::winograd_suits(Problem(1, 3, 64, 8, 8, {1, 1}).z));
  CHECK_FALSE(kernels::winograd_suits(Problem(1, 16, 16, 5, 5, {1, 1}).z));
}

TEST_SUITE_END();
