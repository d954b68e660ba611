// X and Y projected on the leading directions of both (Hemati et al. 2017).
#pragma once
#include <cstdint>

#include <glocal/hpo/dmd/model/hankel.h>
#include <glocal/hpo/dmd/model/operator.h>

namespace glocal::hpo {

/// The model of rank r before any policy.
DmdModel total_least_squares_model(const DmdSeries& series, std::int64_t r);

}  // namespace glocal::hpo
