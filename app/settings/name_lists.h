// Every list of names that a flag may take, made from the registries.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace glocal::app {

struct NameEntry {
  std::string name, about = {};  ///< about: a sentence, or empty
};

struct NameList {
  std::string name, kind, about;  ///< "models", "model", what they are for
  std::vector<NameEntry> (*entries)();
  std::vector<std::string> names() const;
};

const std::vector<NameList>& name_lists();
/// The list of that name among `lists`. Throws ValueError for an unknown one.
const NameList& name_list(const std::vector<NameList>& lists, std::string_view name);
/// "mlp, lenet, ...": the first names of a list, for a line of help; all of them where there are no more.
std::string first_names(std::string_view list, std::size_t count);
/// "" for a name of the list, else what to say: the nearest name, and where all are.
std::string complaint_about(std::string_view list, const std::string& name);

}  // namespace glocal::app
