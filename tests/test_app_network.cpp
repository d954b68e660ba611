// The file of a trained network: names and layout of PyTorch, read back to the same bits, refused when it is none.
#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include <glocal/app/record/network.h>
#include <glocal/app/record/recorder.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/setup/prepare.h>
#include <glocal/core/error.h>
#include <glocal/core/io/safetensors.h>
#include <glocal/nn/models/registry.h>
#include <glocal/train/experiment.h>

#include "message_of.h"

using namespace glocal;
using namespace glocal::app;

namespace {

Options small(const std::string& model) {
  Options options;
  options.experiment.model = model;
  options.experiment.model_options.hidden = {128};
  options.experiment.train_limit = 60;
  options.experiment.validation = 40;
  options.experiment.steps = 9;
  options.experiment.batch = 20;
  return options;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("network: running statistics have the name of the layer that takes them") {
    const auto names = [](const std::string& model) { return nn::make_model(model, key(1), {3, 8, 8}, 10).stat_names; };
    CHECK(names("mlp").empty());
    const std::vector<std::string> resnet = names("resnet20"), wide = names("wrn28_2");
    REQUIRE(resnet.size() == 2 * 19);
    CHECK(resnet[0] == "norm.running_mean");
    CHECK(resnet[1] == "norm.running_var");
    CHECK(resnet[2] == "blocks.0.norm1.running_mean");
    CHECK(resnet[37] == "blocks.8.norm2.running_var");
    REQUIRE(wide.size() == 2 * 25);
    CHECK(wide[0] == "blocks.0.norm1.running_mean");
    CHECK(wide[49] == "norm.running_var");
  }

  TEST_CASE("network: a file holds parameters and running statistics to the last bit, and no more") {
    for (const std::string name : {"mlp", "resnet20", "wrn28_2"}) {
      CAPTURE(name);
      Options options = small(name);
      const train::Experiment experiment = build(options, 3);
      const Vars phi = experiment.phi(), s = experiment.problem().step(experiment.problem().init(phi), phi, 0);
      const nn::Model& model = experiment.model();
      Seen seen;
      seen.steps = 1;
      const SafeTensors file = network_file(experiment, config_of(experiment, options, "fixed"), s, seen);
      CHECK(file.tensors.size() == model.parameters.size() + model.stats.size());
      if (name == "mlp") CHECK(file.tensors.at("layers.0.weight").shape() == Shape{128, 64});
      if (name == "resnet20") CHECK(file.tensors.at("blocks.3.conv1.weight").shape() == Shape{32, 16, 3, 3});
      const Network network = network_from(decode_safetensors(encode_safetensors(file), "memory"), "memory");
      for (std::size_t i = 0; i < model.parameters.size(); ++i)
        CHECK(same_bits(network.model.parameters[i].value(), s[i].value()));
      for (std::size_t i = 0; i < model.stats.size(); ++i)
        CHECK(same_bits(network.model.stats[i].value(), s[model.parameters.size() + i].value()));
      CHECK(network.seen.steps == 1);
      CHECK(network.scale == 16);
      CHECK(network.class_names.size() == 10);
      CHECK(network.mean == experiment.data(datasets::Part::train).mean);
    }
  }

  TEST_CASE("network: a file that is none is refused by what is wrong") {
    Options options = small("mlp");
    const train::Experiment experiment = build(options, 3);
    const SafeTensors file = network_file(experiment, config_of(experiment, options, "fixed"),
                                          experiment.problem().init(experiment.phi()), {});
    const auto refused = [&](const std::function<void(SafeTensors&)>& change, const std::string& says) {
      SafeTensors changed = file;
      change(changed);
      const std::string message = message_of<DataError>([&] { network_from(changed, "there"); });
      CAPTURE(message);
      CHECK(has(message, "there"));
      CHECK(has(message, says));
    };
    refused([](auto& f) { f.metadata.clear(); }, "no format");
    refused([](auto& f) { f.metadata["format"] = "glocal checkpoint 2"; }, "found \"glocal checkpoint 2\"");
    refused([](auto& f) { f.metadata["input"] = "[]"; }, "channels");
    refused([](auto& f) { f.metadata["input"] = "{"; }, "there");
    refused([](auto& f) { f.metadata["config"] = R"({"model": "mlq"})"; }, "did you mean mlp?");
    refused([](auto& f) { f.metadata["config"] = R"({"hidden": [64]})"; }, "layers.0.weight");
    refused([](auto& f) { f.tensors.erase("layers.1.bias"); }, "layers.1.bias");
    refused([](auto& f) { f.tensors["more"] = Tensor::zeros({1}); }, "more");
    refused([](auto& f) { f.tensors["layers.0.weight"] = Tensor::zeros({64, 128}); }, "layers.0.weight");
    const auto with = [&](const std::string& from, const std::string& to) {
      return [from, to](SafeTensors& f) {
        std::string& input = f.metadata.at("input");
        const std::size_t at = input.find(from);
        REQUIRE(at != std::string::npos);
        input.replace(at, from.size(), to);
      };
    };
    refused(with("\"classes\":10", "\"classes\":9"), "9 class names");
    refused(with("\"classes\":10", "\"classes\":0"), "input.classes");
    refused(with("\"width\":8", "\"width\":4096"), "layers.0.weight");
    refused(with("\"scale\":16.0", "\"scale\":0"), "a scale");
    refused(with("\"stddev\":[", "\"stddev\":[1,"), "deviation");
    refused(with("\"mean\"", "\"meen\""), "mean");
  }
}
