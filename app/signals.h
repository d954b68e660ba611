// Ctrl-C and termination: the run finishes its step, is saved, and then ends.
#pragma once

namespace glocal::app {

/// Thrown by a run that was asked to stop. Not an Error: nothing went wrong.
struct Interrupted {
  int signal;
};

/// From here on the first SIGINT or SIGTERM is only remembered; a second one ends the process at once.
void catch_signals();
/// Throws Interrupted when one of them has come.
void throw_if_interrupted();

}  // namespace glocal::app
