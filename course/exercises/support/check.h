// What the tests of exercises compare with: on a difference they show the worst element and say what it looks like.
#pragma once
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <glocal/autodiff/var.h>

#include "exercise.h"

namespace course {

/// Numbers of any kind as a flat list with a shape.
struct Numbers {
  std::vector<double> flat;
  std::vector<std::int64_t> shape;

  Numbers(double x) : flat{x} {}  // NOLINT: numbers are numbers
  Numbers(std::vector<double> x)  // NOLINT
      : flat(std::move(x)), shape{static_cast<std::int64_t>(flat.size())} {}
  Numbers(std::initializer_list<double> x) : Numbers(std::vector<double>(x)) {}
  Numbers(const glocal::Tensor& x);  // NOLINT
  Numbers(const glocal::Var& x);     // NOLINT: the symbolic zero is the number 0
};

/// A wrong answer that many give, and what went wrong there.
struct Mistake {
  Numbers answer;
  std::string says;
};

/// "" when |got - expected| <= tolerance (1 + |expected|) everywhere; else the worst element and what it looks like: a
/// mistake of the list, a wrong sign, a factor, swapped axes, a shift by one.
std::string difference(const Numbers& got, const Numbers& expected, double tolerance,
                       const std::vector<Mistake>& mistakes = {});

/// A check of a test case: `what` names what is compared.
inline void close(const std::string& what, const Numbers& got, const Numbers& expected, double tolerance = 1e-9,
                  const std::vector<Mistake>& mistakes = {}) {
  const std::string wrong = difference(got, expected, tolerance, mistakes);
  if (!wrong.empty()) FAIL_CHECK(what, ": ", wrong);
}

}  // namespace course
