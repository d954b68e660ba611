// Exponentials fitted to the snapshots themselves (Askham and Kutz 2018).
#pragma once
#include <glocal/hpo/dmd/model/method.h>

namespace glocal::hpo {

DmdMethod optimised();

}  // namespace glocal::hpo
