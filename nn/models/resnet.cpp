#include <glocal/nn/models/resnet.h>

#include <cstdint>
#include <string>

#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/shape.h>
#include <glocal/nn/layers/residual_conv.h>
#include <glocal/nn/models/model.h>
#include <glocal/nn/pass.h>

namespace glocal::nn {

ResidualBlock::ResidualBlock(Key key, std::int64_t channels, std::int64_t out, std::int64_t stride,
                             const std::string& norm, DType dtype)
    : conv1(residual_conv(split(key, 0), channels, out, 3, stride, dtype)),
      conv2(residual_conv(split(key, 1), out, out, 3, 1, dtype)),
      norm1(norm, out, dtype),
      norm2(norm, out, dtype) {}

Var ResidualBlock::operator()(const Var& x, Pass& pass) const {
  Var y = norm1(conv1(x), pass, /*relu=*/true);
  y = norm2(conv2(y), pass);
  Var shortcut = x;
  if (const auto& stride = conv1.spec.stride; stride[0] > 1)
    shortcut = avg_pool2d(shortcut, {.kernel = {1, 1}, .stride = stride, .padding = {0, 0}});  // every second pixel
  if (const std::int64_t more = y.dim(1) - x.dim(1); more > 0) shortcut = pad(shortcut, 1, more / 2, more - more / 2);
  return relu(y + shortcut);
}

ResNet::ResNet(Key key, int depth, std::int64_t channels, std::int64_t classes, const std::string& norm_kind,
               DType dtype)
    : conv(residual_conv(split(key, 0), channels, 16, 3, 1, dtype)),
      norm(norm_kind, 16, dtype),
      fc(split(key, 1), 64, classes, dtype) {
  if (depth < 8 || depth % 6 != 2) fail<ValueError>("[resnet] depth must be 6 n + 2 with n >= 1, got {}", depth);
  std::int64_t width = 16;
  for (const std::int64_t out : {16, 32, 64})
    for (int i = 0; i < depth / 6; ++i) {
      blocks.emplace_back(split(key, 2 + blocks.size()), width, out, out == width ? 1 : 2, norm_kind, dtype);
      width = out;
    }
}

Var ResNet::operator()(const Var& x, Pass& pass) const {
  Var y = norm(conv(x), pass, /*relu=*/true);
  for (const ResidualBlock& block : blocks) y = block(y, pass);
  return fc(global_avg_pool(y));
}

ModelKind resnet20_kind() {
  return {"resnet20", "residual network of 20 layers: --norm",
          [](Key key, const Shape& input, int classes, const ModelOptions& options) {
            refuse_options("resnet20", options, {"norm"});
            if (input[1] < 8 || input[2] < 8) fail<ShapeError>("[resnet20] needs at least 8 x 8 pixels, got {}", input);
            return erase("resnet20", ResNet(key, 20, input[0], classes, options.norm, options.dtype), input, classes);
          }};
}

}  // namespace glocal::nn
