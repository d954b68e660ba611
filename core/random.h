// Random numbers from explicit keys: the same key always gives the same numbers, on every machine and thread count.
#pragma once
#include <array>
#include <cstdint>

#include <glocal/core/dtype.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal {

/// Names one stream of random numbers. Use a key for one purpose only; split it to get more.
struct Key {
  std::uint64_t hi = 0, lo = 0;
  bool operator==(const Key&) const = default;
};

Key key(std::uint64_t seed);             ///< the root key of a seed
Key split(Key parent, std::uint64_t i);  ///< the i-th child of a key: independent of its siblings and of the parent

/// 64 random bits, number `counter` of the stream (Philox4x32-10; two draws a block).
std::uint64_t bits(Key key, std::uint64_t counter);
/// One whole number in [0, n) without bias. Throws ValueError when n < 1.
std::int64_t uniform_int(Key key, std::uint64_t counter, std::int64_t n);

/// Numbers in [lo, hi); rounding to the element type may give hi itself. Throws ValueError unless lo <= hi, finite.
Tensor uniform(Key key, const Shape& shape, double lo = 0, double hi = 1, DType dtype = DType::f32);
/// Gaussian numbers by the inverse distribution function. f32 numbers are the f64 ones, rounded.
Tensor normal(Key key, const Shape& shape, double mean = 0, double stddev = 1, DType dtype = DType::f32);
/// 1 with probability p, else 0. Throws ValueError unless 0 <= p <= 1.
Tensor bernoulli(Key key, double p, const Shape& shape, DType dtype = DType::f32);
/// 0..n-1 in random order, (n,) i32; every order equally likely. Throws ValueError unless 0 <= n < 2^31.
Tensor permutation(Key key, std::int64_t n);

/// One block of Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

}  // namespace glocal
