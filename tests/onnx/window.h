// Strides, dilations and padding of ONNX's sliding windows.
#pragma once
#include "call.h"

namespace onnx {

/// One entry per spatial axis.
struct Window {
  std::vector<std::int64_t> kernel, stride, dilation, before, after;
};

/// From the attributes strides, dilations, pads, auto_pad and ceil_mode of a node whose image and kernel have these
/// sizes. With ceil_mode, `after` grows until the last window, which begins inside the padded image, fits.
Window window(const Call& c, const std::vector<std::int64_t>& image, const std::vector<std::int64_t>& kernel);

}  // namespace onnx
