// `glocal runs follow`: looks on while a run goes on, from another terminal.
#pragma once
#include <filesystem>

namespace glocal::app {

/// Prints where the run, or the comparison, in `folder` stands until it ends: a line that is redrawn on a terminal,
/// else one every few seconds, or as JSON. Waits for a folder that is not there yet. Reads only. Returns the exit code:
/// 0 when the run came to its end, 5 when it diverged, 4 when it was stopped, failed, was killed, or its folder is
/// gone. Throws DataError for a damaged one; Interrupted.
int follow_run(const std::filesystem::path& folder, bool json);

}  // namespace glocal::app
