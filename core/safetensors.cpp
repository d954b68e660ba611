// Eight bytes with the length of the header, the header, then the numbers of the tensors without holes.
#include <glocal/core/safetensors.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include <glocal/core/file.h>
#include <glocal/core/safetensors_header.h>

static_assert(std::endian::native == std::endian::little, "files are little-endian and read in place");

namespace glocal {
namespace {

using Json = nlohmann::json;

constexpr std::size_t length_size = 8, most_header = 100'000'000, digest_size = 8;
constexpr std::size_t most_one_byte = std::size_t{16} << 20;  // in all: their i32 take four times the room
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

// Sign, exponent and fraction in their places of an f32, whose exponents reach 112 further down.
float half_to_float(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000U) << 16, rest = (bits & 0x7FFFU) << 13;
  if (rest >= 0x7C00U << 13) return std::bit_cast<float>(sign | 0x7F800000U | rest);  // infinity, NaN
  const float size = std::bit_cast<float>(rest) * 0x1p112F;
  return sign ? -size : size;
}

// How the numbers of one type of the format become a tensor.
struct Reading {
  std::size_t width;
  DType dtype;
  void (*convert)(std::string_view, Tensor&, const std::string& field) = nullptr;  // none: the same bytes
};

template <class From>
void to_i32(std::string_view data, Tensor& out, const std::string& field) {
  std::int32_t* const to = out.data<std::int32_t>();
  for (std::size_t i = 0; i < data.size() / sizeof(From); ++i) {
    From value;
    std::memcpy(&value, data.data() + i * sizeof(From), sizeof(From));
    if (!std::in_range<std::int32_t>(value))
      fail<DataError>("[safetensors] {}: number {}: expected a value that fits i32, found {}", field, i, value);
    to[i] = static_cast<std::int32_t>(value);  // NOLINT(bugprone-signed-char-misuse): I8 keeps its sign
  }
}

template <bool brain>
void to_f32(std::string_view data, Tensor& out, const std::string&) {
  float* const to = out.data<float>();
  for (std::size_t i = 0; i < data.size() / 2; ++i) {
    std::uint16_t bits;
    std::memcpy(&bits, data.data() + 2 * i, 2);
    to[i] = brain ? std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16) : half_to_float(bits);
  }
}

std::optional<Reading> reading_of(std::string_view type) {
  if (type == "F32") return Reading{4, DType::f32};
  if (type == "F64") return Reading{8, DType::f64};
  if (type == "I32") return Reading{4, DType::i32};
  if (type == "F16") return Reading{2, DType::f32, to_f32<false>};
  if (type == "BF16") return Reading{2, DType::f32, to_f32<true>};
  if (type == "I64") return Reading{8, DType::i32, to_i32<std::int64_t>};
  if (type == "U64") return Reading{8, DType::i32, to_i32<std::uint64_t>};
  if (type == "U32") return Reading{4, DType::i32, to_i32<std::uint32_t>};
  if (type == "I16") return Reading{2, DType::i32, to_i32<std::int16_t>};
  if (type == "U16") return Reading{2, DType::i32, to_i32<std::uint16_t>};
  if (type == "I8") return Reading{1, DType::i32, to_i32<std::int8_t>};
  if (type == "U8" || type == "BOOL") return Reading{1, DType::i32, to_i32<std::uint8_t>};
  return {};
}

// The tensors must follow each other without holes, fill the file, and be as long as their shapes say.
void check_layout(const SafeTensorsHeader& header, std::uint64_t held, const std::string& where) {
  std::vector<std::pair<const std::string*, const SafeTensorsHeader::Entry*>> order;
  for (const auto& [name, entry] : header.tensors) order.emplace_back(&name, &entry);
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second->begin, a.second->end) < std::pair(b.second->begin, b.second->end);
  });
  std::uint64_t at = 0, one_byte = 0;
  for (const auto& [name, entry] : order) {
    if (entry->begin != at)
      fail<DataError>("[safetensors] {}: {}: data_offsets: expected to begin at {}, found {}, {}", where,
                      shown_name(*name), at, entry->begin,
                      entry->begin < at ? "inside another tensor" : "after a hole");
    if (entry->end > held)
      fail<DataError>("[safetensors] {}: {}: data_offsets: expected at most {} bytes of data, found the end at {}",
                      where, shown_name(*name), held, entry->end);
    at = entry->end;
    const auto reading = reading_of(entry->type);
    if (!reading)
      fail<DataError>(
          "[safetensors] {}: {}: dtype: expected F64 F32 F16 BF16 I64 I32 I16 I8 U64 U32 U16 U8 or BOOL, "
          "found {}",
          where, shown_name(*name), shown_name(entry->type));
    const std::uint64_t size = entry->end - entry->begin;
    if (size % reading->width != 0 || size / reading->width != static_cast<std::uint64_t>(entry->shape.size()))
      fail<DataError>(
          "[safetensors] {}: {}: data_offsets: expected {} numbers of {} bytes for shape {}, found {} bytes", where,
          shown_name(*name), entry->shape.size(), reading->width, entry->shape, size);
    if (reading->width == 1) one_byte += size;
    if (one_byte > most_one_byte)
      fail<DataError>("[safetensors] {}: {}: expected at most {} numbers of one byte in all, found {}", where,
                      shown_name(*name), most_one_byte, one_byte);
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
    const Reading reading = *reading_of(entry.type);
    Tensor tensor(entry.shape, reading.dtype);
    if (reading.convert)
      reading.convert(numbers, tensor, where + ": " + shown_name(name));
    else
      std::copy(numbers.begin(), numbers.end(), static_cast<char*>(tensor.raw()));
    file.tensors.emplace(name, std::move(tensor));
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
