#include <glocal/nn/models/lenet.h>

#include <cstdint>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/shape.h>
#include <glocal/nn/models/model.h>

namespace glocal::nn {

namespace {

// Features after both convolutions and poolings.
std::int64_t features(const Shape& input) {
  if (input.rank() != 3 || input[1] < 12 || input[2] < 12)
    fail<ShapeError>("[lenet] needs images (C, H, W) of at least 12 x 12 pixels, got {}; use mlp for smaller ones",
                     input);
  const auto side = [](std::int64_t size) { return (size / 2 - 4) / 2; };
  return 16 * side(input[1]) * side(input[2]);
}

}  // namespace

LeNet::LeNet(Key key, const Shape& input, std::int64_t classes, DType dtype)
    : fc1(split(key, 2), features(input), 120, dtype),
      fc2(split(key, 3), 120, 84, dtype),
      fc3(split(key, 4), 84, classes, dtype) {
  conv1 = Conv2d(split(key, 0), input[0], 6, 5, {.spec = {.padding = {2, 2}}}, dtype);
  conv2 = Conv2d(split(key, 1), 6, 16, 5, {}, dtype);
}

Var LeNet::operator()(const Var& x) const {
  // relu after pooling: the same numbers and derivatives as before it, from a quarter of the elements.
  Var y = relu(conv2d_max_pool(x, conv1.weight, *conv1.bias, conv1.spec));
  y = relu(conv2d_max_pool(y, conv2.weight, *conv2.bias, conv2.spec));
  y = relu(fc1(flatten_from(y, 1)));
  y = relu(fc2(y));
  return fc3(y);
}

ModelKind lenet_kind() {
  return {"lenet", "LeNet-5: two convolutions and three linear layers",
          [](Key key, const Shape& input, int classes, const ModelOptions& options) {
            refuse_options("lenet", options, {});
            return erase("lenet", LeNet(key, input, classes, options.dtype), input, classes);
          }};
}

}  // namespace glocal::nn
