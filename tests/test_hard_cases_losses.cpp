// Softmax, its logarithm and cross entropy where exponentials overflow, vanish or are of minus infinity, against sums
// in long double.
#include <glocal/nn/loss.h>

#include "hard_cases.h"

using namespace glocal;
using namespace glocal::hard;

namespace {

using Long = long double;

// Rows of logits that are hard for one of: overflow, underflow, cancellation, lanes left over.
std::vector<Numbers> hard_rows(DType dtype) {
  const double top = dtype == DType::f64 ? 1e308 : largest_of(DType::f32);
  Numbers long_row;
  for (int i = 0; i < 37; ++i) long_row.push_back(i % 5 == 2 ? -inf : i % 7 == 3 ? 1e4 : 1e4 - i);
  return {{1e4, -1e4, 0},
          {1e4, 1e4 - 1, 1e4 - 2, 1e4},
          {-1e4, -1e4 - 1, -1e4},
          {top, -top, 0, 1},
          {top, top},
          {-top, -top, -top},
          {-inf, 1, 2, -inf, 0},
          {-inf, -1e4, -top},
          {-inf, 3},
          {7},
          {0.0, -0.0, smallest_of(dtype)},
          long_row};
}

std::vector<Long> reference_softmax(const Numbers& x, Long* log_sum = nullptr, Long* largest = nullptr) {
  Long top = -inf, sum = 0;
  for (const double v : x) top = std::max<Long>(top, v);
  std::vector<Long> s;
  for (const double v : x) s.push_back(std::exp(v - top));
  for (const Long v : s) sum += v;
  for (Long& v : s) v /= sum;
  if (log_sum) *log_sum = std::log(sum);
  if (largest) *largest = top;
  return s;
}

double rounded(Long v, DType dtype) {
  return dtype == DType::f32 ? double(static_cast<float>(v)) : static_cast<double>(v);
}

Var row(const Numbers& x, DType dtype) { return tensor(x, {1, static_cast<std::int64_t>(x.size())}, dtype); }

Numbers direction(std::size_t n) {
  Numbers d;
  for (std::size_t i = 0; i < n; ++i) d.push_back(std::cos(1.7 * double(i) + 0.3));
  return d;
}

Long mean_of(const std::vector<Long>& s, const Numbers& d) {
  Long sum = 0;
  for (std::size_t i = 0; i < s.size(); ++i) sum += s[i] * Long(d[i]);
  return sum;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("hard case: log-softmax at logits of 1e4, of the largest numbers and of -inf") {
    for (const DType dtype : both)
      for (const Numbers& x : hard_rows(dtype)) {
        CAPTURE(x);
        const double eps = eps_of(dtype);
        Long log_sum = 0, top = 0;
        const auto s = reference_softmax(x, &log_sum, &top);
        const Numbers d = direction(x.size());
        const auto f = [](const Var& v) { return log_softmax(v); };
        const auto [y, dy] = jvp(f, row(x, dtype), row(d, dtype));
        const Var gx = vjp(f, row(x, dtype)).second(row(d, dtype));
        Numbers want_y, want_dy, want_gx, want_s;
        Long total = 0;
        for (const double v : d) total += v;
        for (std::size_t i = 0; i < x.size(); ++i) {
          want_y.push_back(rounded(Long(x[i]) - top - log_sum, dtype));
          want_s.push_back(double(s[i]));
          want_dy.push_back(double(Long(d[i]) - mean_of(s, d)));
          want_gx.push_back(double(Long(d[i]) - s[i] * total));
        }
        check_near(numbers(y), want_y, 4 * eps, 4 * eps);
        check_near(numbers(softmax(row(x, dtype))), want_s, 8 * eps, smallest_of(dtype));
        check_near(numbers(dy), want_dy, 0, 20 * eps);
        check_near(numbers(gx), want_gx, 0, 20 * eps);
      }
  }

  TEST_CASE("hard case: second derivative of log-softmax at logits of 1e4, of the largest numbers and of -inf") {
    for (const DType dtype : both)
      for (const Numbers& x : hard_rows(dtype)) {
        CAPTURE(x);
        const auto s = reference_softmax(x);
        const Numbers d = direction(x.size());
        const auto f = [](const Var& v) { return sum(log_softmax(v)); };
        const Var hv = hvp(f, row(x, dtype), row(d, dtype));
        Numbers want;
        for (std::size_t i = 0; i < x.size(); ++i)
          want.push_back(double(-Long(x.size()) * s[i] * (Long(d[i]) - mean_of(s, d))));
        check_near(numbers(hv), want, 0, 40 * double(x.size()) * eps_of(dtype));
      }
  }

  TEST_CASE("hard case: cross entropy at logits of 1e4, of the largest numbers and of -inf") {
    for (const DType dtype : both)
      for (const Numbers& x : hard_rows(dtype))
        for (std::size_t label = 0; label < x.size(); ++label) {
          CAPTURE(x);
          CAPTURE(label);
          const double eps = eps_of(dtype);
          Long log_sum = 0, top = 0;
          const auto s = reference_softmax(x, &log_sum, &top);
          const Numbers d = direction(x.size());
          const Tensor labels = Tensor::from(std::vector<std::int32_t>{static_cast<std::int32_t>(label)}, {1});
          const auto f = [&](const Var& v) { return nn::cross_entropy(v, labels); };
          const auto [y, dy] = jvp(f, row(x, dtype), row(d, dtype));
          const Var gx = grad(f)(row(x, dtype)), hv = hvp(f, row(x, dtype), row(d, dtype));
          const double want = rounded(log_sum - (Long(x[label]) - top), dtype);
          if (std::isinf(want))
            CHECK(y.item() == inf);  // a class of probability 0, or a loss beyond the range
          else
            CHECK(std::abs(y.item() - want) <= 4 * eps * (1 + std::abs(want)));
          Numbers want_gx, want_hv;
          for (std::size_t i = 0; i < x.size(); ++i) {
            want_gx.push_back(double(s[i] - (i == label)));
            want_hv.push_back(double(s[i] * (Long(d[i]) - mean_of(s, d))));
          }
          check_near(numbers(gx), want_gx, 0, 10 * eps);
          check_near({dy.item()}, {double(mean_of(s, d) - Long(d[label]))}, 0, 20 * eps);
          check_near(numbers(hv), want_hv, 0, 20 * eps);
        }
  }

  TEST_CASE("hard case: soft targets of cross entropy that are 0 where a logit is -inf") {
    for (const DType dtype : both) {
      const Numbers x{-inf, 1, 1e4, 1e4}, p{0, 0, 0.25, 0.75};
      const auto f = [&](const Var& v) { return sum(softmax_cross_entropy(v, row(p, dtype))); };
      const auto [y, gx] = value_and_grad(f)(row(x, dtype));
      CHECK(y.item() == doctest::Approx(std::log(2.0)).epsilon(4 * eps_of(dtype)));
      check_near(numbers(gx), {0, 0, 0.25, -0.25}, 0, 4 * eps_of(dtype));
      // A class that is impossible and yet wanted costs infinitely much.
      CHECK(softmax_cross_entropy(row(x, dtype), row({0.5, 0, 0.25, 0.25}, dtype)).item() == inf);
    }
  }

  TEST_CASE("hard case: a row of -inf alone is no distribution and says so by NaN") {
    for (const DType dtype : both) {
      const Var x = row({-inf, -inf, -inf}, dtype), p = row({1, 0, 0}, dtype);
      for (const Var& y : {softmax(x), log_softmax(x), softmax_cross_entropy(x, p)})
        for (const double v : numbers(y)) CHECK(std::isnan(v));
    }
  }

  TEST_CASE("hard case: logsumexp of -inf alone is -inf, with derivative 0") {
    for (const DType dtype : both) {
      const Var x = tensor({-inf, -inf, -inf, -inf, 2, 1}, {2, 3}, dtype), one = ones({2, 3}, dtype);
      const auto f = [](const Var& v) { return logsumexp(v, 1); };
      const auto [y, dy] = jvp(f, x, one);
      const double top = 2 + std::log1p(std::exp(-1.0)), s = 1 / (1 + std::exp(-1.0)), eps = eps_of(dtype);
      check_near(numbers(y), {-inf, top}, 4 * eps);
      check_near(numbers(dy), {0, 1}, 4 * eps);
      check_near(numbers(vjp(f, x).second(ones({2}, dtype))), {0, 0, 0, 0, s, 1 - s}, 8 * eps);
      const auto h = [&](const Var& v) { return sum(slice(f(v), 0, 0, 2)); };
      const Var d = tensor({1, 2, 3, 1, 2, 3}, {2, 3}, dtype);
      check_near(numbers(hvp(h, x, d)), {0, 0, 0, 0, -s * (1 - s), s * (1 - s)}, 0, 8 * eps);
    }
  }

  TEST_CASE("hard case: logsumexp at 1e4, the largest numbers, one infinity and one NaN") {
    for (const DType dtype : both) {
      const double top = largest_of(dtype), eps = eps_of(dtype);
      const auto at = [&](const Numbers& x) { return logsumexp(vec(x, dtype), 0).item(); };
      CHECK(same(at({1e4, 1e4}), 1e4 + std::log(2.0), eps));
      CHECK(same(at({-1e4, -1e4}), -1e4 + std::log(2.0), eps));
      CHECK(at({top, 0}) == top);
      CHECK(at({top, top}) == top);
      CHECK(at({-top, -top}) == -top);
      CHECK(at({inf, 0}) == inf);
      CHECK(at({-inf, inf}) == inf);
      CHECK(std::isnan(at({NaN, 0})));
      CHECK(std::isnan(at({0, NaN, inf})));
      check_near(numbers(grad([](const Var& v) { return logsumexp(v, 0); })(vec({top, top, -top}, dtype))),
                 {0.5, 0.5, 0}, 0, 2 * eps);
      const auto f = [](const Var& v) { return logsumexp(v, 0); };
      const double big = 1e4 / eps, s = 1 / (1 + std::exp(-1.0));  // numbers here are far apart; 1e4 loses four digits
      check_near(numbers(grad(f)(vec({big, big, big, big}, dtype))), {0.25, 0.25, 0.25, 0.25}, 0, 2 * eps);
      check_near(numbers(grad(f)(vec({1e4, 1e4 - 1}, dtype))), {s, 1 - s}, 0, 4 * eps);
      check_near(numbers(hvp(f, vec({1e4, 1e4 - 1}, dtype), vec({1, 0}, dtype))), {s * (1 - s), -s * (1 - s)}, 0,
                 4 * eps);
    }
  }

  TEST_CASE("hard case: binary cross entropy at logits of 1e4 and of the largest numbers") {
    for (const DType dtype : both)
      for (const double x : {1e4, -1e4, largest_of(dtype) / 4, -largest_of(dtype) / 4})
        for (const double t : {0.0, 1.0}) {
          const Var target = vec({t}, dtype), logit = vec({x}, dtype);
          const auto f = [&](const Var& v) { return nn::bce_with_logits(v, target); };
          const auto [y, gx] = value_and_grad(f)(logit);
          const bool right = (x > 0) == (t > 0.5);
          CHECK(y.item() == (right ? 0.0 : logit.item() < 0 ? -logit.item() : logit.item()));
          CHECK(gx.value().at(0) == (right ? 0.0 : x > 0 ? 1.0 : -1.0));
          CHECK(hvp(f, logit, ones({1}, dtype)).value().at(0) == 0);
        }
  }
}
