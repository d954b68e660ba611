#include <glocal/autodiff/op.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/ops/checks.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/kernels/softmax.h>
#include <glocal/core/tensor.h>

namespace glocal {
namespace {

Var centred(const Var& d, const Var& x);
Var row_dot_mul(const Var& a, const Var& b, const Var& c);
Var cross_entropy_slope(const Var& x, const Var& p, const Var& g);

Var as_column(const Var& g) { return reshape(g, {g.dim(0), 1}); }
Var one_per_row(const Var& x) { return Tensor::ones({x.dim(0)}, x.dtype()); }

// Calls f<T>(rows, K) for matrices (rows, K).
template <class F>
void visit_rows(const Tensor& x, const char* where, F&& f) {
  visit_float(x.dtype(), where, [&]<class T>() { f.template operator()<T>(x.dim(0), x.dim(1)); });
}

struct Softmax : Primitive<"softmax"> {
  Tensor eval(Values x) const override {
    Tensor y(x[0].shape(), x[0].dtype());
    visit_rows(y, name(),
               [&]<class T>(auto rows, auto K) { kernels::softmax<T>(rows, K, x[0].data<T>(), y.data<T>()); });
    return y;
  }
  Reads reads(Wants) const override { return Reads::only_inputs(); }
  Var jvp(In x, const Var&, In dx) const override { return softmax_lin(dx[0], x[0]); }
  void vjp(In x, const Var&, const Var& gy, Wants, Out gx) const override { gx[0] = softmax_lin(gy, x[0]); }
};

// Of (d, x) with s = softmax(x): F(d) = s C(d) with C(d) = d - <s, d>. F is self-adjoint in d, and its derivative in x
// is symmetric: along v it is F(C(d) C(v)).
struct SoftmaxLin : Primitive<"softmax_lin"> {
  Tensor eval(Values x) const override {
    Tensor y(x[0].shape(), x[0].dtype());
    visit_rows(y, name(), [&]<class T>(auto rows, auto K) {
      kernels::softmax_lin<T>(rows, K, x[0].data<T>(), x[1].data<T>(), y.data<T>());
    });
    return y;
  }
  Reads reads(Wants w) const override { return {w[1] ? 3U : 2U, false}; }
  static Var bend(In x, const Var& v) { return softmax_lin(mul(centred(v, x[1]), centred(x[0], x[1])), x[1]); }
  Var jvp(In x, const Var&, In dx) const override {
    return plus(dx[0] ? softmax_lin(dx[0], x[1]) : Var(), dx[1] ? bend(x, dx[1]) : Var());
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = softmax_lin(gy, x[1]);
    if (w[1]) gx[1] = bend(x, gy);
  }
};

// C of (d, x): its adjoint in d is g - s sum(g); along v of x it is -<F(v), d> = -<F(v), C(d)>.
struct Centred : Primitive<"softmax_centred"> {
  Tensor eval(Values x) const override {
    Tensor y(x[0].shape(), x[0].dtype());
    visit_rows(y, name(), [&]<class T>(auto rows, auto K) {
      kernels::centred<T>(rows, K, x[0].data<T>(), x[1].data<T>(), y.data<T>());
    });
    return y;
  }
  Reads reads(Wants w) const override { return {w[1] ? 3U : 2U, false}; }
  static Var bend(In x, const Var& v) {
    return neg(row_dot_mul(ones_like(v), softmax_lin(v, x[1]), centred(x[0], x[1])));
  }
  Var jvp(In x, const Var&, In dx) const override {
    return plus(dx[0] ? centred(dx[0], x[1]) : Var(), dx[1] ? bend(x, dx[1]) : Var());
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = neg(cross_entropy_slope(x[1], gy, one_per_row(gy)));
    if (w[1]) gx[1] = neg(row_dot_mul(softmax_lin(x[0], x[1]), ones_like(gy), gy));
  }
};

// a <b, c>: linear in each, and its own derivative.
struct RowDotMul : Primitive<"row_dot_mul"> {
  Tensor eval(Values x) const override {
    Tensor y(x[0].shape(), x[0].dtype());
    visit_rows(y, name(), [&]<class T>(auto rows, auto K) {
      kernels::row_dot_mul<T>(rows, K, x[0].data<T>(), x[1].data<T>(), x[2].data<T>(), y.data<T>());
    });
    return y;
  }
  Var jvp(In x, const Var&, In dx) const override {
    const Var da = dx[0] ? row_dot_mul(dx[0], x[1], x[2]) : Var();
    const Var db = dx[1] ? row_dot_mul(x[0], dx[1], x[2]) : Var();
    const Var dc = dx[2] ? row_dot_mul(x[0], x[1], dx[2]) : Var();
    return plus(plus(da, db), dc);
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = row_dot_mul(gy, x[1], x[2]);
    if (w[1]) gx[1] = row_dot_mul(x[2], gy, x[0]);
    if (w[2]) gx[2] = row_dot_mul(x[1], gy, x[0]);
  }
};

// dy = C(dx) = dx - <softmax(x), dx>.
struct LogSoftmax : Primitive<"log_softmax"> {
  Tensor eval(Values x) const override {
    Tensor y(x[0].shape(), x[0].dtype());
    visit_rows(y, name(),
               [&]<class T>(auto rows, auto K) { kernels::log_softmax<T>(rows, K, x[0].data<T>(), y.data<T>()); });
    return y;
  }
  Reads reads(Wants) const override { return Reads::only_inputs(); }
  Var jvp(In x, const Var&, In dx) const override { return centred(dx[0], x[0]); }
  void vjp(In x, const Var&, const Var& gy, Wants, Out gx) const override {
    gx[0] = neg(cross_entropy_slope(x[0], gy, one_per_row(gy)));
  }
};

// Per row, dloss = <slope(x, p, 1), dx> - <log_softmax(x), dp>.
struct SoftmaxCrossEntropy : Primitive<"softmax_cross_entropy"> {
  Tensor eval(Values x) const override {
    Tensor loss({x[0].dim(0)}, x[0].dtype());
    visit_rows(x[0], name(), [&]<class T>(auto rows, auto K) {
      kernels::cross_entropy<T>(rows, K, x[0].data<T>(), x[1].data<T>(), loss.data<T>());
    });
    return loss;
  }
  Var jvp(In x, const Var&, In dx) const override {
    const auto slope = [&] { return cross_entropy_slope(x[0], x[1], one_per_row(x[0])); };
    return plus(dx[0] ? sum(mul(slope(), dx[0]), {-1}) : Var(),
                dx[1] ? neg(sum(mul(log_softmax(x[0]), dx[1]), {-1})) : Var());
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = cross_entropy_slope(x[0], x[1], gy);
    if (w[1]) gx[1] = mul(log_softmax(x[0]), neg(as_column(gy)));
  }
};

// y = g (sum(p) softmax(x) - p) with one number g per row: symmetric in x, linear in p and in g.
struct CrossEntropySlope : Primitive<"softmax_cross_entropy_slope"> {
  Tensor eval(Values x) const override {
    Tensor y(x[0].shape(), x[0].dtype());
    visit_rows(y, name(), [&]<class T>(auto rows, auto K) {
      kernels::cross_entropy_slope<T>(rows, K, x[0].data<T>(), x[1].data<T>(), x[2].data<T>(), y.data<T>());
    });
    return y;
  }
  // Along v in x, without g: sum(p) F(v).
  static Var bend(In x, const Var& v) { return row_dot_mul(softmax_lin(v, x[0]), x[1], ones_like(x[1])); }
  Var jvp(In x, const Var&, In dx) const override {
    const Var by_x = dx[0] ? mul(bend(x, dx[0]), as_column(x[2])) : Var();
    const Var by_p = dx[1] ? cross_entropy_slope(x[0], dx[1], x[2]) : Var();
    return plus(plus(by_x, by_p), dx[2] ? cross_entropy_slope(x[0], x[1], dx[2]) : Var());
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    const Var g = w[0] || w[1] ? mul(gy, as_column(x[2])) : Var();
    if (w[0]) gx[0] = bend(x, g);
    if (w[1]) gx[1] = neg(centred(g, x[0]));
    if (w[2]) gx[2] = sum(mul(gy, cross_entropy_slope(x[0], x[1], one_per_row(x[0]))), {-1});
  }
};

Var centred(const Var& d, const Var& x) { return apply(Centred{}, d, x); }
Var row_dot_mul(const Var& a, const Var& b, const Var& c) { return apply(RowDotMul{}, a, b, c); }
Var cross_entropy_slope(const Var& x, const Var& p, const Var& g) { return apply(CrossEntropySlope{}, x, p, g); }

void check_rows(const Var& x, const char* where) {
  if (x.rank() < 1 || x.dim(-1) == 0) fail<ShapeError>("[{}] needs a last axis of size >= 1, got {}", where, x.shape());
  check_float(where, x);
}

void check_pair(const Var& a, const Var& b, const char* where) {
  check_rows(a, where);
  check_same_dtype(where, a, b);
  check_same_shape(where, a, b);
}

// What the ops see: the rows as a matrix.
Var matrix(const Var& x) {
  return x.rank() == 2 ? x : reshape(x, Shape{x.shape().product(0, x.rank() - 1), x.dim(-1)});
}

}  // namespace

Var softmax(const Var& x) {
  check_rows(x, "softmax");
  return reshape(apply(Softmax{}, matrix(x)), x.shape());
}

Var softmax_lin(const Var& d, const Var& x) {
  check_pair(d, x, "softmax_lin");
  return reshape(apply(SoftmaxLin{}, matrix(d), matrix(x)), x.shape());
}

Var log_softmax(const Var& x) {
  check_rows(x, "log_softmax");
  return reshape(apply(LogSoftmax{}, matrix(x)), x.shape());
}

Var softmax_cross_entropy(const Var& logits, const Var& target) {
  if (logits.rank() != 2)
    fail<ShapeError>("[softmax_cross_entropy] needs logits (N, K) and target (N, K), got {} and {}", logits.shape(),
                     target.shape());
  check_pair(logits, target, "softmax_cross_entropy");
  return apply(SoftmaxCrossEntropy{}, logits, target);
}

}  // namespace glocal
