// An op with a rule that is right to first order only.
#include <cmath>

#include <glocal/autodiff/op.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>

#include "exercise.h"

using namespace glocal;

// s + x s (1 - s)
inline Var swish_slope(const Var& x) {
  const Var s = sigmoid(x);
  return s + x * s * (1.0 - s);
}

struct Swish : Primitive<"exercise_swish"> {
  Tensor eval(Values x) const override {
    Tensor y(x[0].shape(), x[0].dtype());
    for (std::int64_t i = 0; i < y.size(); ++i) {
      const double a = x[0].data<double>()[i];
      y.data<double>()[i] = a / (1 + std::exp(-a));
    }
    return y;
  }
  Var jvp(In x, const Var&, In dx) const override {
    // BEGIN SOLUTION
    return dx[0] * swish_slope(x[0]);
    // BEGIN GIVEN
    //| const Tensor slope = swish_slope(x[0]).value();
    //| return dx[0] * slope;
    // END SOLUTION
  }
  void vjp(In x, const Var&, const Var& gy, Wants, Out gx) const override {
    // BEGIN SOLUTION
    gx[0] = gy * swish_slope(x[0]);
    // BEGIN GIVEN
    //| const Tensor slope = swish_slope(x[0]).value();
    //| gx[0] = gy * slope;
    // END SOLUTION
  }
};

inline Var swish(const Var& x) { return apply(Swish{}, x); }
