// At equal compute, does tuning by hypergradients beat searches and tuned SGD and Adam?
#include <span>

#include <glocal/app/reproduce/comparison.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/studies.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> reproduce_equal_compute;
}

namespace glocal::app {

Study equal_compute() {
  return {"equal-compute", "At equal compute, does tuning by hypergradients beat searches and tuned SGD and Adam?",
          embedded::reproduce_equal_compute, comparison};
}

}  // namespace glocal::app
