#include "nets.h"

#include <fmt/format.h>

#include <glocal/nn/layers/activation.h>
#include <glocal/nn/layers/conv2d.h>
#include <glocal/nn/layers/linear.h>
#include <glocal/nn/layers/pool.h>
#include <glocal/nn/layers/sequential.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/models/registry.h>

namespace glocal::bench {
namespace {

const Key weights = key(1);

double dense(std::int64_t in, std::int64_t out) { return 2e-9 * double(in * out); }
// C channels to O outputs of H x H pixels, k x k kernel.
double conv(std::int64_t C, std::int64_t O, std::int64_t H, std::int64_t k) {
  return 2e-9 * double(C * O * H * H * k * k);
}

nn::Model small_conv_net() {
  const nn::Activation rectify{[](const Var& x) { return relu(x); }};
  const nn::Conv2dOptions same{.spec = {.padding = {1, 1}}};
  return nn::erase("smallcnn",
                   nn::Sequential(nn::Conv2d(split(weights, 0), 3, 32, 3, same), rectify, nn::MaxPool2d{},
                                  nn::Conv2d(split(weights, 1), 32, 64, 3, same), rectify, nn::MaxPool2d{},
                                  nn::Conv2d(split(weights, 2), 64, 64, 3, same), rectify, nn::GlobalAvgPool{},
                                  nn::Linear(split(weights, 3), 64, 10)),
                   {3, 32, 32}, 10);
}

double resnet_gflop() {
  double gflop = conv(3, 16, 32, 3) + dense(64, 10);
  std::int64_t C = 16;
  for (const std::int64_t O : {16, 32, 64}) {
    const std::int64_t H = 16 * 32 / O;  // of the outputs: 32, 16, 8
    gflop += conv(C, O, H, 3) + 5 * conv(O, O, H, 3);
    C = O;
  }
  return gflop;
}

double wide_resnet_gflop() {
  double gflop = conv(3, 16, 32, 3) + dense(128, 10);
  std::int64_t C = 16;
  for (const std::int64_t O : {32, 64, 128}) {
    const std::int64_t H = 32 * 32 / O;  // of the outputs: 32, 16, 8
    gflop += conv(C, O, H, 3) + conv(C, O, H, 1) + 7 * conv(O, O, H, 3);
    C = O;
  }
  return gflop;
}

}  // namespace

Net mlp(const std::vector<std::int64_t>& sizes) {
  const nn::ModelOptions options{.hidden = {sizes.begin() + 1, sizes.end() - 1}};
  Net net{nn::make_model("mlp", weights, {sizes.front(), 1, 1}, int(sizes.back()), options)};
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) net.forward_gflop += dense(sizes[i], sizes[i + 1]);
  net.first_gflop = dense(sizes[0], sizes[1]);
  return net;
}

Net net(const std::string& name) {
  if (name == "smallcnn")
    return {small_conv_net(), conv(3, 32, 32, 3) + conv(32, 64, 16, 3) + conv(64, 64, 8, 3) + dense(64, 10),
            conv(3, 32, 32, 3)};
  if (name == "lenet")
    return {nn::make_model(name, weights, {1, 28, 28}, 10),
            conv(1, 6, 28, 5) + conv(6, 16, 10, 5) + dense(400, 120) + dense(120, 84) + dense(84, 10),
            conv(1, 6, 28, 5)};
  const double gflop = name == "resnet20" ? resnet_gflop() : wide_resnet_gflop();
  return {nn::make_model(name, weights, {3, 32, 32}, 10), gflop, conv(3, 16, 32, 3)};
}

void add_parameters(std::map<std::string, Tensor>& problem, const Vars& parameters) {
  for (std::size_t i = 0; i < parameters.size(); ++i) problem[fmt::format("p{:02}", i)] = parameters[i].value();
}

Trainer::Trainer(const nn::Model& model)
    : model_(model),
      parameters_(model.parameters),
      stats_(model.stats),
      state_(optim::zero_state<optim::SgdState>(parameters_)) {}

Var Trainer::step(const Tensor& x, const Tensor& y) {
  const auto loss = [&](const Vars& parameters) {
    nn::Pass pass{.stats = stats_};
    const Var value = nn::cross_entropy(model_.forward(parameters, x, pass), y);
    return std::pair<Var, Vars>(value, pass.updated);
  };
  auto [result, gradient] = value_and_grad(loss)(parameters_);
  auto next = optim::sgd({lr_, momentum_}, std::move(parameters_), std::move(gradient), std::move(state_));
  parameters_ = std::move(next.params);
  state_ = std::move(next.state);
  stats_ = std::move(result.second);
  return result.first;
}

}  // namespace glocal::bench
