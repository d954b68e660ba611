// The studies of `glocal reproduce` that are more than a grid of trials: each is a file of this folder.
#pragma once
#include <glocal/app/reproduce/reproduce.h>

namespace glocal::app {

Study trajectories();
Study accuracy();
Study policies();
Study choices();
Study orders();
Study error_bound();
Study learning_rates();
Study explosion();
Study keep_best();
Study regime();
Study noise();
Study cost();
Study horizon();

}  // namespace glocal::app
