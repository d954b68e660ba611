// Steps of ResNet-20 on images chosen from a data set, as they are and with crop and flip, made one batch ahead.
#include <glocal/datasets/ahead.h>
#include <glocal/datasets/augment.h>
#include <glocal/datasets/dataset.h>
#include <glocal/datasets/sampling.h>

#include <memory>

#include "nets.h"
#include "row.h"

namespace glocal::bench {
namespace {

constexpr std::int64_t batch_size = 128, count = 20 * batch_size;

// Images of CIFAR-10's size: bytes by rule, labels 0 1 2 ...
datasets::Dataset images_by_rule(const nn::Model& model) {
  datasets::Dataset images;
  images.channels = model.input[0], images.height = model.input[1], images.width = model.input[2];
  images.classes = model.classes;
  images.mean = {0.5, 0.5, 0.5}, images.stddev = {0.25, 0.25, 0.25};
  for (std::int64_t i = 0; i < count * images.features(); ++i)
    images.pixels.push_back(static_cast<std::uint8_t>(i * 2654435761 >> 12));
  for (std::int64_t i = 0; i < count; ++i) images.labels.push_back(static_cast<std::int32_t>(i % images.classes));
  return images;
}

Row training(const std::vector<std::string>& augmentations) {
  const Net net = bench::net("resnet20");
  struct Work {
    datasets::Dataset images;
    datasets::BatchOrder order;
    datasets::Augment augment;
    Trainer trainer;

    datasets::Batch at(std::int64_t t) const {
      const std::vector<std::int64_t> indices = order(t);
      datasets::Batch batch = images.batch(indices);
      if (!augment.empty()) batch.x = augment(batch.x, indices, t, t / order.steps_per_epoch());
      return batch;
    }
  };
  const auto work = std::make_shared<Work>(Work{images_by_rule(net.model),
                                                {count, batch_size, key(3)},
                                                {augmentations, net.model.input[1], net.model.input[2], key(4)},
                                                Trainer(net.model)});
  const datasets::Ahead<datasets::Batch> ahead([work](std::int64_t t) { return work->at(t); });
  Row row{.gflop = net.training_gflop(batch_size)};
  row.step = [work, ahead, t = std::make_shared<std::int64_t>(0)] {
    const datasets::Batch batch = work->augment.empty() ? work->at(*t) : ahead(*t);
    ++*t;
    work->trainer.step(batch.x, batch.y);
  };
  row.answer = [] { return std::vector<double>(); };
  return row;
}

}  // namespace

void add_augmentation(Rows& rows) {
  rows["augment/resnet20/none"] = [] { return training({"none"}); };
  rows["augment/resnet20/crop_flip"] = [] { return training({"crop=4", "flip"}); };
}

}  // namespace glocal::bench
