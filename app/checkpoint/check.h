// A checkpoint held against the settings of its run and against itself, field by field, before the first step.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/app/checkpoint/checkpoint.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/setup/run_rules.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/io/safetensors.h>

namespace glocal::app {

// Checksums say that a file is as it was written, not who wrote it. What each field is determined by, or its range, is
// in the table of docs/checkpoints.md. All throw DataError naming the file, the field, what is expected and what is
// found.

/// Format, version, settings, data and seed, which are those of `identity`; the machine may be another one.
void check_identity(const SafeTensors& file, const Identity& identity, const std::string& where);

struct CheckpointText {
  Json progress, seen, used;  ///< of the metadata
};
/// Counters against the settings and against each other; every field is known and there.
CheckpointText checked_text(const SafeTensors& file, const RunRules& rules, const std::string& where);

/// Names, shapes and element types of the tensors, which the settings and the counters determine.
void check_tensors(const SafeTensors& file, const CheckpointText& text, const Vars& like,
                   const std::vector<std::string>& names, std::int64_t q, const std::string& where);

}  // namespace glocal::app
