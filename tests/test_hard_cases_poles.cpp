// Values and derivatives at poles, kinks, ties and the ends of the range. Conventions are those that ops.h states.
#include <functional>

#include <glocal/nn/loss.h>
#include <glocal/optim/clip.h>

#include "hard_cases.h"

using namespace glocal;
using namespace glocal::hard;

namespace {

Var number(double v, DType dtype) { return Tensor::scalar(v, dtype); }

// d f / d(a, b) in direction (1, 0) and (0, 1), forward and reverse; both must say the same.
struct Partials {
  double y, by_a, by_b;
};
Partials partials(const std::function<Var(const Var&, const Var&)>& f, double a, double b, DType dtype) {
  const auto g = [&](const Vars& x) { return f(x[0], x[1]); };
  const Vars x{number(a, dtype), number(b, dtype)};
  const auto by = [&](Var da, Var db) { return jvp(g, x, Vars{da, db}).second.item(); };
  const auto [y, pull] = vjp(g, x);
  const Vars gx = pull(number(1, dtype));
  const Partials out{y.item(), by(number(1, dtype), Var()), by(Var(), number(1, dtype))};
  CAPTURE(a);
  CAPTURE(b);
  CHECK(same(gx[0].item(), out.by_a));
  CHECK(same(gx[1].item(), out.by_b));
  return out;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("hard case: pow with a constant exponent at 0 and below") {
    struct Row {
      double x, exponent, y, first, second;
    };
    for (const DType dtype : both)
      for (const Row& r : {Row{0, 0, 1, 0, 0},
                           {0, 1, 0, 1, 0},
                           {0, 2, 0, 0, 2},
                           {0, 3, 0, 0, 0},
                           {0, 4, 0, 0, 0},
                           {0, 0.5, 0, inf, -inf},
                           {0, 1.5, 0, 0, inf},
                           {0, 2.5, 0, 0, 0},
                           {-2, 3, -8, 12, -12},
                           {-2, 2, 4, -4, 2},
                           {-2, -1, -0.5, -0.25, -0.25},
                           {-2, 0, 1, 0, 0},
                           {-2, 2.5, NaN, NaN, NaN},
                           {0, -1, inf, -inf, inf},
                           {inf, 0, 1, 0, 0},
                           {NaN, 0, 1, 0, 0},
                           {1, 1e4, 1, 1e4, 99990000}}) {
        CAPTURE(r.x);
        CAPTURE(r.exponent);
        const auto at = at_point([&](const Var& v) { return pow(v, r.exponent); }, r.x, dtype);
        CHECK(same(at.y, r.y));
        CHECK(same(at.forward, r.first));
        CHECK(same(at.reverse, r.first));
        CHECK(same(at.second, r.second, 2 * eps_of(dtype)));
      }
  }

  TEST_CASE("hard case: pow with a variable exponent at 0 and below") {
    struct Row {
      double x, exponent, y, by_x, by_exponent;
    };
    const double root2 = std::sqrt(2.0);
    for (const DType dtype : both)
      for (const Row& r : {Row{0, 0, 1, 0, 0},
                           {0, 2, 0, 0, 0},
                           {0, 0.5, 0, inf, 0},
                           {0, 1, 0, 1, 0},
                           {-2, 3, -8, 12, NaN},
                           {-2, 2.5, NaN, NaN, NaN},
                           {2, 0, 1, 0, std::log(2.0)},
                           {2, 0.5, root2, 0.5 / root2, root2 * std::log(2.0)},
                           {0, -1, inf, -inf, -inf}}) {
        const Partials p = partials([](const Var& a, const Var& b) { return pow(a, b); }, r.x, r.exponent, dtype);
        CAPTURE(r.x);
        CAPTURE(r.exponent);
        CHECK(same(p.y, r.y, 4 * eps_of(dtype)));
        CHECK(same(std::abs(p.by_a), std::abs(r.by_x), 4 * eps_of(dtype)));
        CHECK(same(std::abs(p.by_b), std::abs(r.by_exponent), 4 * eps_of(dtype)));
      }
    // d2/dx2 x^e at (0, 2) is 2, and nothing else of second order is left there.
    const auto f = [](const Vars& v) { return pow(v[0], v[1]); };
    const Vars x{number(0, DType::f64), number(2, DType::f64)};
    const Vars along_x = hvp(f, x, Vars{number(1, DType::f64), number(0, DType::f64)});
    const Vars along_e = hvp(f, x, Vars{number(0, DType::f64), number(1, DType::f64)});
    CHECK(along_x[0].item() == 2);
    CHECK(along_x[1].item() == 0);
    CHECK(along_e[0].item() == 0);
    CHECK(along_e[1].item() == 0);
  }

  TEST_CASE("hard case: sqrt, its inverse, logarithms and reciprocals at 0 have the one-sided derivative") {
    for (const DType dtype : both) {
      const auto check = [&](auto f, double x, double y, double first) {
        const auto at = at_point(f, x, dtype);
        CHECK(same(at.y, y));
        CHECK(same(at.forward, first));
        CHECK(same(at.reverse, first));
      };
      check([](const Var& v) { return sqrt(v); }, 0, 0, inf);
      check([](const Var& v) { return rsqrt(v); }, 0, inf, -inf);
      check([](const Var& v) { return log(v); }, 0, -inf, inf);
      check([](const Var& v) { return log1p(v); }, -1, -inf, inf);
      check([](const Var& v) { return reciprocal(v); }, 0, inf, -inf);
      check([](const Var& v) { return sqrt(v); }, -1, NaN, NaN);
      check([](const Var& v) { return log(v); }, -1, NaN, -1);  // the value says NaN; 1 / x does not
      check([](const Var& v) { return sqrt(v); }, inf, inf, 0);
      check([](const Var& v) { return log(v); }, inf, inf, 0);
    }
  }

  // |x| has no derivative at 0: NaN says so. What is meant to be used there has one.
  TEST_CASE("hard case: norms at 0") {
    for (const DType dtype : both) {
      const Var x = Tensor::zeros({3}, dtype), d = vec({1, 2, 3}, dtype);
      const auto norm = [](const Var& v) { return sqrt(dot(v, v)); };
      CHECK(norm(x).item() == 0);
      CHECK(std::isnan(jvp(norm, x, d).second.item()));
      for (const double v : numbers(grad(norm)(x))) CHECK(std::isnan(v));
      const auto smooth = [](const Var& v) { return nn::l1_penalty(v); };
      CHECK(smooth(x).item() == 0);
      check_near(numbers(grad(smooth)(x)), {0, 0, 0}, 0);
      check_near(numbers(hvp(smooth, x, d)), {1e3, 2e3, 3e3}, 4 * eps_of(dtype));
      // At a norm of 0 clipping does nothing, and its derivative is that of doing nothing.
      const auto clipped = [&](const Vars& g) { return optim::clip_by_global_norm(g, number(1, dtype)).grads; };
      check_near(numbers(jvp(clipped, Vars{x}, Vars{d}).second[0]), {1, 2, 3}, 0);
      check_near(numbers(vjp(clipped, Vars{x}).second(Vars{d})[0]), {1, 2, 3}, 0);
      check_near(numbers(abs(x)), {0, 0, 0}, 0);
      check_near(numbers(jvp([](const Var& v) { return abs(v); }, x, d).second), {0, 0, 0}, 0);
    }
  }

  TEST_CASE("hard case: where with NaN and infinity in the branch not taken") {
    for (const DType dtype : both) {
      const Tensor mask = Tensor::from(std::vector<std::int32_t>{1, 0, 1, 0}, {4});
      const Var good = vec({1, 2, 3, 4}, dtype), bad = vec({NaN, 5, inf, -6}, dtype), d = vec({1, 1, 1, 1}, dtype);
      const Var bad_d = vec({NaN, 1, -inf, 1}, dtype);
      const auto f = [&](const Vars& v) { return where(mask, v[0], v[1]); };
      const auto [y, dy] = jvp(f, Vars{good, bad}, Vars{d, bad_d});
      check_near(numbers(y), {1, 5, 3, -6}, 0);
      check_near(numbers(dy), {1, 1, 1, 1}, 0);
      const Vars gx = vjp(f, Vars{good, bad}).second(vec({2, 3, 4, 5}, dtype));
      check_near(numbers(gx[0]), {2, 0, 4, 0}, 0);
      check_near(numbers(gx[1]), {0, 3, 0, 5}, 0);
      // With the bad branch a constant nothing of it reaches any derivative.
      const auto squared = [&](const Var& v) { return sum(square(where(mask, v, bad))); };
      check_near(numbers(grad(squared)(good)), {2, 0, 6, 0}, 0);
      check_near(numbers(hvp(squared, good, d)), {2, 0, 2, 0}, 0);
    }
  }

  TEST_CASE("hard case: a function inside where gets a safe argument where it is not taken") {
    for (const DType dtype : both) {
      const Var x = vec({4, 0, -1, 1}, dtype);
      const Tensor positive = Tensor::from(std::vector<std::int32_t>{1, 0, 0, 1}, {4});
      const Var one = ones({4}, dtype), zero = Tensor::zeros({4}, dtype), d = vec({1, 2, 3, 4}, dtype);
      for (const auto& f : {std::function<Var(const Var&)>([](const Var& v) { return log(v); }),
                            {[](const Var& v) { return sqrt(v); }},
                            {[](const Var& v) { return reciprocal(v); }},
                            {[](const Var& v) { return pow(v, -1.5); }}}) {
        const auto safe = [&](const Var& v) { return where(positive, f(where(positive, v, one)), zero); };
        const auto [y, dy] = jvp(safe, x, d);
        const Var gx = vjp(safe, x).second(one), hv = hvp([&](const Var&v) { return sum(safe(v)); }, x, d);
        const double slope4 = at_point(f, 4, dtype).forward, slope1 = at_point(f, 1, dtype).forward;
        check_near(numbers(dy), {slope4, 0, 0, 4 * slope1}, 4 * eps_of(dtype));
        check_near(numbers(gx), {slope4, 0, 0, slope1}, 4 * eps_of(dtype));
        CHECK(is_finite(hv.value()));
        CHECK(hv.value().at(1) == 0);
        CHECK(hv.value().at(2) == 0);
      }
      // Without it, 0 * inf in reverse mode surfaces as NaN; it is not hidden.
      const auto bare = [&](const Var& v) { return where(positive, log(v), zero); };
      check_near(numbers(jvp(bare, x, d).second), {0.25, 0, 0, 4}, 0);
      CHECK(std::isnan(vjp(bare, x).second(one).value().at(1)));
    }
  }

  TEST_CASE("hard case: ties of maximum and minimum share the derivative, forward and reverse alike") {
    for (const DType dtype : both)
      for (const double v : {0.0, 3.0, -0x1p99, inf, smallest_of(dtype), 3 * smallest_of(dtype), largest_of(dtype)})
        for (const bool lesser : {false, true}) {
          const Partials p =
              partials([&](const Var& a, const Var& b) { return lesser ? minimum(a, b) : maximum(a, b); }, v, v, dtype);
          CHECK(same(p.y, v));
          CHECK(p.by_a == 0.5);
          CHECK(p.by_b == 0.5);
        }
  }

  TEST_CASE("hard case: ties of max, argmax and max-pool go to the first, forward and reverse alike") {
    for (const DType dtype : both) {
      const Var x = tensor({1, 7, 7, 7, 2, 7, -inf, -inf, -inf}, {3, 3}, dtype);
      const Var d = tensor({1, 2, 3, 4, 5, 6, 7, 8, 9}, {3, 3}, dtype), gy = vec({10, 20, 30}, dtype);
      const auto f = [](const Var& v) { return max(v, 1); };
      check_near(numbers(f(x)), {7, 7, -inf}, 0);
      check_near(numbers(jvp(f, x, d).second), {2, 4, 7}, 0);
      check_near(numbers(vjp(f, x).second(gy)), {0, 10, 0, 20, 0, 0, 30, 0, 0}, 0);
      const Tensor first = argmax(x.value(), 1);
      for (std::int64_t i = 0; i < 3; ++i) CHECK(first.at(i) == Numbers{1, 0, 0}[std::size_t(i)]);
      const Var image = reshape(
          tensor({5, 5, 0, -0.0, 5, 5, -0.0, 0, -inf, -inf, 1, 2, -inf, -inf, 2, 1}, {4, 4}, dtype), {1, 1, 4, 4});
      const Var change =
          reshape(tensor({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, {4, 4}, dtype), {1, 1, 4, 4});
      const auto pool = [](const Var& v) { return max_pool2d(v); };
      check_near(numbers(jvp(pool, image, change).second), {1, 3, 9, 12}, 0);
      const Var back = vjp(pool, image).second(ones({1, 1, 2, 2}, dtype));
      check_near(numbers(back), {1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0}, 0);
    }
  }

  TEST_CASE("hard case: clamp, abs, relu and elu at their kinks, forward and reverse alike") {
    for (const DType dtype : both) {
      const auto check = [&](auto f, double x, double y, double first) {
        CAPTURE(x);
        const auto at = at_point(f, x, dtype);
        CHECK(at.y == y);
        CHECK(at.forward == first);
        CHECK(at.reverse == first);
        CHECK(at.second == 0);
      };
      const auto clamped = [](const Var& v) { return clamp(v, -1, 2); };
      for (const auto& [x, y, first] :
           {std::array{-1.0, -1.0, 1.0}, {2, 2, 1}, {-1.5, -1, 0}, {2.5, 2, 0}, {inf, 2, 0}, {-inf, -1, 0}})
        check(clamped, x, y, first);
      check([](const Var& v) { return clamp(v, 0.5, 0.5); }, 0.5, 0.5, 1);
      check([](const Var& v) { return abs(v); }, 0, 0, 0);
      check([](const Var& v) { return relu(v); }, 0, 0, 0);
      check([](const Var& v) { return leaky_relu(v, 0.25); }, 0, 0, 0.25);
      check([](const Var& v) { return sign(v); }, 0, 0, 0);
      CHECK(std::isnan(clamped(number(NaN, dtype)).item()));
      CHECK(std::isnan(relu(number(NaN, dtype)).item()));
      CHECK_THROWS_AS(clamp(number(0, dtype), 1, NaN), ValueError);
    }
  }

  TEST_CASE("hard case: softplus, sigmoid, tanh, erf, gelu, silu and elu at +-1e4 with two derivatives") {
    struct Row {
      const char* name;
      std::function<Var(const Var&)> f;
      double below, slope_below, above, slope_above;  // limits at -1e4 and 1e4
    };
    const std::vector<Row> rows{{"softplus", [](const Var& v) { return softplus(v); }, 0, 0, 1e4, 1},
                                {"sigmoid", [](const Var& v) { return sigmoid(v); }, 0, 0, 1, 0},
                                {"tanh", [](const Var& v) { return tanh(v); }, -1, 0, 1, 0},
                                {"erf", [](const Var& v) { return erf(v); }, -1, 0, 1, 0},
                                {"gelu", [](const Var& v) { return gelu(v); }, 0, 0, 1e4, 1},
                                {"silu", [](const Var& v) { return silu(v); }, 0, 0, 1e4, 1},
                                {"elu", [](const Var& v) { return elu(v); }, -1, 0, 1e4, 1}};
    for (const DType dtype : both)
      for (const Row& r : rows)
        for (const bool above : {false, true}) {
          CAPTURE(r.name);
          const auto at = at_point(r.f, above ? 1e4 : -1e4, dtype);
          CHECK(at.y == (above ? r.above : r.below));
          CHECK(at.forward == (above ? r.slope_above : r.slope_below));
          CHECK(at.reverse == at.forward);
          CHECK(at.second == 0);
          const auto third = [&](const Var& v) {
            return jvp([&](const Var& u) { return jvp(r.f, u, ones_like(u)).second; }, v, ones_like(v)).second;
          };
          CHECK(jvp(third, number(above ? 1e4 : -1e4, dtype), number(1, dtype)).second.item() == 0);
        }
  }

  TEST_CASE("hard case: subnormal numbers are kept by every kernel and on every thread") {
    for (const DType dtype : both) {
      const double tiny = smallest_of(dtype), low = 64 * tiny;
      constexpr std::int64_t n = 100'003;  // on all threads, with a tail
      const Var x = Tensor::full({n}, low, dtype), three = Tensor::full({n}, 3, dtype);
      const auto all = [&](const Var& y, double v) {
        std::int64_t wrong = 0;
        for (std::int64_t i = 0; i < y.size(); ++i) wrong += y.value().at(i) != v;
        CHECK(wrong == 0);
      };
      all(x + x, 2 * low);
      all(x * three, 3 * low);
      all(scale(x, 0.25), low / 4);
      all(x / three, 21 * tiny);
      all(sub(x, Tensor::full({n}, low - tiny, dtype)), tiny);
      all(maximum(x, scale(x, 3)), 3 * low);
      all(relu(x), low);
      all(abs(neg(x)), low);
      all(sqrt(x), std::sqrt(64.0) * (dtype == DType::f32 ? double(std::sqrt(float(tiny))) : std::sqrt(tiny)));
      all(log1p(x), low);
      all(tanh(x), low);
      all(sum(x) - Tensor::scalar(double(n - 1) * low, dtype), low);
      all(dot(x, ones({n}, dtype)), double(n) * low);
      all(matmul(Tensor::full({65, 33}, low, dtype), ones({33, 70}, dtype)), 33 * low);
      all(matmul(Tensor::full({300, 200}, low, dtype), ones({200, 300}, dtype)), 200 * low);
      all(conv2d(Tensor::full({2, 3, 9, 9}, low, dtype), ones({4, 3, 3, 3}, dtype)), 27 * low);
      CHECK(same(grad([](const Var& v) { return scale(dot(v, v), 0.5); })(x).value().at(n - 1), low));
    }
  }

  TEST_CASE("hard case: a quotient by one tiny or huge number is right where its reciprocal is not") {
    for (const DType dtype : both) {
      const double tiny = 4 * smallest_of(dtype), huge = largest_of(dtype);
      check_near(numbers(div(vec({0, tiny, 3 * tiny, -2 * tiny}, dtype), number(tiny, dtype))), {0, 1, 3, -2}, 0);
      check_near(numbers(div(vec({0, huge, -huge / 2, huge / 3}, dtype), number(huge, dtype))),
                 {0, 1, -0.5, numbers(vec({huge / 3}, dtype))[0] / huge}, eps_of(dtype));
      const auto f = [&](const Vars& v) { return sum(div(v[0], v[1])); };
      const Vars g = grad(f)(Vars{vec({huge / 2, huge / 4}, dtype), number(huge, dtype)});
      CHECK(same(g[0].value().at(0), 1 / huge, 4 * smallest_of(dtype) * huge));
      CHECK(same(g[1].item(), -0.75 / huge, 4 * smallest_of(dtype) * huge));
    }
  }

  TEST_CASE("hard case: signs of zeros") {
    for (const DType dtype : both) {
      const auto at = [&](double v) { return number(v, dtype); };
      CHECK(same(neg(at(0)).item(), -0.0));
      CHECK(same(neg(at(-0.0)).item(), 0.0));
      CHECK(same(add(at(-0.0), at(-0.0)).item(), -0.0));
      CHECK(same(sub(at(0), at(0)).item(), 0.0));
      CHECK(same(mul(at(-0.0), at(3)).item(), -0.0));
      CHECK(same(div(at(0), at(-3)).item(), -0.0));
      CHECK(same(reciprocal(at(-0.0)).item(), -inf));
      CHECK(same(reciprocal(at(-inf)).item(), -0.0));
      CHECK(same(sqrt(at(-0.0)).item(), -0.0));
      CHECK(same(abs(at(-0.0)).item(), 0.0));
      CHECK(same(clamp(at(-0.0), -1, 1).item(), -0.0));
      CHECK(same(broadcast_to(at(-0.0), {3}).value().at(2), -0.0));
      CHECK(same(transpose(broadcast_to(at(-0.0), {3, 2})).value().at(2), -0.0));
    }
  }
}
