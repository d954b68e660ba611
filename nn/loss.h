// Losses: one number, the mean over the batch.
#pragma once
#include <glocal/autodiff/var.h>
#include <glocal/core/tensor.h>

namespace glocal::nn {

/// What is left empty is not used. All are Vars: any of them can be a hyperparameter.
struct CrossEntropyOptions {
  Var label_smoothing{};  ///< (), eps in [0, 1]: target (1 - eps) one_hot + eps / K (Szegedy et al., CVPR 2016)
  Var class_weights{};    ///< (K,)
  Var sample_weights{};   ///< (N,)
};

/// Cross entropy of softmax(logits), logits (N, K), labels (N,) i32 in [0, K). With weights the weighted mean, divided
/// by the sum of the weights of the labels, as in PyTorch. Throws ShapeError, DTypeError; ValueError for a label or a
/// smoothing out of range, or weights whose sum is not positive.
Var cross_entropy(const Var& logits, const Tensor& labels, const CrossEntropyOptions& options = {});

/// The losses of the samples, (N,): -sum_k t_k class_weights_k log p_k, times their sample weight where there are any;
/// not divided by weights. Throws as cross_entropy does.
Var cross_entropies(const Var& logits, const Tensor& labels, const CrossEntropyOptions& options = {});

/// sum w^2 / 2: a coefficient on it acts as a weight decay that is part of the loss.
Var l2_penalty(const Var& w);
/// sum (sqrt(w^2 + delta^2) - delta) with delta = 1e-3: sum |w| made smooth, so that every derivative exists.
Var l1_penalty(const Var& w);

/// Mean of (y - target)^2 over all numbers. Throws ShapeError unless both have one shape.
Var mse(const Var& y, const Var& target);

/// Mean of -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)), stable for large |x|; targets t in [0, 1], one shape.
Var bce_with_logits(const Var& logits, const Var& targets);

/// Share of rows of logits (N, K) whose largest entry is at the label.
double accuracy(const Tensor& logits, const Tensor& labels);

}  // namespace glocal::nn
