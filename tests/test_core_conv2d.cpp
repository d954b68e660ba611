// The algorithms behind kernels/conv2d.h against the definition in double, on every instruction set of this machine.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <glocal/core/kernels/conv2d_algorithms.h>
#include <glocal/core/parallel.h>
#include <glocal/core/random.h>
#include <glocal/core/simd/conv.h>

using namespace glocal;
using namespace glocal::kernels;

namespace {

using Int = std::int64_t;

struct Case {
  const char* what;
  Conv2dSizes z;
};

// Images (C, H, W), O filters (KH, KW).
Case make(const char* what, std::array<Int, 3> x, std::array<Int, 3> w, std::array<Int, 2> stride = {1, 1},
          std::array<Int, 2> padding = {0, 0}, std::array<Int, 2> dilation = {1, 1}, Int groups = 1) {
  Conv2dSizes z{1, x[0], x[1], x[2], w[0], w[1], w[2]};
  z.stride = stride, z.padding = padding, z.dilation = dilation, z.groups = groups;
  z.OH = (z.H + 2 * padding[0] - dilation[0] * (z.KH - 1) - 1) / stride[0] + 1;
  z.OW = (z.W + 2 * padding[1] - dilation[1] * (z.KW - 1) - 1) / stride[1] + 1;
  return {what, z};
}

const std::vector<Case> cases = {
    make("plain", {3, 7, 6}, {4, 3, 3}),
    make("padding", {3, 7, 6}, {14, 3, 3}, {1, 1}, {1, 1}),
    make("padding wider than the kernel", {1, 3, 4}, {2, 2, 2}, {1, 1}, {4, 5}),
    make("stride 2", {2, 9, 8}, {5, 3, 3}, {2, 2}, {1, 1}),
    make("stride 2, even sizes", {4, 8, 8}, {7, 3, 3}, {2, 2}, {1, 1}),
    make("strides 3 and 1", {2, 11, 8}, {3, 3, 2}, {3, 1}, {0, 1}),
    make("strides 1 and 3, pixels left over", {2, 6, 12}, {3, 2, 2}, {1, 3}, {1, 0}),
    make("stride above the kernel", {2, 7, 8}, {3, 2, 1}, {3, 2}, {1, 0}),
    make("dilation", {2, 9, 11}, {5, 3, 2}, {1, 1}, {2, 1}, {2, 3}),
    make("stride and dilation", {6, 11, 13}, {8, 3, 2}, {3, 2}, {4, 1}, {2, 2}),
    make("groups", {6, 9, 11}, {8, 3, 3}, {1, 1}, {1, 1}, {1, 1}, 2),
    make("depthwise with stride", {3, 6, 5}, {6, 3, 3}, {2, 1}, {1, 1}, {1, 1}, 3),
    make("first layer, y where it lies", {3, 8, 8}, {16, 3, 3}, {1, 1}, {1, 1}),
    make("first layer, rows that are no vectors", {3, 12, 12}, {19, 3, 5}, {1, 1}, {2, 4}, {2, 2}),
    make("stride 2, channels for several vectors", {19, 10, 9}, {70, 3, 3}, {2, 2}, {1, 1}),
    make("stride 2, two groups", {34, 9, 18}, {18, 3, 2}, {2, 1}, {1, 0}, {1, 1}, 2),
    make("1x1", {5, 12, 12}, {3, 1, 1}),
    make("1x1 with stride 2", {5, 12, 11}, {3, 1, 1}, {2, 2}),
    make("kernel as large as the image", {3, 4, 5}, {4, 4, 5}),
    make("long rows", {2, 3, 70}, {9, 1, 5}, {1, 1}, {0, 2}),
    make("LeNet, first layer", {1, 28, 28}, {6, 5, 5}, {1, 1}, {2, 2}),
    make("LeNet, second layer", {6, 14, 14}, {16, 5, 5}),
};

template <class T>
std::vector<T> numbers(std::uint64_t seed, Int n) {
  const Tensor t = normal(key(seed), {n}, 0, 1, DType::f64);
  std::vector<T> out;
  for (Int i = 0; i < n; ++i) out.push_back(static_cast<T>(t.at(i)));
  return out;
}

template <class T>
struct Problem {
  Conv2dSizes z;
  std::vector<T> x, weight, bias, gy;
  explicit Problem(const Conv2dSizes& sizes)
      : z(sizes),
        x(numbers<T>(1, z.N * z.C * z.H * z.W)),
        weight(numbers<T>(2, z.O * (z.C / z.groups) * z.KH * z.KW)),
        bias(numbers<T>(3, z.O)),
        gy(numbers<T>(4, z.N * z.O * z.OH * z.OW)) {}
};

struct Results {
  std::vector<double> y, gx, gw;
};

template <class T>
Results by_definition(const Problem<T>& p) {
  const Conv2dSizes& z = p.z;
  Results sum{std::vector<double>(p.gy.size()), std::vector<double>(p.x.size()), std::vector<double>(p.weight.size())};
  const Int Cg = z.C / z.groups, Og = z.O / z.groups;
  for (Int n = 0; n < z.N; ++n)
    for (Int o = 0; o < z.O; ++o)
      for (Int r = 0; r < z.OH; ++r)
        for (Int q = 0; q < z.OW; ++q) {
          const auto at_y = static_cast<std::size_t>(((n * z.O + o) * z.OH + r) * z.OW + q);
          sum.y[at_y] += static_cast<double>(p.bias[static_cast<std::size_t>(o)]);
          for (Int c = 0; c < Cg; ++c)
            for (Int u = 0; u < z.KH; ++u)
              for (Int v = 0; v < z.KW; ++v) {
                const Int h = r * z.stride[0] - z.padding[0] + u * z.dilation[0];
                const Int w = q * z.stride[1] - z.padding[1] + v * z.dilation[1];
                if (h < 0 || h >= z.H || w < 0 || w >= z.W) continue;
                const auto at_x = static_cast<std::size_t>(((n * z.C + o / Og * Cg + c) * z.H + h) * z.W + w);
                const auto at_w = static_cast<std::size_t>(((o * Cg + c) * z.KH + u) * z.KW + v);
                const auto x = static_cast<double>(p.x[at_x]), weight = static_cast<double>(p.weight[at_w]);
                const auto gy = static_cast<double>(p.gy[at_y]);
                sum.y[at_y] += weight * x;
                sum.gx[at_x] += weight * gy;
                sum.gw[at_w] += x * gy;
              }
        }
  return sum;
}

// Largest error relative to the largest number expected; infinite where a number was not written.
template <class T>
double error(const std::vector<T>& got, const std::vector<double>& expected) {
  double worst = 0, size = 1e-30;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double gap = std::abs(static_cast<double>(got[i]) - expected[i]);
    worst = std::isnan(gap) ? std::numeric_limits<double>::infinity() : std::fmax(worst, gap);
    size = std::fmax(size, std::abs(expected[i]));
  }
  return worst / size;
}

template <class T>
std::vector<T> unset(std::size_t n) {
  return std::vector<T>(n, std::numeric_limits<T>::quiet_NaN());
}

// One way of computing the three directions, each called with its pointers.
template <class T, class Y, class Weight, class Input>
void check_way(const Problem<T>& p, const Results& expected, double bound, Y conv, Weight weight, Input input) {
  auto y = unset<T>(p.gy.size()), gx = unset<T>(p.x.size()), gw = unset<T>(p.weight.size());
  conv(p.x.data(), p.weight.data(), p.bias.data(), y.data());
  weight(p.x.data(), p.gy.data(), gw.data());
  CHECK(error(y, expected.y) < bound);
  CHECK(error(gw, expected.gw) < bound);
  if (!direct_suits_input(p.z)) return;
  input(p.gy.data(), p.weight.data(), gx.data());
  CHECK(error(gx, expected.gx) < bound);
}

template <class T>
void check(const Problem<T>& p, const Results& expected, Isa set, double bound) {
  check_way(
      p, expected, bound, [&](auto... at) { direct_conv2d<T>(p.z, at..., set); },
      [&](auto... at) { direct_conv2d_weight<T>(p.z, at..., set); },
      [&](auto... at) { direct_conv2d_input<T>(p.z, at..., set); });
  check_way(
      p, expected, bound, [&](auto... at) { channel_conv2d<T>(p.z, at..., set); },
      [&](auto... at) { channel_conv2d_weight<T>(p.z, at..., set); },
      [&](auto... at) { channel_conv2d_input<T>(p.z, at..., set); });
}

template <class T>
void check_tiled(const Problem<T>& p, const Results& expected, double bound) {
  auto y = unset<T>(p.gy.size()), gx = unset<T>(p.x.size()), gw = unset<T>(p.weight.size());
  tiled_conv2d<T>(p.z, p.x.data(), p.weight.data(), p.bias.data(), y.data());
  tiled_conv2d_input<T>(p.z, p.gy.data(), p.weight.data(), gx.data());
  tiled_conv2d_weight<T>(p.z, p.x.data(), p.gy.data(), gw.data());
  CHECK(error(y, expected.y) < bound);
  CHECK(error(gx, expected.gx) < bound);
  CHECK(error(gw, expected.gw) < bound);
}

template <class T>
void check_case(const Conv2dSizes& z, double bound) {
  const Problem<T> p(z);
  const Results expected = by_definition(p);
  for (Isa set : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    if (set > isa()) continue;
    INFO("instructions: ", to_string(set));
    check(p, expected, set, bound);
  }
  check_tiled(p, expected, bound);
}

// One pixel of each 2 x 2 window of y, and the rest of each window set to 0, from what the kernels say of corners.
struct Windows {
  const Conv2dSizes& z;
  Int lanes;
  // f(place in y (N, O, OH / 2, OW / 2), place of corner 0 in y (N, O, OH, OW), place in the corners)
  template <class F>
  void each(F f) const {
    const Int rows = z.OH / 2, columns = z.OW / 2;
    for (Int k = 0; k < z.N * z.O; ++k)
      for (Int r = 0; r < rows; ++r)
        for (Int q = 0; q < columns; ++q) {
          const Int n = k / z.O, o = k % z.O, window = r * columns + q;
          f(k * rows * columns + window, (k * z.OH + 2 * r) * z.OW + 2 * q,
            ((n / lanes * z.O + o) * rows * columns + window) * lanes + n % lanes);
        }
  }
  Int pixel(Int first, int corner) const { return first + corner / 2 * z.OW + corner % 2; }
};

// Convolutions joined to pooling give the bits of the two apart.
template <class T>
void check_joined(const Problem<T>& p, Isa set) {
  const Conv2dSizes& z = p.z;
  const Int count = direct_corners<T>(z, set);
  REQUIRE(count > 0);
  const auto size = static_cast<std::size_t>(count);
  const Windows windows{z, simd::conv<T>(set).lanes};
  auto y = unset<T>(p.gy.size()), pooled = unset<T>(p.gy.size() / 4), corners = unset<T>(size), expected = pooled;
  direct_conv2d<T>(z, p.x.data(), p.weight.data(), p.bias.data(), y.data(), set);
  direct_conv2d<T>(z, p.x.data(), p.weight.data(), p.bias.data(), pooled.data(), set, {nullptr, corners.data()});
  std::vector<T> slopes(p.gy.size() / 4), spread(p.gy.size(), T(0));
  std::vector<T> seen(size, T(-1));
  windows.each([&](Int to, Int first, Int at) {
    int best = 0;
    for (int corner = 1; corner < 4; ++corner) {
      const T value = y[std::size_t(windows.pixel(first, corner))];
      if (value > y[std::size_t(windows.pixel(first, best))] || std::isnan(value)) best = corner;
    }
    expected[std::size_t(to)] = y[std::size_t(windows.pixel(first, best))];
    seen[std::size_t(at)] = T(best);
    slopes[std::size_t(to)] = spread[std::size_t(windows.pixel(first, best))] = p.gy[std::size_t(first)];
  });
  CHECK(pooled == expected);
  for (std::size_t i = 0; i < size; ++i)
    if (seen[i] >= 0) CHECK(corners[i] == seen[i]);

  auto taken = unset<T>(pooled.size()), gx = unset<T>(p.x.size()), gw = unset<T>(p.weight.size());
  auto gx_apart = gx, gw_apart = gw;
  direct_conv2d<T>(z, p.x.data(), p.weight.data(), p.bias.data(), taken.data(), set, {corners.data()});
  CHECK(taken == expected);
  direct_conv2d_input<T>(z, slopes.data(), p.weight.data(), gx.data(), set, {corners.data()});
  direct_conv2d_input<T>(z, spread.data(), p.weight.data(), gx_apart.data(), set);
  CHECK(gx == gx_apart);
  direct_conv2d_weight<T>(z, p.x.data(), slopes.data(), gw.data(), set, {corners.data()});
  direct_conv2d_weight<T>(z, p.x.data(), spread.data(), gw_apart.data(), set);
  CHECK(gw == gw_apart);
}

}  // namespace

TEST_SUITE_BEGIN("fast");

// The second problem has small whole numbers, so that many windows have more than one largest pixel.
TEST_CASE("core conv2d: pooling joined to a convolution gives the bits of the two apart") {
  for (const Case& c : {cases[20], cases[21]})
    for (Int N : {16, 61})
      for (Isa set : {Isa::baseline, Isa::avx2, Isa::avx512}) {
        if (set > isa()) continue;
        INFO(std::string(c.what), ", batch ", N, ", instructions: ", to_string(set));
        Conv2dSizes z = c.z;
        z.N = N;
        Problem<float> p(z);
        check_joined(p, set);
        check_joined(Problem<double>(z), set);
        for (std::vector<float>* all : {&p.x, &p.weight, &p.bias})
          for (float& value : *all) value = std::round(value);
        check_joined(p, set);
      }
}

TEST_CASE("core conv2d: pooling is joined where its windows cover whole images in vectors of images") {
  const auto corners = [](const Case& c, Int N) {
    Conv2dSizes z = c.z;
    z.N = N;
    return direct_corners<float>(z);
  };
  CHECK(corners(cases[21], 128) == 128 * 16 * 5 * 5);
  CHECK(corners(cases[17], 1) == 0);
  CHECK(corners(cases[0], 128) == 0);
  CHECK(corners(cases[4], 128) == 0);
}

// Batches of one image, less than a vector, a whole vector of every set and more than one.
TEST_CASE("core conv2d: direct and tiled convolutions are within 2e-6 in f32 and 1e-14 in f64 of their definition") {
  for (const Case& c : cases)
    for (Int N : {1, 3, 16, 21}) {
      INFO(std::string(c.what), ", batch ", N);
      Conv2dSizes z = c.z;
      z.N = N;
      check_case<float>(z, 2e-6);
      check_case<double>(z, 1e-14);
    }
}

TEST_CASE("core conv2d: the input gradient knows when its padding is too wide") {
  CHECK(direct_suits_input(cases[1].z));
  CHECK_FALSE(direct_suits_input(cases[2].z));
  CHECK(direct_suits_input(cases[3].z));
  CHECK_FALSE(direct_suits_input(cases[9].z));
}

TEST_CASE("core conv2d: the same bits for one thread and two, whatever the layout") {
  const int before = threads();
  for (const Case& c : {cases[4], cases[12], cases[20], cases[21]})
    for (Int N : {3, 128}) {
      INFO(std::string(c.what), ", batch ", N);
      Conv2dSizes z = c.z;
      z.N = N;
      const Problem<float> p(z);
      std::vector<std::vector<float>> results[2];
      for (int k = 0; k < 2; ++k) {
        set_threads(k + 1);
        auto y = unset<float>(p.gy.size()), gx = unset<float>(p.x.size()), gw = unset<float>(p.weight.size());
        direct_conv2d<float>(z, p.x.data(), p.weight.data(), p.bias.data(), y.data());
        direct_conv2d_input<float>(z, p.gy.data(), p.weight.data(), gx.data());
        direct_conv2d_weight<float>(z, p.x.data(), p.gy.data(), gw.data());
        results[k] = {y, gx, gw};
        channel_conv2d<float>(z, p.x.data(), p.weight.data(), p.bias.data(), y.data());
        channel_conv2d_input<float>(z, p.gy.data(), p.weight.data(), gx.data());
        channel_conv2d_weight<float>(z, p.x.data(), p.gy.data(), gw.data());
        results[k].insert(results[k].end(), {y, gx, gw});
      }
      set_threads(before);
      CHECK(results[0] == results[1]);
    }
}

TEST_SUITE_END();
