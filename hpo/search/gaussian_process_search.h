// Bayesian optimisation.
#pragma once
#include <cstdint>
#include <memory>

#include <glocal/core/random.h>
#include <glocal/hpo/search/search.h>

namespace glocal::hpo {

/// The start and a Latin hypercube of 2 q + 1 points (at most half of the trials), then maxima of the expected
/// improvement of a Gaussian process (Jones, Schonlau & Welch 1998). E above its median m is compressed to
/// m + s log(1 + (E - m) / s), s = m - min E, so that a trial that nearly diverged does not flatten the others.
std::unique_ptr<Search> gaussian_process_search(const SearchBox& box, std::int64_t trials, Key key);
SearchKind gaussian_process_search_kind();

}  // namespace glocal::hpo
