// The 3x3 convolutions of WRN-28-2, and those of stride 2 of ResNet-20, batch 128: forward, gradient of the input,
// gradient of the weight.
#include <fmt/format.h>

#include <glocal/autodiff/ops.h>

#include "row.h"

namespace glocal::bench {
namespace {

struct Layer {
  std::int64_t C, O, H, stride;
};
constexpr Layer layers[] = {{3, 16, 32, 1},  {16, 32, 32, 1}, {16, 32, 32, 2},  {32, 32, 32, 1}, {32, 64, 16, 2},
                            {32, 64, 32, 2}, {64, 64, 16, 1}, {64, 128, 16, 2}, {128, 128, 8, 1}};

Row convolution(const Layer& layer, const std::string& direction) {
  const std::int64_t N = 128, OH = layer.H / layer.stride;
  const Conv2dSpec spec{.stride = {layer.stride, layer.stride}, .padding = {1, 1}};
  const Shape x_shape{N, layer.C, layer.H, layer.H}, weight_shape{layer.O, layer.C, 3, 3};
  const Tensor x = normal(key(1), x_shape), weight = normal(key(2), weight_shape),
               gy = normal(key(3), {N, layer.O, OH, OH});
  Row row{.gflop = 2e-9 * double(gy.size() * layer.C * 9)};
  row.problem = {{"x", x}, {"weight", weight}, {"gy", gy}};
  const auto run = [=]() -> Var {
    if (direction == "forward") return conv2d(x, weight, spec);
    if (direction == "input") return conv2d_input(gy, weight, x_shape, spec);
    return conv2d_weight(x, gy, weight_shape, spec);
  };
  row.step = [run] { run(); };
  row.answer = [run] { return sample(run().value()); };
  return row;
}

}  // namespace

void add_convolutions(Rows& rows) {
  for (const Layer& layer : layers) {
    for (const std::string direction : {"forward", "input", "weight"}) {
      rows[fmt::format("conv/{}/{}_{}_{}_s{}", direction, layer.C, layer.O, layer.H, layer.stride)] =
          [layer, direction] { return convolution(layer, direction); };
    }
  }
}

}  // namespace glocal::bench
