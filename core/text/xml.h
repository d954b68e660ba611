// Text made safe for XML, SVG and HTML.
#pragma once
#include <string>
#include <string_view>

namespace glocal {

/// The text with & < > " ' as entities, without the control characters that XML 1.0 forbids.
std::string xml_text(std::string_view text);

}  // namespace glocal
