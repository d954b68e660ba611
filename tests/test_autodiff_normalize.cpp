// normalize against its definition for every pattern of axes; constant channels, large means, threads.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/core/parallel.h>
#include <glocal/core/simd/normalize.h>
#include <glocal/core/simd/reduce.h>

using namespace glocal;

namespace {

// Mean of every element's group along `axes`, in long double: groups share their indices on the other axes.
std::vector<long double> group_means(const std::vector<long double>& x, const Shape& shape, const Axes& axes) {
  std::vector<std::size_t> group(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    std::int64_t rest = static_cast<std::int64_t>(i), id = 0;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      bool reduced = axes.empty();
      for (int a : axes) reduced = reduced || (a + shape.rank()) % shape.rank() == axis;
      if (!reduced) id = id * shape[axis] + rest % shape[axis];
      rest /= shape[axis];
    }
    group[i] = static_cast<std::size_t>(id);
  }
  std::vector<long double> sum(x.size()), count(x.size()), mean;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sum[group[i]] += x[i];
    count[group[i]] += 1;
  }
  for (std::size_t i = 0; i < x.size(); ++i) mean.push_back(sum[group[i]] / count[group[i]]);
  return mean;
}

std::vector<long double> reference(const Tensor& x, const Axes& axes, double eps) {
  std::vector<long double> v, squares;
  for (std::int64_t i = 0; i < x.size(); ++i) v.push_back(x.at(i));
  const auto mean = group_means(v, x.shape(), axes);
  for (std::size_t i = 0; i < v.size(); ++i) squares.push_back((v[i] - mean[i]) * (v[i] - mean[i]));
  const auto variance = group_means(squares, x.shape(), axes);
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = (v[i] - mean[i]) / std::sqrt(variance[i] + eps);
  return v;
}

double gap(const Var& y, const std::vector<long double>& expected) {
  REQUIRE(y.size() == static_cast<std::int64_t>(expected.size()));
  double worst = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(y.value().at(static_cast<std::int64_t>(i)) - double(expected[i]));
    worst = difference <= worst ? worst : std::isnan(difference) ? HUGE_VAL : difference;
  }
  return worst;
}

struct Case {
  Shape x;
  Axes axes;
};
const std::vector<Case> cases = {
    {{6, 5, 4, 3}, {0, 2, 3}},   // batch norm of images, long runs
    {{6, 70, 2, 2}, {0, 2, 3}},  // short runs, more channels than one block
    {{9, 130}, {0}},             // batch norm of features
    {{7, 33}, {-1}},             // layer norm
    {{3, 4, 5, 6}, {1, 2, 3}},   // layer norm of images
    {{3, 4, 30}, {2}},           // group norm after a reshape
    {{4, 3, 5, 6}, {1, 3}},      // kept axes that are not neighbours
    {{4, 3, 5, 6}, {0, 2}},
    {{3, 4, 5}, {}},
    {{40}, {0}},
    {{2, 1, 50, 40}, {3, 0, 2}},
};

}  // namespace

TEST_SUITE_BEGIN("fast");

TEST_CASE("autodiff normalize: follows the definition for every pattern of axes") {
  for (const Case& c : cases) {
    INFO(c.x.to_string());
    for (double mean : {0.0, 100.0}) {
      const Tensor x = normal(key(1), c.x, mean, 2, DType::f64);
      const Var y = normalize(x, c.axes, 1e-3);
      CHECK(y.shape() == c.x);
      CHECK(gap(y, reference(x, c.axes, 1e-3)) < 1e-12);
      const Tensor single = x.to(DType::f32);
      CHECK(gap(normalize(single, c.axes, 1e-3), reference(single, c.axes, 1e-3)) < 1e-6);
    }
  }
}

TEST_CASE("autodiff normalize: small deviations from a mean of 1e8 survive") {
  Tensor x({64, 3}, DType::f64);
  for (std::int64_t i = 0; i < x.size(); ++i) x.data<double>()[i] = 1e8 + double(i % 7) / 64;
  CHECK(gap(normalize(x, {0}, 1e-12), reference(x, {0}, 1e-12)) < 1e-9);
  Tensor single({2, 3, 8, 8});
  for (std::int64_t i = 0; i < single.size(); ++i) single.data<float>()[i] = 1e8f + 8 * static_cast<float>(i % 7);
  CHECK(gap(normalize(single, {0, 2, 3}, 1e-5), reference(single, {0, 2, 3}, 1e-5)) < 1e-6);
}

TEST_CASE("autodiff normalize: an outlier in the first place does not spoil the rest") {
  Tensor x = normal(key(4), {1, 5000}, 0, 1, DType::f64);
  x.data<double>()[0] = 1e6;
  CHECK(gap(normalize(x, {1}, 1e-5), reference(x, {1}, 1e-5)) < 1e-10);
}

TEST_CASE("autodiff normalize: a constant channel gives zeros and a finite derivative") {
  const Tensor x = Tensor::full({4, 2, 3, 3}, 0.1, DType::f64);
  const auto [y, pullback] = vjp([](const Var& v) { return normalize(v, {0, 2, 3}, 1e-4); }, Var(x));
  for (std::int64_t i = 0; i < y.size(); ++i) CHECK(std::abs(y.value().at(i)) < 1e-13);
  const Tensor gy = normal(key(2), x.shape(), 0, 1, DType::f64);
  const Var expected = scale(sub(gy, mean(gy, {0, 2, 3}, true)), 100);
  const Var gx = pullback(gy);
  for (std::int64_t i = 0; i < gx.size(); ++i)
    CHECK(gx.value().at(i) == doctest::Approx(expected.value().at(i)).epsilon(1e-12));
}

TEST_CASE("autodiff normalize: the derivative sees that eps breaks scale invariance") {
  // Along x itself: y(t x) = t (x - mean) / sqrt(t^2 var + eps), so dy/dt = y eps / (var + eps) at t = 1.
  const Tensor x = normal(key(1), {5, 40}, 3, 2, DType::f64);
  const double eps = 0.7;
  const auto [y, dy] = jvp([&](const Var& v) { return normalize(v, {1}, eps); }, Var(x), Var(x));
  const Var deviation = sub(x, mean(x, {1}, true));
  const Var variance = mean(square(deviation), {1}, true);
  const Var expected = mul(y, scale(reciprocal(shift(variance, eps)), eps));
  for (std::int64_t i = 0; i < dy.size(); ++i)
    CHECK(dy.value().at(i) == doctest::Approx(expected.value().at(i)).epsilon(1e-12));
}

TEST_CASE("autodiff normalize: the same bits for one and two threads") {
  const int before = threads();
  for (const Case& c : {Case{{8, 6, 40, 40}, {0, 2, 3}}, Case{{500, 300}, {0}}, Case{{500, 300}, {1}},
                        Case{{20, 30, 20, 20}, {1, 3}}}) {
    const Tensor x = normal(key(1), c.x), gy = normal(key(2), c.x);
    std::vector<Tensor> results[2];
    for (int k = 0; k < 2; ++k) {
      set_threads(k + 1);
      const auto [y, pullback] = vjp([&](const Var& v) { return normalize(v, c.axes, 1e-5); }, Var(x));
      results[k] = {y.value(), pullback(gy).value()};
    }
    set_threads(before);
    for (std::size_t i = 0; i < 2; ++i) CHECK(same_bits(results[0][i], results[1][i]));
  }
}

TEST_CASE("autodiff normalize: an empty batch, and errors") {
  CHECK(normalize(Tensor::zeros({0, 3, 4, 4}), {0, 2, 3}, 1e-5).shape() == Shape{0, 3, 4, 4});
  const Tensor x = Tensor::zeros({2, 3});
  CHECK_THROWS_AS(normalize(x, {2}, 1e-5), ShapeError);
  CHECK_THROWS_AS(normalize(x, {1, -1}, 1e-5), ShapeError);
  CHECK_THROWS_AS(normalize(x, {1}, -1), ValueError);
  CHECK_THROWS_AS(normalize(x, {1}, NAN), ValueError);
  CHECK_THROWS_AS(normalize(Tensor::zeros({2, 3}, DType::i32), {1}, 1e-5), DTypeError);
}

TEST_CASE("autodiff batch_norm: is normalize, weight, bias and relu; mean and variance as by loops") {
  for (const Shape& shape :
       {Shape{6, 3, 5, 7}, Shape{70, 18}, Shape{4, 1, 30, 40}, Shape{1, 5, 9}, Shape{40, 33, 16, 16}}) {
    INFO(shape.to_string());
    const Tensor x = normal(key(1), shape, 50, 2, DType::f64);
    const Tensor weight = normal(key(2), {shape[1]}, 0, 1, DType::f64),
                 bias = normal(key(3), {shape[1]}, 0, 1, DType::f64);
    Axes axes{0};
    Shape column{1, shape[1]};
    for (int axis = 2; axis < shape.rank(); ++axis) axes.push_back(axis), column = column.append(1);
    const auto unit = reference(x, axes, 1e-3);
    const auto per_channel = [&](const Tensor& v) { return broadcast_to(reshape(v, column), shape).value(); };
    std::vector<long double> affine, rectified;
    for (std::size_t i = 0; i < unit.size(); ++i) {
      const auto k = static_cast<std::int64_t>(i);
      affine.push_back(per_channel(weight).at(k) * unit[i] + per_channel(bias).at(k));
      rectified.push_back(affine.back() < 0 ? 0 : affine.back());
      if (unit.size() > 1000) break;
    }
    const auto head = [&](const Var& y) {
      return slice(reshape(y, {-1}), 0, 0, static_cast<std::int64_t>(affine.size()));
    };
    const BatchNormed plain = batch_norm(x, weight, bias, 1e-3), relued = batch_norm(x, weight, bias, 1e-3, true);
    CHECK(gap(head(plain.y), affine) < 1e-12);
    CHECK(gap(head(relued.y), rectified) < 1e-12);
    CHECK(same_bits(relued.y.value(), relu(plain.y).value()));
    const Tensor m = mean(x, axes).value(), v = mean(square(sub(x, per_channel(m))), axes).value();
    for (std::int64_t c = 0; c < shape[1]; ++c) {
      CHECK(plain.mean.value().at(c) == doctest::Approx(m.at(c)).epsilon(1e-13));
      CHECK(plain.variance.value().at(c) == doctest::Approx(v.at(c)).epsilon(1e-12));
    }
  }
  const Tensor x = Tensor::zeros({2, 3}), v = Tensor::zeros({3});
  CHECK_THROWS_AS(batch_norm(x, Tensor::zeros({2}), v, 1e-5), ShapeError);
  CHECK_THROWS_AS(batch_norm(Tensor::zeros({0, 3}), v, v, 1e-5), ShapeError);
  CHECK_THROWS_AS(batch_norm(x, v, v, -1), ValueError);
  CHECK_THROWS_AS(batch_norm(x, Tensor::zeros({3}, DType::f64), v, 1e-5), DTypeError);
  CHECK_THROWS_AS(add_bias(x, Tensor::zeros({2})), ShapeError);
  CHECK_THROWS_AS(channel_affine(x, v, Tensor::zeros({4})), ShapeError);
}

TEST_CASE("autodiff batch_norm: outputs, gradients and sums have the same bits for one and two threads") {
  const int before = threads();
  for (const Shape& shape : {Shape{60, 5, 40, 40}, Shape{5000, 70}, Shape{300, 1, 30, 30}}) {
    const Tensor x = normal(key(1), shape), gy = normal(key(2), shape), w = normal(key(3), {shape[1]});
    std::vector<Tensor> results[2];
    for (int k = 0; k < 2; ++k) {
      set_threads(k + 1);
      const auto f = [&](const Vars& v) { return batch_norm(v[0], v[1], v[1], 1e-5, true).y; };
      const auto [y, pullback] = vjp(f, Vars{x, w});
      const Vars g = pullback(gy);
      results[k] = {y.value(), g[0].value(), g[1].value(), sum(x).value(), sum(x, {0}).value()};
    }
    set_threads(before);
    for (std::size_t i = 0; i < results[0].size(); ++i) CHECK(same_bits(results[0][i], results[1][i]));
  }
}

namespace {

// Sums and maps of one instruction set on (images, channels, length) against plain loops in double; the largest error
// relative to the sum of magnitudes.
template <class T>
double kernel_error(const simd::NormalizeKernels<T>& k, const simd::ReduceKernels<T>& r, const simd::ChannelSlab& z) {
  const std::int64_t n = z.images * z.stride, C = z.channels;
  const Tensor tx = normal(key(1), {n}, 3, 1, DType::f64).to(dtype_of<T>), td = normal(key(2), {n}, 0, 1, dtype_of<T>);
  const T *x = tx.data<T>(), *d = td.data<T>();
  std::vector<T> high(static_cast<std::size_t>(C), T(3)), low(high.size(), T(0.25)), a(high.size(), T(0.5)),
      y(static_cast<std::size_t>(n));
  std::vector<double> moments(2 * high.size()), sums(moments);
  k.moments(z, x, high.data(), moments.data());
  k.sums(z, d, x, {high.data(), low.data()}, {a.data(), a.data()}, sums.data());
  k.combine(z, d, x, {high.data(), low.data()}, {a.data(), a.data()}, a.data(), a.data(), low.data(), y.data());
  double worst = 0;
  const auto see = [&](double got, double expected, double size) {
    worst = std::max(worst, std::abs(got - expected) / size);
  };
  for (std::int64_t c = 0; c < C; ++c) {
    double one = 0, two = 0, plain = 0, product = 0, size = 1;
    for (std::int64_t i = 0; i < z.images * z.length; ++i) {
      const std::int64_t at = i / z.length * z.stride + c * z.length + i % z.length;
      const double from = double(x[at]) - 3, centred = from - 0.25, open = 0.5 * centred + 0.5 > 0 ? double(d[at]) : 0;
      one += from, two += from * from, plain += open, product += open * centred;
      size += from * from + std::abs(open * centred) + std::abs(open);
      see(double(y[static_cast<std::size_t>(at)]), 0.5 + 0.5 * open + 0.25 * centred, 1);
    }
    const auto j = static_cast<std::size_t>(c);
    see(moments[j], one, size), see(moments[high.size() + j], two, size);
    see(sums[j], plain, size), see(sums[high.size() + j], product, size);
  }
  std::vector<double> rows(static_cast<std::size_t>(z.stride)), expected(rows);
  double all = 0, size = 1;
  for (std::int64_t i = 0; i < n; ++i) {
    expected[static_cast<std::size_t>(i % z.stride)] += double(x[i]);
    all += double(x[i]), size += std::abs(double(x[i]));
  }
  r.add_rows(z.images, z.stride, z.stride, x, rows.data());
  see(r.sum(n, x), all, size);
  for (std::size_t j = 0; j < rows.size(); ++j) see(rows[j], expected[j], size);
  return worst;
}

}  // namespace

TEST_CASE("autodiff normalize: the kernels of every instruction set against loops, with tails") {
  for (const Isa set : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    if (set > isa()) continue;
    for (const auto& [images, channels, length] : std::vector<std::array<std::int64_t, 3>>{
             {3, 5, 49}, {2, 40, 7}, {7, 70, 1}, {5, 3, 1}, {1, 1, 1000}, {4, 2, 64}, {9, 129, 1}, {1, 2, 2}}) {
      const simd::ChannelSlab z{images, channels, length, channels * length};
      CHECK(kernel_error(simd::normalize_f32(set), simd::reduce_f32(set), z) < 1e-6);
      CHECK(kernel_error(simd::normalize_f64(set), simd::reduce_f64(set), z) < 1e-14);
    }
  }
}

TEST_SUITE_END();
