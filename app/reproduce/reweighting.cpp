// Does it learn data weights for long-tailed classes and noisy labels?
#include <span>

#include <glocal/app/reproduce/comparison.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/studies.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> reproduce_reweighting;
}

namespace glocal::app {

Study reweighting() {
  return {"reweighting", "Does it learn data weights for long-tailed classes and noisy labels?",
          embedded::reproduce_reweighting, comparison};
}

}  // namespace glocal::app
