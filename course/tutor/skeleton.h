// From a solution to what a student starts from.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace glocal::tutor {

/// The text of solution.cpp with each block
///   // BEGIN SOLUTION ... // END SOLUTION
/// replaced by `throw NotImplemented("...")`, or by what stands between // BEGIN GIVEN and // END SOLUTION, whose lines
/// start with `//| ` (the faulty code of an exercise in finding a fault).
/// Throws DataError, naming `where` and the line, for markers that do not pair.
std::string skeleton(std::string_view solution, const std::string& where);

/// The lines inside the solution blocks, trimmed.
std::vector<std::string> solution_lines(std::string_view solution);

}  // namespace glocal::tutor
