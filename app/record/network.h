// A trained network as a file of its own, as PyTorch names and lays out its tensors: docs/pytorch.md.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/app/record/recorder.h>
#include <glocal/app/settings/options.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/io/safetensors.h>
#include <glocal/nn/models/model.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

constexpr const char* network_format = "glocal network 1";

/// A network and what it takes to use it.
struct Network {
  nn::Model model;                       ///< its parameters and statistics are the trained ones
  std::string data;                      ///< title of the data it was trained on
  double scale = 255;                    ///< an image goes in as (pixel / scale - mean) / stddev
  std::vector<double> mean, stddev;      ///< per channel
  std::vector<std::string> class_names;  ///< in the order of the logits
  Seen seen;                             ///< when it was written: steps, validation loss, ...
  Json config;                           ///< settings of its run
  std::int64_t views = 1;                ///< of an image: 2, the mean with its mirror image, --test-views
};

/// The network of a state; `config` as in config.json.
SafeTensors network_file(const train::Experiment& experiment, const Json& config, const Vars& s, const Seen& seen);

/// Reads it back. Throws DataError naming `where` when it is no such file, or its settings or tensors are not those of
/// a model that this program has.
Network network_from(const SafeTensors& file, const std::string& where);

}  // namespace glocal::app
