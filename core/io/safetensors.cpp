// Eight bytes with the length of the header, the header, then the numbers of the tensors without holes.
#include <glocal/core/io/safetensors.h>

#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/element_type.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/io/safetensors_header.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

static_assert(std::endian::native == std::endian::little, "files are little-endian and read in place");

namespace glocal {
namespace {

using Json = nlohmann::json;

constexpr std::size_t length_size = 8, most_header = 100'000'000, digest_size = 8;
constexpr std::string_view reserved = "glocal.crc32", digests_key = "glocal.crc32.tensors";
// The header's own checksum stands at its beginning, taken over everything with these eight digits as zeros.
constexpr std::string_view prefix = R"({"__metadata__":{"glocal.crc32":")", no_digest = "00000000";

// CRC-32 catches every burst of up to 32 bits, so every flipped byte, and everything else but one in 2^32.
uLong crc_of(std::string_view bytes, uLong before = 0) {
  return crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
}

std::string digest_of(uLong crc) { return fmt::format("{:08x}", crc); }

std::string header_digest(std::string_view head) {
  const std::size_t at = length_size + prefix.size();
  const uLong crc = crc_of(no_digest, crc_of(head.substr(0, at)));
  return digest_of(crc_of(head.substr(at + digest_size), crc));
}

std::optional<ElementType> type_named(std::string_view type) {
  using Kind = ElementType::Kind;
  if (type == "F64") return ElementType{Kind::real, 8};
  if (type == "F32") return ElementType{Kind::real, 4};
  if (type == "F16") return ElementType{Kind::real, 2};
  if (type == "BF16") return ElementType{Kind::brain, 2};
  if (type == "I64") return ElementType{Kind::integer, 8};
  if (type == "I32") return ElementType{Kind::integer, 4};
  if (type == "I16") return ElementType{Kind::integer, 2};
  if (type == "I8") return ElementType{Kind::integer, 1};
  if (type == "U64") return ElementType{Kind::natural, 8};
  if (type == "U32") return ElementType{Kind::natural, 4};
  if (type == "U16") return ElementType{Kind::natural, 2};
  if (type == "U8") return ElementType{Kind::natural, 1};
  if (type == "BOOL") return ElementType{Kind::boolean, 1};
  return {};
}

// The tensors must follow each other without holes, fill the file, and be as long as their shapes say.
void check_layout(const SafeTensorsHeader& header, std::uint64_t held, const std::string& where) {
  std::vector<std::pair<const std::string*, const SafeTensorsHeader::Entry*>> order;
  for (const auto& [name, entry] : header.tensors) order.emplace_back(&name, &entry);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second->begin, a.second->end) < std::pair(b.second->begin, b.second->end);
  });
  std::uint64_t at = 0;
  for (const auto& [name, entry] : order) {
    if (entry->begin != at)
      fail<DataError>("[safetensors] {}: {}: data_offsets: expected to begin at {}, found {}, {}", where,
                      shown_name(*name), at, entry->begin,
                      entry->begin < at ? "inside another tensor" : "after a hole");
    if (entry->end > held)
      fail<DataError>("[safetensors] {}: {}: data_offsets: expected at most {} bytes of data, found the end at {}",
                      where, shown_name(*name), held, entry->end);
    at = entry->end;
    const auto type = type_named(entry->type);
    if (!type)
      fail<DataError>(
          "[safetensors] {}: {}: dtype: expected F64 F32 F16 BF16 I64 I32 I16 I8 U64 U32 U16 U8 or BOOL, "
          "found {}",
          where, shown_name(*name), shown_name(entry->type));
    const std::uint64_t size = entry->end - entry->begin;
    const auto width = static_cast<std::uint64_t>(type->width);
    if (size % width != 0 || size / width != static_cast<std::uint64_t>(entry->shape.size()))
      fail<DataError>(
          "[safetensors] {}: {}: data_offsets: expected {} numbers of {} bytes for shape {}, found {} bytes", where,
          shown_name(*name), entry->shape.size(), width, entry->shape, size);
  }
  if (at != held) fail<DataError>("[safetensors] {}: data: expected {} bytes in all, found {}", where, at, held);
}

// Takes the checksums out of the metadata: one per tensor in the order of the names; none in a foreign file.
std::vector<std::string> take_digests(SafeTensorsHeader& header, bool header_verified, const std::string& where) {
  const auto first = header.metadata.lower_bound(std::string(reserved));
  if (first == header.metadata.end() || !first->first.starts_with(reserved)) return {};
  const auto list = header.metadata.find(std::string(digests_key));
  if (!header_verified || list == header.metadata.end())
    fail<DataError>(
        "[safetensors] {}: __metadata__: expected glocal.crc32 at its beginning and {}, found only one of "
        "them; the header is damaged, or another program wrote it anew",
        where, digests_key);
  std::vector<std::string> digests;
  for (std::size_t at = 0; at < list->second.size(); at += digest_size + 1)
    digests.push_back(list->second.substr(at, digest_size));
  if (digests.size() != header.tensors.size())
    fail<DataError>("[safetensors] {}: {}: expected {} checksums, found {}", where, digests_key, header.tensors.size(),
                    digests.size());
  std::erase_if(header.metadata, [](const auto& item) { return item.first.starts_with(reserved); });
  return digests;
}

std::string quoted(const std::string& text, std::string_view what) {
  std::string json;
  try {
    json = Json(text).dump();
  } catch (const Json::exception&) {
    fail<ValueError>("[safetensors] {} {} is not UTF-8 text", what, shown_name(text));
  }
  if (json.size() > SafeTensorsHeader::most_text)
    fail<ValueError>("[safetensors] {} {} is too long: {} bytes, at most {} fit", what, shown_name(text), json.size(),
                     SafeTensorsHeader::most_text);
  return json;
}

std::string_view type_of(DType dtype) { return dtype == DType::f64 ? "F64" : dtype == DType::f32 ? "F32" : "I32"; }

std::string_view bytes_of(const Tensor& tensor) {
  return {static_cast<const char*>(tensor.raw()), static_cast<std::size_t>(tensor.bytes())};
}

void check_entries(const SafeTensors& file) {
  if (std::max(file.tensors.size(), file.metadata.size() + 2) > SafeTensorsHeader::most_entries)
    fail<ValueError>("[safetensors] {} tensors and {} texts do not fit a file, at most {} of each do",
                     file.tensors.size(), file.metadata.size(), SafeTensorsHeader::most_entries);
  for (const auto& [key, text] : file.metadata)
    if (key.starts_with(reserved))
      fail<ValueError>("[safetensors] the key {} is reserved for checksums", shown_name(key));
  for (const auto& [name, tensor] : file.tensors) {
    if (name == "__metadata__") fail<ValueError>("[safetensors] a tensor cannot be called __metadata__");
    if (!tensor)
      fail<ShapeError>("[safetensors] {} is an empty tensor and cannot be saved; give it a shape", shown_name(name));
  }
}

}  // namespace

std::string encode_safetensors(const SafeTensors& file) {
  check_entries(file);
  std::vector<std::pair<const std::string*, const Tensor*>> order;
  std::string digests;
  for (const auto& [name, tensor] : file.tensors) {
    order.emplace_back(&name, &tensor);
    digests += (digests.empty() ? "" : " ") + digest_of(crc_of(bytes_of(tensor)));
  }
  // Wide numbers first, as the reference implementation has it: every tensor lies at a multiple of its width.
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return size_of(a.second->dtype()) > size_of(b.second->dtype());
  });

  std::string head(length_size, '\0');
  head.append(prefix).append(no_digest).append("\",").append(quoted(std::string(digests_key), "key"));
  head += ":\"" + digests + "\"";
  for (const auto& [key, text] : file.metadata)
    head += "," + quoted(key, "key") + ":" + quoted(text, "the text of " + key);
  head += "}";
  std::int64_t at = 0;
  for (const auto& [name, tensor] : order) {
    const std::int64_t end = checked_add(at, tensor->bytes());
    head += fmt::format(R"(,{}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", quoted(*name, "name"),
                        type_of(tensor->dtype()), fmt::join(tensor->shape(), ","), at, end);
    at = end;
  }
  head += "}";
  head.append((8 - head.size() % 8) % 8, ' ');
  const std::uint64_t length = head.size() - length_size;
  if (length > most_header)
    fail<ValueError>("[safetensors] a header of {} bytes is too long, at most {} are allowed", length, most_header);
  std::memcpy(head.data(), &length, length_size);
  head.replace(length_size + prefix.size(), digest_size, header_digest(head));

  head.reserve(head.size() + static_cast<std::size_t>(at));
  for (const auto& [name, tensor] : order) head += bytes_of(*tensor);
  return head;
}

SafeTensors decode_safetensors(std::string_view bytes, const std::string& where) {
  if (bytes.size() < length_size)
    fail<DataError>("[safetensors] {}: header length: expected 8 bytes, found {}", where, bytes.size());
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), length_size);
  const std::uint64_t most = std::min<std::uint64_t>(most_header, bytes.size() - length_size);
  if (length > most)
    fail<DataError>("[safetensors] {}: header length: expected at most {}, found {}", where, most, length);
  const std::string_view head = bytes.substr(0, length_size + length), text = head.substr(length_size);
  const std::string_view data = bytes.substr(head.size());

  const bool ours = text.starts_with(prefix) && text.size() >= prefix.size() + digest_size;
  if (ours && text.substr(prefix.size(), digest_size) != header_digest(head))
    fail<DataError>("[safetensors] {}: header: expected checksum {}, found {}", where,
                    shown_name(text.substr(prefix.size(), digest_size)), header_digest(head));
  SafeTensorsHeader header = read_safetensors_header(text, where);
  check_layout(header, data.size(), where);
  const std::vector<std::string> digests = take_digests(header, ours, where);

  SafeTensors file;
  std::size_t number = 0;
  for (const auto& [name, entry] : header.tensors) {
    const std::string_view numbers = data.substr(entry.begin, entry.end - entry.begin);
    if (!digests.empty() && digests[number] != digest_of(crc_of(numbers)))
      fail<DataError>("[safetensors] {}: {}: data: expected checksum {}, found {}", where, shown_name(name),
                      shown_name(digests[number]), digest_of(crc_of(numbers)));
    ++number;
    file.tensors.emplace(name, decode_elements(*type_named(entry.type), numbers, entry.shape, false,
                                               fmt::format("[safetensors] {}: {}", where, shown_name(name))));
  }
  file.metadata = std::move(header.metadata);
  return file;
}

SafeTensors load_safetensors(const std::string& path) { return decode_safetensors(read_file(path), path); }

void save_safetensors(const std::string& path, const SafeTensors& file) {
  const std::string bytes = encode_safetensors(file);
  write_file_atomically(path, bytes, [&](const std::string& temporary) { check_written(temporary, bytes); });
}

void require_tensors(const SafeTensors& file, const std::map<std::string, TensorKind>& expected,
                     const std::string& where) {
  std::string missing, unexpected, different;
  for (const auto& [name, kind] : expected) {
    const auto found = file.tensors.find(name);
    if (found == file.tensors.end()) {
      missing += " " + shown_name(name);
    } else if (const TensorKind is{found->second.shape(), found->second.dtype()}; !(is == kind)) {
      different +=
          fmt::format(" {} is {} {}, not {} {};", shown_name(name), is.dtype, is.shape, kind.dtype, kind.shape);
    }
  }
  for (const auto& [name, tensor] : file.tensors)
    if (!expected.contains(name)) unexpected += " " + shown_name(name);
  if (missing.empty() && unexpected.empty() && different.empty()) return;
  fail<DataError>("[safetensors] {} does not fit:{}{}{}", where, missing.empty() ? "" : " missing:" + missing + ";",
                  unexpected.empty() ? "" : " unexpected:" + unexpected + ";", different);
}

}  // namespace glocal
