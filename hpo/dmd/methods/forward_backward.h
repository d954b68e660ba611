// Mean of A and the inverse of the operator that steps back (Dawson et al. 2016).
#pragma once
#include <glocal/hpo/dmd/model/method.h>

namespace glocal::hpo {

/// Says in the note when A_b A_f has no principal root; then the model steps forward alone.
DmdMethod forward_backward();

}  // namespace glocal::hpo
