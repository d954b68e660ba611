#include <glocal/hpo/meta_optimizer.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/text/nearest.h>

namespace glocal::hpo {

std::vector<std::string> meta_optimizer_names() { return {"sgd", "adam", "sign"}; }

std::vector<double> MetaOptimizer::step(std::vector<double> u, std::vector<double> h) {
  const std::vector<std::string> known = meta_optimizer_names();
  if (std::find(known.begin(), known.end(), name) == known.end())
    fail<ValueError>("[meta] {}", unknown_name(name, "meta-optimizer", known, "glocal list meta-optimizers"));
  if (!(lr > 0)) fail<ValueError>("[meta] lr = {} must be positive", lr);
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
  if (name == "adam") {
    constexpr double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
    m.resize(u.size());
    v.resize(u.size());
    for (std::size_t k = 0; k < u.size(); ++k) {
      m[k] = beta1 * m[k] + (1 - beta1) * h[k];
      v[k] = beta2 * v[k] + (1 - beta2) * h[k] * h[k];
      const double m_hat = m[k] / (1 - std::pow(beta1, updates)), v_hat = v[k] / (1 - std::pow(beta2, updates));
      u[k] -= lr * m_hat / (std::sqrt(v_hat) + eps);
    }
  } else {
    for (std::size_t k = 0; k < u.size(); ++k) u[k] -= lr * (name == "sgd" ? h[k] : double((h[k] > 0) - (h[k] < 0)));
  }
  return u;
}

}  // namespace glocal::hpo
