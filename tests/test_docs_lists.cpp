// Tables of the README against the registries: whoever adds an estimator or a data set is told which table lacks it.
#include <doctest/doctest.h>

#include <algorithm>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <glocal/core/io/file.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/search/registry.h>

using namespace glocal;

namespace {

// The `names` in the first column of the table whose head begins with `head`.
std::vector<std::string> first_column(const std::string& head) {
  std::istringstream lines(read_file(GLOCAL_SOURCE_DIR "/README.md"));
  std::vector<std::string> names;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(head)) inside = true;
    if (inside && !line.starts_with("|")) break;
    if (!inside) continue;
    const std::string cell = line.substr(1, line.find('|', 1));
    static const std::regex name("`([^`]+)`");
    for (std::sregex_iterator at(cell.begin(), cell.end(), name), end; at != end; ++at) names.push_back((*at)[1]);
  }
  return names;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("the README's table of estimators has every estimator and every search once, and nothing else") {
    std::vector<std::string> shown = first_column("| estimator |"), known = hpo::estimator_names();
    for (const char* own : {"rehearsal", "rehearsal-gradient"}) known.emplace_back(own);  // the command's
    for (const std::string& name : hpo::searches().names()) known.push_back(name);
    std::ranges::sort(shown);
    std::ranges::sort(known);
    CHECK(shown == known);
  }
}
