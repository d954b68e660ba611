// Many short runs, of which the best third goes on for three times as long, and again.
#pragma once
#include <cstdint>
#include <memory>

#include <glocal/core/random.h>
#include <glocal/hpo/search/search.h>

namespace glocal::hpo {

/// The points of random_search with the same key, trained for 1/27 of a run's steps; the better third of them on to
/// 1/9, the better third of those on to 1/3, and the best of these to the end, which is the last training. As many
/// points as cost no more than `runs` whole runs beside that training: no step is made twice, so that 3 runs in all
/// pay for 27 points (Jamieson, Talwalkar, AISTATS 2016; the rungs are those of one bracket of Hyperband).
std::unique_ptr<Search> successive_halving(const SearchBox& box, std::int64_t runs, Key key);
SearchKind successive_halving_kind();

}  // namespace glocal::hpo
