#include <glocal/train/recipes.h>

#include <glocal/core/text/registry.h>
#include <glocal/train/experiment.h>

namespace glocal::train {
namespace {

// What all have in common: CIFAR-10, of which one image in a hundred is kept for validation.
void cifar(ExperimentConfig& c, const char* model, std::int64_t batch) {
  c.dataset = "cifar10";
  c.validation = 500;
  c.model = model;
  c.batch = batch;
}

// He, Zhang, Ren, Sun, CVPR 2016, section 4.2: 164 epochs there, the rate falling to a tenth at a half and at three
// quarters.
void resnet20(ExperimentConfig& c) {
  cifar(c, "resnet20", 128);
  c.augment = {"crop=4", "flip"};
  c.optimizer = "sgd";
  c.schedule = "step";
  c.milestones = {0.5, 0.75};
  c.hyper = {{"lr", 0.1}, {"momentum", 0.9}, {"weight_decay", 1e-4}};
}

// Zagoruyko, Komodakis, BMVC 2016, section 3: 200 epochs there, with a fifth of the rate from epochs 60, 120, 160 on.
void wrn28_2(ExperimentConfig& c) {
  cifar(c, "wrn28_2", 128);
  c.augment = {"crop=4", "flip"};
  c.optimizer = "nesterov";
  c.schedule = "step";
  c.milestones = {0.3, 0.6, 0.8};
  c.hyper = {{"lr", 0.1}, {"lr_factor", 0.2}, {"momentum", 0.9}, {"weight_decay", 5e-4}};
}

// Jordan, arXiv 2404.00498, airbench94: rates there are of a sum over 1,024 examples; here of their mean. In place of
// its lookahead the exponential average that it ends with is kept beside the weights.
void fast(ExperimentConfig& c) {
  cifar(c, "fastnet", 1024);
  c.augment = {"reflect-crop=2", "alternating-flip"};
  c.optimizer = "nesterov";
  c.schedule = "linear";
  c.average = "exponential";
  c.test_views = 2;
  c.hyper = {{"lr", 1.5},
             {"lr_warm_up", 0.23},
             {"lr_floor", 0.07},
             {"momentum", 0.85},
             {"weight_decay", 0.0013},
             {"lr@norms", 64},
             {"lr@whiten.weight", 0},
             {"weight_decay@norms", 1.0 / 64},
             {"label_smoothing", 0.2},
             {"average_decay", 0.95}};
}

}  // namespace

const Registry<Recipe>& recipes() {
  static const Registry<Recipe> all("recipe", "glocal list recipes",
                                    {
                                        {"resnet20", "ResNet-20 on CIFAR-10, He et al. 2016", 30, resnet20},
                                        {"wrn28_2", "WRN-28-2 on CIFAR-10, Zagoruyko and Komodakis 2016", 30, wrn28_2},
                                        {"fast", "a small network on CIFAR-10 in minutes, after Jordan 2024", 10, fast},
                                    });
  return all;
}

}  // namespace glocal::train
