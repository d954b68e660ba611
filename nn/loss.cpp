#include <glocal/nn/loss.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/tensor.h>

namespace glocal::nn {

namespace {

void check_labels(const char* where, const Tensor& logits, const Tensor& labels) {
  if (logits.rank() != 2 || logits.size() == 0)
    fail<ShapeError>("[{}] logits must be (N, K) and not empty, their shape is {}", where, logits.shape());
  if (labels.dtype() != DType::i32) fail<DTypeError>("[{}] labels must be i32, they are {}", where, labels.dtype());
  if (labels.shape() != Shape{logits.dim(0)})
    fail<ShapeError>("[{}] logits {} need labels of shape ({},), labels have shape {}", where, logits.shape(),
                     logits.dim(0), labels.shape());
  const std::span<const std::int32_t> label = labels.span<std::int32_t>();
  for (std::size_t n = 0; n < label.size(); ++n)
    if (label[n] < 0 || label[n] >= logits.dim(1))
      fail<ValueError>("[{}] label {} of sample {} is outside 0..{}", where, label[n], n, logits.dim(1) - 1);
}

void check_weights(const char* what, const Var& weights, std::int64_t size) {
  if (weights.shape() != Shape{size})
    fail<ShapeError>("[cross_entropy] {} must have shape ({},), they have {}", what, size, weights.shape());
}

void check_same_shape(const char* where, const Var& a, const Var& b) {
  if (a.shape() != b.shape() || a.size() == 0)
    fail<ShapeError>("[{}] shapes {} and {} must be equal and not empty", where, a.shape(), b.shape());
}

}  // namespace

Var cross_entropies(const Var& logits, const Tensor& labels, const CrossEntropyOptions& options) {
  check_labels("cross_entropy", logits.value(), labels);
  const std::int64_t classes = logits.dim(1);
  Var target = one_hot(labels, classes, logits.dtype());
  if (const Var& eps = options.label_smoothing) {
    if (!(eps.item() >= 0 && eps.item() <= 1))
      fail<ValueError>("[cross_entropy] label smoothing {} is outside [0, 1]", eps.item());
    target = scale_by(target, 1 - eps) + eps / static_cast<double>(classes);
  }
  if (options.class_weights) {
    check_weights("class weights", options.class_weights, classes);
    target = target * options.class_weights;
  }
  const Var losses = softmax_cross_entropy(logits, target);
  if (!options.sample_weights) return losses;
  check_weights("sample weights", options.sample_weights, logits.dim(0));
  return losses * options.sample_weights;
}

Var cross_entropy(const Var& logits, const Tensor& labels, const CrossEntropyOptions& options) {
  const Var losses = cross_entropies(logits, labels, options);
  if (!options.class_weights && !options.sample_weights) return mean(losses);
  // weight[n] = sample_weights[n] * class_weights[label[n]] is what the mean divides by.
  Var weight = options.sample_weights;
  if (options.class_weights) {
    const Var of_label = gather(options.class_weights, 0, labels);
    weight = weight ? of_label * weight : of_label;
  }
  const Var total = sum(weight);
  if (!(total.item() > 0)) fail<ValueError>("[cross_entropy] the weights sum to {}, not to more than 0", total.item());
  return sum(losses) / total;
}

Var l2_penalty(const Var& w) { return 0.5 * dot(w, w); }

Var l1_penalty(const Var& w) {
  constexpr double delta = 1e-3;
  const Var squares = square(w);
  return sum(squares / (sqrt(squares + delta * delta) + delta));  // no difference of nearly equal numbers
}

Var mse(const Var& y, const Var& target) {
  check_same_shape("mse", y, target);
  return mean(square(y - target));
}

Var bce_with_logits(const Var& logits, const Var& targets) {
  check_same_shape("bce_with_logits", logits, targets);
  // softplus(x) - x t would be the difference of nearly equal numbers where the logit has the sign of its target.
  return mean((1 - targets) * softplus(logits) + targets * softplus(-logits));
}

double accuracy(const Tensor& logits, const Tensor& labels) {
  check_labels("accuracy", logits, labels);
  const Tensor best = argmax(logits, 1);
  std::int64_t hits = 0;
  for (std::int64_t n = 0; n < labels.size(); ++n)
    hits += best.data<std::int32_t>()[n] == labels.data<std::int32_t>()[n];
  return static_cast<double>(hits) / static_cast<double>(labels.size());
}

}  // namespace glocal::nn
