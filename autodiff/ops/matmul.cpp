#include <algorithm>
#include <cstdint>

#include <glocal/autodiff/op.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/ops/checks.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/linalg/blas.h>
#include <glocal/core/parallel.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal {
namespace {

// op(a) (M, K) x op(b) (K, N), for `batch` pairs; a shared operand has step 0 from pair to pair.
struct Product {
  std::int64_t batch, m, n, k, step_a, step_b;
  Shape shape;  // of the result

  Product(const Shape& a, const Shape& b, bool ta, bool tb)
      : batch(1), m(a.back(ta ? 1 : 2)), n(b.back(tb ? 2 : 1)), k(a.back(ta ? 2 : 1)) {
    const Shape& lead = a.rank() > 2 ? a : b;
    batch = lead.product(0, lead.rank() - 2);
    step_a = a.rank() > 2 ? m * k : 0;
    step_b = b.rank() > 2 ? k * n : 0;
    shape = lead.with(lead.rank() - 2, m).with(lead.rank() - 1, n);
  }
};

template <class T>
void multiply(const Product& p, bool ta, bool tb, const T* a, const T* b, T* c) {
  const std::int64_t lda = std::max<std::int64_t>(1, ta ? p.m : p.k), ldb = std::max<std::int64_t>(1, tb ? p.k : p.n);
  const std::int64_t ldc = std::max<std::int64_t>(1, p.n);
  if (p.batch == 1 || (p.step_b == 0 && !ta)) {  // a whole batch of rows against one matrix is one product
    blas::gemm_parallel<T>(ta, tb, p.batch * p.m, p.n, p.k, T(1), a, lda, b, ldb, T(0), c, ldc);
    return;
  }
  const std::int64_t work = std::max<std::int64_t>(1, p.m * p.n * p.k);
  parallel_for(p.batch, std::max<std::int64_t>(1, (1 << 18) / work), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      blas::gemm<T>(ta, tb, p.m, p.n, p.k, T(1), a + i * p.step_a, lda, b + i * p.step_b, ldb, T(0), c + i * p.m * p.n,
                    ldc);
  });
}

// (B..., M, K) -> (B * M, K)
Var as_rows(const Var& x) { return reshape(x, Shape{x.shape().product(0, x.rank() - 1), x.shape().back()}); }

struct MatMul : Primitive<"matmul"> {
  bool ta, tb;
  bool matrices;  // no batch: then the rules need no shapes, and a tape may drop the factor that they do not read
  MatMul(bool a, bool b, bool m) : ta(a), tb(b), matrices(m) {}
  Reads reads(Wants w) const override { return matrices ? Reads::other_factor(w) : Reads::only_inputs(); }
  Tensor eval(Values x) const override {
    const Product p(x[0].shape(), x[1].shape(), ta, tb);
    Tensor y(p.shape, x[0].dtype());
    if (y.size() == 0) return y;  // of perhaps 2^59 matrices
    visit_float(y.dtype(), name(),
                [&]<class T>() { multiply(p, ta, tb, x[0].data<T>(), x[1].data<T>(), y.data<T>()); });
    return y;
  }
  Var jvp(In x, const Var&, In dx) const override {
    return plus(dx[0] ? matmul(dx[0], x[1], ta, tb) : Var(), dx[1] ? matmul(x[0], dx[1], ta, tb) : Var());
  }
  // With C = op(A) op(B): op(A)' = G op(B)^T and op(B)' = op(A)^T G, summed over the batch where shared.
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    const Var &a = x[0], &b = x[1];
    if (matrices) {
      if (w[0]) gx[0] = ta ? matmul(b, gy, tb, true) : matmul(gy, b, false, !tb);
      if (w[1]) gx[1] = tb ? matmul(gy, a, true, ta) : matmul(a, gy, !ta, false);
      return;
    }
    if (w[0]) gx[0] = sum_to(ta ? matmul(b, gy, tb, true) : matmul(gy, b, false, !tb), a.shape());
    if (!w[1]) return;
    const bool rows = a.rank() > b.rank() && !ta;  // b is shared: its sum over the batch is one product
    const Var u = rows ? as_rows(a) : a, g = rows ? as_rows(gy) : gy;
    gx[1] = sum_to(tb ? matmul(g, u, true, ta) : matmul(u, g, !ta, false), b.shape());
  }
};

// y = x w + b.
struct Linear : Primitive<"linear"> {
  std::int64_t N;  // rows of x, which a tape may have dropped
  explicit Linear(std::int64_t rows) : N(rows) {}
  Reads reads(Wants w) const override { return Reads::other_factor(w); }
  Tensor eval(Values x) const override {
    const std::int64_t m = x[0].dim(0), k = x[1].dim(0), n = x[1].dim(1);
    Tensor y({m, n}, x[0].dtype());
    if (y.size() == 0) return y;
    visit_float(y.dtype(), name(), [&]<class T>() {
      blas::linear<T>(m, n, k, x[0].data<T>(), x[1].data<T>(), x[2].data<T>(), /*relu=*/false, y.data<T>());
    });
    return y;
  }
  Var jvp(In x, const Var&, In dx) const override {
    const Var &dw = dx[1], &db = dx[2];
    if (!dx[0] && !dw) return broadcast_to(db, {N, db.dim(0)});
    if (!dx[0]) return db ? linear(x[0], dw, db) : matmul(x[0], dw);
    return plus(db ? linear(dx[0], x[1], db) : matmul(dx[0], x[1]), dw ? matmul(x[0], dw) : Var());
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    if (w[0]) gx[0] = matmul(gy, x[1], false, true);
    if (w[1]) gx[1] = matmul(x[0], gy, true, false);
    if (w[2]) gx[2] = sum(gy, {0});
  }
};

}  // namespace

Var matmul(const Var& a, const Var& b, bool ta, bool tb) {
  check_same_dtype("matmul", a, b);
  if (a.rank() < 2 || b.rank() < 2)
    fail<ShapeError>("[matmul] needs matrices, got {} and {}; use reshape() for a vector", a.shape(), b.shape());
  const auto lead = [](const Var& x) { return x.shape().with(x.rank() - 2, 1).with(x.rank() - 1, 1); };
  if (a.rank() > 2 && b.rank() > 2 && lead(a) != lead(b))
    fail<ShapeError>("[matmul] leading axes of {} and {} must be equal", a.shape(), b.shape());
  const std::int64_t ka = a.shape().back(ta ? 2 : 1), kb = b.shape().back(tb ? 1 : 2);
  if (ka != kb)
    fail<ShapeError>("[matmul] {}{} has {} columns, {}{} has {} rows", a.shape(), ta ? "^T" : "", ka, b.shape(),
                     tb ? "^T" : "", kb);
  return apply(MatMul(ta, tb, a.rank() == 2 && b.rank() == 2), a, b);
}

Var linear(const Var& x, const Var& weight, const Var& bias) {
  check_same_dtype("linear", x, weight);
  check_same_dtype("linear", x, bias);
  if (x.rank() != 2 || weight.rank() != 2 || x.dim(1) != weight.dim(0) || bias.shape() != Shape{weight.dim(1)})
    fail<ShapeError>("[linear] needs x (N, K), weight (K, M) and bias (M,), got {}, {} and {}", x.shape(),
                     weight.shape(), bias.shape());
  return apply(Linear(x.dim(0)), x, weight, bias);
}

}  // namespace glocal
