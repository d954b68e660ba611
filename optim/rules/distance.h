// DoG and DoWG: rates from the distance to the start and the gradients so far.
#pragma once
#include <array>
#include <cstdint>
#include <tuple>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/updated.h>

namespace glocal::optim {

/// Each one number of the parameters' element type; weight_decay may be left empty: zero.
struct DogHyper {
  Var lr, first_step, eps, weight_decay{};
  auto fields() { return std::tie(lr, first_step, eps, weight_decay); }
  static constexpr std::array field_names{"lr", "first_step", "eps", "weight_decay"};
};

/// The average comes first: it is what is judged.
struct DogState {
  Vars average{}, start{};
  Var distance{}, squares{};  ///< one number each
  auto fields() { return std::tie(average, start, distance, squares); }
  static constexpr std::array field_names{"average", "start", "distance", "squares"};
};

/// g += weight_decay w;  r = the largest |w - start| so far, at first first_step (1 + |start|);  G += |g|^2, at first
/// eps + |g|^2;  w -= lr r / sqrt(G) g;  average += 9 / (8 + t) (w - average). Norms over all parameters.
/// (Ivgi, Hinder, Carmon, ICML 2023, arXiv 2302.12022, with its polynomial average.) Throws ShapeError.
Updated<DogState> dog(const DogHyper& hyper, const Vars& params, const Vars& grads, const DogState& state,
                      std::int64_t t);

/// Each one number of the parameters' element type; weight_decay may be left empty: zero.
struct DowgHyper {
  Var lr, eps, weight_decay{};
  auto fields() { return std::tie(lr, eps, weight_decay); }
  static constexpr std::array field_names{"lr", "eps", "weight_decay"};
};

struct DowgState {
  Vars start{};
  Var distance{}, squares{};  ///< one number each
  auto fields() { return std::tie(start, distance, squares); }
  static constexpr std::array field_names{"start", "distance", "squares"};
};

/// g += weight_decay w;  d = the largest |w - start|^2 so far, at first eps;  G += d |g|^2;
/// w -= lr d / (sqrt(G) + eps) g (Khaled, Mishchenko, Jin, NeurIPS 2023, arXiv 2305.16284). Throws ShapeError.
Updated<DowgState> dowg(const DowgHyper& hyper, const Vars& params, const Vars& grads, const DowgState& state,
                        std::int64_t t);

/// For the list of optimisers.
std::vector<OptimizerKind> distance_kinds();

}  // namespace glocal::optim
