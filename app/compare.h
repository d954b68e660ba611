// `glocal compare`: estimators on the same problem and the same seeds, against plain training.
#pragma once

namespace CLI {
class App;
}

namespace glocal::app {

void add_compare_command(CLI::App& parent);

}  // namespace glocal::app
