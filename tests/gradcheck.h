// Derivative checks that every op passes: a row names an op, gives a function that uses it and draws inputs for it.
#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/core/random.h>

namespace glocal::gradcheck {

using OpFunction = std::function<Var(const Vars&)>;

/// One line of the table. `op` is the primitive that recording f must leave on the tape ("" for functions that are
/// made of other ops); `inputs` draws f64 inputs at least 0.01 away from every kink.
struct Row {
  std::string name;
  std::string op;
  OpFunction f;
  std::function<Vars(Key)> inputs;
};

/// Largest error of each check; see check() for what each must stay under.
struct Errors {
  double adjoint = 0;     ///< <gy, jvp(dx)> against <vjp(gy), dx>, relative
  double difference = 0;  ///< jvp against central differences
  double mixes = 0;       ///< second derivative: forward/forward, forward/reverse, reverse/forward, reverse/reverse
  double second = 0;      ///< second derivative against differences of the first
  double third = 0;       ///< third derivative: all forward over reverse against all reverse, and differences
  double zeros = 0;       ///< each subset of inputs alone against all of them
  double directions = 0;  ///< three tangents in one pass against three passes
  double single = 0;      ///< f32 against f64
};

/// Uniform numbers in [lo, hi), one tensor per shape.
inline std::function<Vars(Key)> in_range(std::vector<Shape> shapes, double lo = -2, double hi = 2) {
  return [=](Key k) {
    Vars x;
    for (const Shape& shape : shapes) x.push_back(uniform(split(k, x.size()), shape, lo, hi, DType::f64));
    return x;
  };
}

/// Numbers with lo <= |x| < hi and random signs: away from a kink at zero.
inline std::function<Vars(Key)> off_zero(std::vector<Shape> shapes, double lo = 0.1, double hi = 2) {
  return [=](Key k) {
    Vars x;
    for (const Shape& shape : shapes) {
      const Tensor size = uniform(split(k, 2 * x.size()), shape, lo, hi, DType::f64);
      Tensor signed_size = bernoulli(split(k, 2 * x.size() + 1), 0.5, shape, DType::f64);
      double* p = signed_size.data<double>();
      for (std::int64_t i = 0; i < size.size(); ++i) p[i] = p[i] > 0 ? size.at(i) : -size.at(i);
      x.push_back(signed_size);
    }
    return x;
  };
}

/// Numbers of which no two are closer than 0.05, in random order: away from the kinks of max and sort-like ops.
inline std::function<Vars(Key)> spaced(std::vector<Shape> shapes) {
  return [=](Key k) {
    Vars x;
    for (const Shape& shape : shapes) {
      const Tensor order = permutation(split(k, x.size()), shape.size());
      Tensor t(shape, DType::f64);
      for (std::int64_t i = 0; i < t.size(); ++i)
        t.data<double>()[i] = 0.05 * order.at(i) + 0.013 * static_cast<double>(x.size()) - 0.02 * double(t.size());
      x.push_back(t);
    }
    return x;
  };
}

/// Inputs drawn one by one by different rules.
inline std::function<Vars(Key)> each(std::vector<std::function<Vars(Key)>> parts) {
  return [=](Key k) {
    Vars x;
    for (const auto& part : parts)
      for (const Var& v : part(split(k, 1000 + x.size()))) x.push_back(v);
    return x;
  };
}

// ---- plain arithmetic on values, independent of the ops under test ----

inline double inner(In a, In b, bool magnitude = false) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::int64_t j = 0; a[i] && b[i] && j < a[i].size(); ++j) {
      const double term = a[i].value().at(j) * b[i].value().at(j);
      sum += magnitude ? std::abs(term) : term;
    }
  return sum;
}

inline Vars combine(In a, double factor, In b) {
  Vars sum;
  for (std::size_t i = 0; i < a.size(); ++i) {
    Tensor t = a[i].value().clone();
    for (std::int64_t j = 0; j < t.size(); ++j) t.data<double>()[j] += factor * b[i].value().at(j);
    sum.push_back(t);
  }
  return sum;
}

// Largest |a - b|, relative to the largest entry of either where that is above 0.1.
inline double gap(In a, In b) {
  double worst = 0, size = 0.1;
  if (a.size() != b.size()) return HUGE_VAL;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].shape() != b[i].shape()) return HUGE_VAL;
    for (std::int64_t j = 0; j < a[i].size(); ++j) {
      const double difference = std::abs(a[i].value().at(j) - b[i].value().at(j));
      worst = difference <= worst ? worst : std::isnan(difference) ? HUGE_VAL : difference;
      size = std::max({size, std::abs(a[i].value().at(j)), std::abs(b[i].value().at(j))});
    }
  }
  return worst / size;
}

inline Vars random_like(Key k, In like) {
  Vars d;
  for (const Var& v : like) d.push_back(normal(split(k, d.size()), v.shape(), 0, 1, DType::f64));
  return d;
}

/// d/dh F(x + h d) at h = 0 by central differences of fourth order.
inline Vars derivative_along(const std::function<Vars(const Vars&)>& F, In x, In d, double h = 1e-3) {
  const auto at = [&](double steps) { return F(combine(x, steps * h, d)); };
  const Vars p1 = at(1), m1 = at(-1), p2 = at(2), m2 = at(-2);
  Vars result;
  for (std::size_t i = 0; i < p1.size(); ++i) {
    Tensor t = p1[i].value().clone();
    for (std::int64_t j = 0; j < t.size(); ++j)
      t.data<double>()[j] =
          (8 * (p1[i].value().at(j) - m1[i].value().at(j)) - (p2[i].value().at(j) - m2[i].value().at(j))) / (12 * h);
    result.push_back(t);
  }
  return result;
}

// ---- the checks ----

inline Var differentiable_inner(In a, In b) {
  Var sum;
  for (std::size_t i = 0; i < a.size(); ++i) sum = plus(sum, dot(a[i], b[i]));
  return sum;
}

// First derivatives of f at x.
inline void measure_first(const OpFunction& f, const Vars& x, Key k, Errors& e) {
  const Vars dx = random_like(split(k, 0), x);
  const auto [y, dy] = jvp(f, x, dx);
  const Vars gy = random_like(split(k, 1), Vars{y});
  const Vars gx = vjp(f, x).second(gy[0]);
  const Vars dys{dy};
  e.adjoint = std::max(e.adjoint, std::abs(inner(gy, dys) - inner(gx, dx)) /
                                      std::max({1e-3, inner(gy, dys, true), inner(gx, dx, true)}));
  const auto F = [&](const Vars& u) { return Vars{f(u)}; };
  e.difference = std::max(e.difference, gap(dys, derivative_along(F, x, dx)));

  std::vector<Vars> three;
  for (std::uint64_t i = 2; i < 5; ++i) three.push_back(random_like(split(k, i), x));
  const auto [y3, dy3] = jvps(f, x, three);
  for (std::size_t i = 0; i < 3; ++i)
    e.directions = std::max(e.directions, gap(Vars{dy3[i]}, Vars{jvp(f, x, three[i]).second}));
  e.directions = std::max(e.directions, gap(Vars{y3}, Vars{f(x)}));
}

// Second and third derivatives of <w, f> at x, in every mixture of modes.
inline void measure_higher(const OpFunction& f, const Vars& x, Key k, Errors& e) {
  const Var w = random_like(split(k, 0), Vars{f(x)})[0];
  const Vars u = random_like(split(k, 1), x), v = random_like(split(k, 2), x);
  const auto phi = [&](const Vars& a) { return dot(w, f(a)); };
  const auto gradient = [&](const Vars& a) { return grad(phi)(a); };
  const auto forward_reverse = [&](const Vars& a) { return jvp(gradient, a, v).second; };
  const auto reverse_forward = [&](const Vars& a) {
    return grad([&](const Vars& b) { return dot(w, jvp(f, b, v).second); })(a);
  };
  const auto reverse_reverse = [&](const Vars& a) {
    return grad([&](const Vars& b) { return differentiable_inner(gradient(b), v); })(a);
  };
  const Vars hv = forward_reverse(x);
  const Var uhv = jvp([&](const Vars& a) { return jvp(f, a, u).second; }, x, v).second;
  e.mixes = std::max({e.mixes, gap(hv, reverse_forward(x)), gap(hv, reverse_reverse(x)),
                      gap(Vars{Tensor::scalar(inner(hv, u), DType::f64)},
                          Vars{Tensor::scalar(inner(Vars{w}, Vars{uhv}), DType::f64)})});
  e.second = std::max(e.second, gap(hv, derivative_along(gradient, x, v)));

  const Vars third = jvp(forward_reverse, x, u).second;
  const Vars all_reverse = grad([&](const Vars& b) { return differentiable_inner(reverse_reverse(b), u); })(x);
  e.third = std::max({e.third, gap(third, all_reverse), gap(third, derivative_along(forward_reverse, x, u))});
}

// Every subset of the inputs differentiated alone: the others are constants, or have the symbolic zero as tangent.
inline void measure_zeros(const OpFunction& f, const Vars& x, Key k, Errors& e) {
  const Vars d = random_like(split(k, 0), x);
  const Var w = random_like(split(k, 1), Vars{f(x)})[0];
  const auto gradient = [&](const Vars& a) { return grad([&](const Vars& b) { return dot(w, f(b)); })(a); };
  for (std::size_t subset = 1; subset < (std::size_t(1) << x.size()); ++subset) {
    Vars part, part_d, masked = d, missing(x.size());
    const auto whole = [&](const Vars& chosen) {
      Vars all = x;
      std::size_t next = 0;
      for (std::size_t i = 0; i < x.size(); ++i)
        if (subset >> i & 1) all[i] = chosen[next++];
      return all;
    };
    const auto chosen_of = [&](const Vars& all) {
      Vars chosen;
      for (std::size_t i = 0; i < x.size(); ++i)
        if (subset >> i & 1) chosen.push_back(all[i]);
      return chosen;
    };
    for (std::size_t i = 0; i < x.size(); ++i)
      (subset >> i & 1 ? missing[i] : masked[i]) = subset >> i & 1 ? d[i] : zeros_like(d[i]);
    part = chosen_of(x), part_d = chosen_of(d);
    const auto partial = [&](const Vars& a) { return f(whole(a)); };
    const auto partial_gradient = [&](const Vars& a) {
      return grad([&](const Vars& b) { return dot(w, partial(b)); })(a);
    };
    const Vars dy{jvp(f, x, masked).second};
    e.zeros =
        std::max({e.zeros, gap(dy, Vars{jvp(f, x, missing).second}), gap(dy, Vars{jvp(partial, part, part_d).second}),
                  gap(chosen_of(gradient(x)), partial_gradient(part)),
                  gap(chosen_of(jvp(gradient, x, masked).second), jvp(partial_gradient, part, part_d).second),
                  gap(jvp(gradient, x, masked).second, jvp(gradient, x, missing).second)});
  }
}

/// Runs every check of one row.
inline Errors measure(const Row& row, Key k) {
  const Vars x = row.inputs(split(k, 0));
  // The second function lets the gradient that arrives at the op depend on x as well.
  const OpFunction nested = [&](const Vars& a) {
    const Var y = row.f(a);
    return add(y, scale(square(y), 0.3));
  };
  Errors e;
  measure_first(row.f, x, split(k, 1), e);
  measure_higher(row.f, x, split(k, 2), e);
  measure_higher(nested, x, split(k, 3), e);
  measure_zeros(row.f, x, split(k, 4), e);
  Vars single;
  for (const Var& v : x) single.push_back(v.value().to(DType::f32));
  e.single = gap(Vars{row.f(x)}, Vars{row.f(single)});
  return e;
}

/// Every bound that every op and every layer must keep.
inline void check_row(const Row& row) {
  INFO("row: ", row.name);
  const Errors e = measure(row, key(7));
  CHECK(e.adjoint <= 1e-12);
  CHECK(e.difference <= 1e-7);
  CHECK(e.mixes <= 1e-10);
  CHECK(e.second <= 1e-6);
  CHECK(e.third <= 1e-6);
  CHECK(e.zeros <= 1e-12);
  CHECK(e.directions <= 1e-14);
  CHECK(e.single <= 1e-5);
}

/// True when recording f leaves a node of this primitive on the tape.
inline bool records(const Row& row, const std::string& op, Key k) {
  const Vars x = row.inputs(k);
  const Recording r = record([&](const Vars& a) { return Vars{row.f(a)}; }, x);
  for (std::size_t i = 0; i < r.tape->size(); ++i)
    if (r.tape->rule(i).name() == op) return true;
  return false;
}

}  // namespace glocal::gradcheck
