// Where a run stands, as a safetensors file: what --resume goes on from, and what Python reads with `safetensors`.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include <glocal/app/record/recorder.h>
#include <glocal/app/settings/options.h>
#include <glocal/core/io/safetensors.h>
#include <glocal/core/shape.h>
#include <glocal/hpo/tune/tune_state.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

constexpr const char* checkpoint_format = "glocal checkpoint 2";

/// Its tensors by name, see docs/checkpoints.md:
/// - the training state: param/NAME, stats/I, optimizer/I, training_loss;
/// - f64, the hyperparameters unconstrained and as values, and adam's moments: hyper/u, hyper/values, meta/m, meta/v;
/// - Z, d LEAF / d u_k stacked over the directions k it depends on: tangent/LEAF, tangent_mask;
/// - f64, the block in progress, which is the window that DMD will see: block/h, block/trajectory, block/outers;
/// - pes and searches: particle/plus/LEAF, particle/minus/LEAF, particle/xi, search/scores;
/// - runs from the start: search/scores, one E a run; the best so far, best/u, and as it was judged, best/LEAF.
struct Checkpoint {
  hpo::TuneState state;
  std::vector<double> values;  ///< of the hyperparameters in use, in their own units
  Seen seen;
  Used used;
};

/// What a run's numbers depend on: its settings and data, and the program and machine it runs on.
struct Identity {
  Json config;       ///< as in config.json, without what changes no bit (threads, memory limit, folders)
  std::string data;  ///< CRC-32 of images and labels of all parts
  Json machine;      ///< see machine() in prepare.h
};
Identity identity_of(const train::Experiment& experiment, const Json& config);

/// The shape of `count` such leaves on top of one another.
Shape stacked(std::size_t count, const Shape& shape);
/// "blas: OpenBLAS ..., was ...": what is not as when the file was written and may change the last bits; "" for
/// nothing.
std::string changed_machine(const SafeTensors& file, const Identity& identity);

}  // namespace glocal::app
