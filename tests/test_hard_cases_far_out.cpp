// Losses and activations where what they are made of has come to its limit but they have not: against closed forms in
// long double, in units in the last place of the result.
#include <algorithm>
#include <functional>
#include <string>

#include <glocal/nn/loss.h>

#include "hard_cases.h"

using namespace glocal;
using namespace glocal::hard;

namespace {

using Long = long double;

// Distance between numbers of the dtype at y; 0 where y is no normal number.
Long ulp_at(Long y, DType dtype) {
  const Long smallest = dtype == DType::f32 ? 0x1p-126L : 0x1p-1022L;
  if (std::abs(y) < smallest) return 0;
  return std::ldexp(1.0L, std::ilogb(y) - (dtype == DType::f32 ? 23 : 52));
}

// The worst |got - wanted| in ulp of `size` (of the wanted number where none is given), where that is a normal number
// and still is one without a `factor` of it.
struct Worst {
  DType dtype;
  Long ulps = 0, at = 0;

  void see(Long x, double got, Long wanted, Long size = 0, Long factor = 1) {
    if (size == 0) size = wanted;
    if (ulp_at(size / factor, dtype) == 0) return;
    const Long ulp = ulp_at(size, dtype);
    const Long distance = std::isnan(got) ? HUGE_VALL : std::abs(Long(got) - wanted) / ulp;
    if (distance > ulps) ulps = distance, at = x;
  }
  void check(const std::string& name, Long bound) const {
    INFO(name, dtype == DType::f32 ? " f32" : " f64", ", at ", double(at), ": ", double(ulps), " ulp");
    CHECK(ulps <= bound);
  }
};

// |x| from 1e-8 to 1e4, 40 a decade, densely where exponentials come to their ends, and 0.
Numbers grid(DType dtype, double far = 1e4) {
  Numbers x{0};
  for (int i = -320; i <= 160; ++i) x.push_back(std::pow(10.0, i / 40.0));
  for (double v = 0.05; v < 120; v += 0.1713) x.push_back(v);
  for (double v = 120; v < 800; v += 7.31) x.push_back(v);
  Numbers both_signs;
  for (const double v : x)
    for (const double s : {v, -v})
      if (v <= far) both_signs.push_back(tensor({s}, {1}, dtype).value().at(0));
  return both_signs;
}

Long logistic(Long x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }
Long logistic_slope(Long x) { return logistic(x) * logistic(-x); }
Long long_softplus(Long x) { return std::max<Long>(x, 0) + std::log1p(std::exp(-std::abs(x))); }
Long density(Long x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0L)); }
Long cumulative(Long x) { return std::erfc(-x / std::sqrt(2.0L)) / 2; }
Long sech2(Long x) { return 4 * logistic_slope(2 * x); }

// f, its first and second derivative at every number of x, forward and reverse, number by number.
struct Derivatives {
  Numbers y, forward, reverse, second;
};
Derivatives derivatives(const std::function<Var(const Var&)>& f, const Numbers& x, DType dtype) {
  const Var v = vec(x, dtype), one = ones_like(v);
  const auto slope = [&](const Var& u) { return jvp(f, u, one).second; };
  const auto [y, dy] = jvp(f, v, one);
  return {numbers(y), numbers(dy), numbers(vjp(f, v).second(one)), numbers(jvp(slope, v, one).second)};
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("hard case: bce_with_logits keeps its digits for right answers of either class, with two derivatives") {
    for (const DType dtype : both)
      for (const double t : {0.0, 0.5, 1.0}) {
        Worst value{dtype}, forward{dtype}, reverse{dtype}, second{dtype};
        const Var target = vec({t}, dtype);
        for (const double x : grid(dtype)) {
          const auto f = [&](const Var& v) { return nn::bce_with_logits(reshape(v, {1}), target); };
          const AtPoint got = at_point(f, x, dtype);
          const Long up = (1 - Long(t)) * logistic(x), down = Long(t) * logistic(-Long(x));
          value.see(x, got.y, (1 - Long(t)) * long_softplus(x) + Long(t) * long_softplus(-Long(x)));
          // Of two terms the larger, since their difference may be 0.
          const Long size = t == 0.5 ? std::max(up, down) : 0;
          forward.see(x, got.forward, up - down, size);
          reverse.see(x, got.reverse, up - down, size);
          second.see(x, got.second, logistic_slope(x));
        }
        const std::string name = "t = " + std::to_string(t);
        const Long bound = t == 0.5 ? 4 : 8;
        value.check(name, 8);
        forward.check(name + ", forward", bound);
        reverse.check(name + ", reverse", bound);
        second.check(name + ", second derivative", 8);
      }
  }

  TEST_CASE("hard case: a right positive of bce_with_logits at 10, 15, 17, 30 and 40") {
    const auto at = [](double x, DType dtype) {
      return at_point([&](const Var& v) { return nn::bce_with_logits(v, Tensor::scalar(1, dtype)); }, x, dtype);
    };
    for (const double x : {10.0, 15.0, 17.0}) CHECK(same(at(x, DType::f32).y, std::log1p(std::exp(-x)), 1e-6));
    for (const double x : {30.0, 40.0}) CHECK(same(at(x, DType::f64).y, std::log1p(std::exp(-x)), 1e-15));
    CHECK(same(at(15, DType::f32).reverse, -3.059022269256247e-7, 1e-6));
  }

  TEST_CASE("hard case: slopes of tanh, sigmoid, silu, gelu and erf far out come from the exponential") {
    struct Row {
      const char* name;
      std::function<Var(const Var&)> f;
      std::function<Long(Long)> y, slope, second;
      // Sizes of what first and second derivative are sums of; 0 where they are one product.
      std::function<Long(Long)> slope_size, second_size;
      Long bound;
    };
    const auto alone = [](Long) { return Long(0); };
    const std::vector<Row> rows{
        {"tanh", [](const Var& v) { return tanh(v); }, [](Long x) { return std::tanh(x); }, sech2,
         [](Long x) { return -2 * std::tanh(x) * sech2(x); }, alone, alone, 12},
        {"sigmoid", [](const Var& v) { return sigmoid(v); }, logistic, logistic_slope,
         [](Long x) { return -logistic_slope(x) * std::tanh(x / 2); }, alone, alone, 12},
        {"softplus", [](const Var& v) { return softplus(v); }, long_softplus, logistic, logistic_slope, alone, alone,
         8},
        {"log of sigmoid", [](const Var& v) { return -softplus(-v); }, [](Long x) { return -long_softplus(-x); },
         [](Long x) { return logistic(-x); }, [](Long x) { return -logistic_slope(x); }, alone, alone, 8},
        {"silu", [](const Var& v) { return silu(v); }, [](Long x) { return x * logistic(x); },
         [](Long x) { return logistic(x) + x * logistic_slope(x); },
         [](Long x) { return logistic_slope(x) * (2 - x * std::tanh(x / 2)); },
         [](Long x) { return logistic(x) + std::abs(x) * logistic_slope(x); },
         [](Long x) { return logistic_slope(x) * (2 + std::abs(x)); }, 12},
        {"gelu", [](const Var& v) { return gelu(v); }, [](Long x) { return x * cumulative(x); },
         [](Long x) { return cumulative(x) + x * density(x); }, [](Long x) { return density(x) * (2 - x * x); },
         [](Long x) { return cumulative(x) + std::abs(x) * density(x); },
         [](Long x) { return density(x) * (2 + x * x); }, 12},
        {"erf", [](const Var& v) { return erf(v); }, [](Long x) { return std::erf(x); },
         [](Long x) { return 2 / std::sqrt(std::acos(-1.0L)) * std::exp(-x * x); },
         [](Long x) { return -4 * x / std::sqrt(std::acos(-1.0L)) * std::exp(-x * x); }, alone, alone, 12}};
    for (const DType dtype : both)
      for (const Row& r : rows) {
        const Numbers x = grid(dtype);
        const Derivatives got = derivatives(r.f, x, dtype);
        Worst value{dtype}, forward{dtype}, reverse{dtype}, second{dtype};
        for (std::size_t i = 0; i < x.size(); ++i) {
          const Long v = x[i];
          // x e^-|x| and x^2 e^(-x^2 / 2) are products of x and a factor that may be subnormal.
          const Long factor = std::max<Long>(1, std::abs(v));
          value.see(v, got.y[i], r.y(v), 0, factor);
          forward.see(v, got.forward[i], r.slope(v), r.slope_size(v), factor);
          reverse.see(v, got.reverse[i], r.slope(v), r.slope_size(v), factor);
          second.see(v, got.second[i], r.second(v), r.second_size(v), factor * factor);
        }
        value.check(r.name, r.bound);
        forward.check(std::string(r.name) + ", forward", r.bound);
        reverse.check(std::string(r.name) + ", reverse", r.bound);
        second.check(std::string(r.name) + ", second derivative", r.bound);
      }
  }

  TEST_CASE("hard case: the loss of a right and nearly certain class keeps its digits, with two derivatives") {
    // Two classes are bce of the difference of their logits: the loss is softplus(-x), x = right - wrong.
    for (const DType dtype : both)
      for (const int kind : {0, 1, 2}) {
        Worst value{dtype}, right{dtype}, wrong{dtype}, second{dtype};
        const Tensor label = Tensor::from(std::vector<std::int32_t>{0}, {1});
        const auto loss = [&](const Var& logits) {
          if (kind == 0) return nn::cross_entropy(logits, label);
          if (kind == 1) return -sum(slice(log_softmax(logits), 1, 0, 1));
          return sum(logsumexp(logits, 1)) - sum(slice(logits, 1, 0, 1));
        };
        for (const double x : grid(dtype)) {
          const Var logits = tensor({0, -x}, {1, 2}, dtype);
          const auto [y, g] = value_and_grad(loss)(logits);
          const Numbers h = numbers(hvp(loss, logits, tensor({1, 0}, {1, 2}, dtype)));
          value.see(x, y.item(), long_softplus(-Long(x)));
          right.see(x, numbers(g)[0], -logistic(-Long(x)));
          wrong.see(x, numbers(g)[1], logistic(-Long(x)));
          second.see(x, h[0], logistic_slope(x));
          second.see(x, h[1], -logistic_slope(x));
        }
        const std::string name = kind == 0 ? "cross entropy" : kind == 1 ? "log-softmax" : "logsumexp";
        value.check(name, 8);
        // The logit of the label is taken from what logsumexp gives, outside of it.
        if (kind < 2) right.check(name + ", of the right class", 8);
        wrong.check(name + ", of the wrong class", 8);
        second.check(name + ", second derivative", 12);
      }
  }

  TEST_CASE("hard case: cross entropy with label smoothing, to a few roundings of its two terms") {
    const double eps = 0.1;
    for (const DType dtype : both) {
      Worst value{dtype}, slope{dtype};
      const Long smooth = Long(vec({eps}, dtype).value().at(0)) / 3, keep = 1 - 2 * smooth;
      const Tensor label = Tensor::from(std::vector<std::int32_t>{1}, {1});
      const Var smoothing = vec({eps}, dtype);
      for (const double x : grid(dtype, 80)) {
        const Var logits = tensor({0, x, 0}, {1, 3}, dtype);
        const auto loss = [&](const Var& v) {
          return nn::cross_entropy(v, label, {.label_smoothing = reshape(smoothing, Shape{})});
        };
        const auto [y, g] = value_and_grad(loss)(logits);
        const Long others = 2 * std::exp(-Long(x)), right = 1 / (1 + others), wrong = others / 2 / (1 + others);
        const Long log_sum = x > 0 ? std::log1p(others) : std::log1p(std::exp(Long(x)) + 1) - Long(x);
        value.see(x, y.item(), keep * log_sum + 2 * smooth * (log_sum + Long(x)));
        slope.see(x, numbers(g)[1], right * (1 - keep) - keep * (1 - right), right * (1 - keep) + keep * (1 - right));
        slope.see(x, numbers(g)[0], wrong * (1 - smooth) - smooth * (1 - wrong),
                  wrong * (1 - smooth) + smooth * (1 - wrong));
      }
      value.check("label smoothing", 8);
      slope.check("label smoothing, gradient", 16);
    }
  }

  TEST_CASE("hard case: softmax of two classes has the slope of sigmoid, far out too") {
    for (const DType dtype : both) {
      Worst first{dtype}, second{dtype};
      const auto share = [](const Var& v) { return sum(slice(softmax(v), 1, 0, 1)); };
      for (const double x : grid(dtype)) {
        const Var logits = tensor({x, 0}, {1, 2}, dtype), along = tensor({1, 0}, {1, 2}, dtype);
        first.see(x, jvp(share, logits, along).second.item(), logistic_slope(x));
        first.see(x, numbers(grad(share)(logits))[1], -logistic_slope(x));
        // s times the difference of two terms of the size of its own slope: 0 where the classes are equal.
        second.see(x, numbers(hvp(share, logits, along))[0], -logistic_slope(x) * std::tanh(Long(x) / 2),
                   logistic_slope(x));
      }
      first.check("slope", 12);
      second.check("second derivative", 16);
    }
  }

  TEST_CASE("hard case: an entry +inf takes all of logsumexp, softmax and cross entropy") {
    for (const DType dtype : both) {
      const Var x = tensor({1, inf}, {1, 2}, dtype), d = tensor({3, 5}, {1, 2}, dtype);
      const auto lse = [](const Var& v) { return sum(logsumexp(v, 1)); };
      CHECK(lse(x).item() == inf);
      CHECK(numbers(grad(lse)(x)) == Numbers{0, 1});
      CHECK(jvp(lse, x, d).second.item() == 5);
      CHECK(numbers(hvp(lse, x, d)) == Numbers{0, 0});
      CHECK(numbers(grad([](const Var& v) { return sum(logsumexp(v, 0)); })(tensor({1, inf}, {2, 1}, dtype))) ==
            Numbers{0, 1});
      CHECK(numbers(grad(lse)(tensor({inf, inf, 2}, {1, 3}, dtype))) == Numbers{0.5, 0.5, 0});
      CHECK(numbers(grad(lse)(tensor({-inf, -inf, 1, inf}, {2, 2}, dtype))) == Numbers{0, 0, 0, 1});
      CHECK(numbers(softmax(x)) == Numbers{0, 1});
      CHECK(numbers(log_softmax(x)) == Numbers{-inf, 0});
      CHECK(numbers(jvp([](const Var& v) { return softmax(v); }, x, d).second) == Numbers{0, 0});
      for (const std::int32_t label : {0, 1}) {
        const auto loss = [&](const Var& v) {
          return nn::cross_entropy(v, Tensor::from(std::vector<std::int32_t>{label}, {1}));
        };
        CHECK(loss(x).item() == (label == 1 ? 0 : inf));
        CHECK(numbers(grad(loss)(x)) == (label == 1 ? Numbers{0, 0} : Numbers{-1, 1}));
      }
    }
  }
}
