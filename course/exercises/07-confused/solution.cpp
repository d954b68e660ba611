// Nested forward mode with nilpotent epsilons.
#include <map>

#include "exercise.h"

// sum over sets S of parts[S] * product of e_i for i in S; bit i of S stands for e_i, and e_i e_i = 0.
struct Number {
  std::map<unsigned, double> parts;

  Number(double value) : parts{{0U, value}} {}  // NOLINT: a plain number has no epsilon
  Number() = default;
  double value() const { return parts.count(0) ? parts.at(0) : 0.0; }
};

inline Number operator+(const Number& x, const Number& y) {
  Number sum = x;
  for (const auto& [set, part] : y.parts) sum.parts[set] += part;
  return sum;
}

inline Number operator*(const Number& x, const Number& y) {
  Number product;
  for (const auto& [s, a] : x.parts)
    for (const auto& [t, b] : y.parts)
      if ((s & t) == 0) product.parts[s | t] += a * b;
  return product;
}

// Of x = a + b e, with a and b free of e: b. Both may hold other epsilons.
inline Number coefficient(const Number& x, unsigned e) {
  Number b;
  for (const auto& [set, part] : x.parts)
    if (set & e) b.parts[set & ~e] += part;
  return b;
}

inline unsigned under_way = 0;  // derivatives that have begun and not ended

// df/dx at x, for f from Number to Number. Calls may stand inside f.
template <class F>
Number derivative(F f, const Number& x) {
  // BEGIN SOLUTION
  const unsigned e = 1U << under_way++;
  Number seed;
  seed.parts[e] = 1;
  const Number y = f(x + seed);
  --under_way;
  return coefficient(y, e);
  // BEGIN GIVEN
  //| const unsigned e = 1U;
  //| Number seed;
  //| seed.parts[e] = 1;
  //| return coefficient(f(x + seed), e);
  // END SOLUTION
}
