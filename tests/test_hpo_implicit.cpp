// Implicit hypergradients: ridge regression in closed form, softmax regression against long unrolls, and the solvers.
#include <doctest/doctest.h>

#include <cmath>

#include <glocal/autodiff/ops.h>
#include <glocal/core/linalg/lapack.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/global.h>
#include <glocal/hpo/estimators/implicit.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/tune/tune.h>
#include <glocal/hpo/unroll/implicit_solve.h>
#include <glocal/hpo/unroll/options.h>
#include <glocal/nn/layers/activation.h>
#include <glocal/nn/layers/batch_norm.h>
#include <glocal/nn/layers/dropout.h>
#include <glocal/nn/layers/flatten.h>
#include <glocal/nn/layers/linear.h>
#include <glocal/nn/layers/sequential.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/models/model.h>

#include "quadratic.h"

using namespace glocal;
using namespace glocal::hpo;

TEST_SUITE_BEGIN("fast");

namespace {

constexpr DType f64 = DType::f64;
using Solver = ImplicitSolver;

double norm(const Vector& a) {
  double sum = 0;
  for (const double x : a) sum += x * x;
  return std::sqrt(sum);
}
double distance(Vector a, const Vector& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return norm(a);
}

// L = |X w - y|^2 / 2 n + e^phi_0 |w_0..4|^2 / 2 + e^phi_1 |w_5..11|^2 / 2 and E = |X' w - y'|^2 / 2 n, by momentum.
struct Ridge {
  static constexpr std::int64_t n = 30, d = 12, first = 5;
  Tensor X = normal(key(1), {n, d}, 0, 1, f64), y = normal(key(2), {n}, 0, 1, f64);
  Tensor X_val = normal(key(3), {n, d}, 0, 1, f64), y_val = normal(key(4), {n}, 0, 1, f64);
  Vars phi{number(std::log(0.3)), number(std::log(0.05))};

  static Var squares(const Tensor& A, const Tensor& b, const Var& w) {
    return scale(sum(square(reshape(matmul(A, reshape(w, {d, 1})), {n}) - Var(b))), 0.5 / double(n));
  }
  Var loss(const Var& w, const Vars& h) const {
    return squares(X, y, w) +
           0.5 * (exp(h[0]) * sum(square(slice(w, 0, 0, first))) + exp(h[1]) * sum(square(slice(w, 0, first, d))));
  }
  FlatProblem problem(double lr) const {
    FlatProblem p;
    p.init = [](const Vars&) { return Vars{Tensor::zeros({d}, f64), Tensor::ones({d}, f64)}; };
    p.loss = [*this](const Vars& s, const Vars& h, std::int64_t) { return loss(s[1], h); };
    p.step = [*this, lr](const Vars& s, const Vars& h, std::int64_t) {
      const Var g = grad([&](const Vars& w) { return loss(w[0], h); })(Vars{s[1]})[0];
      const Var v = 0.8 * s[0] + g;  // the velocity stands before the weights in the state
      return Vars{v, s[1] - lr * v};
    };
    p.outer = [*this](const Vars& s, const Vars&, std::int64_t) { return squares(X_val, y_val, s[1]); };
    p.names = {"l2_first", "l2_rest"};
    return p;
  }

  // H + rho I, by sums over the rows of X.
  Tensor hessian(double rho) const {
    Tensor H = Tensor::zeros({d, d}, f64);
    for (std::int64_t i = 0; i < d; ++i)
      for (std::int64_t j = 0; j < d; ++j) {
        double& h = H.data<double>()[i * d + j];
        for (std::int64_t r = 0; r < n; ++r) h += X.at(r * d + i) * X.at(r * d + j) / double(n);
        if (i == j) h += decay(i) + rho;
      }
    return H;
  }
  double decay(std::int64_t i) const { return std::exp(phi[i < first ? 0 : 1].item()); }
  static Tensor projected(const Tensor& A, const Tensor& b) {
    Tensor g = Tensor::zeros({d}, f64);
    for (std::int64_t i = 0; i < d; ++i)
      for (std::int64_t r = 0; r < n; ++r) g.data<double>()[i] += A.at(r * d + i) * b.at(r) / double(n);
    return g;
  }
  Tensor optimum() const { return lapack::cholesky_solve(lapack::cholesky(hessian(0)), projected(X, y)); }
  // h_k = - e^phi_k sum_{i in group k} w_i x_i, where (H + rho I) x = X'^T (X' w - y') / n.
  Vector closed_form(const Tensor& w, double rho) const {
    Tensor r(Shape{n}, f64);
    for (std::int64_t i = 0; i < n; ++i) {
      double& e = r.data<double>()[i] = -y_val.at(i);
      for (std::int64_t j = 0; j < d; ++j) e += X_val.at(i * d + j) * w.at(j);
    }
    const Tensor x = lapack::cholesky_solve(lapack::cholesky(hessian(rho)), projected(X_val, r));
    Vector h(2);
    for (std::int64_t i = 0; i < d; ++i) h[i < first ? 0 : 1] -= decay(i) * w.at(i) * x.at(i);
    return h;
  }
  Vars at(const Tensor& w) const { return {Tensor::zeros({d}, f64), w}; }
};

ImplicitOptions exactly(double damping = 0) {
  ImplicitOptions o;
  o.iterations = 5000;
  o.tolerance = 1e-12;
  o.damping = damping;
  o.columns = Ridge::d;
  return o;
}

Product product_with(const Tensor& A) {
  return [A](const Vector& v) {
    const std::int64_t n = A.dim(0);
    Vector y(v.size());
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j)
        y[static_cast<std::size_t>(i)] += A.at(i * n + j) * v[static_cast<std::size_t>(j)];
    return y;
  };
}
double relative_residual(const Tensor& A, const Vector& b, const Vector& x) {
  return distance(product_with(A)(x), b) / norm(b);
}
Vector some_vector(std::int64_t n) {
  Vector b;
  for (std::int64_t i = 0; i < n; ++i) b.push_back(std::cos(1.3 * double(i) + 0.4));
  return b;
}

}  // namespace

TEST_CASE("implicit: ridge regression in closed form by all three solvers to 1e-8") {
  const Ridge ridge;
  const Vars s = ridge.at(ridge.optimum());
  for (const double damping : {0.0, 0.02, 1.0}) {
    const Vector exact = ridge.closed_form(ridge.optimum(), damping);
    for (const Solver solver : {Solver::cg, Solver::neumann, Solver::nystrom}) {
      if (solver == Solver::nystrom && damping == 0) continue;
      for (const auto sketch : {ImplicitOptions::Sketch::columns, ImplicitOptions::Sketch::gaussian}) {
        ImplicitOptions o = exactly(damping);
        o.sketch = sketch;
        const ImplicitGradient got = implicit_gradient(ridge.problem(0.1), s, ridge.phi, 0, 0, solver, o);
        CAPTURE(damping);
        CAPTURE(got.solution.note);
        CHECK(distance(got.h, exact) <= 1e-8 * norm(exact));
        CHECK(got.solution.met);
        CHECK(got.solution.residual <= 1e-10);
        CHECK(got.outer == doctest::Approx(ridge.problem(0.1).outer(s, ridge.phi, 0).item()).epsilon(1e-14));
      }
    }
  }
}

TEST_CASE("implicit: at the stated tolerance the error is within condition number times it") {
  const Ridge ridge;
  const Tensor H = ridge.hessian(0);
  const lapack::Svd decomposition = lapack::svd(H);
  const auto singular = decomposition.s.span<double>();
  const Vector b = some_vector(Ridge::d);
  const Tensor exact = lapack::cholesky_solve(lapack::cholesky(H), Tensor::from(b, {Ridge::d}));
  const Vector x(exact.span<double>().begin(), exact.span<double>().end());
  for (const double tolerance : {1e-2, 1e-5, 1e-9}) {
    const Solution cg = conjugate_gradient(product_with(H), b, tolerance, 1000);
    const Solution series = neumann_series(product_with(H), b, tolerance, 5000, 0, key(1));
    for (const Solution& got : {cg, series}) {
      CAPTURE(got.note);
      CHECK(got.met);
      CHECK(got.residual <= tolerance);
      CHECK(distance(got.x, x) <= singular.front() / singular.back() * tolerance * norm(x));
    }
  }
}

TEST_CASE("implicit: CG returns the previous iterate - ours is the last one wherever it stops") {
  // On two eigenvalues x_1 and x_2 are known: x_1 = (r.r / r.A r) r, and x_2 solves the system.
  const Tensor A = Tensor::from(Vector{2, 0, 0, 5}, {2, 2});
  const Vector b{1, 1};
  const Solution one = conjugate_gradient(product_with(A), b, 1e-14, 1),
                 two = conjugate_gradient(product_with(A), b, 1e-14, 2);
  CHECK(distance(one.x, {2.0 / 7, 2.0 / 7}) <= 1e-15);
  CHECK(distance(two.x, {0.5, 0.2}) <= 1e-15);
  CHECK(!one.met);
  CHECK(two.met);
  // In general x_k minimises x.A x / 2 - b.x over the span of b, A b, .. A^(k-1) b.
  const Ridge ridge;
  const Tensor H = ridge.hessian(0);
  const Vector c = some_vector(Ridge::d);
  std::vector<Vector> krylov{c};
  for (std::int64_t k = 1; k <= 5; ++k) {
    Tensor M({k, k}, f64), rhs({k}, f64);
    for (std::int64_t i = 0; i < k; ++i) {
      const Vector Hv = product_with(H)(krylov[std::size_t(i)]);
      for (std::int64_t j = 0; j < k; ++j) {
        double& m = M.data<double>()[j * k + i] = 0;
        for (std::size_t e = 0; e < c.size(); ++e) m += krylov[std::size_t(j)][e] * Hv[e];
      }
      double& r = rhs.data<double>()[i] = 0;
      for (std::size_t e = 0; e < c.size(); ++e) r += krylov[std::size_t(i)][e] * c[e];
    }
    const Tensor y = lapack::cholesky_solve(lapack::cholesky(M), rhs);
    Vector best(c.size());
    for (std::int64_t i = 0; i < k; ++i)
      for (std::size_t e = 0; e < c.size(); ++e) best[e] += y.at(i) * krylov[std::size_t(i)][e];
    const Vector got = conjugate_gradient(product_with(H), c, 1e-14, k).x;
    CAPTURE(k);
    CHECK(distance(got, best) <= 1e-9 * norm(best));
    krylov.push_back(product_with(H)(krylov.back()));
  }
}

TEST_CASE("implicit: CG uses the old residual - ours is recomputed from the iterate returned") {
  const Ridge ridge;
  const Tensor H = ridge.hessian(0);
  const Vector b = some_vector(Ridge::d);
  double last = 1;
  for (std::int64_t k = 1; k <= Ridge::d; ++k) {
    const Solution got = conjugate_gradient(product_with(H), b, 1e-12, k);
    CAPTURE(k);
    CHECK(got.residual == doctest::Approx(relative_residual(H, b, got.x)).epsilon(1e-3).scale(1e-10));
    CHECK(got.met == (got.residual <= 1e-12));
    CHECK((got.note.find("was not met") == std::string::npos) == got.met);
    last = got.residual;
  }
  CHECK(last <= 1e-12);
  // Condition 1e10: the recurred residual falls below the tolerance long before the true one.
  Tensor stiff = Tensor::zeros({40, 40}, f64);
  for (std::int64_t i = 0; i < 40; ++i) stiff.data<double>()[i * 41] = std::pow(10.0, -double(i) / 3.9);
  for (const double tolerance : {1e-6, 1e-10, 1e-14}) {
    const Solution got = conjugate_gradient(product_with(stiff), some_vector(40), tolerance, 400);
    CAPTURE(got.note);
    CHECK(got.residual == doctest::Approx(relative_residual(stiff, some_vector(40), got.x)).epsilon(1e-3));
    CHECK(got.met == (got.residual <= tolerance));
  }
}

TEST_CASE("implicit: solvers right only at one step size - ours do not feel the training step") {
  const Ridge ridge;
  for (const double lr : {0.02, 0.05, 0.1, 0.2}) {
    for (const Solver solver : {Solver::cg, Solver::neumann, Solver::nystrom}) {
      const double damping = solver == Solver::nystrom ? 0.1 : 0;
      Implicit estimator(solver, 1500, exactly(damping));
      const FlatProblem problem = ridge.problem(lr);
      Progress progress{problem.init(ridge.phi), {}, 0, 1500};
      const Estimate got = estimator.advance(problem, ridge.phi, progress);
      const Vector exact = ridge.closed_form(ridge.optimum(), damping);
      CAPTURE(lr);
      CAPTURE(got.note);
      CHECK(progress.t == 1500);
      CHECK(distance(got.h, exact) <= 1e-8 * norm(exact));
    }
  }
}

TEST_CASE("implicit: the Neumann series is right for every step below its bound and says when it grows") {
  const Ridge ridge;
  const Vars s = ridge.at(ridge.optimum());
  const Vector exact = ridge.closed_form(ridge.optimum(), 0);
  const double largest = lapack::svd(ridge.hessian(0)).s.at(0);
  const auto by_step = [&](double alpha) {
    ImplicitOptions o = exactly();
    o.step = alpha;
    return implicit_gradient(ridge.problem(0.1), s, ridge.phi, 0, 0, Solver::neumann, o);
  };
  for (const double part : {0.2, 0.7, 1.0, 1.5, 1.9}) {
    const ImplicitGradient got = by_step(part / largest);
    CAPTURE(got.solution.note);
    CHECK(distance(got.h, exact) <= 1e-8 * norm(exact));
    CHECK(got.solution.met);
  }
  const ImplicitGradient growing = by_step(2.5 / largest);
  CHECK(!growing.solution.met);
  CHECK(growing.solution.note.find("grow") != std::string::npos);
  // After K products: alpha sum_{k=0}^K (1 - alpha a)^k = (1 - (1 - alpha a)^(K+1)) / a.
  const Tensor A = Tensor::from(Vector{0.7}, {1, 1});
  for (std::int64_t K : {1, 2, 6})
    CHECK(neumann_series(product_with(A), {2.0}, 0, K, 0.5, key(0)).x[0] ==
          doctest::Approx(2 * (1 - std::pow(1 - 0.35, double(K + 1))) / 0.7).epsilon(1e-14));
}

TEST_CASE("implicit: Nystrom of rank k is Woodbury's inverse of its approximation and grows exact with k") {
  const Ridge ridge;
  const Vector b = some_vector(Ridge::d);
  // A Hessian of rank 4: k = 4 Gaussian directions are enough, and so are any 4 of its columns.
  Tensor low = Tensor::zeros({Ridge::d, Ridge::d}, f64);
  for (std::int64_t i = 0; i < Ridge::d; ++i)
    for (std::int64_t j = 0; j < Ridge::d; ++j)
      for (std::int64_t r = 0; r < 4; ++r)
        low.data<double>()[i * Ridge::d + j] +=
            (r == 3 ? -0.5 : 1.0) * ridge.X.at(r * Ridge::d + i) * ridge.X.at(r * Ridge::d + j);
  for (const auto sketch : {ImplicitOptions::Sketch::columns, ImplicitOptions::Sketch::gaussian}) {
    for (std::int64_t k : {4, 7}) {
      const Solution got = nystrom(product_with(low), b, 0.3, k, sketch, 1e-13, key(5));
      CAPTURE(got.note);
      CHECK(got.residual <= 1e-9);
      CHECK(got.note.find("1 of its eigenvalues negative") != std::string::npos);
    }
    CHECK(nystrom(product_with(low), b, 0.3, 3, sketch, 1e-13, key(5)).residual > 1e-3);
    // The full-rank ridge Hessian: residuals of lower ranks, honest and at last zero.
    const Tensor H = ridge.hessian(0);
    Tensor damped = ridge.hessian(0.1);
    Vector residuals;
    for (std::int64_t k : {1, 4, 8, 11, 12, 40}) {
      const Solution got = nystrom(product_with(H), b, 0.1, k, sketch, 1e-15, key(6));
      residuals.push_back(got.residual);
      const double expected = relative_residual(damped, b, got.x);
      if (k < 12)
        CHECK(got.residual == doctest::Approx(expected).epsilon(1e-6).scale(0));
      else
        CHECK(expected <= 1e-11);  // rounding, as the residual itself
    }
    CHECK(residuals[3] > 1e-3);
    CHECK(residuals[4] <= 1e-11);
    CHECK(residuals[5] == residuals[4]);
  }
}

TEST_CASE("implicit: CG names negative curvature and returns the iterate before it") {
  const Tensor A = Tensor::from(Vector{3, 0, 0, -1}, {2, 2});
  const Solution at_once = conjugate_gradient(product_with(A), {0.1, 1}, 1e-10, 10);
  CHECK(at_once.negative_curvature);
  CHECK(!at_once.met);
  CHECK(at_once.residual == 1);
  CHECK(norm(at_once.x) == 0);
  const Solution later = conjugate_gradient(product_with(A), {1, 0.1}, 1e-10, 10);
  CHECK(later.negative_curvature);
  CHECK(later.note.find("negative curvature") != std::string::npos);
  const double alpha = 1.01 / (3 - 0.01);  // of the first iteration, whose curvature is positive
  CHECK(distance(later.x, {alpha, 0.1 * alpha}) <= 1e-14);
  // Damping above 1 makes it positive definite.
  Tensor damped = A.clone();
  damped.data<double>()[0] += 2;
  damped.data<double>()[3] += 2;
  CHECK(conjugate_gradient(product_with(damped), {1, 0.1}, 1e-10, 10).met);
}

TEST_CASE("implicit: hyperparameters outside the training loss are refused by name") {
  const auto attempt = [](FlatProblem problem, Vars phi) {
    EstimatorOptions options;
    options.tau = 5;
    int steps = 0;
    problem.watch = [&](const Vars&, std::int64_t) { ++steps; };
    Progress progress{problem.init(phi), {}, 0, 10};
    try {
      make_estimator("implicit-cg", options)->advance(problem, phi, progress);
    } catch (const ValueError& error) {
      CHECK(steps == 0);
      return std::string(error.what());
    }
    return std::string();
  };
  FlatProblem problem = heavy_ball(6, 0.1);
  const Vars phi{number(std::log(0.3)), number(1.0), number(std::log(1e-3))};
  problem.loss = nullptr;
  CHECK(attempt(problem, phi).find("needs the training loss") != std::string::npos);
  problem.loss = [](const Vars& s, const Vars& h, std::int64_t) { return 0.5 * exp(h[2]) * sum(square(s[0])); };
  const std::string unnamed = attempt(problem, phi);
  CHECK(unnamed.find("hyperparameter 0, hyperparameter 1 do not enter the training loss") != std::string::npos);
  problem.names = {"lr", "momentum", "decay"};
  const std::string named = attempt(problem, phi);
  CHECK(named.find("[implicit-cg] lr, momentum do not enter") != std::string::npos);
  CHECK(named.find("glocal") != std::string::npos);
  problem.loss = [](const Vars&, const Vars& h, std::int64_t) { return h[0] * h[1] * h[2]; };
  CHECK(attempt(problem, phi).find("depends on nothing in the state") != std::string::npos);
}

TEST_CASE("implicit: options out of range are errors") {
  const auto refused = [](const char* name, auto change) {
    EstimatorOptions options;
    change(options.implicit);
    CHECK_THROWS_AS(make_estimator(name, options), ValueError);
  };
  refused("implicit-cg", [](ImplicitOptions& o) { o.iterations = 0; });
  refused("implicit-cg", [](ImplicitOptions& o) { o.tolerance = -1; });
  refused("implicit-neumann", [](ImplicitOptions& o) { o.step = std::nan(""); });
  refused("implicit-neumann", [](ImplicitOptions& o) { o.batches = 0; });
  refused("implicit-nystrom", [](ImplicitOptions& o) { o.damping = 0; });
  refused("implicit-nystrom", [](ImplicitOptions& o) { o.columns = 0; });
  const Product broken = [](const Vector& v) { return Vector(v.size(), std::nan("")); };
  CHECK_THROWS_AS(conjugate_gradient(broken, {1, 2}, 1e-6, 3), NumericError);
  CHECK_THROWS_AS(neumann_series(broken, {1, 2}, 1e-6, 3, 0, key(0)), NumericError);
  CHECK_THROWS_AS(nystrom(broken, {1, 2}, 1, 2, ImplicitOptions::Sketch::columns, 1e-15, key(0)), NumericError);
  for (const double zero : conjugate_gradient(broken, {0, 0}, 1e-6, 3).x) CHECK(zero == 0);
}

TEST_CASE("implicit: a loss averaged over batches is solved with the mean Hessian") {
  // L_t = a_t w^2 / 2 - phi w, E = w: h = -(d phi dw L) x = x = 1 / (mean a + rho).
  FlatProblem problem;
  problem.init = [](const Vars&) { return Vars{number(1)}; };
  problem.step = [](const Vars& s, const Vars&, std::int64_t) { return s; };
  problem.loss = [](const Vars& s, const Vars& phi, std::int64_t t) {
    return (0.5 + 0.5 * double(t)) * square(s[0]) - phi[0] * s[0];
  };
  problem.outer = [](const Vars& s, const Vars&, std::int64_t) { return s[0]; };
  for (const double rho : {0.0, 0.5}) {
    ImplicitOptions o = exactly(rho);
    for (std::int64_t batches : {1, 2, 5}) {
      o.batches = batches;
      const double mean = 1 + 3 + 0.5 * double(batches - 1);  // of a_t = 1 + t from t = 3 on
      CHECK(implicit_gradient(problem, {number(1)}, {number(2)}, 3, 0, Solver::cg, o).h[0] ==
            doctest::Approx(1 / (mean + rho)).epsilon(1e-13));
      // The estimator takes the batches that follow its block.
      Progress progress{{number(1)}, {}, 1, 100};
      CHECK(Implicit(Solver::cg, 2, o).advance(problem, {number(2)}, progress).h[0] ==
            doctest::Approx(1 / (mean + rho)).epsilon(1e-13));
      CHECK(progress.t == 3);
    }
  }
}

TEST_CASE("implicit: softmax regression at its optimum against a long unroll") {
  // Weight decay per class and label smoothing, both inside the loss; 3 classes, 4 features.
  const Tensor X = normal(key(21), {24, 4}, 0, 1, f64), X_val = normal(key(22), {24, 4}, 0, 1, f64);
  Tensor labels({24}, DType::i32), labels_val({24}, DType::i32);
  for (std::int64_t i = 0; i < 24; ++i) {
    labels.data<std::int32_t>()[i] = static_cast<std::int32_t>(i % 3);
    labels_val.data<std::int32_t>()[i] = static_cast<std::int32_t>((i + (X_val.at(4 * i) > 0.5)) % 3);
  }
  FlatProblem problem;
  problem.init = [](const Vars&) { return Vars{Tensor::zeros({4, 3}, f64), Tensor::zeros({3}, f64)}; };
  const auto loss = [=](const Vars& s, const Vars& h) {
    nn::CrossEntropyOptions options;
    options.label_smoothing = sigmoid(h[1]);
    return nn::cross_entropy(linear(X, s[0], s[1]), labels, options) + 0.5 * sum(mul(exp(h[0]), square(s[0]))) +
           0.01 * sum(square(s[1]));
  };
  problem.loss = [=](const Vars& s, const Vars& h, std::int64_t) { return loss(s, h); };
  problem.step = [=](const Vars& s, const Vars& h, std::int64_t) {
    const Vars g = grad([&](const Vars& w) { return loss(w, h); })(s);
    return Vars{s[0] - 1.5 * g[0], s[1] - 1.5 * g[1]};
  };
  problem.outer = [=](const Vars& s, const Vars&, std::int64_t) {
    return nn::cross_entropy(linear(X_val, s[0], s[1]), labels_val);
  };
  const Vars phi{Tensor::from(Vector{-3, -2.5, -2}, {3}), number(-2)};
  const std::int64_t T = 1200;
  const Vector unrolled = global_reverse(problem, phi, T).h;
  for (const Solver solver : {Solver::cg, Solver::neumann}) {
    Progress progress{problem.init(phi), {}, 0, T};
    Implicit estimator(solver, T, exactly());
    const Estimate got = estimator.advance(problem, phi, progress);
    CAPTURE(got.note);
    CHECK(got.note.find("was not met") == std::string::npos);
    CHECK(distance(got.h, unrolled) <= 1e-8 * norm(unrolled));
  }
}

TEST_CASE("implicit: through batch norm and dropout the products are those of the dense Hessian") {
  const std::int64_t N = 8;
  const Key root = key(31);
  const nn::Model model =
      nn::erase("net",
                nn::Sequential(nn::Flatten{}, nn::Linear(split(root, 0), 4, 3, f64), nn::BatchNorm(3, f64),
                               nn::Activation{glocal::tanh}, nn::Dropout{0.3}, nn::Linear(split(root, 1), 3, 2, f64)),
                {1, 2, 2}, 2);
  const Tensor x = normal(split(root, 2), {N, 1, 2, 2}, 0, 1, f64);
  Tensor y({N}, DType::i32);
  for (std::int64_t i = 0; i < N; ++i) y.data<std::int32_t>()[i] = static_cast<std::int32_t>(i % 2);
  const std::size_t p = model.parameters.size();
  const auto weights = [p](const Vars& s) { return Vars(s.begin(), s.begin() + std::ptrdiff_t(p)); };
  const auto stats = [p](const Vars& s) { return Vars(s.begin() + std::ptrdiff_t(p), s.end()); };
  FlatProblem problem;
  problem.init = [&](const Vars&) {
    Vars s = model.parameters;
    s.insert(s.end(), model.stats.begin(), model.stats.end());
    return s;
  };
  problem.loss = [&](const Vars& s, const Vars& phi, std::int64_t t) {
    nn::Pass pass{.training = true, .key = split(root, 100 + std::uint64_t(t)), .stats = stats(s)};
    Var loss = nn::cross_entropy(model.forward(weights(s), x, pass), y);
    for (std::size_t i = 0; i < p; ++i) loss = loss + 0.5 * exp(phi[0]) * sum(square(s[i]));
    return loss;
  };
  problem.outer = [&](const Vars& s, const Vars&, std::int64_t) {
    nn::Pass pass{.training = false, .stats = stats(s)};
    return nn::cross_entropy(model.forward(weights(s), x, pass), y);
  };
  const Vars phi{number(0.0)}, s = problem.init(phi);
  // The Hessian column by column, by central differences of the gradient.
  const auto gradient = [&](const Vars& w) {
    return grad([&](const Vars& v) { return problem.loss(joined(v, stats(s)), phi, 4); })(w);
  };
  const Vars w = weights(s);
  const auto P = components(w);
  const std::vector<Vars> units = unit_directions(w);
  Tensor H({P, P}, f64);
  for (std::int64_t j = 0; j < P; ++j) {
    const auto moved = [&](double d) {
      Vars at = w;
      for (std::size_t i = 0; i < p; ++i)
        if (units[std::size_t(j)][i]) at[i] = at[i] + d * units[std::size_t(j)][i];
      return to_components(gradient(at), w);
    };
    for (std::int64_t i = 0; i < P; ++i) {
      const auto slope = [&](double d) { return (moved(d)[std::size_t(i)] - moved(-d)[std::size_t(i)]) / (2 * d); };
      H.data<double>()[i * P + j] = (4 * slope(1e-3) - slope(2e-3)) / 3;
    }
  }
  const Vars outer = grad([&](const Vars& v) { return problem.outer(joined(v, stats(s)), phi, 0); })(w);
  const Tensor b = Tensor::from(to_components(outer, w), {P});
  const Vector numbers = to_components(w, w);
  // The Hessian itself is indefinite: one eigenvalue is near -0.7, which Nystrom may meet and the others may not.
  for (const auto& [solver, damping] : {std::pair(Solver::cg, 1.5), {Solver::neumann, 1.5}, {Solver::nystrom, 0.5}}) {
    Tensor damped = H.clone();
    for (std::int64_t i = 0; i < P; ++i) damped.data<double>()[i * (P + 1)] += damping;
    const Tensor exact = lapack::lstsq(damped, b).x;
    double h = 0;  // - e^phi w.x with phi = 0
    for (std::int64_t i = 0; i < P; ++i) h -= numbers[std::size_t(i)] * exact.at(i);
    ImplicitOptions o = exactly(damping);
    o.columns = P;
    const ImplicitGradient got = implicit_gradient(problem, s, phi, 4, 0, solver, o);
    CAPTURE(got.solution.note);
    CHECK(std::int64_t(got.solution.x.size()) == P);
    CHECK(got.h[0] == doctest::Approx(h).epsilon(1e-7));
  }
}

TEST_CASE("implicit: tuning ridge penalties lowers the validation loss to its minimum") {
  const Ridge ridge;
  TuneOptions options;
  options.estimator = "implicit-cg";
  options.estimator_options.tau = 100;
  options.estimator_options.implicit = exactly();
  options.T = 6001;
  options.meta.name = "adam";
  options.meta.lr = 0.1;
  std::vector<double> last;
  const TuneResult result =
      tune(ridge.problem(0.1), ridge.phi, options, [&](const OuterUpdate& update) { last = update.estimate.h; });
  const auto outer = [&](const Vars& s) { return ridge.problem(0.1).outer(s, ridge.phi, 0).item(); };
  CHECK(outer(result.s) < outer(ridge.at(ridge.optimum())));
  CHECK(norm(last) < 0.01);
}

TEST_SUITE_END();
