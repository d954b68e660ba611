// Any op on any shapes, attributes and element types, with its first and second derivatives: a typed error, or results
// of the shapes that derivatives must have.
#include <array>
#include <functional>
#include <limits>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/core/memory.h>

#include "fuzz.h"

using namespace glocal;

namespace {

// Choices made by the bytes of the input; zeros when they have run out.
class Choices {
 public:
  Choices(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}

  unsigned byte() { return left_ == 0 ? 0U : (--left_, static_cast<unsigned>(*data_++)); }
  bool flag() { return (byte() & 1) != 0; }
  int axis() { return static_cast<int>(byte() % 11) - 5; }
  Axes axes() {
    Axes out(byte() % 4);
    for (int& axis : out) axis = this->axis();
    return out;
  }
  // Mostly small, sometimes where sizes overflow.
  std::int64_t number() {
    using Limits = std::numeric_limits<std::int64_t>;
    constexpr std::array<std::int64_t, 10> odd{-1,
                                               -2,
                                               Limits::min(),
                                               Limits::max(),
                                               Limits::max() - 1,
                                               std::int64_t{1} << 62,
                                               std::int64_t{1} << 32,
                                               0xFFFFFFFFLL,
                                               std::int64_t{1} << 31,
                                               100};
    const unsigned choice = byte();
    return choice < 200 ? choice % 6 : odd[choice % odd.size()];
  }
  std::array<std::int64_t, 2> pair() {
    const std::int64_t first = number();
    return {first, flag() ? number() : first};
  }
  double real() {
    constexpr std::array<double, 8> odd{0, -1, 1e308, -1e308, 1e-308, INFINITY, -INFINITY, NAN};
    const unsigned choice = byte();
    return choice < 200 ? (choice - 100.0) / 16 : odd[choice % odd.size()];
  }
  Shape small_shape() {
    std::vector<std::int64_t> sizes(byte() % 6);
    for (std::int64_t& size : sizes) size = byte() % 6;
    return Shape(std::span<const std::int64_t>(sizes));
  }
  Shape any_shape() {
    std::vector<std::int64_t> sizes(byte() % 10);
    for (std::int64_t& size : sizes) size = number();
    return Shape(std::span<const std::int64_t>(sizes));
  }
  Tensor tensor() {
    const unsigned kind = byte();
    Tensor out(small_shape(), kind % 16 == 0 ? DType::f32 : DType::f64);
    const double first = real(), step = 0.37;
    for (std::int64_t i = 0; i < out.size(); ++i) {
      if (out.dtype() == DType::f64)
        out.data<double>()[i] = first + step * static_cast<double>(i);
      else
        out.data<float>()[i] = static_cast<float>(first + step * static_cast<double>(i));
    }
    return out;
  }
  Tensor indices() {
    Tensor out(small_shape(), DType::i32);
    for (std::int64_t i = 0; i < out.size(); ++i) {
      const unsigned choice = byte();
      out.data<std::int32_t>()[i] =
          choice < 250 ? static_cast<std::int32_t>(choice % 9) - 1 : INT32_MAX - 3 + static_cast<int>(choice % 3);
    }
    return out;
  }
  Conv2dSpec conv() {
    Conv2dSpec spec;
    if (flag()) spec.stride = pair();
    if (flag()) spec.padding = pair();
    if (flag()) spec.dilation = pair();
    if (flag()) spec.groups = number();
    return spec;
  }
  PoolSpec pool() {
    PoolSpec spec;
    if (flag()) spec.kernel = pair();
    if (flag()) spec.stride = pair();
    if (flag()) spec.padding = pair();
    return spec;
  }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

struct Called {
  std::size_t inputs;
  Function f;
};

using Unary = Var (*)(const Var&);
using Binary = Var (*)(const Var&, const Var&);

Called one(std::function<Var(const Var&)> f) {
  return {1, [f = std::move(f)](const Vars& x) { return Vars{f(x[0])}; }};
}
Called two(std::function<Var(const Var&, const Var&)> f) {
  return {2, [f = std::move(f)](const Vars& x) { return Vars{f(x[0], x[1])}; }};
}
Called three(std::function<Var(const Var&, const Var&, const Var&)> f) {
  return {3, [f = std::move(f)](const Vars& x) { return Vars{f(x[0], x[1], x[2])}; }};
}

Called of_arithmetic(Choices& c) {
  constexpr std::array<Unary, 25> unary{neg,
                                        exp,
                                        log,
                                        log1p,
                                        sqrt,
                                        rsqrt,
                                        reciprocal,
                                        square,
                                        abs,
                                        sign,
                                        sin,
                                        cos,
                                        erf,
                                        relu,
                                        gelu,
                                        silu,
                                        softplus,
                                        sigmoid,
                                        tanh,
                                        transpose,
                                        softmax,
                                        log_softmax,
                                        global_avg_pool,
                                        [](const Var& x) { return leaky_relu(x); },
                                        [](const Var& x) { return elu(x); }};
  constexpr std::array<Binary, 12> binary{add,
                                          sub,
                                          mul,
                                          div,
                                          scale_by,
                                          dot,
                                          minimum,
                                          maximum,
                                          add_bias,
                                          softmax_lin,
                                          softmax_cross_entropy,
                                          [](const Var& x, const Var& y) { return pow(x, y); }};
  const std::size_t choice = c.byte() % (unary.size() + binary.size() + 5);
  if (choice < unary.size()) return one(unary[choice]);
  if (choice < unary.size() + binary.size()) return two(binary[choice - unary.size()]);
  const double a = c.real(), b = c.real();
  switch (choice - unary.size() - binary.size()) {
    case 0: return one([=](const Var& x) { return scale(x, a); });
    case 1: return one([=](const Var& x) { return shift(x, a); });
    case 2: return one([=](const Var& x) { return pow(x, a); });
    case 3: return one([=](const Var& x) { return clamp(x, a, b); });
    default: return three([](const Var& s, const Var& x, const Var& y) { return axpy(s, x, y); });
  }
}

Called of_shapes(Choices& c) {
  const unsigned choice = c.byte() % 21;
  const bool keep = c.flag();
  const int axis = c.axis();
  const std::int64_t from = c.number(), to = c.number();
  switch (choice) {
    case 0: return one([s = c.any_shape()](const Var& x) { return broadcast_to(x, s); });
    case 1: return one([s = c.any_shape()](const Var& x) { return sum_to(x, s); });
    case 2: return one([a = c.axes(), keep](const Var& x) { return sum(x, a, keep); });
    case 3: return one([a = c.axes(), keep](const Var& x) { return mean(x, a, keep); });
    case 4: return one([=](const Var& x) { return max(x, axis, keep); });
    case 5: return one([=](const Var& x) { return logsumexp(x, axis, keep); });
    case 6: return one([s = c.any_shape()](const Var& x) { return reshape(x, s); });
    case 7: return one([=](const Var& x) { return reshape(x, {from, to}); });
    case 8: return one([=](const Var& x) { return flatten_from(x, axis); });
    case 9: return one([a = c.axes()](const Var& x) { return permute(x, a); });
    case 10: return one([=](const Var& x) { return slice(x, axis, from, to); });
    case 11: return one([=](const Var& x) { return pad(x, axis, from, to); });
    case 12: return {2, [=](const Vars& x) { return Vars{concat(x, axis)}; }};
    case 13: return {2, [=](const Vars& x) { return Vars{stack(x, axis)}; }};
    case 14: return one([s = c.any_shape(), i = c.indices()](const Var& x) { return take(x, i, s); });
    case 15: return one([s = c.any_shape(), i = c.indices()](const Var& x) { return put(x, i, s); });
    case 16: return one([=, i = c.indices()](const Var& x) { return gather(x, axis, i); });
    case 17: return one([=, i = c.indices()](const Var& x) { return scatter(x, axis, i, from); });
    case 18: return two([m = c.indices()](const Var& x, const Var& y) { return where(m, x, y); });
    case 19:
      return one([=, labels = c.indices()](const Var& x) { return x * Var(one_hot(labels, from, x.value().dtype())); });
    default: return one([=, eps = c.real(), a = c.axes()](const Var& x) { return normalize(x, a, eps); });
  }
}

Called of_layers(Choices& c) {
  const unsigned choice = c.byte() % 14;
  const bool first = c.flag(), second = c.flag();
  const Conv2dSpec conv = c.conv();
  const PoolSpec pool = c.pool();
  const double eps = c.real();
  switch (choice) {
    case 0: return two([=](const Var& a, const Var& b) { return matmul(a, b, first, second); });
    case 1: return three([](const Var& x, const Var& w, const Var& b) { return linear(x, w, b); });
    case 2:
    case 3: return two([=](const Var& x, const Var& w) { return conv2d(x, w, conv); });
    case 4: return three([=](const Var& x, const Var& w, const Var& b) { return conv2d(x, w, b, conv); });
    case 5: return three([=](const Var& x, const Var& w, const Var& b) { return conv2d_max_pool(x, w, b, conv); });
    case 6: return two([=, s = c.any_shape()](const Var& g, const Var& w) { return conv2d_input(g, w, s, conv); });
    case 7: return two([=, s = c.any_shape()](const Var& x, const Var& g) { return conv2d_weight(x, g, s, conv); });
    case 8:
    case 9: return one([=](const Var& x) { return max_pool2d(x, pool); });
    case 10: return one([=](const Var& x) { return avg_pool2d(x, pool); });
    case 11: return one([=, s = c.any_shape()](const Var& g) { return avg_pool2d_input(g, s, pool); });
    case 12: return three([=](const Var& x, const Var& w, const Var& b) { return channel_affine(x, w, b, first); });
    default:
      return {3, [=](const Vars& x) {
                const BatchNormed out = batch_norm(x[0], x[1], x[2], eps, first);
                return Vars{out.y, out.mean, out.variance};
              }};
  }
}

bool fits(const Var& derivative, const Var& of) {
  return !derivative ||
         (derivative.value().shape() == of.value().shape() && derivative.value().dtype() == of.value().dtype());
}

Vars ones_like_all(const Vars& y) {
  Vars out;
  for (const Var& each : y) out.push_back(Var(Tensor::ones(each.value().shape(), each.value().dtype())));
  return out;
}

// The gradients of a recording's inputs x, symbolic zeros as tensors of zeros.
Vars pulled(const Recording& recording, const Vars& x, const Vars& gy) {
  Vars gx = recording.pull(gy);
  for (std::size_t i = 0; i < x.size(); ++i) {
    fuzz::demand(fits(gx[i], x[i]), "a gradient that does not fit its input");
    gx[i] = instantiate(gx[i], x[i]);
  }
  return gx;
}

// The jvp and the vjp of f at x, where f(x) is y: every result as its shape promises. Returns the gradients.
Vars checked_gradients(const Function& f, const Vars& x, const Vars& y) {
  const Recording recording = record(f, x);
  const Pushed pushed = push_forward(f, x, std::vector<Vars>{ones_like_all(x)});
  fuzz::demand(recording.y.size() == y.size() && pushed.y.size() == y.size(), "outputs lost under a transform");
  for (std::size_t i = 0; i < y.size(); ++i) {
    fuzz::demand(fits(recording.y[i], y[i]) && fits(pushed.y[i], y[i]), "another shape under a transform");
    fuzz::demand(fits(pushed.dy[0][i], y[i]), "a tangent that does not fit its output");
  }
  return pulled(recording, x, ones_like_all(y));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  const MemoryCeiling ceiling(std::int64_t{16} << 20);  // what fits is computed within 2 s, sanitizers and all
  fuzz::expect_typed_errors([&] {
    const unsigned family = choices.byte() % 3;
    const Called called = family == 0 ? of_arithmetic(choices) : family == 1 ? of_shapes(choices) : of_layers(choices);
    Vars x;
    for (std::size_t i = 0; i < called.inputs; ++i) x.push_back(Var(choices.tensor()));
    const Vars y = called.f(x), gy = ones_like_all(y);
    const Function gradient = [&](const Vars& v) { return pulled(record(called.f, v), v, gy); };
    checked_gradients(gradient, x, checked_gradients(called.f, x, y));
  });
  return 0;
}
