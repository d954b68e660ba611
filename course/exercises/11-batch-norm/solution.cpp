// Batch normalisation of x (N, C).
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>

#include "exercise.h"

using namespace glocal;

struct Statistics {
  Var mean, variance;  // (C,) each
};

inline Statistics of_batch(const Var& x) {
  const Var m = mean(x, {0});
  return {m, mean(square(x - m), {0})};
}

// weight (C,), bias (C,); statistics are those of the batch in training, the running ones in evaluation.
inline Var normalised(const Var& x, const Statistics& by, const Var& weight, const Var& bias, double eps) {
  // BEGIN SOLUTION
  return weight * (x - by.mean) * rsqrt(by.variance + eps) + bias;
  // END SOLUTION
}

// The running statistics after one more batch.
inline Statistics next_running(const Statistics& running, const Statistics& batch, double momentum) {
  // BEGIN SOLUTION
  return {(1 - momentum) * running.mean + momentum * batch.mean,
          (1 - momentum) * running.variance + momentum * batch.variance};
  // END SOLUTION
}
