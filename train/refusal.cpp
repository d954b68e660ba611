#include <glocal/train/refusal.h>

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/text/printable.h>

namespace glocal::train {

std::string flag_of(std::string key) {
  if (key == "array_layout") return "--layout";  // config.json has a layout of its own
  std::replace(key.begin(), key.end(), '_', '-');
  return "--" + key;
}

void refuse_value(const std::string& source, const std::string& text, const std::string& wanted) {
  const std::string shown = printable(text.substr(0, 60));
  const bool quoted = text.empty() || text.find_first_of(" ,") != std::string::npos;
  fail<ValueError>("[options] {}: {} is no {}", source, quoted ? fmt::format("\"{}\"", shown) : shown, wanted);
}

void refuse_repeats(const std::string& source, const std::vector<std::string>& names) {
  for (auto name = names.begin(); name != names.end(); ++name)
    if (std::find(names.begin(), name, *name) != name)
      fail<ValueError>("[options] {}: {} is there twice; name each once", source, printable(name->substr(0, 60)));
}

}  // namespace glocal::train
