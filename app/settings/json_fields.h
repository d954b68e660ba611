// One JSON object that the program itself has written, read back field by field: nothing missing, nothing left over.
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace glocal::app {

using Json = nlohmann::ordered_json;

/// A value as it stands in messages: one line, at most 80 bytes.
std::string json_excerpt(const Json& value);

/// Every reader throws DataError naming the file, the field, what is expected and what is found.
class Fields {
 public:
  /// `name` stands before the keys in messages ("progress" in "progress.t"; may be empty), `where` before all.
  Fields(const Json& object, std::string name, std::string where);

  std::int64_t whole(const char* key, std::int64_t least, std::int64_t most);
  double number(const char* key, double least, double most);  ///< finite
  double number_or_null(const char* key);                     ///< null, which is what JSON has for them, becomes NaN
  bool flag(const char* key);
  std::string text(const char* key);
  const Json& object(const char* key);
  const Json& list(const char* key);  ///< or an object that stands for one
  /// What something else determines, which `by` names: "as seen.updates".
  void equal(const char* key, const Json& expected, const std::string& by);
  bool has(const char* key) const { return object_.contains(key); }
  /// Every field has been asked for; `more` are allowed beside them.
  void done(std::initializer_list<const char*> more = {});
  [[noreturn]] void refuse(const char* key, const std::string& expected) const;

 private:
  const Json& at(const char* key);
  const Json& object_;
  std::string name_, where_;
  std::set<std::string> asked_;
};

}  // namespace glocal::app
