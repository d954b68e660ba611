// Where automatic differentiation itself goes wrong: values used often, derivatives of derivatives, and perturbations
// that must not be confused.
#include <glocal/autodiff/tape.h>

#include "hard_cases.h"

using namespace glocal;
using namespace glocal::hard;

namespace {

constexpr DType f64 = DType::f64;
Var number(double v) { return Tensor::scalar(v, f64); }

// d f / dx at x by the named mode.
template <class F>
Var slope(F f, const Var& x, bool forward) {
  return forward ? jvp(f, x, ones_like(x)).second : grad(f)(x);
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("hard case: x times x, x minus x and x over x, every order") {
    for (const double x : {3.0, -0.5}) {
      const auto square_of = at_point([](const Var& v) { return v * v; }, x);
      CHECK(square_of.y == x * x);
      CHECK(square_of.forward == 2 * x);
      CHECK(square_of.reverse == 2 * x);
      CHECK(square_of.second == 2);
      const auto nothing = at_point([](const Var& v) { return v - v; }, x);
      const auto one = at_point([](const Var& v) { return v / v; }, x);
      for (const double v :
           {nothing.y, nothing.forward, nothing.reverse, nothing.second, one.forward, one.reverse, one.second})
        CHECK(v == 0);
      CHECK(one.y == 1);
      const auto cube = at_point([](const Var& v) { return mul(mul(v, v), v); }, x);
      CHECK(cube.forward == 3 * x * x);
      CHECK(cube.reverse == 3 * x * x);
      CHECK(cube.second == 6 * x);
    }
    const Var v = vec({1, 2, 3}, f64), d = vec({1, -1, 2}, f64);
    check_near(numbers(grad([](const Var& u) { return dot(u, u); })(v)), {2, 4, 6}, 0);
    check_near(numbers(hvp([](const Var& u) { return dot(u, u); }, v, d)), {2, -2, 4}, 0);
    const Var A = tensor({1, 2, 3, 4}, {2, 2}, f64);
    // tr(A A): gradient 2 A^T, second derivative 2 D^T.
    const auto trace = [](const Var& a) { return dot(a, transpose(a)); };
    check_near(numbers(grad(trace)(A)), {2, 6, 4, 8}, 0);
    check_near(numbers(hvp(trace, A, tensor({1, 0, 5, 0}, {2, 2}, f64))), {2, 10, 0, 0}, 0);
    const auto product = [](const Var& a) { return sum(matmul(a, a)); };
    check_near(numbers(grad(product)(A)), {7, 11, 9, 13}, 0);  // sum_j A_bj + sum_i A_ia
  }

  TEST_CASE("hard case: one value used a thousand times") {
    for (const DType dtype : both) {
      const Var x = vec({0.5, -2, 3}, dtype), one = ones({3}, dtype);
      const auto many = [](const Var& v) {
        Var total = v;
        for (int i = 1; i < 1000; ++i) total = total + v;
        return total;
      };
      check_near(numbers(jvp(many, x, one).second), {1000, 1000, 1000}, 0);
      check_near(numbers(vjp(many, x).second(one)), {1000, 1000, 1000}, 0);
      // x used by a thousand ops at once, and a product of a thousand factors x / x.
      const auto wide = [](const Var& v) {
        Vars parts;
        for (int i = 0; i < 1000; ++i) parts.push_back(scale(v, i % 2 ? -1 : 1) * v);
        return sum(stack(parts, 0));
      };
      check_near(numbers(grad(wide)(x)), {0, 0, 0}, 0);
      check_near(numbers(hvp(wide, x, one)), {0, 0, 0}, 0);
    }
    const auto power = [](const Var& v) {
      Var y = v;
      for (int i = 1; i < 1000; ++i) y = y * v;
      return y;
    };
    const double x = 1.001;
    const auto at = at_point(power, x);
    CHECK(same(at.y, std::pow(x, 1000), 1e-12));
    CHECK(same(at.forward, 1000 * std::pow(x, 999), 1e-12));
    CHECK(same(at.reverse, 1000 * std::pow(x, 999), 1e-12));
    CHECK(same(at.second, 999000 * std::pow(x, 998), 1e-12));
  }

  TEST_CASE("hard case: third and fourth derivatives in every mixture of modes") {
    const double x = 0.7;
    struct Row {
      std::function<Var(const Var&)> f;
      double third, fourth;
    };
    const double e = std::exp(x * x);
    for (const Row& r : {Row{[](const Var& v) { return exp(square(v)); }, (8 * x * x * x + 12 * x) * e,
                             (16 * x * x * x * x + 48 * x * x + 12) * e},
                         Row{[](const Var& v) { return log(v); }, 2 / (x * x * x), -6 / (x * x * x * x)},
                         Row{[](const Var& v) { return reciprocal(v); }, -6 / std::pow(x, 4), 24 / std::pow(x, 5)},
                         Row{[](const Var& v) { return sin(v) * v; }, -3 * std::sin(x) - x * std::cos(x),
                             x * std::sin(x) - 4 * std::cos(x)},
                         Row{[](const Var& v) { return pow(v, 3.5); }, 3.5 * 2.5 * 1.5 * std::sqrt(x),
                             3.5 * 2.5 * 1.5 * 0.5 / std::sqrt(x)}})
      for (int modes = 0; modes < 16; ++modes) {
        const auto first = [&](const Var& v) { return slope(r.f, v, modes & 1); };
        const auto second = [&](const Var& v) { return slope(first, v, modes & 2); };
        const auto third = [&](const Var& v) { return slope(second, v, modes & 4); };
        CHECK(same(third(number(x)).item(), r.third, 1e-13));
        CHECK(same(slope(third, number(x), modes & 8).item(), r.fourth, 1e-13));
      }
  }

  // Siskind and Pearlmutter, "Perturbation confusion and referential transparency", IFL 2005; Manzyuk et al.,
  // "Perturbation confusion in forward automatic differentiation of higher-order functions", JFP 29, 2019.
  TEST_CASE("hard case: perturbation confusion: d/dx (x d/dy (x + y)) is 1, in every mixture of modes") {
    for (const bool outer : {false, true})
      for (const bool inner : {false, true}) {
        const auto f = [&](const Var& x) { return x * slope([&](const Var& y) { return x + y; }, number(1), inner); };
        CHECK(slope(f, number(1), outer).item() == 1);
        const auto g = [&](const Var& x) {  // x d/dy (x y) = x^2
          return x * slope([&](const Var& y) { return x * y; }, number(5), inner);
        };
        CHECK(slope(g, number(3), outer).item() == 6);
        // d/dy at y = x of x y^2 is 2 x^2: the inner point depends on the outer variable too.
        const auto h = [&](const Var& x) { return slope([&](const Var& y) { return x * y * y; }, x, inner); };
        CHECK(slope(h, number(3), outer).item() == 12);
      }
  }

  TEST_CASE("hard case: perturbation confusion with a derivative that returns a function") {
    // D (x -> (y -> f(x + y))) at 0, applied twice, as in Manzyuk et al.: the shift operator's derivative is f'.
    for (const bool inner : {false, true})
      for (const bool outer : {false, true}) {
        const auto f = [](const Var& v) { return exp(v); };
        const auto shifted_slope = [&](auto g) {  // y -> d/dx g(x + y) at x = 0
          return [g, inner](const Var& y) { return slope([&](const Var& x) { return g(x + y); }, number(0), inner); };
        };
        const auto once = shifted_slope(f);
        const auto twice = shifted_slope(once);
        CHECK(same(once(number(1)).item(), std::exp(1.0), 1e-15));
        CHECK(same(twice(number(1)).item(), std::exp(1.0), 1e-15));
        CHECK(same(slope(twice, number(1), outer).item(), std::exp(1.0), 1e-15));
      }
  }

  TEST_CASE("hard case: perturbation confusion three levels deep") {
    // d/dx [x d/dy [y d/dz [x y z^2] at z = y] at y = x] = d/dx [x d/dy 2 x y^3 ] = d/dx 6 x^4 = 24 x^3.
    for (int modes = 0; modes < 8; ++modes) {
      const auto f = [&](const Var& x) {
        return x *
               slope([&](const Var& y) { return y * slope([&](const Var& z) { return x * y * z * z; }, y, modes & 1); },
                     x, modes & 2);
      };
      // With z bound to y only as a point: d/dz at z = y is 2 x y^2; times y, 2 x y^3; its y-slope at x: 6 x^3; times
      // x.
      CHECK(slope(f, number(2), modes & 4).item() == 24 * 8);
    }
  }

  TEST_CASE("hard case: directions of one pass do not mix") {
    const auto f = [](const Vars& x) { return mul(x[0], x[1]); };
    const Vars x{number(3), number(5)};
    const auto [y, dy] = jvps(f, x, {Vars{number(1), Var()}, Vars{Var(), number(1)}, Vars{number(1), number(1)}});
    CHECK(dy[0].item() == 5);
    CHECK(dy[1].item() == 3);
    CHECK(dy[2].item() == 8);
    // A jvp with several directions inside another one with several.
    const auto g = [&](const Vars& v) {
      const auto inner = jvps(f, v, {Vars{number(1), Var()}, Vars{v[1], v[0]}}).second;
      return inner[0] * inner[1];  // v1 (v1^2 + v0^2)
    };
    const auto outer = jvps(g, x, {Vars{number(1), Var()}, Vars{Var(), number(1)}}).second;
    CHECK(outer[0].item() == 2 * 3 * 5);
    CHECK(outer[1].item() == 3 * 25 + 9);
  }

  TEST_CASE("hard case: a function of nothing, of a constant and of one argument of two") {
    const Var x = number(2);
    CHECK(jvp([](const Var&) { return number(7); }, x, x).second.item() == 0);
    CHECK(grad([](const Var&) { return number(7); })(x).item() == 0);
    CHECK(hvp([](const Var&) { return number(7); }, x, x).item() == 0);
    CHECK(hvp([](const Var& v) { return scale(v, 3); }, x, x).item() == 0);
    const Vars g = grad([](const Vars& v) { return square(v[0]); })(Vars{x, x});
    CHECK(g[0].item() == 4);
    CHECK(g[1].item() == 0);
    CHECK(grad([](const Var& v) { return square(stop_gradient(v)) * v; })(x).item() == 4);
  }
}
