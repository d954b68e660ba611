#include <glocal/hpo/dmd/methods/registry.h>

#include <utility>

#include <glocal/core/text/registry.h>
#include <glocal/hpo/dmd/methods/forward_backward.h>
#include <glocal/hpo/dmd/methods/least_squares.h>
#include <glocal/hpo/dmd/methods/optimised.h>
#include <glocal/hpo/dmd/methods/total_least_squares.h>
#include <glocal/hpo/dmd/model/method.h>

namespace glocal::hpo {
namespace {

// A new method is one line here.
Registry<DmdMethod>& registry() {
  static Registry<DmdMethod> all("DMD method", "glocal list methods",
                                 {least_squares(), total_least_squares(), forward_backward(), optimised()});
  return all;
}

}  // namespace

const Registry<DmdMethod>& dmd_methods() { return registry(); }

void add_dmd_method(DmdMethod method) { registry().add(std::move(method)); }

}  // namespace glocal::hpo
