// Ctrl-C, termination and a terminal that closes: the run stops at its next step, is saved, and then ends.
#pragma once
#include <string>

namespace glocal::app {

/// Thrown by a run that was asked to stop. Not an Error: nothing went wrong.
struct Interrupted {
  int signal;
  std::string message = "interrupted; what was finished is saved";  ///< says where, and how to go on
};

/// From here on the first SIGINT, SIGTERM or SIGHUP (unless nohup ignores it) is remembered; a second one, but for
/// SIGHUP, ends the process at once. So does a run that has not come to a place where it can stop 1.5 s after the
/// first: files are intact at all times. SIGPIPE is ignored.
void catch_signals();
/// Throws Interrupted when one of them has come. Where $GLOCAL_INTERRUPT_AT is N, the N-th call raises SIGINT itself,
/// so that tests can stop a run at a chosen place.
void throw_if_interrupted();
/// What is said when the process has to leave without coming to a place where it can stop: how to go on.
void on_leaving(const std::string& message);
/// The run has come to such a place, and takes the time that it needs to save.
void no_hurry();

}  // namespace glocal::app
