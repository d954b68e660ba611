#include <glocal/app/command/list.h>

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/settings/allowed.h>
#include <glocal/app/settings/choices.h>
#include <glocal/app/settings/name_lists.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/settings/settings.h>

namespace glocal::app {
namespace {

using Entries = std::vector<NameEntry>;

Entries studies_known() {
  Entries entries;
  for (const Study& study : studies().entries()) entries.push_back({study.name, study.about});
  return entries;
}

Entries settings() {
  Entries entries;
  const Options options;
  for_each_setting(options, [&]<class T>(const Setting& setting, const T&) {
    std::string range, list = setting.allowed.list ? setting.allowed.list : "";
    if constexpr (std::is_arithmetic_v<T>) range = words<T>(setting.allowed);
    if constexpr (List<T>)
      if constexpr (std::is_arithmetic_v<typename T::value_type>)
        range = words<typename T::value_type>(setting.allowed);
    if constexpr (std::is_enum_v<T>) list = kind_of<T>().second;
    std::string about = setting.help;
    if (!list.empty()) list = "glocal list " + list;
    for (const std::string& more : {range, list})
      if (!more.empty() && about.find(more) == std::string::npos) about += "; " + more;
    entries.push_back({setting.key, about});
  });
  return entries;
}

// In the order of `glocal list`.
std::vector<NameList> all_lists() {
  std::vector<NameList> lists = name_lists();
  const auto after =
      std::find_if(lists.begin(), lists.end(), [](const NameList& list) { return list.name == "extrapolations"; });
  lists.insert(after, {"studies", "study", "of glocal reproduce", studies_known});
  lists.push_back(
      {"settings", "setting", "every setting of a config.json; --set-like-this on the command line", settings});
  return lists;
}

}  // namespace

void print_list(const std::string& name, bool json) {
  const std::vector<NameList> lists = all_lists();
  Entries entries;
  if (name.empty())
    for (const NameList& each : lists) entries.push_back({each.name, each.about});
  else
    entries = name_list(lists, name).entries();
  if (json) {
    Json all = Json::array();
    for (const NameEntry& entry : entries) all.push_back({{"name", entry.name}, {"about", entry.about}});
    fmt::print("{}\n", all.dump());
    return;
  }
  std::size_t widest = 0;
  for (const NameEntry& entry : entries) widest = std::max(widest, entry.name.size());
  for (const NameEntry& entry : entries)
    fmt::print("{}\n", entry.about.empty() ? entry.name : fmt::format("{:<{}}  {}", entry.name, widest, entry.about));
}

}  // namespace glocal::app
