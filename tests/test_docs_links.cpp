// The documents point at what exists: files, and in the lecture notes the very functions.
#include <doctest/doctest.h>

#include <filesystem>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <glocal/core/io/file.h>

namespace fs = std::filesystem;

namespace {

const fs::path root = GLOCAL_SOURCE_DIR;

struct Link {
  std::string text, target;
};

// Without fenced code, where a lambda looks like a link.
std::string prose_of(const std::string& document) {
  std::istringstream lines(document);
  std::string prose;
  bool code = false;
  for (std::string line; std::getline(lines, line);) {
    const bool fence = line.starts_with("```");
    if (!fence && !code) prose += line + '\n';
    code ^= fence;
  }
  return prose;
}

std::vector<Link> links_of(const std::string& whole) {
  static const std::regex link(R"(\[([^\]]*)\]\(([^)#]+)(#[^)]*)?\))");
  const std::string document = prose_of(whole);
  std::vector<Link> links;
  for (std::sregex_iterator at(document.begin(), document.end(), link), end; at != end; ++at)
    links.push_back({(*at)[1], (*at)[2]});
  return links;
}

std::vector<fs::path> documents() {
  std::vector<fs::path> found;
  for (const fs::path& folder : {root, root / "docs", root / "docs/course"})
    for (const auto& entry : fs::directory_iterator(folder))
      if (entry.path().extension() == ".md") found.push_back(entry.path());
  return found;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("every link of the documents leads to a file") {
    int links = 0;
    for (const fs::path& document : documents())
      for (const Link& link : links_of(glocal::read_file(document.string()))) {
        if (link.target.find("://") != std::string::npos) continue;
        ++links;
        INFO(document.string(), " -> ", link.target);
        CHECK(fs::exists(document.parent_path() / link.target));
      }
    CHECK(links > 50);
  }

  TEST_CASE("a function named in the lecture notes stands in the file that is linked") {
    int functions = 0;
    for (const fs::path& document : documents()) {
      if (document.parent_path().filename() != "course") continue;
      for (const Link& link : links_of(glocal::read_file(document.string()))) {
        if (link.text.size() < 3 || link.text.front() != '`') continue;
        ++functions;
        const std::string name = link.text.substr(1, link.text.size() - 2);
        INFO(document.string(), ": ", name, " in ", link.target);
        const std::string source = glocal::read_file((document.parent_path() / link.target).string());
        CHECK(std::regex_search(source, std::regex("\\b" + name + "\\b")));
      }
    }
    CHECK(functions > 20);
  }
}
