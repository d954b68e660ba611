#include <glocal/app/evaluate/score.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/record/network.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/terminal/signals.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>
#include <glocal/core/text/printable.h>
#include <glocal/datasets/dataset.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/models/model.h>
#include <glocal/train/experiment.h>

namespace glocal::app {
namespace {

// The network's class of each class of the data.
std::vector<std::int32_t> matched_classes(const Network& network, const datasets::Dataset& images, std::string& note) {
  const std::vector<std::string>& names = network.class_names;
  std::vector<std::int32_t> classes;
  std::string unknown;
  for (const std::string& name : images.class_names) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end() && unknown.empty()) unknown = name;
    if (found != names.end()) classes.push_back(static_cast<std::int32_t>(found - names.begin()));
  }
  if (classes.size() == images.class_names.size()) return classes;
  if (!classes.empty() || images.class_names.size() != names.size())
    fail<DataError>(
        "[evaluate] {} has {} classes, among them \"{}\", which the network, with {}, was not trained on; give data of "
        "its classes",
        images.title, images.class_names.size(), printable(unknown), names.size());
  classes.resize(names.size());
  std::iota(classes.begin(), classes.end(), 0);
  note = fmt::format("The classes of {} have other names than those of {}; they were matched by number.", images.title,
                     network.data);
  return classes;
}

void check_shape(const Network& network, const datasets::Dataset& images) {
  const Shape shape{images.channels, images.height, images.width};
  if (shape != network.model.input)
    fail<DataError>("[evaluate] {} has images of {} (channels, height, width), the network takes {}; give such images",
                    images.title, shape, network.model.input);
  if (images.size() == 0) fail<DataError>("[evaluate] {} has no images", images.title);
}

// Appends what the logits (n, K) of some images say.
void add_predictions(Evaluation& all, const Tensor& logits) {
  const std::int64_t classes = logits.dim(1);
  for (std::int64_t n = 0; n < logits.dim(0); ++n) {
    const auto at = [&](std::int64_t k) { return logits.at(n * classes + k); };
    std::int64_t best = 0;
    for (std::int64_t k = 1; k < classes; ++k)
      if (at(k) > at(best)) best = k;
    double sum = 0;
    for (std::int64_t k = 0; k < classes; ++k) sum += std::exp(at(k) - at(best));
    if (!std::isfinite(sum))
      fail<NumericError>("[evaluate] the logits of image {} are not finite; its network is of no use", all.size());
    all.predicted.push_back(static_cast<std::int32_t>(best));
    all.probability.push_back(1 / sum);
  }
}

// The rows of the batch whose label is known; sets them in the network's classes.
void add_loss(Evaluation& all, const Tensor& logits, std::int64_t begin) {
  const std::int64_t classes = logits.dim(1);
  std::vector<std::int32_t> labels;
  std::vector<double> rows;
  for (std::int64_t n = 0; n < logits.dim(0); ++n) {
    const std::int32_t label = all.labels[static_cast<std::size_t>(begin + n)];
    if (label < 0) continue;
    labels.push_back(label);
    for (std::int64_t k = 0; k < classes; ++k) rows.push_back(logits.at(n * classes + k));
    const std::int32_t predicted = all.predicted[static_cast<std::size_t>(begin + n)];
    ++all.confusion[static_cast<std::size_t>(label)][static_cast<std::size_t>(predicted)];
    all.accuracy += label == predicted;
  }
  if (labels.empty()) return;
  const std::int64_t count = std::ssize(labels);
  all.known += count;
  const Tensor known = Tensor::from(rows, {count, classes}).to(logits.dtype());
  all.loss += nn::cross_entropy(known, Tensor::from(labels, {count})).item() * static_cast<double>(count);
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

}  // namespace

std::int64_t Evaluation::images_of(std::size_t label) const {
  return std::accumulate(confusion[label].begin(), confusion[label].end(), std::int64_t{0});
}

std::int64_t Evaluation::given(std::size_t predicted_class) const {
  std::int64_t sum = 0;
  for (const auto& row : confusion) sum += row[predicted_class];
  return sum;
}

Evaluation evaluate(const Network& network, datasets::Dataset images) {
  if (images.regression())
    fail<ValueError>("[evaluate] {} has a regression target and no classes; glocal train says its mean squared error",
                     images.title);
  check_shape(network, images);
  Evaluation all;
  const nn::Model& model = network.model;
  const std::vector<std::int32_t> classes = matched_classes(network, images, all.note);
  const auto count = static_cast<std::size_t>(model.classes);
  all.class_names = network.class_names;
  all.confusion.assign(count, std::vector<std::int64_t>(count));
  for (const std::int32_t label : images.labels)
    all.labels.push_back(label < 0 ? -1 : classes.at(static_cast<std::size_t>(label)));
  all.files = images.files;
  images.mean = network.mean;
  images.stddev = network.stddev;
  const DType dtype = model.parameters[0].dtype();
  all.logits = Tensor({images.size(), model.classes}, dtype);
  char* to = static_cast<char*>(all.logits.raw());
  constexpr std::int64_t chunk = 500;  // as the scores of a run, to the same bits
  for (std::int64_t begin = 0; begin < images.size(); begin += chunk) {
    throw_if_interrupted();
    const datasets::Batch batch = images.range(begin, std::min(begin + chunk, images.size()), dtype);
    const Tensor logits = train::outputs_of(model, {model.parameters, model.stats}, batch.x, network.views).value();
    add_predictions(all, logits);
    add_loss(all, logits, begin);
    to = std::copy_n(static_cast<const char*>(logits.raw()), logits.bytes(), to);
  }
  all.loss = all.known > 0 ? all.loss / static_cast<double>(all.known) : NAN;
  all.accuracy = all.known > 0 ? all.accuracy / static_cast<double>(all.known) : NAN;
  return all;
}

std::string predictions_csv(const Evaluation& evaluation) {
  const bool files = !evaluation.files.empty();
  std::string text = fmt::format("index,class,class_name,probability,label{}\n", files ? ",file" : "");
  for (std::size_t i = 0; i < evaluation.predicted.size(); ++i) {
    const std::int32_t best = evaluation.predicted[i], label = evaluation.labels[i];
    text += fmt::format("{},{},{},{:.6g},{}{}\n", i, best,
                        quoted(evaluation.class_names[static_cast<std::size_t>(best)]), evaluation.probability[i],
                        label < 0 ? "" : fmt::format("{}", label), files ? "," + quoted(evaluation.files[i]) : "");
  }
  return text;
}

Json to_json(const Evaluation& evaluation) {
  Json json{{"images", evaluation.size()},
            {"known", evaluation.known},
            {"loss", evaluation.loss},
            {"accuracy", evaluation.accuracy}};
  if (!evaluation.note.empty()) json["note"] = evaluation.note;
  json["classes"] = Json::array();
  for (std::size_t k = 0; k < evaluation.class_names.size(); ++k)
    json["classes"].push_back({{"name", evaluation.class_names[k]},
                               {"images", evaluation.images_of(k)},
                               {"predicted", evaluation.given(k)},
                               {"right", evaluation.confusion[k][k]}});
  json["confusion"] = evaluation.confusion;
  return json;
}

}  // namespace glocal::app
