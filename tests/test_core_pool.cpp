// Pooling by 2 x 2 windows on every instruction set of this machine, against loops over the windows.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include <glocal/core/random.h>
#include <glocal/core/simd/pool.h>

using namespace glocal;

namespace {

using Int = std::int64_t;

template <class T>
const simd::PoolKernels<T>& kernels(Isa set) {
  if constexpr (sizeof(T) == sizeof(float))
    return simd::pool_f32(set);
  else
    return simd::pool_f64(set);
}

// Small whole numbers, so that ties are frequent and sums exact.
template <class T>
std::vector<T> numbers(std::uint64_t seed, Int n) {
  const Tensor t = normal(key(seed), {n + 1}, 0, 2, DType::f64);
  std::vector<T> x;
  for (Int i = 0; i < n; ++i) x.push_back(static_cast<T>(std::round(t.at(i))));
  return x;
}

// The place of the first largest of the window at (r, q); a NaN is larger than everything.
template <class T>
Int place_of_largest(const std::vector<T>& x, Int W, Int r, Int q) {
  Int best = 2 * r * W + 2 * q;
  for (Int i : {best + 1, best + W, best + W + 1}) {
    const T candidate = x[static_cast<std::size_t>(i)], largest = x[static_cast<std::size_t>(best)];
    if (candidate > largest || std::isnan(candidate)) best = i;
  }
  return best;
}

template <class T>
void check(Int H, Int W, Isa set, bool nans) {
  const Int OH = H / 2, OW = W / 2;
  std::vector<T> x = numbers<T>(static_cast<std::uint64_t>(100 * H + W), H * W);
  for (std::size_t i = 3; nans && i < x.size(); i += 7) x[i] = std::numeric_limits<T>::quiet_NaN();
  const auto n = static_cast<std::size_t>(OH * OW);
  // One number behind the end shows whether more was written.
  std::vector<T> y(n + 1, T(77)), mean(n + 1, T(77)), gx(x.size() + 1, T(77));
  std::vector<std::int32_t> index(n + 1, 77);
  const std::vector<T> gy = numbers<T>(5, OH * OW);
  kernels<T>(set).max(1, H, W, x.data(), y.data(), index.data(), 1000);
  kernels<T>(set).mean(H, W, x.data(), mean.data());
  kernels<T>(set).mean_input(H, W, gy.data(), gx.data());
  std::vector<T> expected_gx(x.size());
  for (Int r = 0; r < OH; ++r)
    for (Int q = 0; q < OW; ++q) {
      const auto k = static_cast<std::size_t>(r * OW + q);
      const Int best = place_of_largest(x, W, r, q), first = 2 * r * W + 2 * q;
      T sum = 0;
      bool some_nan = false;
      for (Int i : {first, first + 1, first + W, first + W + 1}) {
        const T v = x[static_cast<std::size_t>(i)];
        sum += v;
        some_nan = some_nan || std::isnan(v);
        expected_gx[static_cast<std::size_t>(i)] = gy[k] / 4;
      }
      if (some_nan) {
        CHECK(std::isnan(y[k]));
        CHECK(std::isnan(x[static_cast<std::size_t>(index[k] - 1000)]));
        CHECK(std::isnan(mean[k]));
      } else {
        CHECK(y[k] == x[static_cast<std::size_t>(best)]);
        CHECK(index[k] == 1000 + best);
        CHECK(mean[k] == sum / 4);
      }
    }
  expected_gx.push_back(T(77));
  CHECK(gx == expected_gx);
  CHECK(y.back() == T(77));
  CHECK(mean.back() == T(77));
  CHECK(index.back() == 77);
}

// Pooling several images at once is pooling them one by one, and take and put follow the index.
template <class T>
void check_planes(Int planes, Int H, Int W, Isa set) {
  const Int OH = H / 2, OW = W / 2, size = H * W, count = OH * OW, base = 5 * size;
  const std::vector<T> x = numbers<T>(static_cast<std::uint64_t>(100 * H + W), planes * size);
  const std::vector<T> gy = numbers<T>(6, planes * count);
  const auto n = gy.size();
  std::vector<T> y(n + 1, T(77)), taken(n + 1, T(77)), gx(x.size() + 1, T(77)), expected(x.size());
  std::vector<std::int32_t> index(n + 1, 77);
  kernels<T>(set).max(planes, H, W, x.data(), y.data(), index.data(), static_cast<std::int32_t>(base));
  for (Int k = 0; k < planes; ++k) {
    const std::vector<T> image(x.begin() + k * size, x.begin() + (k + 1) * size);
    for (Int r = 0; r < OH; ++r)
      for (Int q = 0; q < OW; ++q) {
        const auto i = static_cast<std::size_t>(k * count + r * OW + q);
        const Int place = k * size + place_of_largest(image, W, r, q);
        CHECK(index[i] == base + place);
        CHECK(y[i] == x[static_cast<std::size_t>(place)]);
        expected[static_cast<std::size_t>(place)] = gy[i];
      }
  }
  expected.push_back(T(77));
  CHECK(kernels<T>(set).take(planes, H, W, x.data(), index.data(), static_cast<std::int32_t>(base), taken.data()));
  CHECK(taken == y);
  CHECK(kernels<T>(set).put(planes, H, W, gy.data(), index.data(), static_cast<std::int32_t>(base), gx.data()));
  CHECK(gx == expected);
  CHECK(y.back() == T(77));
  CHECK(index.back() == 77);

  // Any index that is not in its own window is noticed.
  for (std::size_t i = 0; i < n; i += 1 + n / 7)
    for (Int wrong : {Int(-1), Int(2), W - 1, W + 2, 2 * W, -base - 1}) {
      const Int row = static_cast<Int>(i) / OW,
                first = row / OH * size + row % OH * 2 * W + static_cast<Int>(i) % OW * 2;
      std::vector<std::int32_t> other = index;
      other[i] = static_cast<std::int32_t>(base + first + wrong);
      if (W == 2 && wrong == W - 1) continue;  // the second pixel of the window
      INFO("planes ", planes, " H ", H, " W ", W, " i ", i, " wrong ", wrong);
      const bool inside = wrong == 2 && W == 2;  // the third one
      const auto from = static_cast<std::int32_t>(base);
      CHECK(kernels<T>(set).take(planes, H, W, x.data(), other.data(), from, taken.data()) == inside);
      CHECK(kernels<T>(set).put(planes, H, W, gy.data(), other.data(), from, gx.data()) == inside);
    }
}

}  // namespace

TEST_SUITE_BEGIN("fast");

TEST_CASE("core pool: windows of 2 x 2 follow their definition; ties, NaN and pixels left over") {
  for (Isa set : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    if (set > isa()) continue;
    INFO("instructions: ", to_string(set));
    for (Int H : {2, 3, 6})
      for (Int W : {2, 3, 4, 5, 8, 10, 15, 16, 17, 28, 31, 32, 33, 34, 66})
        for (bool nans : {false, true}) {
          check<float>(H, W, set, nans);
          check<double>(H, W, set, nans);
        }
  }
}

TEST_CASE("core pool: several images at once, take and put of 2 x 2 windows") {
  for (Isa set : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    if (set > isa()) continue;
    INFO("instructions: ", to_string(set));
    for (Int planes : {1, 2, 5})
      for (Int H : {2, 3, 6, 10})
        for (Int W : {2, 3, 4, 5, 10, 15, 28, 33, 34, 66}) {
          check_planes<float>(planes, H, W, set);
          check_planes<double>(planes, H, W, set);
        }
  }
}

TEST_SUITE_END();
