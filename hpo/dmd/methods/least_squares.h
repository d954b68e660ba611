// A = Y X^+ in the leading singular directions of X (Schmid 2010; Tu et al. 2014).
#pragma once
#include <cstdint>

#include <glocal/hpo/dmd/model/hankel.h>
#include <glocal/hpo/dmd/model/method.h>
#include <glocal/hpo/dmd/model/operator.h>

namespace glocal::hpo {

/// The model of rank r before any policy.
DmdModel least_squares_model(const DmdSeries& series, std::int64_t r);
DmdMethod least_squares();

}  // namespace glocal::hpo
