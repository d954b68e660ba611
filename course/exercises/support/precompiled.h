// Compiled once, so that an exercise compiles in a second.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <functional>
#include <utility>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/core/linalg/lapack.h>

#include "check.h"
#include "picture.h"
