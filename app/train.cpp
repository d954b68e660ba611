#include <glocal/app/train.h>

#include <CLI/CLI.hpp>
#include <memory>

#include <glocal/app/options.h>
#include <glocal/app/run.h>

namespace glocal::app {

void add_train_command(CLI::App& parent) {
  CLI::App* command = parent.add_subcommand("train", "train with fixed hyperparameters");
  const auto options = std::make_shared<Options>();
  options->command = Command::train;
  add_options(*command, *options);
  command->callback([options, command] {
    take_resumed(*command, *options);
    run_alone(*options, "fixed");
  });
}

}  // namespace glocal::app
