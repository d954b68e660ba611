// Text made safe for HTML, SVG and XML.
#pragma once
#include <string>
#include <string_view>

namespace glocal::app {

/// The text with & < > " ' as entities.
std::string escaped(std::string_view text);

}  // namespace glocal::app
