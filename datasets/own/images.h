// Data from a folder of pictures, one folder inside it per class.
#pragma once
#include <string>

#include <glocal/datasets/own/raw.h>

namespace glocal::datasets {

/// DIR/CLASS/*.png and *.jpg; or the same in DIR/train and DIR/test (or val, where there is no test). Classes are the
/// folders in the order of their names' bytes, pictures likewise. All have one size; grey pictures among colour ones
/// become colour. Throws DataError naming the first file that differs or is wrong, IoError.
RawData read_images_data(const std::string& folder, const RawOptions& options);

}  // namespace glocal::datasets
