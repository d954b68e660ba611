// The list of methods.
#pragma once
#include <glocal/core/text/registry.h>
#include <glocal/hpo/dmd/model/method.h>

namespace glocal::hpo {

const Registry<DmdMethod>& dmd_methods();
/// For methods from outside the library. Throws ValueError for a name that is taken. Not safe against concurrent calls.
void add_dmd_method(DmdMethod method);

}  // namespace glocal::hpo
