// Training steps, inference, and the start of a process.
#include <fmt/format.h>

#include "nets.h"
#include "row.h"

namespace glocal::bench {
namespace {

// Random images and labels 0 1 2 ... for a model.
void add_batch(Row& row, const nn::Model& model, std::int64_t N) {
  std::vector<std::int64_t> shape{N};
  shape.insert(shape.end(), model.input.begin(), model.input.end());
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < N; ++i) labels.push_back(std::int32_t(i % model.classes));
  row.problem["x"] = normal(key(2), Shape(shape));
  row.problem["y"] = Tensor::from(labels, {N});
  add_parameters(row.problem, model.parameters);
}

Row training(const Net& net, std::int64_t N) {
  Row row{.gflop = net.training_gflop(N)};
  add_batch(row, net.model, N);
  const Tensor x = row.problem["x"], y = row.problem["y"];
  row.step = [trainer = std::make_shared<Trainer>(net.model), x, y] { trainer->step(x, y); };
  row.answer = [model = net.model, x, y] {  // the losses before the first six steps
    Trainer trainer(model);
    std::vector<double> losses;
    for (int t = 0; t < 6; ++t) losses.push_back(trainer.step(x, y).item());
    return losses;
  };
  return row;
}

Row inference(const Net& net, std::int64_t N) {
  Row row{.gflop = double(N) * net.forward_gflop};
  add_batch(row, net.model, N);
  const auto run = [model = net.model, x = row.problem["x"]] {
    nn::Pass pass{.training = false, .stats = model.stats};
    return model.forward(model.parameters, x, pass);
  };
  row.step = [run] { run(); };
  row.answer = [run] { return sample(run().value()); };
  return row;
}

// The first step of a small process, on numbers that both sides can write down: every weight 0.01, every pixel 1.
Row start_up() {
  Net net = mlp({784, 128, 10});
  for (Var& w : net.model.parameters) w = Tensor::full(w.shape(), 0.01);
  const Tensor x = Tensor::ones({1, 784, 1, 1}), y = Tensor::from(std::vector<std::int32_t>{3}, {1});
  const auto trainer = std::make_shared<Trainer>(net.model);
  const auto first = std::make_shared<double>(trainer->step(x, y).item());
  Row row;  // without a step: the process itself is timed, from outside
  row.answer = [=] { return std::vector<double>{*first, trainer->step(x, y).item()}; };
  return row;
}

}  // namespace

void add_training(Rows& rows) {
  const auto add = [&](const std::string& name, const std::function<Net()>& make, std::vector<std::int64_t> batches) {
    for (const std::int64_t N : batches)
      rows[fmt::format("train/{}/b{}", name, N)] = [make, N] { return training(make(), N); };
  };
  add("mlp_784_128_10", [] { return mlp({784, 128, 10}); }, {1, 32, 128, 1024});
  add("mlp_784_300_100_10", [] { return mlp({784, 300, 100, 10}); }, {128});
  add("mlp_8_8_2", [] { return mlp({8, 8, 2}); }, {1});
  add("lenet", [] { return net("lenet"); }, {1, 32, 128});
  add("smallcnn", [] { return net("smallcnn"); }, {128});
  add("resnet20", [] { return net("resnet20"); }, {128});
  add("wrn28_2", [] { return net("wrn28_2"); }, {128});
  for (const std::string name : {"lenet", "wrn28_2"})
    rows[fmt::format("infer/{}/b128", name)] = [name] { return inference(net(name), 128); };
  rows["startup"] = start_up;
}

}  // namespace glocal::bench
