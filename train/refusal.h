// How a setting is called on the command line, and the words of refusing what was given. `source` names where a value
// was given: "--steps", or "c.json: steps".
#pragma once
#include <string>
#include <vector>

namespace glocal::train {

/// "--val-batch" of "val_batch"; "--layout" of "array_layout".
std::string flag_of(std::string key);
/// Throws ValueError "SOURCE: TEXT is no WANTED".
[[noreturn]] void refuse_value(const std::string& source, const std::string& text, const std::string& wanted);
/// Throws ValueError where a name is there twice.
void refuse_repeats(const std::string& source, const std::vector<std::string>& names);

}  // namespace glocal::train
