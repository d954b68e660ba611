// `glocal compare`: estimators on the same problem and the same seeds, against plain training.
#pragma once
#include <glocal/app/settings/options.h>

namespace glocal::app {

/// Runs plain training and every estimator of `options.estimators` for every seed, prints the table and leaves a run
/// folder with it. Throws what their runs throw; a diverged run is a row of the table, and is thrown after it.
void compare(Options options);

}  // namespace glocal::app
