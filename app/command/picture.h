// Pictures of a dataset's images: a PNG contact sheet, or characters for a terminal.
#pragma once
#include <cstdint>
#include <string>

#include <glocal/datasets/dataset.h>

namespace glocal::app {

/// The first `count` images as a near-square grid, enlarged to at least 56 pixels a side; bytes of a PNG file.
std::string contact_sheet(const datasets::Dataset& data, std::int64_t count);

/// The first `count` images in rows of as many as fit 100 columns, with their class names; dark is ' ', bright '@'.
std::string text_picture(const datasets::Dataset& data, std::int64_t count);

}  // namespace glocal::app
