#include <glocal/core/io/safetensors_header.h>

#include <fmt/core.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/shape.h>

namespace glocal {
namespace {

using Json = nlohmann::json;

constexpr std::size_t most_digits = 20;  // of 2^64 - 1

// Takes the header's events as the parser meets them: what may come is known, so nothing is nested and nothing piles
// up.
class HeaderReader : public nlohmann::json_sax<Json> {
 public:
  explicit HeaderReader(const std::string& where) : where_(where) {}

  SafeTensorsHeader read(std::string_view text) {
    if (text.substr(0, 1) != "{") refuse("expected { as its first byte");
    check_tokens(text);
    Json::sax_parse(text, this);
    return std::move(header_);
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::outside) {
      place_ = Place::root;
    } else if (place_ == Place::root) {
      place_ = name_ == "__metadata__" ? Place::metadata : Place::tensor;
      entry_ = {};
      seen_[0] = seen_[1] = seen_[2] = false;
    } else {
      refuse_value("an object");
    }
    return true;
  }

  bool key(std::string& word) override {
    if (place_ == Place::root) {
      const bool twice = word == "__metadata__" ? std::exchange(has_metadata_, true) : header_.tensors.contains(word);
      if (twice) refuse("expected each name once, found a second " + shown_name(word));
      name_ = std::move(word);
    } else if (place_ == Place::metadata) {
      if (header_.metadata.contains(word))
        refuse("__metadata__: expected each key once, found a second " + shown_name(word));
      if (header_.metadata.size() == SafeTensorsHeader::most_entries)
        refuse("__metadata__: expected at most 65536 keys, found more");
      key_ = std::move(word);
    } else {
      field_ = word == "dtype" ? 0 : word == "shape" ? 1 : word == "data_offsets" ? 2 : 3;
      if (field_ == 3 || std::exchange(seen_[field_], true))
        refuse(shown_name(name_) + ": expected dtype, shape and data_offsets, each once, found " + shown_name(word));
    }
    return true;
  }

  bool string(std::string& text) override {
    if (place_ == Place::metadata)
      header_.metadata.emplace(std::move(key_), std::move(text));
    else if (place_ == Place::tensor && field_ == 0)
      entry_.type = std::move(text);
    else
      refuse_value("a text");
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ != Place::tensor || field_ == 0) refuse_value("a list");
    place_ = Place::numbers;
    numbers_.clear();
    return true;
  }

  bool number_unsigned(std::uint64_t number) override {
    if (place_ != Place::numbers) refuse_value("a number");
    if (numbers_.size() == Shape::max_rank) refuse(shown_name(name_) + ": expected at most 8 sizes, found more");
    numbers_.push_back(number);
    return true;
  }

  bool end_array() override {
    place_ = Place::tensor;
    if (field_ == 1) {
      entry_.shape = shape();
    } else {
      if (numbers_.size() != 2 || numbers_[0] > numbers_[1])
        refuse(shown_name(name_) + fmt::format(": data_offsets: expected begin <= end, found {} numbers{}",
                                               numbers_.size(),
                                               numbers_.size() == 2 ? ", the first above the second" : ""));
      entry_.begin = numbers_[0];
      entry_.end = numbers_[1];
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::tensor) {
      if (!seen_[0] || !seen_[1] || !seen_[2]) refuse(shown_name(name_) + ": expected dtype, shape and data_offsets");
      if (header_.tensors.size() == SafeTensorsHeader::most_entries)
        refuse("expected at most 65536 tensors, found more");
      header_.tensors.emplace(std::move(name_), std::move(entry_));
    }
    place_ = Place::root;
    return true;
  }

  bool null() override { refuse_value("null"); }
  bool boolean(bool) override { refuse_value("true or false"); }
  bool number_integer(std::int64_t number) override { refuse_value(std::to_string(number)); }
  bool number_float(double, const std::string& text) override { refuse_value(text.substr(0, 40)); }
  bool binary(Json::binary_t&) override { refuse_value("binary data"); }
  bool parse_error(std::size_t position, const std::string&, const Json::exception& error) override {
    refuse(fmt::format("byte {}: expected JSON: {}", position, shown_name(error.what())));
  }

 private:
  enum class Place { outside, root, metadata, tensor, numbers };

  [[noreturn]] void refuse(const std::string& what) const {
    fail<DataError>("[safetensors] {}: header: {}", where_, what);
  }
  [[noreturn]] void refuse_value(const std::string& found) const {
    if (place_ == Place::outside) refuse("expected an object, found " + found);
    if (place_ == Place::metadata) refuse("__metadata__: " + shown_name(key_) + ": expected a text, found " + found);
    if (place_ == Place::root) refuse(shown_name(name_) + ": expected an object, found " + found);
    constexpr const char* fields[] = {"dtype: expected a text", "shape: expected a list of sizes",
                                      "data_offsets: expected two numbers"};
    refuse(shown_name(name_) + ": " + fields[field_] + ", found " + found);
  }

  // The parser takes a zero for the end, and keeps copies of a text or number until that ends.
  void check_tokens(std::string_view text) const {
    bool quoted = false;
    std::size_t begin = 0;  // of the text or number around i
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (c == '\0') refuse(fmt::format("byte {}: expected text, found a zero byte", i));
      if (quoted && i - begin > SafeTensorsHeader::most_text)
        refuse(fmt::format("byte {}: expected at most {} bytes of text", i, SafeTensorsHeader::most_text));
      if (!quoted && i - begin > most_digits) refuse(fmt::format("byte {}: expected a number of 64 bits", i));
      if (quoted && c == '\\')
        ++i;
      else if (c == '"')
        quoted = !quoted, begin = i + 1;
      else if (!quoted && (c < '0' || c > '9'))
        begin = i + 1;
    }
  }

  Shape shape() const {
    std::vector<std::int64_t> sizes;
    for (const std::uint64_t number : numbers_) {
      if (number > std::numeric_limits<std::int64_t>::max())
        refuse(fmt::format("{}: shape: expected sizes below 2^63, found {}", shown_name(name_), number));
      sizes.push_back(static_cast<std::int64_t>(number));
    }
    try {
      return Shape(std::span<const std::int64_t>(sizes));
    } catch (const ShapeError& error) {
      refuse(shown_name(name_) + ": shape: " + error.what());
    }
  }

  const std::string& where_;
  Place place_ = Place::outside;
  SafeTensorsHeader header_;
  SafeTensorsHeader::Entry entry_;
  std::string name_, key_;
  std::vector<std::uint64_t> numbers_;
  std::size_t field_ = 0;
  bool seen_[3] = {}, has_metadata_ = false;
};

}  // namespace

SafeTensorsHeader read_safetensors_header(std::string_view text, const std::string& where) {
  return HeaderReader(where).read(text);
}

std::string shown_name(std::string_view name) {
  const bool long_one = name.size() > 80;
  return Json(name.substr(0, 80)).dump(-1, ' ', true, Json::error_handler_t::replace) + (long_one ? ".." : "");
}

}  // namespace glocal
