#include <glocal/app/tune.h>

#include <CLI/CLI.hpp>
#include <memory>

#include <glocal/app/options.h>
#include <glocal/app/run.h>

namespace glocal::app {

void add_tune_command(CLI::App& parent) {
  CLI::App* command = parent.add_subcommand("tune", "train, and tune the hyperparameters on the way");
  const auto options = std::make_shared<Options>();
  options->command = Command::tune;
  options->experiment.tune = {"lr"};
  add_options(*command, *options);
  command->callback([options, command] {
    take_resumed(*command, *options);
    run_alone(*options, options->tuning.estimator);
  });
}

}  // namespace glocal::app
