// X and Y projected on the leading directions of both (Hemati et al. 2017).
#pragma once
#include <glocal/hpo/dmd/model/method.h>

namespace glocal::hpo {

DmdMethod total_least_squares();

}  // namespace glocal::hpo
