// Powers of two that bring numbers to the middle of their range, where products neither overflow nor underflow.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace glocal {

/// The s for which 2^s `largest` is near 1; 0 for zero and for sizes whose squares are safe as they are. Multiplying
/// by 2^s is exact.
inline int shift_to_one(double largest) {
  constexpr int safe = 100, most = 1022;
  const int exponent = largest > 0 ? std::ilogb(largest) : 0;
  return std::abs(exponent) <= safe ? 0 : std::clamp(-exponent, -most, most);
}

}  // namespace glocal
