// The command as a process: its exit code and what it prints.
#pragma once
#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include <glocal/core/io/file.h>

#include "scratch.h"

struct Result {
  int code = 0;
  std::string out, error;
};

// Runs `glocal <arguments>` with stdout and stderr apart.
inline Result glocal_command(const Scratch& scratch, const std::string& arguments,
                             const std::string& environment = "") {
  const std::string out = scratch / "stdout", error = scratch / "stderr";
  const std::string line =
      environment + " '" GLOCAL_COMMAND_PATH "' " + arguments + " >'" + out + "' 2>'" + error + "' </dev/null";
  const int status = std::system(line.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, glocal::read_file(out), glocal::read_file(error)};
}

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
