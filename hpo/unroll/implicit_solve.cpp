#include <glocal/hpo/unroll/implicit_solve.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/linalg/blas.h>
#include <glocal/core/linalg/lapack.h>
#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/unroll/options.h>

namespace glocal::hpo {
namespace {

double dot(const Vector& a, const Vector& b) {
  return blas::dot(static_cast<std::int64_t>(a.size()), a.data(), b.data());
}
double norm(const Vector& a) { return std::sqrt(dot(a, a)); }
void axpy(double alpha, const Vector& x, Vector& y) {
  blas::axpy(static_cast<std::int64_t>(x.size()), alpha, x.data(), y.data());
}
Vector scaled(double alpha, Vector x) {
  for (double& number : x) number *= alpha;
  return x;
}
Vector residual_of(const Product& A, const Vector& b, const Vector& x) {
  Vector r = b;
  axpy(-1, A(x), r);
  return r;
}

// Counts products, and stops at the first that is not finite.
struct Counted {
  const Product& A;
  const char* solver;
  std::int64_t count = 0;

  Vector operator()(const Vector& v) {
    Vector y = A(v);
    ++count;
    for (const double number : y)
      if (!std::isfinite(number))
        fail<NumericError>(
            "[{}] product {} with the Hessian is not finite; the training loss has no second derivative "
            "there, or training has diverged",
            solver, count);
    return y;
  }
};

// What every solver reports of the x it returns.
void finish(Solution& solution, Counted& A, const Vector& b, double tolerance) {
  solution.residual = norm(residual_of(std::ref(A), b, solution.x)) / norm(b);
  solution.products = A.count;
  solution.met = solution.residual <= tolerance;
  solution.note += fmt::format("; {} products, relative residual {:.2g}", A.count, solution.residual);
  if (!solution.met) solution.note += fmt::format(": the tolerance {:g} was not met", tolerance);
}

Solution zero_solution(const Vector& b) {
  Solution solution;
  solution.x = b;
  solution.note = "the outer loss does not depend on the parameters";
  return solution;
}

}  // namespace

Solution conjugate_gradient(const Product& product, const Vector& b, double tolerance, std::int64_t iterations) {
  const double scale = norm(b);
  if (scale == 0) return zero_solution(b);
  Counted A{product, "implicit-cg"};
  Solution solution;
  Vector &x = solution.x, r = b, p = b;
  x.assign(b.size(), 0);
  double rr = dot(r, r);
  std::int64_t i = 0;
  for (; i < iterations && std::sqrt(rr) > tolerance * scale; ++i) {
    const Vector q = A(p);
    const double curvature = dot(p, q);
    if (!(curvature > 0)) {
      solution.negative_curvature = true;
      break;
    }
    const double alpha = rr / curvature, before = rr;
    axpy(alpha, p, x);
    axpy(-alpha, q, r);
    rr = dot(r, r);
    if (std::sqrt(rr) > tolerance * scale) {
      p = scaled(rr / before, std::move(p));
      axpy(1, r, p);
    } else {
      // The recurred r drifts away from b - A x in rounding.
      p = r = residual_of(std::ref(A), b, x);
      rr = dot(r, r);
    }
  }
  solution.note = fmt::format("conjugate gradient: {} iterations", i);
  if (solution.negative_curvature)
    solution.note += fmt::format(
        ", then negative curvature, where it stopped: the damped Hessian is not positive "
        "definite; raise the damping or train longer");
  finish(solution, A, b, tolerance);
  return solution;
}

Solution neumann_series(const Product& product, const Vector& b, double tolerance, std::int64_t iterations,
                        double alpha, Key key) {
  const double scale = norm(b);
  if (scale == 0) return zero_solution(b);
  Counted A{product, "implicit-neumann"};
  if (alpha == 0) {
    constexpr int power_iterations = 10;
    const Tensor start = normal(key, {static_cast<std::int64_t>(b.size())}, 0, 1, DType::f64);
    Vector v(start.span<double>().begin(), start.span<double>().end());
    double largest = 0;
    for (int i = 0; i < power_iterations && norm(v) > 0; ++i) {
      const double length = norm(v);
      v = A(scaled(1 / length, std::move(v)));
      largest = norm(v);
    }
    alpha = largest > 0 ? 1 / largest : 1;
  }
  Solution solution;
  solution.x = b;
  Vector term = b;  // (I - alpha A)^k b, which is also the residual of the sum up to k - 1
  std::int64_t k = 0;
  const double out_of_hand = 1e3 * scale;
  while (k < iterations && norm(term) > tolerance * scale && norm(term) < out_of_hand) {
    axpy(-alpha, A(term), term);
    axpy(1, term, solution.x);
    ++k;
  }
  const bool grows = norm(term) > scale;
  solution.x = scaled(alpha, std::move(solution.x));
  solution.note = fmt::format("Neumann series: {} terms of step {:.3g}", k + 1, alpha);
  if (grows)
    solution.note +=
        ", which grow: the step is above 2 / (largest eigenvalue), or the damped Hessian is not positive "
        "definite; lower the step or raise the damping";
  finish(solution, A, b, tolerance);
  return solution;
}

namespace {

// Eigenvalues and orthonormal eigenvectors (columns) of a symmetric matrix: the SVD of w + shift I, which is positive.
struct SymmetricEigen {
  Vector values;
  Tensor vectors;  // (k, k)
  double largest = 0;
};
SymmetricEigen eigen(Tensor w) {
  const std::int64_t k = w.dim(0);
  double shift = 0;
  for (std::int64_t i = 0; i < k; ++i) {
    double row = 0;
    for (std::int64_t j = 0; j < k; ++j) row += std::abs(w.at(i * k + j));
    shift = std::max(shift, 2 * row);
  }
  for (std::int64_t i = 0; i < k; ++i) w.data<double>()[i * (k + 1)] += shift;
  const lapack::Svd svd = lapack::svd(w);
  SymmetricEigen result{{}, svd.u, 0};
  for (std::int64_t i = 0; i < k; ++i) {
    result.values.push_back(svd.s.at(i) - shift);
    result.largest = std::max(result.largest, std::abs(result.values.back()));
  }
  return result;
}

// The sketch Omega as the rows of a (k, P) matrix.
std::vector<Vector> directions(std::int64_t P, std::int64_t k, ImplicitOptions::Sketch sketch, Key key) {
  std::vector<Vector> omega;
  const bool columns = sketch == ImplicitOptions::Sketch::columns;
  const Tensor order = columns ? permutation(key, P) : Tensor();
  for (std::int64_t j = 0; j < k; ++j) {
    if (columns) {
      omega.emplace_back(static_cast<std::size_t>(P));
      omega.back()[static_cast<std::size_t>(order.data<std::int32_t>()[j])] = 1;
    } else {
      const Tensor gaussian = normal(split(key, static_cast<std::uint64_t>(j)), {P}, 0, 1, DType::f64);
      omega.emplace_back(gaussian.span<double>().begin(), gaussian.span<double>().end());
    }
  }
  return omega;
}

}  // namespace

Solution nystrom(const Product& product, const Vector& b, double rho, std::int64_t columns,
                 ImplicitOptions::Sketch sketch, double noise, Key key) {
  if (norm(b) == 0) return zero_solution(b);
  Counted H{product, "implicit-nystrom"};
  const auto P = static_cast<std::int64_t>(b.size());
  const std::int64_t k = std::min(columns, P);
  const std::vector<Vector> omega = directions(P, k, sketch, key);
  std::vector<Vector> C;
  for (const Vector& direction : omega) C.push_back(H(direction));
  Tensor W({k, k}, DType::f64);
  for (std::int64_t i = 0; i < k; ++i)
    for (std::int64_t j = 0; j <= i; ++j) {
      const auto a = static_cast<std::size_t>(i), c = static_cast<std::size_t>(j);
      W.data<double>()[i * k + j] = W.data<double>()[j * k + i] = (dot(omega[a], C[c]) + dot(omega[c], C[a])) / 2;
    }

  // With W = U L U^T: H_k = V S V^T, V = C U |L|^-1/2 and S = sign L, on the eigenvalues that are not noise.
  const SymmetricEigen w = eigen(W);
  std::vector<Vector> V;
  Vector S;
  for (std::int64_t j = 0; j < k; ++j) {
    const double lambda = w.values[static_cast<std::size_t>(j)];
    if (!(std::abs(lambda) > noise * static_cast<double>(k) * w.largest)) continue;
    V.emplace_back(b.size());
    for (std::int64_t i = 0; i < k; ++i)
      axpy(w.vectors.at(i * k + j) / std::sqrt(std::abs(lambda)), C[static_cast<std::size_t>(i)], V.back());
    S.push_back(lambda > 0 ? 1 : -1);
  }

  // Woodbury: (rho I + V S V^T)^-1 b = (b - V (rho S + V^T V)^-1 V^T b) / rho.
  Solution solution;
  solution.x = b;
  const auto r = static_cast<std::int64_t>(V.size());
  if (r > 0) {
    Tensor M({r, r}, DType::f64), Vb({r}, DType::f64);
    for (std::int64_t i = 0; i < r; ++i) {
      const Vector& v = V[static_cast<std::size_t>(i)];
      for (std::int64_t j = 0; j < r; ++j)
        M.data<double>()[i * r + j] =
            dot(v, V[static_cast<std::size_t>(j)]) + (i == j ? rho * S[static_cast<std::size_t>(i)] : 0);
      Vb.data<double>()[i] = dot(v, b);
    }
    const Tensor y = lapack::lstsq_qr(M, Vb).x;
    for (std::int64_t i = 0; i < r; ++i) axpy(-y.at(i), V[static_cast<std::size_t>(i)], solution.x);
  }
  solution.x = scaled(1 / rho, std::move(solution.x));
  solution.note = fmt::format("Nystrom: rank {} from {} products with the Hessian", r, k);
  const auto negative = std::count(S.begin(), S.end(), -1.0);
  if (negative > 0) solution.note += fmt::format(", {} of its eigenvalues negative", negative);
  const Product damped = [&](const Vector& v) {
    Vector y = H(v);
    axpy(rho, v, y);
    return y;
  };
  solution.residual = norm(residual_of(damped, b, solution.x)) / norm(b);
  solution.products = H.count;
  solution.note += fmt::format(", relative residual {:.2g}", solution.residual);
  return solution;
}

}  // namespace glocal::hpo
