// Does it run on other models: LeNet, ResNet-20, WRN-28-2?
#include <span>

#include <glocal/app/reproduce/comparison.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/studies.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> reproduce_models;
}

namespace glocal::app {

Study models() {
  return {"models", "Does it run on other models: LeNet, ResNet-20, WRN-28-2?", embedded::reproduce_models, comparison};
}

}  // namespace glocal::app
