// The program gnuplot: a script in, its standard output back.
#pragma once
#include <string>

namespace glocal::app {

bool gnuplot_found();

/// Runs gnuplot without the user's settings. Throws IoError with its words when it is missing or fails.
std::string run_gnuplot(const std::string& script);

}  // namespace glocal::app
