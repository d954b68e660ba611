// A checkpoint as a safetensors file, and back.
#pragma once
#include <string>

#include <glocal/app/checkpoint/checkpoint.h>
#include <glocal/app/record/recorder.h>
#include <glocal/app/setup/run_rules.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/io/safetensors.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

SafeTensors to_file(const Checkpoint& checkpoint, const Identity& identity, const train::Experiment& experiment);
/// Throws DataError when the file is no checkpoint, or was made by another version, with other settings or from other
/// data than `identity`, listing everything that differs; for tensors missing, unexpected or misshapen; and for every
/// field that contradicts the settings or another field: see check.h.
Checkpoint from_file(const SafeTensors& file, const Identity& identity, const train::Experiment& experiment,
                     const RunRules& rules, const std::string& where);
}  // namespace glocal::app
