// A list of things by name: what every list of the command, every unknown name and every "add your own" goes through.
#pragma once
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/text/nearest.h>

namespace glocal {

/// Entries with a `name` each, in the order of their registration. Not safe against adding while others read.
template <class Entry>
class Registry {
 public:
  /// kind: "estimator", for messages; list: where all are named, "glocal list estimators".
  Registry(std::string kind, std::string list, std::vector<Entry> entries)
      : kind_(std::move(kind)), list_(std::move(list)), entries_(std::move(entries)) {}

  const std::vector<Entry>& entries() const { return entries_; }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const Entry& entry : entries_) all.push_back(entry.name);
    return all;
  }
  /// The entry of that name, or null.
  const Entry* find(const std::string& name) const {
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.name == name; });
    return found == entries_.end() ? nullptr : &*found;
  }
  /// Throws ValueError, with the nearest name, for one that nobody has.
  const Entry& at(const std::string& name) const {
    if (const Entry* entry = find(name)) return *entry;
    fail<ValueError>("[{}] {}", kind_, unknown_name(name, kind_, names(), list_));
  }
  /// Throws ValueError for a name that is taken.
  void add(Entry entry) {
    if (find(entry.name)) fail<ValueError>("[{}] there is one called {} already", kind_, entry.name);
    entries_.push_back(std::move(entry));
  }

 private:
  std::string kind_, list_;
  std::vector<Entry> entries_;
};

}  // namespace glocal
