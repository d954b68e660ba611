// What was built: for --version and for the metadata of a run.
#pragma once
#include <string_view>

namespace glocal {

struct BuildInfo {
  std::string_view version;     ///< "0.2.0"
  std::string_view compiler;    ///< "GNU 12.2.0"
  std::string_view build_type;  ///< "Release"
  std::string_view flags;       ///< every flag that can change a number
};

const BuildInfo& build_info();

}  // namespace glocal
