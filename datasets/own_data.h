// A user's own data as data sets: labels become classes 0 to K - 1, a test part is held out where there is none.
#pragma once
#include <filesystem>
#include <string>

#include <glocal/datasets/dataset.h>
#include <glocal/datasets/own/forms.h>
#include <glocal/datasets/own/raw.h>

namespace glocal::datasets {

/// Reads FORM:PATH; a path that is not there is looked for in data_dir too. Normalisation is by the training part's own
/// means and deviations, of a target as of images. Without a test part one image in six is held out by a key of its
/// own, the same whatever the seed. Throws DataError as the form's reader, for fewer than two classes, a label that the
/// training part does not have, a target that is always the same; ValueError for an unknown form.
TrainTest load_own(const OwnName& name, const RawOptions& options, const std::filesystem::path& data_dir);

struct ToEvaluate {
  Dataset images;        ///< without a normalisation: `mean` and `stddev` are empty
  bool divided = false;  ///< they are the part asked for; else all that there are, in one part
};
/// The images of one part for a network that is trained, all of them where there is one part only. Labels may be
/// missing (each is -1 then) and be of one class. Throws DataError as the form's reader, ValueError for an unknown
/// form.
ToEvaluate load_own_to_evaluate(const OwnName& name, Part part, RawOptions options,
                                const std::filesystem::path& data_dir);

/// The same as load_own of what has been read; `title` is what is printed of its name.
TrainTest data_sets_of(RawData raw, const std::string& name, const std::string& title);

}  // namespace glocal::datasets
