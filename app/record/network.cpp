#include <glocal/app/record/network.h>

#include <fmt/core.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include <glocal/app/record/recorder.h>
#include <glocal/app/settings/config.h>
#include <glocal/app/settings/json_record.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/options.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/io/safetensors.h>
#include <glocal/core/random.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>
#include <glocal/core/text/printable.h>
#include <glocal/datasets/dataset.h>
#include <glocal/nn/models/model.h>
#include <glocal/nn/models/registry.h>
#include <glocal/train/experiment.h>

namespace glocal::app {
namespace {

// A matrix is the weight of a linear layer: (in, out) here, (out, in) there.
Tensor transposed(const Tensor& matrix) {
  Tensor out({matrix.dim(1), matrix.dim(0)}, matrix.dtype());
  const auto copy = [&]<class T>(const T* from, T* to) {
    for (std::int64_t i = 0; i < matrix.dim(0); ++i)
      for (std::int64_t j = 0; j < matrix.dim(1); ++j) to[j * matrix.dim(0) + i] = from[i * matrix.dim(1) + j];
  };
  if (matrix.dtype() == DType::f64)
    copy(matrix.data<double>(), out.data<double>());
  else
    copy(matrix.data<float>(), out.data<float>());
  return out;
}

Tensor turned(const Tensor& tensor) { return tensor.rank() == 2 ? transposed(tensor) : tensor; }

// Visits what a program needs beside the tensors.
template <class Self, class Visit>
void input_fields(Self& network, Visit&& visit) {
  visit("data", network.data);
  visit("scale", network.scale);
  visit("mean", network.mean);
  visit("stddev", network.stddev);
  visit("class_names", network.class_names);
}

// The shape of an image and the number of classes, from what the file says.
std::pair<Shape, int> shape_of(const Json& input, const std::string& where) {
  const auto size = [&](const char* key) {
    const std::int64_t found = integer_at(input, key, where);
    if (found < 1 || found > 1 << 20)
      fail<DataError>("[network] {}: input.{}: expected a whole number from 1 to 1048576, found {}", where, key, found);
    return found;
  };
  return {Shape{size("channels"), size("height"), size("width")}, static_cast<int>(size("classes"))};
}

void check_input(const Network& network, const Shape& image, int classes, const std::string& where) {
  const auto channels = static_cast<std::size_t>(image[0]);
  bool good = network.scale > 0 && network.mean.size() == channels && network.stddev.size() == channels &&
              network.class_names.size() == static_cast<std::size_t>(classes);
  for (const double deviation : network.stddev) good = good && deviation > 0;
  if (!good)
    fail<DataError>(
        "[network] {}: input: expected a scale, a mean and a deviation > 0 for each of {} channels and {} class names, "
        "found others",
        where, channels, classes);
}

}  // namespace

SafeTensors network_file(const train::Experiment& experiment, const Json& config, const Vars& s, const Seen& seen) {
  const nn::Model& model = experiment.model();
  const datasets::Dataset& images = experiment.data(datasets::Part::train);
  Network network{{}, experiment.title(), images.scale, images.mean, images.stddev, images.class_names, {}, {}};
  Json input{
      {"channels", model.input[0]}, {"height", model.input[1]}, {"width", model.input[2]}, {"classes", model.classes}};
  input_fields(network, [&input](const char* key, const auto& field) { input[key] = field; });
  const train::Network net = experiment.network(s);
  SafeTensors file;
  file.metadata = {{"format", network_format},
                   {"config", config.dump()},
                   {"input", json_dump(input)},
                   {"seen", written(seen).dump()}};
  for (std::size_t i = 0; i < model.names.size(); ++i) file.tensors[model.names[i]] = turned(net.parameters[i].value());
  for (std::size_t i = 0; i < model.stat_names.size(); ++i) file.tensors[model.stat_names[i]] = net.stats[i].value();
  return file;
}

Network network_from(const SafeTensors& file, const std::string& where) {
  const auto text = [&](const char* key) -> const std::string& {
    const auto found = file.metadata.find(key);
    if (found == file.metadata.end()) fail<DataError>("[network] {}: its metadata have no {}", where, key);
    return found->second;
  };
  if (text("format") != network_format)
    fail<DataError>("[network] {}: expected format \"{}\", found \"{}\"", where, network_format,
                    printable(text("format")));
  try {
    Network network;
    network.config = parse_json(text("config"), where);
    const Json input = parse_json(text("input"), where);
    const auto [image, classes] = shape_of(input, where);
    input_fields(network, [&](const char* key, auto& field) { input.at(key).get_to(field); });
    check_input(network, image, classes, where);
    read_record(network.seen, parse_json(text("seen"), where), where);
    Options options;
    read_settings(options, network.config, where + ": config");
    const train::ExperimentConfig& experiment = options.experiment;
    network.views = experiment.test_views;
    nn::Model& model = network.model =
        nn::make_model(experiment.model, key(0), image, classes, experiment.model_options);

    std::map<std::string, TensorKind> expected;
    for (std::size_t i = 0; i < model.names.size(); ++i) {
      const Var& like = model.parameters[i];
      expected[model.names[i]] = {like.rank() == 2 ? Shape{like.dim(1), like.dim(0)} : like.shape(), like.dtype()};
    }
    for (std::size_t i = 0; i < model.stats.size(); ++i)
      expected[model.stat_names[i]] = {model.stats[i].shape(), model.stats[i].dtype()};
    require_tensors(file, expected, where);
    for (std::size_t i = 0; i < model.names.size(); ++i) model.parameters[i] = turned(file.tensors.at(model.names[i]));
    for (std::size_t i = 0; i < model.stats.size(); ++i) model.stats[i] = file.tensors.at(model.stat_names[i]);
    return network;
  } catch (const nlohmann::json::exception& error) {
    fail<DataError>("[network] {}: its metadata are not what a run writes: {}", where, printable(error.what()));
  } catch (const ValueError& error) {
    fail<DataError>("[network] {}: {}", where, error.what());
  } catch (const ShapeError& error) {
    fail<DataError>("[network] {}: {}", where, error.what());
  }
}

}  // namespace glocal::app
