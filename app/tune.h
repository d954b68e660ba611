// `glocal tune`: training that moves its hyperparameters on the way.
#pragma once

namespace CLI {
class App;
}

namespace glocal::app {

void add_tune_command(CLI::App& parent);

}  // namespace glocal::app
