// Files that are part of the library.
#pragma once
#include <span>

namespace glocal::embedded {

extern const std::span<const unsigned char> digits_images;  ///< datasets/digits/digits-images-idx3-ubyte
extern const std::span<const unsigned char> digits_labels;  ///< datasets/digits/digits-labels-idx1-ubyte
extern const std::span<const unsigned char> fetch_script;   ///< datasets/fetch.cmake

}  // namespace glocal::embedded
