#include <glocal/app/settings/json_text.h>

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/text/printable.h>

namespace glocal::app {
namespace {

constexpr std::size_t deepest = 64;  // copies and comparisons of values recurse
constexpr std::size_t most_bytes = std::size_t{16} << 20;
constexpr std::size_t most_values = std::size_t{1} << 20, most_parts = std::size_t{1} << 18;  // 16 and 64 bytes each
constexpr std::size_t most_keys = 4096;  // an ordered object searches one key after the other

// Sees what a parser would make before anything is made. (A callback of the parser itself takes quadratic time.)
class Inspector : public nlohmann::json_sax<Json> {
 public:
  explicit Inspector(const std::string& where) : where_(where) {}

  bool null() override { return count(false); }
  bool boolean(bool) override { return count(false); }
  bool number_integer(std::int64_t) override { return count(false); }
  bool number_unsigned(std::uint64_t) override { return count(false); }
  bool number_float(double, const std::string&) override { return count(false); }
  bool string(std::string&) override { return count(true); }
  bool binary(Json::binary_t&) override { return count(true); }
  bool start_object(std::size_t) override { return open(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(std::string& word) override {
    if (!keys_.back().insert(word).second)
      fail<DataError>("[json] {}: expected each key once, found a second \"{}\"", where_,
                      printable(std::string_view(word).substr(0, 80)));
    if (keys_.back().size() > most_keys)
      fail<DataError>("[json] {}: expected at most {} keys in one object, found more", where_, most_keys);
    return count(true);
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception& error) override {
    fail<DataError>("[json] {}: expected JSON: {}", where_, printable(std::string_view(error.what()).substr(0, 300)));
  }

 private:
  bool count(bool part) {
    ++values_;
    parts_ += part;
    if (values_ > most_values || parts_ > most_parts)
      fail<DataError>("[json] {}: expected at most {} values and {} lists, objects, keys and texts, found more", where_,
                      most_values, most_parts);
    return true;
  }
  bool open() {
    keys_.emplace_back();
    if (keys_.size() > deepest)
      fail<DataError>("[json] {}: expected at most {} levels of nesting, found more", where_, deepest);
    return count(true);
  }
  bool close() {
    keys_.pop_back();
    return true;
  }

  const std::string& where_;
  std::vector<std::set<std::string>> keys_;  // of the lists and objects that are open
  std::size_t values_ = 0, parts_ = 0;
};

}  // namespace

Json parse_json(std::string_view text, const std::string& where) {
  if (text.size() > most_bytes)
    fail<DataError>("[json] {}: expected at most {} bytes of JSON in one piece, found {}", where, most_bytes,
                    text.size());
  Inspector inspector(where);
  Json::sax_parse(text, &inspector);
  return Json::parse(text);
}

namespace {

bool is_utf8(const std::string& text) {
  try {
    Json(text).dump();
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

Json with_texts_shown(const Json& json) {
  if (json.is_string()) {
    const std::string& text = json.get_ref<const std::string&>();
    return is_utf8(text) ? text : printable(text);
  }
  if (!json.is_structured()) return json;
  Json shown = json.is_array() ? Json::array() : Json::object();
  for (const auto& [key, value] : json.items())
    if (json.is_array())
      shown.push_back(with_texts_shown(value));
    else
      shown[is_utf8(key) ? key : printable(key)] = with_texts_shown(value);
  return shown;
}

}  // namespace

std::string json_dump(const Json& json, int indent) {
  try {
    return json.dump(indent);
  } catch (const Json::type_error&) {
    return with_texts_shown(json).dump(indent);
  }
}

std::int64_t integer_at(const Json& object, const char* key, const std::string& where) {
  const bool there = object.is_object() && object.contains(key);
  const Json value = there ? object.at(key) : Json();
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() || std::in_range<std::int64_t>(value.get<std::uint64_t>()));
  if (!fits)
    fail<DataError>("[json] {}: {}: expected a whole number of 64 bits, found {}", where, key,
                    there ? printable(std::string_view(value.dump(-1, ' ', true)).substr(0, 80)) : "none");
  return value.get<std::int64_t>();
}

}  // namespace glocal::app
