// The special cases that the Python array API standard (2024.12, https://data-apis.org/array-api) writes down for the
// functions that are ours too: NaN, infinities and signed zeros in, the stated number out. In both element types, in
// whole vectors and in what is left over, and on every way a broadcast operand is read.
#include <functional>

#include "hard_cases.h"

using namespace glocal;
using namespace glocal::hard;

namespace {

struct Rule1 {
  double x, y;
};
struct Rule2 {
  double a, b, y;
};

// 19 numbers: two vectors of the widest set and a rest.
constexpr std::int64_t many = 19;

void check_all(const Var& y, double wanted, double relative) {
  for (const double v : numbers(y)) {
    CAPTURE(v);
    CAPTURE(wanted);
    CHECK(same(v, wanted, relative));
  }
}

std::int64_t check(const std::string& name, const std::function<Var(const Var&)>& f, const std::vector<Rule1>& rules) {
  for (const DType dtype : both)
    for (const auto& [x, y] : rules) {
      CAPTURE(name);
      CAPTURE(x);
      check_all(f(Tensor::full({many}, x, dtype)), y, 2 * eps_of(dtype));
      check_all(f(Tensor::scalar(x, dtype)), y, 2 * eps_of(dtype));
    }
  return static_cast<std::int64_t>(rules.size());
}

std::int64_t check(const std::string& name, const std::function<Var(const Var&, const Var&)>& f,
                   const std::vector<Rule2>& rules) {
  for (const DType dtype : both)
    for (const auto& [a, b, y] : rules) {
      CAPTURE(name);
      CAPTURE(a);
      CAPTURE(b);
      const Var one_a = Tensor::scalar(a, dtype), one_b = Tensor::scalar(b, dtype);
      const Var many_a = Tensor::full({many}, a, dtype), many_b = Tensor::full({many}, b, dtype);
      const double rounding = 2 * eps_of(dtype);
      check_all(f(one_a, one_b), y, rounding);
      check_all(f(many_a, many_b), y, rounding);
      check_all(f(one_a, many_b), y, rounding);
      check_all(f(many_a, one_b), y, rounding);
      check_all(f(Tensor::full({many, 1}, a, dtype), Tensor::full({1, 3}, b, dtype)), y, rounding);
    }
  return static_cast<std::int64_t>(rules.size());
}

const std::vector<Rule2> power_rules{
    {2, NaN, NaN},    {0.0, NaN, NaN},   {NaN, 0.0, 1},    {NaN, -0.0, 1},   {3, 0.0, 1},      {inf, -0.0, 1},
    {NaN, 2, NaN},    {NaN, -0.5, NaN},  {1.5, inf, inf},  {-1.5, inf, inf}, {1.5, -inf, 0.0}, {-1.5, -inf, 0.0},
    {1, inf, 1},      {1, -inf, 1},      {-1, inf, 1},     {-1, -inf, 1},    {0.5, inf, 0.0},  {-0.5, inf, 0.0},
    {0.5, -inf, inf}, {-0.5, -inf, inf}, {inf, 0.5, inf},  {inf, 3, inf},    {inf, -0.5, 0.0}, {inf, -3, 0.0},
    {-inf, 3, -inf},  {-inf, 2, inf},    {-inf, 2.5, inf}, {-inf, -3, -0.0}, {-inf, -2, 0.0},  {-inf, -2.5, 0.0},
    {0.0, 2, 0.0},    {0.0, 0.5, 0.0},   {0.0, -2, inf},   {0.0, -0.5, inf}, {-0.0, 3, -0.0},  {-0.0, 1, -0.0},
    {-0.0, 2, 0.0},   {-0.0, 2.5, 0.0},  {-0.0, -3, -inf}, {-0.0, -1, -inf}, {-0.0, -2, inf},  {-0.0, -2.5, inf},
    {-2, 0.5, NaN},   {-2, -2.5, NaN},   {-2, 3, -8}};

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("array API special cases: functions of one number") {
    std::int64_t count = 0;
    count += check("abs", [](const Var& x) { return abs(x); },
                   {{NaN, NaN}, {-0.0, 0.0}, {0.0, 0.0}, {-inf, inf}, {inf, inf}});
    count += check("negative", [](const Var& x) { return neg(x); },
                   {{NaN, NaN}, {0.0, -0.0}, {-0.0, 0.0}, {inf, -inf}, {-inf, inf}});
    count +=
        check("exp", [](const Var& x) { return exp(x); }, {{NaN, NaN}, {0.0, 1}, {-0.0, 1}, {inf, inf}, {-inf, 0.0}});
    count += check("log", [](const Var& x) { return log(x); },
                   {{NaN, NaN}, {-1, NaN}, {-inf, NaN}, {0.0, -inf}, {-0.0, -inf}, {1, 0.0}, {inf, inf}});
    count += check("log1p", [](const Var& x) { return log1p(x); },
                   {{NaN, NaN}, {-2, NaN}, {-inf, NaN}, {-1, -inf}, {-0.0, -0.0}, {0.0, 0.0}, {inf, inf}});
    count += check("sqrt", [](const Var& x) { return sqrt(x); },
                   {{NaN, NaN}, {-1, NaN}, {-inf, NaN}, {0.0, 0.0}, {-0.0, -0.0}, {inf, inf}});
    count += check("square", [](const Var& x) { return square(x); },
                   {{NaN, NaN}, {inf, inf}, {-inf, inf}, {0.0, 0.0}, {-0.0, 0.0}});
    count += check("reciprocal", [](const Var& x) { return reciprocal(x); },
                   {{NaN, NaN}, {0.0, inf}, {-0.0, -inf}, {inf, 0.0}, {-inf, -0.0}});
    count += check("sin", [](const Var& x) { return sin(x); },
                   {{NaN, NaN}, {0.0, 0.0}, {-0.0, -0.0}, {inf, NaN}, {-inf, NaN}});
    count +=
        check("cos", [](const Var& x) { return cos(x); }, {{NaN, NaN}, {0.0, 1}, {-0.0, 1}, {inf, NaN}, {-inf, NaN}});
    count += check("tanh", [](const Var& x) { return tanh(x); },
                   {{NaN, NaN}, {0.0, 0.0}, {-0.0, -0.0}, {inf, 1}, {-inf, -1}});
    count += check("sign", [](const Var& x) { return abs(sign(x)); }, {{0.0, 0.0}, {-0.0, 0.0}});  // of a zero: a zero
    count += check("sign", [](const Var& x) { return sign(x); }, {{NaN, NaN}, {-3, -1}, {-inf, -1}, {3, 1}, {inf, 1}});
    count +=
        check("clip", [](const Var& x) { return clamp(x, -2, 3); }, {{NaN, NaN}, {inf, 3}, {-inf, -2}, {-0.0, -0.0}});
    // expm1 shows in elu below 0: NaN, -0, -inf.
    count += check("expm1", [](const Var& x) { return elu(x); },
                   {{NaN, NaN}, {0.0, 0.0}, {-0.0, -0.0}, {inf, inf}, {-inf, -1}});
    MESSAGE("rules of one operand: " << count);
  }

  TEST_CASE("array API special cases: functions of two numbers") {
    std::int64_t count = 0;
    const std::vector<Rule2> sums{{NaN, 1, NaN},    {1, NaN, NaN},      {inf, -inf, NaN},   {-inf, inf, NaN},
                                  {inf, inf, inf},  {-inf, -inf, -inf}, {inf, -3, inf},     {-inf, 3, -inf},
                                  {-3, inf, inf},   {3, -inf, -inf},    {-0.0, -0.0, -0.0}, {-0.0, 0.0, 0.0},
                                  {0.0, -0.0, 0.0}, {0.0, 0.0, 0.0},    {-0.0, 3, 3},       {0.0, -3, -3},
                                  {3, -0.0, 3},     {-3, 0.0, -3},      {3, -3, 0.0}};
    count += check(
        "add", [](const Var& a, const Var& b) { return add(a, b); }, sums);
    std::vector<Rule2> differences = sums;
    for (Rule2& r : differences) r.b = -r.b;
    count += check(
        "subtract", [](const Var& a, const Var& b) { return sub(a, b); }, differences);
    count += check("multiply", [](const Var& a, const Var& b) { return mul(a, b); },
                   {{NaN, 1, NaN},     {1, NaN, NaN},   {NaN, 0.0, NaN},   {inf, 0.0, NaN}, {-inf, 0.0, NaN},
                    {inf, -0.0, NaN},  {0.0, inf, NaN}, {-0.0, -inf, NaN}, {inf, inf, inf}, {inf, -inf, -inf},
                    {-inf, -inf, inf}, {inf, 3, inf},   {inf, -3, -inf},   {3, -inf, -inf}, {-3, -inf, inf},
                    {2, 3, 6},         {-2, 3, -6},     {0.0, -3, -0.0},   {-0.0, -3, 0.0}, {-0.0, 0.0, -0.0}});
    count +=
        check("divide", [](const Var& a, const Var& b) { return div(a, b); },
              {{NaN, 1, NaN},    {1, NaN, NaN},    {inf, inf, NaN}, {inf, -inf, NaN}, {-inf, inf, NaN}, {0.0, 0.0, NaN},
               {-0.0, 0.0, NaN}, {0.0, -0.0, NaN}, {0.0, 3, 0.0},   {-0.0, 3, -0.0},  {0.0, -3, -0.0},  {-0.0, -3, 0.0},
               {3, 0.0, inf},    {3, -0.0, -inf},  {-3, 0.0, -inf}, {-3, -0.0, inf},  {inf, 3, inf},    {inf, -3, -inf},
               {-inf, 3, -inf},  {-inf, -3, inf},  {3, inf, 0.0},   {3, -inf, -0.0},  {-3, inf, -0.0},  {-3, -inf, 0.0},
               {6, 3, 2},        {-6, 3, -2},      {inf, 0.0, inf}, {inf, -0.0, -inf}});
    count += check(
        "pow", [](const Var& a, const Var& b) { return pow(a, b); }, power_rules);
    count += check("maximum", [](const Var& a, const Var& b) { return maximum(a, b); },
                   {{NaN, 1, NaN}, {1, NaN, NaN}, {NaN, inf, NaN}, {-inf, NaN, NaN}, {inf, 1, inf}, {-inf, 1, 1}});
    count += check("minimum", [](const Var& a, const Var& b) { return minimum(a, b); },
                   {{NaN, 1, NaN}, {1, NaN, NaN}, {NaN, -inf, NaN}, {inf, NaN, NaN}, {inf, 1, 1}, {-inf, 1, -inf}});
    count += check("logaddexp",
                   [](const Var& a, const Var& b) {
                     const Var zero = Tensor::zeros(broadcast_shapes(a.shape(), b.shape(), "test"), a.dtype());
                     return logsumexp(stack({broadcast_to(a, zero.shape()), broadcast_to(b, zero.shape())}, 0), 0);
                   },
                   {{NaN, 1, NaN}, {1, NaN, NaN}, {NaN, inf, NaN}, {inf, 3, inf}, {-3, inf, inf}, {-inf, 3, 3}});
    MESSAGE("rules of two operands: " << count);
  }

  TEST_CASE("array API special cases: pow with a constant exponent") {
    for (const Rule2& r : power_rules) check("pow", [&](const Var& x) { return pow(x, r.b); }, {{r.a, r.y}});
  }

  TEST_CASE("array API special cases: sums, means and largest numbers that hold NaN or infinity") {
    for (const DType dtype : both) {
      CHECK(std::isnan(sum(vec({1, NaN, 2}, dtype)).item()));
      CHECK(std::isnan(mean(vec({inf, NaN, 2}, dtype)).item()));
      CHECK(std::isnan(sum(vec({inf, -inf}, dtype)).item()));
      CHECK(sum(vec({inf, 1}, dtype)).item() == inf);
      CHECK(std::isnan(max(vec({inf, NaN, 2}, dtype), 0).item()));
      CHECK(std::isnan(max(vec({NaN, inf}, dtype), 0).item()));
      CHECK(max(vec({-inf, -inf}, dtype), 0).item() == -inf);
      CHECK(argmax(vec({1, NaN, NaN, inf}, dtype).value(), 0).item() == 1);
      CHECK_FALSE(is_finite(vec({1, -inf}, dtype).value()));
    }
  }
}
