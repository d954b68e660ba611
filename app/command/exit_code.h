// How the command ends.
#pragma once

namespace glocal::app {

/// 0 means done. Above `signalled`: 128 + the signal that stopped it.
enum ExitCode {
  usage = 2,         ///< a flag, a name or a value that cannot be, said before anything is written
  bad_data = 3,      ///< a file that is not what it should be
  input_output = 4,  ///< a file that cannot be read or written
  diverged = 5,      ///< training left the finite numbers
  signalled = 128
};

}  // namespace glocal::app
