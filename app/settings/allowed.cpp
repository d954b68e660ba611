#include <glocal/app/settings/allowed.h>

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/settings/name_lists.h>
#include <glocal/core/error.h>
#include <glocal/core/text/printable.h>

namespace glocal::app {

void refuse_twice(const std::string& source, std::size_t times) {
  fail<ValueError>("[options] {} is given {} times; give it once", source, times);
}

void check_text(const std::string& source, const std::string& text, const Allowed& allowed) {
  std::string complaint;
  if (allowed.list) complaint = complaint_about(allowed.list, text);
  if (allowed.complaint) complaint = allowed.complaint(text);
  if (!complaint.empty()) fail<ValueError>("[options] {}: {}", source, complaint);
}

std::vector<std::string> items_of(const std::string& source, const std::string& text) {
  std::vector<std::string> items;
  std::size_t begin = 0, end = 0;
  do {
    int open = 0;  // lists in brackets are one part
    for (end = begin; end < text.size() && (text[end] != ',' || open > 0); ++end)
      open += text[end] == '[' ? 1 : text[end] == ']' ? -1 : 0;
    items.push_back(text.substr(begin, end - begin));
    if (items.back().empty())
      fail<ValueError>("[options] {}: entry {} of \"{}\" is empty; write A,B,...", source, items.size(),
                       printable(text.substr(0, 60)));
    begin = end + 1;
  } while (end < text.size());
  return items;
}

CLI::Option* add_text(CLI::App& app, const std::string& flag, const std::string& help,
                      std::function<void(const std::string& source, const std::string& text)> take) {
  const std::string source = flag.substr(flag.rfind(',') + 1);
  const CLI::callback_t callback = [source, take = std::move(take)](const CLI::results_t& texts) {
    if (texts.size() > 1) refuse_twice(source, texts.size());
    take(source, texts.front());
    return true;
  };
  return app.add_option(flag, callback, help)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

}  // namespace glocal::app
