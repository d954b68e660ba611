// From a name to a dataset: where the files are looked for, and the checks on the way in.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include <glocal/core/random.h>
#include <glocal/datasets/dataset.h>
#include <glocal/datasets/own/raw.h>
#include <glocal/datasets/registry.h>

namespace glocal::datasets {

struct Options {
  std::filesystem::path data_dir;      ///< searched first (--data-dir)
  bool coarse_labels = false;          ///< CIFAR-100: the 20 superclasses instead of the 100 classes
  std::int64_t synthetic_size = 2000;  ///< images per part of "synthetic"
  std::uint64_t synthetic_seed = 0;
  RawOptions own = {};  ///< of FORM:PATH
};

/// Reads a known set's official train and test parts, or a user's own data, FORM:PATH (see own_data.h). Throws
/// ValueError for an unknown name (listing the known ones), or options that this data set does not have; DataError for
/// files that are missing (listing every path tried and the ways out) or not right. Of a known set official counts are
/// demanded, official bytes are not: a copy whose labels are seen to differ says so in its title, and `verify` compares
/// hashes.
TrainTest load_both(std::string_view name, const Options& options = {});
/// One of them, of a known set without reading the other. Throws as load_both, ValueError for Part::validation.
Dataset load(std::string_view name, Part part, const Options& options = {});

struct Parts {
  Dataset train, validation, test;
};
/// Takes `validation` images out of the training part by key; throws as split_indices does.
Parts divide(TrainTest both, std::int64_t validation, Key key);
/// The same of a data set by name; throws as load_both and split_indices do.
Parts load_parts(std::string_view name, std::int64_t validation, Key key, const Options& options = {});

/// Folders searched for a set, in order: data_dir, $GLOCAL_DATA, ./data, the user's cache, /usr/share/datasets.
/// Throws DataError when data_dir is given and is not a folder.
std::vector<std::filesystem::path> search_folders(const Options& options);
/// The files of one part, all from one folder, as they are or with ".gz"; throws DataError listing every path tried
/// and what lies there in another form.
std::vector<std::filesystem::path> locate(const SetInfo& set, Part part, const Options& options);
/// The user's cache, where `glocal data fetch` puts sets: $XDG_CACHE_HOME or ~/.cache, then glocal/datasets.
std::filesystem::path cache_folder();

}  // namespace glocal::datasets
