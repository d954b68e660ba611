// One epoch of Fashion-MNIST in batches of 128, choosing and normalising the images included.
#include <glocal/datasets/load.h>
#include <glocal/datasets/sampling.h>

#include "nets.h"
#include "row.h"

namespace glocal::bench {
namespace {

constexpr std::int64_t batch_size = 128;

// The MLP of this comparison takes images (784, 1, 1): the same numbers in the same order.
datasets::Batch fit(datasets::Batch batch, const nn::Model& model) {
  if (model.input[0] == 784) batch.x = batch.x.reshape({batch.x.dim(0), 784, 1, 1});
  return batch;
}

Row epoch(const Net& net) {
  const auto images = std::make_shared<const datasets::Dataset>(datasets::load("fashion-mnist", datasets::Part::train));
  const auto trainer = std::make_shared<Trainer>(net.model);
  const datasets::BatchOrder order(images->size(), batch_size, key(3));
  const auto steps = [images, trainer, model = net.model, order,
                      t = std::make_shared<std::int64_t>(0)](std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i, ++*t) {
      const datasets::Batch batch = fit(images->batch(order(*t)), model);
      trainer->step(batch.x, batch.y);
    }
  };
  Row row{.gflop = double(order.steps_per_epoch()) * net.training_gflop(batch_size)};
  add_parameters(row.problem, net.model.parameters);
  row.step = [steps, count = order.steps_per_epoch()] { steps(count); };
  row.warm_up = [steps] { steps(20); };
  row.answer = [images, model = net.model] {  // 20 batches in the order of the file
    Trainer fresh(model);
    std::vector<double> losses;
    for (std::int64_t t = 0; t < 20; ++t) {
      const datasets::Batch batch = fit(images->range(batch_size * t, batch_size * (t + 1)), model);
      losses.push_back(fresh.step(batch.x, batch.y).item());
    }
    return losses;
  };
  return row;
}

}  // namespace

void add_epochs(Rows& rows) {
  rows["epoch/mlp"] = [] { return epoch(mlp({784, 128, 10})); };
  rows["epoch/lenet"] = [] { return epoch(net("lenet")); };
}

}  // namespace glocal::bench
