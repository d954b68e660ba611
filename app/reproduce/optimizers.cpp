// Does it work for other hyperparameters of the optimiser: momentum, decay, Adam's betas, a schedule?
#include <span>

#include <glocal/app/reproduce/comparison.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/studies.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> reproduce_optimizers;
}

namespace glocal::app {

Study optimizers() {
  return {"optimizers",
          "Does it work for other hyperparameters of the optimiser: momentum, decay, Adam's betas, a schedule?",
          embedded::reproduce_optimizers, comparison};
}

}  // namespace glocal::app
