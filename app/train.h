// `glocal train`: training with the hyperparameters as they are given.
#pragma once

namespace CLI {
class App;
}

namespace glocal::app {

void add_train_command(CLI::App& parent);

}  // namespace glocal::app
