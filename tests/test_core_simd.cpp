// The vector kernels of every instruction set this machine has, against one number at a time in double.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include <glocal/core/random.h>
#include <glocal/core/simd/softmax.h>
#include <glocal/core/simd/update.h>
#include <glocal/core/simd/vector.h>

using namespace glocal;

namespace {

const std::vector<std::int64_t> sizes{0, 1, 3, 7, 8, 15, 16, 17, 31, 33, 64, 100, 257};

template <class F>
void for_each_isa(F f) {
  for (const Isa set : {Isa::baseline, Isa::avx2, Isa::avx512})
    if (set <= isa()) {
      INFO(to_string(set));
      f(set);
    }
}

template <class T>
const simd::VectorKernels<T>& kernels_of(Isa set) {
  if constexpr (std::is_same_v<T, float>)
    return simd::vector_f32(set);
  else
    return simd::vector_f64(set);
}

template <class T>
const simd::UpdateKernels<T>& updates_of(Isa set) {
  if constexpr (std::is_same_v<T, float>)
    return simd::update_f32(set);
  else
    return simd::update_f64(set);
}

template <class T>
const simd::SoftmaxKernels<T>& softmax_of(Isa set) {
  if constexpr (std::is_same_v<T, float>)
    return simd::softmax_f32(set);
  else
    return simd::softmax_f64(set);
}

// Normal numbers, and one behind the last that no kernel may touch.
template <class T>
std::vector<T> numbers(std::uint64_t seed, std::int64_t n, bool positive = false) {
  const Tensor x = normal(key(seed), {n}, 0, 1, DType::f64);
  std::vector<T> out;
  for (std::int64_t i = 0; i < n; ++i) out.push_back(static_cast<T>(positive ? std::abs(x.at(i)) : x.at(i)));
  out.push_back(T(-77));
  return out;
}

// |y - expected| <= ulps roundings of scale(i), and the guard number stands.
template <class T, class E, class S>
void check_close(const std::vector<T>& y, E expected, S scale, double ulps) {
  const std::size_t n = y.size() - 1;
  double worst = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double gap = std::abs(double(y[i]) - expected(i)) / (double(std::numeric_limits<T>::epsilon()) * scale(i));
    worst = std::isnan(gap) ? HUGE_VAL : std::max(worst, gap);
  }
  CHECK(worst <= ulps);
  CHECK(y[n] == T(-77));
}

}  // namespace

TEST_SUITE_BEGIN("fast");

TEST_CASE_TEMPLATE("core simd: axpy and linear combinations", T, float, double) {
  for_each_isa([](Isa set) {
    const auto& k = kernels_of<T>(set);
    for (const std::int64_t n : sizes) {
      const auto x0 = numbers<T>(1, n), x1 = numbers<T>(2, n);
      const T a = T(0.3), b = T(-1.7);
      const auto two = [&](std::size_t i) { return double(a) * double(x0[i]) + double(b) * double(x1[i]); };
      const auto size = [&](std::size_t i) { return 1 + std::abs(x0[i]) + 2 * std::abs(x1[i]); };
      auto y = numbers<T>(4, n);
      k.lincomb(n, a, x0.data(), b, x1.data(), y.data());
      check_close(y, two, size, 1);
      y = x1;
      k.lincomb(n, a, x0.data(), b, y.data(), y.data());
      check_close(y, two, size, 1);
      y = x1;
      k.axpy(n, a, x0.data(), y.data());
      check_close(
          y, [&](std::size_t i) { return double(a) * double(x0[i]) + double(x1[i]); }, size, 1);
      double sum = 0, total = 0;
      for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
        sum += double(x0[i]) * double(x1[i]);
        total += std::abs(double(x0[i]) * double(x1[i]));
      }
      CHECK(std::abs(k.dot(n, x0.data(), x1.data()) - sum) <= 1e-14 * total);
      if (sizeof(T) == sizeof(float))  // products are exact in double
        CHECK(k.dot(n, x0.data(), x1.data()) == kernels_of<T>(Isa::baseline).dot(n, x0.data(), x1.data()));
    }
  });
}

TEST_CASE_TEMPLATE("core simd: SGD steps, into new arrays and in place", T, float, double) {
  const simd::SgdStep<T> step{T(0.1), T(0.9), T(0.01)};
  for_each_isa([&](Isa set) {
    const auto& k = updates_of<T>(set);
    for (const std::int64_t n : sizes) {
      const auto g = numbers<T>(1, n), v = numbers<T>(2, n), w = numbers<T>(3, n);
      const auto velocity = [&](std::size_t i) {
        return double(step.momentum) * double(v[i]) + double(g[i]) + double(step.decay) * double(w[i]);
      };
      const auto moved = [&](std::size_t i) { return double(w[i]) - double(step.lr) * velocity(i); };
      const auto size = [&](std::size_t i) { return std::abs(g[i]) + std::abs(v[i]) + std::abs(w[i]); };
      auto v_new = numbers<T>(4, n), w_new = numbers<T>(5, n), v_same = v, w_same = w;
      k.sgd(n, step, g.data(), v.data(), w.data(), v_new.data(), w_new.data());
      check_close(v_new, velocity, size, 2);
      check_close(w_new, moved, size, 2);
      k.sgd(n, step, g.data(), v_same.data(), w_same.data(), v_same.data(), w_same.data());
      CHECK(v_same == v_new);
      CHECK(w_same == w_new);
    }
  });
}

TEST_CASE_TEMPLATE("core simd: the two derivatives of an SGD step", T, float, double) {
  const simd::SgdStep<T> step{T(0.1), T(0.9), T(0.01)}, d{T(0.3), T(-0.2), T(0.7)};
  for_each_isa([&](Isa set) {
    const auto& k = updates_of<T>(set);
    for (const std::int64_t n : sizes) {
      const auto v = numbers<T>(1, n), w = numbers<T>(2, n), next = numbers<T>(3, n);
      const auto a = numbers<T>(4, n), b = numbers<T>(5, n), c = numbers<T>(6, n);
      const auto size = [&](std::size_t i) {
        return std::abs(v[i]) + std::abs(w[i]) + std::abs(next[i]) + std::abs(a[i]) + std::abs(b[i]) + std::abs(c[i]);
      };
      auto x = numbers<T>(7, n), y = x, z = x;
      // (dg, dv, dw) = (a, b, c)
      k.sgd_push(n, step, d, v.data(), w.data(), next.data(), a.data(), b.data(), c.data(), x.data(), y.data());
      const auto dv = [&](std::size_t i) {
        return double(step.momentum) * b[i] + double(step.decay) * c[i] + double(a[i]) + double(d.momentum) * v[i] +
               double(d.decay) * w[i];
      };
      check_close(x, dv, size, 3);
      check_close(
          y, [&](std::size_t i) { return c[i] - double(step.lr) * dv(i) - double(d.lr) * next[i]; }, size, 3);
      // (av', aw') = (a, b)
      double sums[3] = {1, 2, 3}, expected[3] = {1, 2, 3}, total = 0;
      k.sgd_pull(n, step, v.data(), w.data(), next.data(), a.data(), b.data(), x.data(), y.data(), z.data(), sums);
      const auto ag = [&](std::size_t i) { return a[i] - double(step.lr) * b[i]; };
      check_close(x, ag, size, 2);
      check_close(
          y, [&](std::size_t i) { return double(step.momentum) * ag(i); }, size, 2);
      check_close(
          z, [&](std::size_t i) { return b[i] + double(step.decay) * ag(i); }, size, 2);
      for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
        expected[0] -= double(b[i]) * next[i];
        expected[1] += ag(i) * v[i];
        expected[2] += ag(i) * w[i];
        total += double(size(i)) * double(size(i));
      }
      for (int j = 0; j < 3; ++j)
        CHECK(std::abs(sums[j] - expected[j]) <= 4 * double(std::numeric_limits<T>::epsilon()) * (1 + total));
    }
  });
}

TEST_CASE_TEMPLATE("core simd: Nesterov, RMSProp and Adagrad steps in place", T, float, double) {
  const simd::SgdStep<T> s{T(0.1), T(0.9), T(0.01)};
  const simd::RootStep<T> r{T(0.1), T(0.8), T(0.7), T(1e-2), T(1e-3), T(0.02)};
  for_each_isa([&](Isa set) {
    const auto& k = updates_of<T>(set);
    for (const std::int64_t n : sizes) {
      const auto g = numbers<T>(1, n), v = numbers<T>(2, n), w = numbers<T>(3, n), q = numbers<T>(4, n, true);
      const auto size = [&](std::size_t i) { return 1 + g[i] * g[i] + q[i] + std::abs(v[i]) + std::abs(w[i]); };
      auto v_new = v, w_new = w, q_new = q;
      k.nesterov(n, s, g.data(), v_new.data(), w_new.data(), v_new.data(), w_new.data());
      const auto slope = [&](std::size_t i, T decay) { return double(g[i]) + double(decay) * w[i]; };
      const auto velocity = [&](std::size_t i) { return double(s.momentum) * v[i] + slope(i, s.decay); };
      check_close(v_new, velocity, size, 2);
      check_close(
          w_new,
          [&](std::size_t i) { return w[i] - double(s.lr) * (double(s.momentum) * velocity(i) + slope(i, s.decay)); },
          size, 2);

      const auto root = [&](double square) { return std::sqrt(square + double(r.eps_root)) + double(r.eps); };
      const auto mean = [&](std::size_t i) {
        return double(r.alpha) * q[i] + (1 - double(r.alpha)) * slope(i, r.decay) * slope(i, r.decay);
      };
      const auto scaled = [&](std::size_t i) { return double(r.momentum) * v[i] + slope(i, r.decay) / root(mean(i)); };
      v_new = v, w_new = w;
      k.rmsprop(n, r, g.data(), q_new.data(), v_new.data(), w_new.data(), q_new.data(), v_new.data(), w_new.data());
      check_close(q_new, mean, size, 4);
      check_close(v_new, scaled, size, 8);
      check_close(
          w_new, [&](std::size_t i) { return w[i] - double(r.lr) * scaled(i); }, size, 4);

      const auto grown = [&](std::size_t i) { return q[i] + slope(i, r.decay) * slope(i, r.decay); };
      w_new = w, q_new = q;
      k.adagrad(n, r, g.data(), q_new.data(), w_new.data(), q_new.data(), w_new.data());
      check_close(q_new, grown, size, 4);
      check_close(
          w_new, [&](std::size_t i) { return w[i] - double(r.lr) * slope(i, r.decay) / root(grown(i)); }, size, 4);
    }
  });
}

TEST_CASE_TEMPLATE("core simd: Adam steps, into new arrays and in place", T, float, double) {
  const simd::AdamStep<T> s{T(0.1), T(0.9), T(0.99), T(1 / 0.19), T(1 / 0.0199), T(1e-3), T(1e-6), T(0.02)};
  for_each_isa([&](Isa set) {
    const auto& k = updates_of<T>(set);
    for (const std::int64_t n : sizes) {
      const auto g = numbers<T>(1, n), m = numbers<T>(2, n), v = numbers<T>(3, n, true), w = numbers<T>(4, n);
      const auto first = [&](std::size_t i) { return double(s.beta1) * m[i] + (1 - double(s.beta1)) * g[i]; };
      const auto second = [&](std::size_t i) {
        return double(s.beta2) * v[i] + (1 - double(s.beta2)) * double(g[i]) * double(g[i]);
      };
      const auto direction = [&](std::size_t i) {
        const double root = std::sqrt(double(s.v_correction) * second(i) + double(s.eps_root)) + double(s.eps);
        return double(s.m_correction) * first(i) / root;
      };
      const auto moved = [&](std::size_t i) {
        return w[i] - double(s.lr) * (direction(i) + double(s.decay) * double(w[i]));
      };
      const auto size = [&](std::size_t i) { return std::abs(m[i]) + std::abs(g[i]); };
      const auto squares = [&](std::size_t i) { return std::abs(v[i]) + g[i] * g[i]; };
      const auto reach = [&](std::size_t i) { return 1 + std::abs(w[i]) + std::abs(direction(i)); };
      auto m_new = m, v_new = v, w_new = w, m_same = m, v_same = v, w_same = w;
      k.adam(n, s, g.data(), m.data(), v.data(), w.data(), m_new.data(), v_new.data(), w_new.data());
      check_close(m_new, first, size, 2);
      check_close(v_new, second, squares, 2);
      check_close(w_new, moved, reach, 4);
      k.adam(n, s, g.data(), m_same.data(), v_same.data(), w_same.data(), m_same.data(), v_same.data(), w_same.data());
      CHECK(m_same == m_new);
      CHECK(v_same == v_new);
      CHECK(w_same == w_new);
    }
  });
}

TEST_CASE_TEMPLATE("core simd: the softmax family row by row", T, float, double) {
  const std::int64_t rows = 19;  // more than one block of logarithms, and a part of one
  const double bound = 8 * double(std::numeric_limits<T>::epsilon());
  for_each_isa([&](Isa set) {
    const auto& kernels = softmax_of<T>(set);
    for (const std::int64_t K : {1, 2, 7, 10, 16, 17, 100}) {
      INFO("K = ", K);
      const auto x = numbers<T>(1, rows * K), p = numbers<T>(2, rows * K, true), d = numbers<T>(3, rows * K);
      const auto g = numbers<T>(4, rows);
      auto s = x, logs = x, lin = x, centred = x, product = x, slope = x, loss = g;
      kernels.softmax(rows, K, x.data(), s.data());
      kernels.log_softmax(rows, K, x.data(), logs.data());
      kernels.softmax_lin(rows, K, d.data(), x.data(), lin.data());
      kernels.centred(rows, K, d.data(), x.data(), centred.data());
      kernels.row_dot_mul(rows, K, x.data(), p.data(), d.data(), product.data());
      kernels.cross_entropy(rows, K, x.data(), p.data(), loss.data());
      kernels.cross_entropy_slope(rows, K, x.data(), p.data(), g.data(), slope.data());
      double worst = 0;
      const auto compare = [&](T y, double exact, double size) {
        const double gap = std::abs(double(y) - exact) / size;
        worst = std::isnan(gap) ? HUGE_VAL : std::max(worst, gap);
      };
      for (std::int64_t i = 0; i < rows; ++i) {
        double sum = 0, weight = 0, inner = 0, size = 0, mean = 0, expected = 0;
        const auto at = [&](std::int64_t k) { return static_cast<std::size_t>(i * K + k); };
        for (std::int64_t k = 0; k < K; ++k) {
          sum += std::exp(double(x[at(k)]));
          weight += double(p[at(k)]);
          inner += double(p[at(k)]) * double(d[at(k)]);
          size += double(p[at(k)]) * std::abs(double(d[at(k)]));
        }
        for (std::int64_t k = 0; k < K; ++k) mean += std::exp(double(x[at(k)])) / sum * double(d[at(k)]);
        for (std::int64_t k = 0; k < K; ++k) {
          const double log_s = double(x[at(k)]) - std::log(sum), scale = std::abs(double(g[std::size_t(i)]));
          expected -= double(p[at(k)]) * log_s;
          compare(s[at(k)], std::exp(log_s), std::exp(log_s));
          compare(logs[at(k)], log_s, 4 + std::abs(log_s));
          compare(lin[at(k)], std::exp(log_s) * (double(d[at(k)]) - mean), 4);
          compare(centred[at(k)], double(d[at(k)]) - mean, 4);
          compare(product[at(k)], double(x[at(k)]) * inner, 1 + std::abs(double(x[at(k)])) * size);
          compare(slope[at(k)], double(g[std::size_t(i)]) * (weight * std::exp(log_s) - double(p[at(k)])),
                  1 + scale * (weight + double(p[at(k)])));
        }
        compare(loss[std::size_t(i)], expected, 1 + weight * 4 + expected);
      }
      CHECK(worst <= bound);
      for (const auto* y : {&s, &logs, &lin, &centred, &product, &slope, &loss}) CHECK(y->back() == T(-77));
    }
  });
}

TEST_SUITE_END();
