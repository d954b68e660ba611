#include <glocal/hpo/dmd/methods/forward_backward.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include <glocal/core/dtype.h>
#include <glocal/core/linalg/orthogonal.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/hankel.h>
#include <glocal/hpo/dmd/model/matrix.h>
#include <glocal/hpo/dmd/model/method.h>
#include <glocal/hpo/dmd/model/operator.h>

namespace glocal::hpo {
namespace {

// X with X A = B (r, r); empty when A is singular to rounding.
Tensor divided_by(const Tensor& b, const Tensor& a) {
  const std::int64_t r = a.dim(0);
  Tensor both({r, 2 * r}, DType::f64), out({r, r}, DType::f64);  // A^T X^T = B^T
  for (std::int64_t i = 0; i < r; ++i)
    for (std::int64_t j = 0; j < r; ++j) {
      both.data<double>()[j * 2 * r + i] = a.data<double>()[i * r + j];
      both.data<double>()[j * 2 * r + r + i] = b.data<double>()[i * r + j];
    }
  const auto solved = orthogonal::least_squares(both, r);
  if (!(solved.condition < 1e13)) return {};
  for (std::int64_t i = 0; i < r * r; ++i) out.data<double>()[i] = solved.x.data<double>()[i % r * r + i / r];
  return out;
}

Tensor identity(std::int64_t r) {
  Tensor out = Tensor::zeros({r, r}, DType::f64);
  for (std::int64_t i = 0; i < r; ++i) out.data<double>()[i * r + i] = 1;
  return out;
}

Tensor mean_of(const Tensor& a, const Tensor& b) {
  Tensor out(a.shape(), DType::f64);
  for (std::int64_t i = 0; i < a.size(); ++i) out.data<double>()[i] = (a.data<double>()[i] + b.data<double>()[i]) / 2;
  return out;
}

// A^{-1/2}, the principal one, by the iteration of Denman and Beavers (1976): Y -> A^{1/2}, Z -> A^{-1/2}. Empty when
// it does not converge: an eigenvalue of A is negative or 0.
Tensor inverse_root(const Tensor& a) {
  constexpr int most = 40;
  constexpr double settled = 1e-14;
  const Tensor one = identity(a.dim(0));
  Tensor y = a, z = one;
  for (int i = 0; i < most; ++i) {
    const Tensor y_inverse = divided_by(one, y), z_inverse = divided_by(one, z);
    if (!y_inverse || !z_inverse) return {};
    const Tensor next = mean_of(z, y_inverse);
    double change = 0, size = 0;
    for (std::int64_t j = 0; j < z.size(); ++j) {
      change = std::max(change, std::abs(next.data<double>()[j] - z.data<double>()[j]));
      size = std::max(size, std::abs(next.data<double>()[j]));
    }
    y = mean_of(y, z_inverse);
    z = next;
    if (change <= settled * size) return z;
  }
  return {};
}

// A_f steps forward and A_b backward in ONE basis, that of all windows. The paper's A = (A_f A_b^{-1})^{1/2} has a sign
// open for each mode. Of its roots the one near A_f is A_f (A_b A_f)^{-1/2}: A_b A_f is near 1, so its principal root
// is the right one; it solves A A_b A = A_f, and A^2 = A_f A_b^{-1} where A_f and A_b commute, as without noise.
DmdModel model_of(const DmdSeries& series, std::int64_t r, std::string& note) {
  const Tensor basis = leading(series, r);
  DmdModel model;
  const Tensor pairs = neighbours(series, basis, model.starts);
  Tensor ahead = pairs.clone(), back(pairs.shape(), DType::f64);
  for (std::int64_t i = 0; i < pairs.dim(0); ++i)
    for (std::int64_t j = 0; j < 2 * r; ++j)
      back.data<double>()[i * 2 * r + j] = pairs.data<double>()[i * 2 * r + (j + r) % (2 * r)];
  const Tensor forward_t = orthogonal::least_squares(ahead, r).x, backward_t = orthogonal::least_squares(back, r).x;
  Tensor forward({r, r}, DType::f64), product({r, r}, DType::f64), root;
  for (std::int64_t i = 0; i < r * r; ++i) forward.data<double>()[i] = forward_t.data<double>()[i % r * r + i / r];
  if (is_finite(backward_t) && is_finite(forward_t)) {
    Tensor backward({r, r}, DType::f64);
    for (std::int64_t i = 0; i < r * r; ++i) backward.data<double>()[i] = backward_t.data<double>()[i % r * r + i / r];
    multiply(r, r, r, backward.data<double>(), r, forward.data<double>(), product.data<double>(), r);
    root = inverse_root(product);
  }
  model.step = forward;
  if (root) {
    model.step = Tensor({r, r}, DType::f64);
    multiply(r, r, r, forward.data<double>(), r, root.data<double>(), model.step.data<double>(), r);
  } else {
    note +=
        fmt::format("{}the steps forward and backward contradict each other: forward alone", note.empty() ? "" : "; ");
  }
  model.readouts = {rows_of(basis, 0, series.scaled[0].dim(1))};
  return model;
}

}  // namespace

DmdMethod forward_backward() {
  return {.name = "forward-backward",
          .about = "mean of A and the inverse of the operator that steps back (Dawson et al. 2016)",
          .both_ends = false,
          .drop = 0,
          .model = model_of};
}

}  // namespace glocal::hpo
