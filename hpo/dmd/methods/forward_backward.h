// Mean of A and the inverse of the operator that steps back (Dawson et al. 2016).
#pragma once
#include <cstdint>
#include <string>

#include <glocal/hpo/dmd/model/hankel.h>
#include <glocal/hpo/dmd/model/operator.h>

namespace glocal::hpo {

/// The model of rank r before any policy. Says in note when A_b A_f has no principal root; then the model steps forward
/// alone.
DmdModel forward_backward_model(const DmdSeries& series, std::int64_t r, std::string& note);

}  // namespace glocal::hpo
