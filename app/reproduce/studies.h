// The studies of `glocal reproduce`: each is a file of this folder.
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
Study equal_compute();
Study explosion();
Study optimizers();
Study keep_best();
Study regime();
Study noise();
Study cost();
Study models();
Study reweighting();

}  // namespace glocal::app
