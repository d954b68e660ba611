#include <glocal/course/tutor/skeleton.h>

#include <sstream>

#include <glocal/core/error.h>

namespace glocal::tutor {
namespace {

enum class Inside { nothing, solution, given };

std::string trimmed(const std::string& line) {
  const std::size_t begin = line.find_first_not_of(" \t");
  if (begin == std::string::npos) return "";
  return line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
}

std::string indent(const std::string& line) { return line.substr(0, line.find_first_not_of(' ')); }

}  // namespace

std::string skeleton(std::string_view solution, const std::string& where) {
  std::istringstream lines{std::string(solution)};
  std::string out, line;
  Inside inside = Inside::nothing;
  bool given = false;
  for (int number = 1; std::getline(lines, line); ++number) {
    const std::string text = trimmed(line);
    const auto expect = [&](bool right) {
      if (!right) fail<DataError>("[skeleton] {}:{}: \"{}\" stands in the wrong place", where, number, text);
    };
    if (text == "// BEGIN SOLUTION") {
      expect(inside == Inside::nothing);
      inside = Inside::solution;
      given = false;
    } else if (text == "// BEGIN GIVEN") {
      expect(inside == Inside::solution);
      inside = Inside::given;
      given = true;
    } else if (text == "// END SOLUTION") {
      expect(inside != Inside::nothing);
      inside = Inside::nothing;
      if (!given) out += indent(line) + "throw NotImplemented(__func__);  // your code\n";
    } else if (inside == Inside::given) {
      expect(text.rfind("//|", 0) == 0);
      out += text == "//|" ? "\n" : indent(line) + text.substr(4) + "\n";
    } else if (inside == Inside::nothing) {
      out += line + "\n";
    }
  }
  if (inside != Inside::nothing) fail<DataError>("[skeleton] {}: the last // BEGIN has no // END SOLUTION", where);
  return out;
}

std::vector<std::string> solution_lines(std::string_view solution) {
  std::istringstream lines{std::string(solution)};
  std::vector<std::string> found;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    const std::string text = trimmed(line);
    if (text.rfind("// BEGIN", 0) == 0) {
      inside = text == "// BEGIN SOLUTION";
    } else if (text == "// END SOLUTION") {
      inside = false;
    } else if (inside && !text.empty()) {
      found.push_back(text);
    }
  }
  return found;
}

}  // namespace glocal::tutor
