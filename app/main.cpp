// The command `glocal`.
#include <glocal/app/command.h>
#include <glocal/app/signals.h>

int main(int argc, char** argv) {
  glocal::app::catch_signals();
  return glocal::app::run_command({argv + 1, argv + argc});
}
