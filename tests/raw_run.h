// What a run left in its folder, read and computed again by nothing of the application: JSON with nlohmann alone,
// checkpoints by the published safetensors format, scores of a network by plain loops, tables of a page by their tags.
#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include <glocal/core/io/file.h>
#include <glocal/datasets/load.h>

namespace raw {

using Json = nlohmann::json;

inline Json json(const std::string& file) { return Json::parse(glocal::read_file(file)); }

inline std::vector<Json> lines(const std::string& file) {
  std::vector<Json> all;
  std::istringstream text(glocal::read_file(file));
  for (std::string line; std::getline(text, line);) all.push_back(Json::parse(line));
  return all;
}

// The lines that have `key`.
inline std::vector<Json> with(const std::vector<Json>& lines, const char* key) {
  std::vector<Json> some;
  for (const Json& line : lines)
    if (line.contains(key)) some.push_back(line);
  return some;
}

struct Array {
  std::vector<std::int64_t> shape;
  std::vector<double> numbers;
};

// https://github.com/huggingface/safetensors, "Format": u64 length, JSON header, little-endian numbers.
inline std::map<std::string, Array> safetensors(const std::string& file) {
  const std::string bytes = glocal::read_file(file);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  const Json header = Json::parse(bytes.substr(8, length));
  std::map<std::string, Array> arrays;
  for (const auto& [name, about] : header.items()) {
    if (name == "__metadata__") continue;
    Array array{about.at("shape").get<std::vector<std::int64_t>>(), {}};
    const bool wide = about.at("dtype") == "F64";
    if (!wide && about.at("dtype") != "F32") continue;
    const std::size_t begin = about.at("data_offsets").at(0), end = about.at("data_offsets").at(1);
    for (std::size_t at = begin; at < end; at += wide ? 8 : 4) {
      double d = 0;
      float f = 0;
      std::memcpy(wide ? static_cast<void*>(&d) : &f, bytes.data() + 8 + length + at, wide ? 8 : 4);
      array.numbers.push_back(wide ? d : static_cast<double>(f));
    }
    arrays[name] = array;
  }
  return arrays;
}

// A network file under the names and in the layout of a checkpoint: PyTorch's matrices are (out, in).
inline std::map<std::string, Array> network(const std::string& file) {
  std::map<std::string, Array> arrays;
  for (const auto& [name, array] : safetensors(file)) {
    Array& turned = arrays["param/" + name] = array;
    if (array.shape.size() != 2) continue;
    const auto out = static_cast<std::size_t>(array.shape[0]), in = static_cast<std::size_t>(array.shape[1]);
    for (std::size_t i = 0; i < in; ++i)
      for (std::size_t j = 0; j < out; ++j) turned.numbers[i * out + j] = array.numbers[j * in + i];
  }
  return arrays;
}

// What a checkpoint says of itself.
inline Json metadata(const std::string& file, const char* key) {
  const std::string bytes = glocal::read_file(file);
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  return Json::parse(Json::parse(bytes.substr(8, length)).at("__metadata__").at(key).get<std::string>());
}

struct Score {
  double loss = 0, accuracy = 0;
};

// Mean cross entropy and share right of a relu network "param/layers.I.weight" (in, out), "param/layers.I.bias", over
// all images, normalised from their bytes.
inline Score score(const std::map<std::string, Array>& network, const glocal::datasets::Dataset& images) {
  Score total;
  for (std::int64_t n = 0; n < images.size(); ++n) {
    std::vector<double> x;
    for (const std::uint8_t byte : images.image(n))
      x.push_back((byte / images.scale - images.mean[0]) / images.stddev[0]);
    for (std::size_t layer = 0;; ++layer) {
      const std::string name = "param/layers." + std::to_string(layer);
      const auto weight = network.find(name + ".weight");
      if (weight == network.end()) break;
      if (layer > 0)
        for (double& v : x) v = std::max(v, 0.0);
      std::vector<double> y = network.at(name + ".bias").numbers;
      for (std::size_t i = 0; i < x.size(); ++i)
        for (std::size_t j = 0; j < y.size(); ++j) y[j] += x[i] * weight->second.numbers[i * y.size() + j];
      x = y;
    }
    const double largest = *std::max_element(x.begin(), x.end());
    double sum = 0;
    for (const double v : x) sum += std::exp(v - largest);
    const auto label = static_cast<std::size_t>(images.labels[static_cast<std::size_t>(n)]);
    total.loss += largest + std::log(sum) - x[label];
    total.accuracy += x[label] == largest;
  }
  const auto count = static_cast<double>(images.size());
  return {total.loss / count, total.accuracy / count};
}

struct Moments {
  double mean = 0, deviation = 0;  // the deviation with n - 1
};

inline Moments moments(const std::vector<double>& numbers) {
  const auto n = static_cast<double>(numbers.size());
  double sum = 0, squares = 0;
  for (const double x : numbers) sum += x;
  for (const double x : numbers) squares += (x - sum / n) * (x - sum / n);
  return {sum / n, n > 1 ? std::sqrt(squares / (n - 1)) : 0};
}

// What stands between two tags, without tags inside it and with its entities as characters.
inline std::string plain(const std::string& html) {
  std::string text;
  bool tag = false;
  for (const char c : html) {
    if (c == '<') tag = true;
    if (!tag) text += c;
    if (c == '>') tag = false;
  }
  for (const auto& [entity, character] :
       std::map<std::string, std::string>{{"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}})
    for (std::size_t at = text.find(entity); at != std::string::npos; at = text.find(entity))
      text.replace(at, entity.size(), character);
  return text;
}

inline std::vector<std::string> between(const std::string& html, const std::string& begin, const std::string& end) {
  std::vector<std::string> all;
  for (std::size_t at = html.find(begin); at != std::string::npos; at = html.find(begin, at)) {
    at += begin.size();
    const std::size_t stop = html.find(end, at);
    all.push_back(html.substr(at, stop - at));
  }
  return all;
}

using Rows = std::vector<std::vector<std::string>>;

// The tables of a page, the heading of each as its first row.
inline std::vector<Rows> tables(const std::string& html) {
  std::vector<Rows> all;
  for (const std::string& table : between(html, "<table>", "</table>")) {
    Rows rows;
    for (const std::string& row : between(table, "<tr>", "</tr>")) {
      rows.emplace_back();
      const std::string cell = rows.size() == 1 ? "th>" : "td>";
      for (const std::string& text : between(row, "<" + cell, "</" + cell)) rows.back().push_back(plain(text));
    }
    all.push_back(rows);
  }
  return all;
}

// Big numbers of a page by what is written under them.
inline std::map<std::string, std::string> tiles(const std::string& html) {
  std::map<std::string, std::string> all;
  for (const std::string& tile : between(html, "<div><b>", "</span></div>"))
    all[plain(tile.substr(tile.find("<span>")))] = plain(tile.substr(0, tile.find("</b>")));
  return all;
}

// The cell under a heading, the n-th of that name.
inline std::string cell(const Rows& rows, std::size_t row, const std::string& heading, std::size_t n = 0) {
  for (std::size_t k = 0; k < rows.front().size(); ++k)
    if (rows.front()[k] == heading && n-- == 0) return rows.at(row).at(k);
  FAIL("no column ", heading);
  return "";
}

// Words of a line on a terminal, between two blanks or more.
inline std::vector<std::string> columns(const std::string& line) {
  std::vector<std::string> all;
  for (std::size_t at = line.find_first_not_of(' '); at != std::string::npos && at < line.size();) {
    const std::size_t stop = std::min(line.find("  ", at), line.size());
    all.push_back(line.substr(at, stop - at));
    at = line.find_first_not_of(' ', stop);
  }
  return all;
}

inline double number(const Json& json) {
  return json.is_number() ? json.get<double>() : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace raw
