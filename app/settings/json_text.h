// JSON from files that somebody else may have written.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace glocal::app {

using Json = nlohmann::ordered_json;

/// Parses one JSON value (RFC 8259). Throws DataError naming `where` for anything else, for a key given twice or more
/// than 4096 keys in one object, for nesting deeper than 64, and for more than 16 MiB of text, 2^20 values, or 2^18
/// lists, objects, keys and texts, which bounds the memory of what is made from it.
Json parse_json(std::string_view text, const std::string& where);

/// The text of a value, on one line, or indented. A text in it that is not UTF-8, as a file name may be, which JSON
/// cannot hold, stands there as printable() shows it: no name stops what has been worked out.
std::string json_dump(const Json& json, int indent = -1);

/// The whole number of an object's `key`. Throws DataError naming `where` and the key when there is none, or something
/// else: fractions, and what 64 bits do not hold.
std::int64_t integer_at(const Json& object, const char* key, const std::string& where);

}  // namespace glocal::app
