#include <glocal/nn/models/wide_resnet.h>

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

WideBlock::WideBlock(Key key, std::int64_t channels, std::int64_t out, std::int64_t stride, double rate,
                     const std::string& norm, DType dtype)
    : norm1(norm, channels, dtype),
      norm2(norm, out, dtype),
      conv1(residual_conv(split(key, 0), channels, out, 3, stride, dtype)),
      conv2(residual_conv(split(key, 1), out, out, 3, 1, dtype)),
      dropout(rate) {
  if (channels != out || stride != 1) shortcut = residual_conv(split(key, 2), channels, out, 1, stride, dtype);
}

Var WideBlock::operator()(const Var& x, Pass& pass) const {
  const Var a = norm1(x, pass, /*relu=*/true);
  const Var y = dropout(norm2(conv1(a), pass, /*relu=*/true), pass);
  return conv2(y) + (shortcut ? (*shortcut)(a) : x);
}

WideResNet::WideResNet(Key key, int depth, int width, std::int64_t channels, std::int64_t classes, double dropout,
                       const std::string& norm_kind, DType dtype) {
  if (depth < 10 || depth % 6 != 4 || width < 1)
    fail<ValueError>("[wide_resnet] needs depth 6 n + 4 with n >= 1 and width >= 1, got {} and {}", depth, width);
  conv = residual_conv(split(key, 0), channels, 16, 3, 1, dtype);
  std::int64_t in = 16;
  for (const std::int64_t base : {16, 32, 64})
    for (int i = 0; i < (depth - 4) / 6; ++i) {
      const std::int64_t stride = i == 0 && base > 16 ? 2 : 1;
      blocks.emplace_back(split(key, 2 + blocks.size()), in, base * width, stride, dropout, norm_kind, dtype);
      in = base * width;
    }
  norm = Norm(norm_kind, in, dtype);
  fc = Linear(split(key, 1), in, classes, dtype);
}

Var WideResNet::operator()(const Var& x, Pass& pass) const {
  Var y = conv(x);
  for (const WideBlock& block : blocks) y = block(y, pass);
  return fc(global_avg_pool(norm(y, pass, /*relu=*/true)));
}

ModelKind wrn28_2_kind() {
  return {"wrn28_2", "wide residual network of 28 layers, twice as wide: --norm, --dropout",
          [](Key key, const Shape& input, int classes, const ModelOptions& options) {
            refuse_options("wrn28_2", options, {"norm", "dropout"});
            if (input[1] < 8 || input[2] < 8) fail<ShapeError>("[wrn28_2] needs at least 8 x 8 pixels, got {}", input);
            return erase("wrn28_2",
                         WideResNet(key, 28, 2, input[0], classes, options.dropout, options.norm, options.dtype), input,
                         classes);
          }};
}

}  // namespace glocal::nn
