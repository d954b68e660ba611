// Many runs of many ways from good and bad starts: each is kept in the result file as it ends, so that a call that is
// cut off, or a later one, makes those that are missing.
#pragma once
#include <glocal/app/reproduce/reproduce.h>

namespace glocal::app {

/// Its sweep: "cases" and "ways" as in comparison.h; "starts": values of hyperparameters, one object a start; "box":
/// {"lr": ["log", least, most], "momentum": ["even", least, most]}, from which starts are drawn. A way with "starts":
/// "given" is run from each of the first, with "starts": N from N drawn ones, the same for all ways of a seed; without
/// it once. "from" names those of the values that the way has. A way {"label", "best_of": WAY, "runs": N} makes no run:
/// it is of the first N runs of WAY the one with the least validation loss, at the price of all N. "plain" names the
/// way whose price is 1, "against" the one that the others are compared with. A case may have fewer seeds, "seeds": N,
/// and leave ways out, "without": [label, ...]. A run that diverged counts as a guess among the classes.
Findings from_starts(const Lab& lab);

}  // namespace glocal::app
