#include <glocal/hpo/meta_optimizer.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/text/registry.h>

namespace glocal::hpo {

namespace {

void move_by_sgd(MetaOptimizer& state, std::vector<double>& u, const std::vector<double>& h) {
  for (std::size_t k = 0; k < u.size(); ++k) u[k] -= state.lr * h[k];
}

void move_by_sign(MetaOptimizer& state, std::vector<double>& u, const std::vector<double>& h) {
  for (std::size_t k = 0; k < u.size(); ++k) u[k] -= state.lr * double((h[k] > 0) - (h[k] < 0));
}

void move_by_adam(MetaOptimizer& state, std::vector<double>& u, const std::vector<double>& h) {
  constexpr double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  std::vector<double>&m = state.m, &v = state.v;
  m.resize(u.size());
  v.resize(u.size());
  for (std::size_t k = 0; k < u.size(); ++k) {
    m[k] = beta1 * m[k] + (1 - beta1) * h[k];
    v[k] = beta2 * v[k] + (1 - beta2) * h[k] * h[k];
    const double m_hat = m[k] / (1 - std::pow(beta1, state.updates)),
                 v_hat = v[k] / (1 - std::pow(beta2, state.updates));
    u[k] -= state.lr * m_hat / (std::sqrt(v_hat) + eps);
  }
}

}  // namespace

const Registry<MetaKind>& meta_optimizers() {
  static const Registry<MetaKind> all("meta-optimizer", "glocal list meta-optimizers",
                                      {
                                          {"sgd", "u -= lr h", move_by_sgd},
                                          {"adam", "Kingma & Ba 2015, beta1 0.9, beta2 0.999, eps 1e-8", move_by_adam},
                                          {"sign", "u -= lr sign(h)", move_by_sign},
                                      });
  return all;
}

std::vector<std::string> meta_optimizer_names() { return meta_optimizers().names(); }

std::vector<double> MetaOptimizer::step(std::vector<double> u, std::vector<double> h) {
  const MetaKind& kind = meta_optimizers().at(name);
  if (!(lr > 0)) fail<ValueError>("[meta] the meta learning rate (--meta-lr) must be positive, got {}", lr);
  if (u.size() != h.size()) fail<ShapeError>("[meta] {} hyperparameters, {} hypergradients", u.size(), h.size());
  double norm = 0;
  for (std::size_t k = 0; k < h.size(); ++k) {
    if (!std::isfinite(h[k])) fail<NumericError>("[meta] hypergradient component {} is {}; nothing was moved", k, h[k]);
    norm = std::hypot(norm, h[k]);
  }
  ++updates;
  if (max_norm > 0 && norm > max_norm) {
    ++clipped;
    for (double& component : h) component *= max_norm / norm;
  }
  kind.move(*this, u, h);
  return u;
}

}  // namespace glocal::hpo
