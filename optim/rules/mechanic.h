// Mechanic: a rule around another rule, which learns how far to go along what that one has moved.
#pragma once
#include <string>
#include <vector>

#include <glocal/optim/optimizer.h>

namespace glocal::optim {

/// The rule `base` with its steps scaled. With u = base's step of the parameters w = start + S moved, over all of them,
/// and for the six discounts b = .9, .99, ..., .999999 a number s each, S = sum of s:
///   h = <moved, g + mechanic_decay S |g| (w + u) / (|w + u| + mechanic_eps)>;  moved += u
///   m = max(b m, |h|), at first 1e-6;  v = b^2 v + h^2;  r = max(0, b r - s h)
///   s = (m first_scale / 6 + r) / (sqrt(v) + mechanic_eps);  w = start + max(S, 0) moved
/// (Cutkosky, Defazio, Mehta, NeurIPS 2023, arXiv 2306.00144, as in its PyTorch code with stored moves.) Takes base's
/// hyperparameters, lr from 1 on, then mechanic_decay, first_scale, mechanic_eps. Throws ValueError where base judges
/// other parameters than it trains.
Optimizer mechanic(const std::string& name, const Optimizer& base);

/// For the list of optimisers.
std::vector<OptimizerKind> mechanic_kinds();

}  // namespace glocal::optim
