// Every differentiable operation, by family; each family is one file in ops/. All are differentiable to every order
// in every input of type Var. Shapes that do not fit throw ShapeError, mixed element types DTypeError.
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/random.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal {

// ---- elementwise (ops/elementwise.cpp); two Vars broadcast by numpy's rule ----
Var add(const Var& a, const Var& b);
/// a + b where either may be the symbolic zero.
Var plus(const Var& a, const Var& b);
Var sub(const Var& a, const Var& b);
Var mul(const Var& a, const Var& b);
Var div(const Var& a, const Var& b);
Var neg(const Var& x);
Var scale(const Var& x, double factor);              ///< factor * x
Var shift(const Var& x, double offset);              ///< x + offset
Var scale_by(const Var& x, const Var& s);            ///< s * x, s one number
Var axpy(const Var& a, const Var& x, const Var& y);  ///< a * x + y, a one number, x and y of one shape
Var dot(const Var& a, const Var& b);                 ///< sum of a * b over all elements -> ()
Var minimum(const Var& a, const Var& b);             ///< at ties the derivative goes half and half
Var maximum(const Var& a, const Var& b);
Var clamp(const Var& x, double low, double high);  ///< derivative 1 inside and at the bounds, 0 outside
Var where(const Tensor& mask, const Var& a,
          const Var& b);  ///< mask i32 of 0 and 1; the branch not taken gets exactly 0

// ---- unary (ops/unary.cpp) ----
Var exp(const Var& x);
Var log(const Var& x);
Var log1p(const Var& x);
Var sqrt(const Var& x);
Var rsqrt(const Var& x);  ///< 1 / sqrt(x)
Var reciprocal(const Var& x);
Var square(const Var& x);
Var abs(const Var& x);   ///< derivative sign(x), 0 at 0
Var sign(const Var& x);  ///< derivative zero
Var sin(const Var& x);
Var cos(const Var& x);
Var erf(const Var& x);
Var pow(const Var& x, double exponent);      ///< derivative at x = 0 by the limit where it exists
Var pow(const Var& x, const Var& exponent);  ///< x > 0, or x = 0 with exponent > 0; exponent broadcasts

// ---- activations (ops/activations.cpp) ----
Var relu(const Var& x);  ///< derivative 0 at 0; its mask is frozen
Var leaky_relu(const Var& x, double slope = 0.01);
Var elu(const Var& x, double alpha = 1.0);
Var gelu(const Var& x);      ///< x * Phi(x), exact (erf)
Var silu(const Var& x);      ///< x * sigmoid(x)
Var softplus(const Var& x);  ///< log(1 + e^x), stable for large |x|
Var sigmoid(const Var& x);
Var tanh(const Var& x);

// ---- reductions and broadcasting (ops/reduce.cpp) ----
using Axes = std::vector<int>;                       // may be negative; empty means all
Var broadcast_to(const Var& x, const Shape& shape);  ///< numpy's rule; adjoint of sum_to
Var sum_to(const Var& x, const Shape& shape);        ///< sums what broadcast_to would have repeated
Var sum(const Var& x, const Axes& axes = {}, bool keep = false);
Var mean(const Var& x, const Axes& axes = {}, bool keep = false);
Var max(const Var& x, int axis, bool keep = false);  ///< derivative to the first largest element, frozen
/// Derivative: softmax, so 1 for an entry +inf, shared by several; 0 where all are -inf.
Var logsumexp(const Var& x, int axis, bool keep = false);
Tensor argmax(const Tensor& x, int axis);  ///< i32, first largest; no derivative

// ---- shapes (ops/shape.cpp) ----
Var reshape(const Var& x, const Shape& shape);
Var reshape(const Var& x, std::initializer_list<std::int64_t> sizes);  ///< one size may be -1: inferred
Var flatten_from(const Var& x, int axis);                              ///< (N, C, H, W) from axis 1 -> (N, C * H * W)
Var permute(const Var& x, const Axes& axes);                           ///< y.shape[i] = x.shape[axes[i]]
Var transpose(const Var& x);                                           ///< swaps the last two axes
Var slice(const Var& x, int axis, std::int64_t begin, std::int64_t end);
Var pad(const Var& x, int axis, std::int64_t before, std::int64_t after);  ///< zeros; adjoint of slice
Var concat(const Vars& x, int axis);
Var stack(const Vars& x, int axis);

// ---- indexing (ops/index.cpp); indices are constants ----
Var take(const Var& x, const Tensor& index, const Shape& shape);  ///< y[i] = x.flat[index[i]]; index i32, -1 gives 0
Var put(const Var& y, const Tensor& index, const Shape& shape);   ///< adjoint of take: sums y[i] into place index[i]
Var gather(const Var& x, int axis, const Tensor& index);          ///< rows of an axis by index (K,), repeats allowed
Var scatter(const Var& y, int axis, const Tensor& index, std::int64_t size);  ///< adjoint of gather
Tensor one_hot(const Tensor& labels, std::int64_t classes, DType dtype);      ///< (N,) i32 -> (N, K)

// ---- matrix products (ops/matmul.cpp) ----
/// (..., M, K) x (..., K, N) -> (..., M, N), on BLAS; ta and tb read the operand transposed. Leading axes are equal,
/// or one operand is a matrix shared by the whole batch.
Var matmul(const Var& a, const Var& b, bool ta = false, bool tb = false);
Var linear(const Var& x, const Var& weight,
           const Var& bias);  ///< x (N, K), weight (K, M), bias (M,) -> x weight + bias

// ---- convolution (ops/conv.cpp): three ops, each other's derivatives ----
struct Conv2dSpec {
  std::array<std::int64_t, 2> stride{1, 1}, padding{0, 0}, dilation{1, 1};
  std::int64_t groups = 1;
};
/// x (N, C, H, W), weight (O, C / groups, KH, KW) -> (N, O, OH, OW) with OH = (H + 2 p - d (KH - 1) - 1) / s + 1.
Var conv2d(const Var& x, const Var& weight, const Conv2dSpec& spec = {});
Var conv2d(const Var& x, const Var& weight, const Var& bias, const Conv2dSpec& spec);  ///< + bias (O,)
/// max_pool2d(conv2d(x, weight, bias)), for many sizes in one pass that never writes what is pooled.
Var conv2d_max_pool(const Var& x, const Var& weight, const Var& bias, const Conv2dSpec& spec = {});
/// Adjoint of conv2d in x: gy (N, O, OH, OW), weight -> x_shape.
Var conv2d_input(const Var& gy, const Var& weight, const Shape& x_shape, const Conv2dSpec& spec = {});
/// Adjoint of conv2d in weight: x, gy -> weight_shape.
Var conv2d_weight(const Var& x, const Var& gy, const Shape& weight_shape, const Conv2dSpec& spec = {});

// ---- pooling (ops/pool.cpp) ----
struct PoolSpec {
  std::array<std::int64_t, 2> kernel{2, 2}, stride{2, 2}, padding{0, 0};
};
Var max_pool2d(const Var& x, const PoolSpec& spec = {});  ///< padding never wins; first largest, frozen
Var avg_pool2d(const Var& x, const PoolSpec& spec = {});  ///< divides by KH * KW, padding counted (torch's default)
Var avg_pool2d_input(const Var& gy, const Shape& x_shape, const PoolSpec& spec = {});  ///< adjoint of avg_pool2d
Var global_avg_pool(const Var& x);                                                     ///< (N, C, H, W) -> (N, C)

// ---- softmax (ops/softmax.cpp), over the last axis; an entry +inf takes all, a row of -inf alone gives NaN ----
Var softmax(const Var& x);
Var softmax_lin(const Var& d, const Var& x);  ///< s * (d - <s, d>) with s = softmax(x): its derivative along d
Var log_softmax(const Var& x);
/// logits (N, K), target (N, K) rows of weights p (one-hot, smoothed or soft; differentiable) ->
/// (N,) per-sample losses sum_k p_k (logsumexp(x) - x_k).
Var softmax_cross_entropy(const Var& logits, const Var& target);

// ---- normalisation (ops/normalize.cpp) ----
/// (x - mean) / sqrt(var + eps), mean and biased variance over `axes`; one pass in double, derivative complete.
Var normalize(const Var& x, const Axes& axes, double eps);
struct BatchNormed {
  Var y, mean, variance;  ///< the shape of x, (C,), (C,); the variance is the biased one
};
/// weight (x - mean) / sqrt(var + eps) + bias per channel of x (N, C, ...), or its relu; weight and bias (C,).
/// Derivatives are complete, those of mean and variance too.
BatchNormed batch_norm(const Var& x, const Var& weight, const Var& bias, double eps, bool relu = false);

// ---- numbers per channel (ops/channel.cpp): axis 1 of x (N, C, ...) against (C,) ----
Var add_bias(const Var& x, const Var& b);
Var channel_affine(const Var& x, const Var& scale, const Var& shift,
                   bool relu = false);  ///< scale x + shift, or relu of it

// ---- randomness (ops/dropout.cpp) ----
/// Constant of 0 and 1 / (1 - rate); throws ValueError unless 0 <= rate < 1.
Tensor dropout_mask(Key key, double rate, const Shape& shape, DType dtype);

// ---- operators ----
inline Var operator+(const Var& a, const Var& b) { return add(a, b); }
inline Var operator-(const Var& a, const Var& b) { return sub(a, b); }
inline Var operator*(const Var& a, const Var& b) { return mul(a, b); }
inline Var operator/(const Var& a, const Var& b) { return div(a, b); }
inline Var operator-(const Var& x) { return neg(x); }
inline Var operator+(const Var& x, double c) { return shift(x, c); }
inline Var operator+(double c, const Var& x) { return shift(x, c); }
inline Var operator-(const Var& x, double c) { return shift(x, -c); }
inline Var operator-(double c, const Var& x) { return shift(neg(x), c); }
inline Var operator*(const Var& x, double c) { return scale(x, c); }
inline Var operator*(double c, const Var& x) { return scale(x, c); }
inline Var operator/(const Var& x, double c) { return scale(x, 1 / c); }
inline Var operator/(double c, const Var& x) { return scale(reciprocal(x), c); }

}  // namespace glocal
