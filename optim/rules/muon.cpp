#include <glocal/optim/rules/muon.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/over_lists.h>
#include <glocal/optim/rules/adam.h>
#include <glocal/optim/updated.h>

namespace glocal::optim {

namespace {

// Which parameters are made orthogonal: 1 for each matrix but the last.
std::vector<char> hidden_matrices(const Vars& params) {
  std::vector<char> hidden(params.size());
  std::size_t last = params.size();
  for (std::size_t i = 0; i < params.size(); ++i)
    if (params[i].shape().rank() >= 2) {
      if (last < params.size()) hidden[last] = 1;
      last = i;
    }
  if (std::ranges::count(hidden, 1) == 0)
    fail<ValueError>(
        "[muon] needs a hidden layer: among {} parameters there is no matrix before the last one; use "
        "adamw",
        params.size());
  return hidden;
}

// sqrt(max(1, out / in)) of a linear weight (in, out) or a convolution (out, in, KH, KW).
double stretch(const Shape& shape) {
  const auto size = [&](int i) { return static_cast<double>(shape[i]); };
  if (shape.rank() == 2) return std::sqrt(std::max(1.0, size(1) / size(0)));
  double in = 1;
  for (int i = 1; i < shape.rank(); ++i) in *= size(i);
  return std::sqrt(std::max(1.0, size(0) / in));
}

}  // namespace

Var orthogonalized(const Var& x) {
  if (x.shape().rank() != 2) fail<ShapeError>("[muon] a matrix (R, C) is made orthogonal, got {}", x.shape());
  constexpr double a = 3.4445, b = -4.7750, c = 2.0315;
  const bool tall = x.shape()[0] > x.shape()[1];
  Var X = scale_by(x, reciprocal(root(dot(x, x)) + 1e-7));
  for (int i = 0; i < 5; ++i) {
    const Var A = tall ? matmul(X, X, true, false) : matmul(X, X, false, true);  // of the shorter side
    const Var B = b * A + c * matmul(A, A);
    X = a * X + (tall ? matmul(X, B) : matmul(B, X));
  }
  return X;
}

Updated<MuonState> muon(const MuonHyper& h, const Vars& params, const Vars& grads, const MuonState& state,
                        std::int64_t t) {
  check_dtype("muon", params,
              std::array{h.lr, h.momentum, h.adam_share, h.beta1, h.beta2, h.eps, h.eps_root, h.weight_decay});
  check_fit("muon", params, grads, {&state.m});
  const std::vector<char> hidden = hidden_matrices(params);
  const AdamHyper adam{h.lr * h.adam_share, h.beta1, h.beta2, h.eps, h.eps_root, h.weight_decay};
  Updated<MuonState> next;
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Var& w = params[i];
    const Var g = instantiate(grads[i], w);
    if (hidden[i] == 0) {
      const auto rest = adamw(adam, {w}, {g}, {{state.m[i]}, {state.v[i]}}, t);
      next.params.push_back(rest.params[0]);
      next.state.m.push_back(rest.state.m[0]);
      next.state.v.push_back(rest.state.v[0]);
      continue;
    }
    const auto mean = [&](const Var& before) { return axpy(h.momentum, before, scale_by(g, 1 - h.momentum)); };
    const Var m = mean(state.m[i]);
    const Var ahead = w.shape().rank() == 2 ? mean(m) : flatten_from(mean(m), 1);
    const Var u = reshape(orthogonalized(ahead), w.shape());
    const Var kept = vanishes(h.weight_decay) ? w : scale_by(w, 1 - h.lr * h.weight_decay);
    next.params.push_back(axpy(-stretch(w.shape()) * h.lr, u, kept));
    next.state.m.push_back(m);
    next.state.v.push_back(state.v[i]);
  }
  return next;
}

std::vector<OptimizerKind> muon_kinds() {
  using Range = HyperInfo::Range;
  return {{"muon", "momentum whose matrices are made orthogonal; AdamW for the last of them and for all else", [] {
             const auto start = [](const Vars& params) {
               const std::vector<char> hidden = hidden_matrices(params);
               MuonState state = zero_state<MuonState>(params);
               for (std::size_t i = 0; i < params.size(); ++i)
                 if (hidden[i] != 0) state.v[i] = Tensor::zeros({}, params[i].dtype());
               return state;
             };
             Optimizer optimizer = over_lists<MuonHyper, MuonState>("muon",
                                                                    {{"lr", 0.02, Range::positive},
                                                                     {"momentum", 0.95, Range::unit_interval},
                                                                     {"adam_share", 0.015, Range::non_negative},
                                                                     {"beta1", 0.9, Range::unit_interval},
                                                                     {"beta2", 0.95, Range::unit_interval},
                                                                     {"eps", 1e-10, Range::positive},
                                                                     {"eps_root", 1e-20, Range::positive},
                                                                     {"weight_decay", 0, Range::non_negative}},
                                                                    muon, LrScales::direction, start);
             optimizer.joint = true;
             return optimizer;
           }}};
}

}  // namespace glocal::optim
