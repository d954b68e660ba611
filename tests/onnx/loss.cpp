// Losses of ONNX in ours.
#include <glocal/nn/loss.h>

#include "call.h"

namespace onnx {

namespace {

// (N, C, d1, ...) as rows (N d1 ..., C).
Var rows_of(const Var& x) {
  const Var last = to_last(x, 1);
  return reshape(last, {x.size() / x.dim(1), x.dim(1)});
}
Var from_rows(const Var& rows, const Shape& shape) {
  std::vector<std::int64_t> channels_last(shape.begin(), shape.end());
  channels_last.erase(channels_last.begin() + 1);
  channels_last.push_back(shape[1]);
  return from_last(reshape(rows, Shape(channels_last)), 1);
}

// Labels within the classes; a sample to be ignored gets class 0 and weight 0.
struct Labels {
  Tensor labels;  // i32 (rows,)
  Var weights;    // (rows,), or empty when nothing is ignored
};
Labels labels_of(const Call& c, std::int64_t classes) {
  std::vector<std::int64_t> labels = c.integers(1);
  const auto count = static_cast<std::int64_t>(labels.size());
  std::vector<std::int64_t> counts(labels.size(), 1);
  if (const Attribute* ignored = c.attribute("ignore_index"))
    for (std::size_t i = 0; i < labels.size(); ++i)
      if (labels[i] == ignored->integer) labels[i] = 0, counts[i] = 0;
  for (const std::int64_t label : labels)
    if (label < 0 || label >= classes) fail<DataError>("[onnx] label {} is outside 0..{}", label, classes - 1);
  Labels out{i32(labels, {count}), {}};
  if (c.attribute("ignore_index")) out.weights = i32(counts, {count}).to(c.x(0).dtype());
  return out;
}

std::vector<Value> softmax_cross_entropy_loss(const Call& c) {
  const Var &x = c.x(0), rows = rows_of(x);
  const Labels l = labels_of(c, x.dim(1));
  const nn::CrossEntropyOptions options{{}, c.has(2) ? c.x(2) : Var(), l.weights};
  const std::string reduction = c.text("reduction", "mean");
  Var loss;
  if (reduction == "mean")
    loss = nn::cross_entropy(rows, l.labels, options);
  else
    loss = nn::cross_entropies(rows, l.labels, options);
  if (reduction == "sum") loss = sum(loss);
  if (reduction == "none") loss = reshape(loss, c.any(1).x.shape());
  std::vector<Value> out{{c.any(0).type, loss}};
  if (c.wants(1)) out.push_back({c.any(0).type, from_rows(log_softmax(rows), x.shape())});
  return out;
}

// The same without its softmax: - w_label x_label.
Var negative_log_likelihood(const Call& c) {
  const Var &x = c.x(0), rows = rows_of(x);
  const Labels l = labels_of(c, x.dim(1));
  const Var hot = one_hot(l.labels, x.dim(1), x.dtype());
  Var weights = c.has(2) ? gather(c.x(2), 0, l.labels) : Var();
  if (l.weights) weights = weights ? weights * l.weights : l.weights;
  Var loss = -sum(rows * hot, {1});
  if (weights) loss = loss * weights;
  const std::string reduction = c.text("reduction", "mean");
  if (reduction == "sum") return sum(loss);
  if (reduction == "mean") return weights ? sum(loss) / sum(weights) : mean(loss);
  return reshape(loss, c.any(1).x.shape());
}

}  // namespace

Table loss_ops() {
  return {
      {"SoftmaxCrossEntropyLoss", softmax_cross_entropy_loss},
      {"NegativeLogLikelihoodLoss", same(negative_log_likelihood)},
  };
}

}  // namespace onnx
