#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/ops/checks.h>
#include <glocal/core/kernels/softmax.h>

namespace glocal {
namespace {

Var row_dot_mul(const Var& a, const Var& b, const Var& c);
Var cross_entropy_slope(const Var& x, const Var& p, const Var& g);

Var as_column(const Var& g) { return reshape(g, {g.dim(0), 1}); }

// Calls f<T>(rows, K) for tensors whose rows are their last axis.
template <class F>
void visit_rows(const Tensor& x, const char* where, F&& f) {
  const std::int64_t K = x.shape().back();
  visit_float(x.dtype(), where, [&]<class T>() { f.template operator()<T>(x.size() / K, K); });
}

struct Softmax : Primitive<"softmax"> {
  Tensor eval(Values x) const override {
    Tensor y(x[0].shape(), x[0].dtype());
    visit_rows(y, name(),
               [&]<class T>(auto rows, auto K) { kernels::softmax<T>(rows, K, x[0].data<T>(), y.data<T>()); });
    return y;
  }
  Reads reads(Wants) const override { return Reads::only_outputs(); }
  Var jvp(In, const Var& y, In dx) const override { return softmax_lin(dx[0], y); }
  void vjp(In, const Var& y, const Var& gy, Wants, Out gx) const override { gx[0] = softmax_lin(gy, y); }
};

// s (d - <s, d>), self-adjoint in d; along ds it is ds d - ds <s, d> - s <ds, d>.
struct SoftmaxLin : Primitive<"softmax_lin"> {
  Tensor eval(Values x) const override {
    Tensor y(x[0].shape(), x[0].dtype());
    visit_rows(y, name(), [&]<class T>(auto rows, auto K) {
      kernels::softmax_lin<T>(rows, K, x[0].data<T>(), x[1].data<T>(), y.data<T>());
    });
    return y;
  }
  Var jvp(In x, const Var&, In dx) const override {
    const Var &d = x[0], &s = x[1], &ds = dx[1];
    return plus(dx[0] ? softmax_lin(dx[0], s) : Var(),
                ds ? mul(ds, d) - row_dot_mul(ds, s, d) - row_dot_mul(s, ds, d) : Var());
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    const Var &d = x[0], &s = x[1];
    if (w[0]) gx[0] = softmax_lin(gy, s);
    if (w[1]) gx[1] = mul(gy, d) - row_dot_mul(gy, s, d) - row_dot_mul(d, gy, s);
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

// dy = dx - 1 <softmax(x), dx>.
struct LogSoftmax : Primitive<"log_softmax"> {
  Tensor eval(Values x) const override {
    Tensor y(x[0].shape(), x[0].dtype());
    visit_rows(y, name(),
               [&]<class T>(auto rows, auto K) { kernels::log_softmax<T>(rows, K, x[0].data<T>(), y.data<T>()); });
    return y;
  }
  Var jvp(In x, const Var&, In dx) const override { return dx[0] - row_dot_mul(ones_like(x[0]), softmax(x[0]), dx[0]); }
  void vjp(In x, const Var&, const Var& gy, Wants, Out gx) const override {
    gx[0] = gy - row_dot_mul(softmax(x[0]), ones_like(gy), gy);
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
    const auto slope = [&] { return cross_entropy_slope(x[0], x[1], Tensor::ones({x[0].dim(0)}, x[0].dtype())); };
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
  // Along dx and dp without g, which is a factor of both.
  static Var change(In x, const Var& dx, const Var& dp) {
    const Var s = softmax(x[0]), one = ones_like(s);
    return plus(dx ? row_dot_mul(softmax_lin(dx, s), x[1], one) : Var(), dp ? row_dot_mul(s, dp, one) - dp : Var());
  }
  Var jvp(In x, const Var&, In dx) const override {
    return plus(dx[0] || dx[1] ? mul(change(x, dx[0], dx[1]), as_column(x[2])) : Var(),
                dx[2] ? cross_entropy_slope(x[0], x[1], dx[2]) : Var());
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    const Var g = w[0] || w[1] ? mul(gy, as_column(x[2])) : Var();
    if (w[0]) gx[0] = change(x, g, Var());
    if (w[1]) {
      const Var s = softmax(x[0]);
      gx[1] = row_dot_mul(ones_like(s), s, g) - g;
    }
    if (w[2]) gx[2] = sum(mul(gy, cross_entropy_slope(x[0], x[1], ones_like(x[2]))), {-1});
  }
};

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

}  // namespace

Var softmax(const Var& x) {
  check_rows(x, "softmax");
  return apply(Softmax{}, x);
}

Var softmax_lin(const Var& d, const Var& s) {
  check_pair(d, s, "softmax_lin");
  return apply(SoftmaxLin{}, d, s);
}

Var log_softmax(const Var& x) {
  check_rows(x, "log_softmax");
  return apply(LogSoftmax{}, x);
}

Var softmax_cross_entropy(const Var& logits, const Var& target) {
  if (logits.rank() != 2)
    fail<ShapeError>("[softmax_cross_entropy] needs logits (N, K) and target (N, K), got {} and {}", logits.shape(),
                     target.shape());
  check_pair(logits, target, "softmax_cross_entropy");
  return apply(SoftmaxCrossEntropy{}, logits, target);
}

}  // namespace glocal
