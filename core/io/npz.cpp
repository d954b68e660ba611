// .npz: a zip file of .npy members (PKWARE APPNOTE 6.3; stored or deflated, no zip64, no encryption).
#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/io/npy.h>
#include <glocal/core/tensor.h>
#include <glocal/core/text/printable.h>

namespace glocal {
namespace {

constexpr std::uint64_t zip64_mark = 0xFFFFFFFF;
constexpr std::uint64_t most_expansion = 1032;  // deflate cannot expand further
// MNIST's 55 MB of bytes are deflated to 11.5 MB.
constexpr std::uint64_t unpacked_at_least = std::uint64_t{24} << 20, unpacked_per_byte = 6, widest_growth = 4;
constexpr std::size_t end_size = 22, entry_size = 46, local_size = 30;
constexpr std::uint16_t stored = 0, deflated = 8;
constexpr std::uint16_t first_of_1980 = 0x21;  // the date written: files of equal content are equal

// Little-endian numbers from checked places.
class Reader {
 public:
  Reader(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  std::string_view at(std::uint64_t offset, std::uint64_t size, std::string_view field) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset)
      fail<DataError>("[npz] {}: {}: expected {} bytes at {}, found the end at {}", where_, field, size, offset,
                      bytes_.size());
    return bytes_.substr(offset, size);
  }
  std::uint64_t number(std::uint64_t offset, std::uint64_t size, std::string_view field) const {
    std::uint64_t value = 0;
    const std::string_view raw = at(offset, size, field);
    for (std::size_t i = raw.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(raw[i]);
    return value;
  }
  void expect(std::uint64_t offset, std::string_view signature, std::string_view field) const {
    if (at(offset, signature.size(), field) != signature)
      fail<DataError>("[npz] {}: {}: expected its signature at byte {}, found other bytes", where_, field, offset);
  }
  std::uint64_t size() const { return bytes_.size(); }
  const std::string& where() const { return where_; }

 private:
  std::string_view bytes_;
  const std::string& where_;
};

// An entry of the central directory; what it says is believed by open_member alone.
struct Member {
  std::string_view name, packed;
  std::uint64_t flags = 0, method = 0, crc = 0, packed_size = 0, size = 0, local = 0;
  std::uint64_t begin = 0, end = 0;  // its place in the file
  std::string shown() const { return printable(name.substr(0, 80)); }
  std::string_view stem() const { return name.substr(0, name.size() - (name.ends_with(".npy") ? 4 : 0)); }
};

// How much deflated members may still take, unpacked and as tensors.
struct Allowance {
  std::uint64_t unpacked, tensors;
  Allowance(std::uint64_t held, std::uint64_t max_unpacked)
      : unpacked(max_unpacked > 0 ? max_unpacked : unpacked_at_least + unpacked_per_byte * held),
        tensors(max_unpacked > 0 ? widest_growth * max_unpacked
                                 : unpacked_at_least + widest_growth * unpacked_per_byte * held) {}
};

std::string inflate_member(const Member& member, const std::string& where) {
  if (member.size > most_expansion * member.packed.size() + 64)
    fail<DataError>("[npz] {}: {}: expected at most {} bytes from {} deflated ones, found {} announced", where,
                    member.shown(), most_expansion * member.packed.size() + 64, member.packed.size(), member.size);
  std::string out(member.size, '\0');
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) fail<MemoryError>("[npz] zlib has no memory to inflate {}", where);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(member.packed.data()));
  stream.avail_in = static_cast<uInt>(member.packed.size());
  char one_more = 0;  // zlib wants room even for zero bytes
  stream.next_out = reinterpret_cast<Bytef*>(out.empty() ? &one_more : out.data());
  stream.avail_out = static_cast<uInt>(out.empty() ? 1 : out.size());
  const int status = inflate(&stream, Z_FINISH);
  const auto total = stream.total_out;
  const bool exact = status == Z_STREAM_END && total == out.size() && stream.avail_in == 0;
  inflateEnd(&stream);
  if (!exact)
    fail<DataError>("[npz] {}: {}: expected {} bytes of deflated data, found {} and status {}", where, member.shown(),
                    member.size, total, status);
  return out;
}

std::uint64_t crc_of(std::string_view bytes) {
  return crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
}

// `entry` moves to the next entry.
Member read_entry(const Reader& zip, std::uint64_t& entry) {
  zip.expect(entry, "PK\1\2", "directory entry");
  zip.at(entry, entry_size, "directory entry");
  const std::uint64_t name_size = zip.number(entry + 28, 2, "name size");
  Member member;
  member.flags = zip.number(entry + 8, 2, "flags");
  member.method = zip.number(entry + 10, 2, "method");
  member.crc = zip.number(entry + 16, 4, "crc");
  member.packed_size = zip.number(entry + 20, 4, "packed size");
  member.size = zip.number(entry + 24, 4, "size");
  member.local = zip.number(entry + 42, 4, "offset");
  member.name = zip.at(entry + entry_size, name_size, "name");
  entry += entry_size + name_size + zip.number(entry + 30, 2, "extra size") + zip.number(entry + 32, 2, "comment size");
  return member;
}

struct Directory {
  std::vector<Member> members;
  std::uint64_t begin = 0;
};

Directory read_directory(const Reader& zip) {
  if (zip.size() < end_size)
    fail<DataError>("[npz] {}: expected at least {} bytes, found {}", zip.where(), end_size, zip.size());
  const std::uint64_t end = zip.size() - end_size;
  zip.expect(end, "PK\5\6", "end record (a zip file without comment or trailing bytes)");
  const std::uint64_t count = zip.number(end + 10, 2, "count"), size = zip.number(end + 12, 4, "directory size");
  Directory directory{{}, zip.number(end + 16, 4, "directory offset")};
  if (directory.begin + size != end)
    fail<DataError>("[npz] {}: directory: expected it to end at {}, found {} + {}", zip.where(), end, directory.begin,
                    size);
  for (std::uint64_t i = 0, entry = directory.begin; i < count || entry != end; ++i) {
    if (i == count || entry >= end)
      fail<DataError>("[npz] {}: directory: expected {} members up to byte {}, found {}", zip.where(), count, end,
                      entry);
    directory.members.push_back(read_entry(zip, entry));
  }
  return directory;
}

// Goes to the local record, and checks what both say.
void open_member(const Reader& zip, const Directory& directory, Member& member) {
  if (!member.name.ends_with(".npy") || member.name.size() == 4)
    fail<DataError>("[npz] {}: member {}: expected a name that ends in .npy", zip.where(), member.shown());
  if (member.packed_size == zip64_mark || member.size == zip64_mark || member.local == zip64_mark)
    fail<DataError>("[npz] {}: {}: expected a member below 2 GiB, found zip64", zip.where(), member.shown());
  if (member.flags & 1)
    fail<DataError>("[npz] {}: {}: expected a plain member, found an encrypted one", zip.where(), member.shown());
  if (member.method != stored && member.method != deflated)
    fail<DataError>("[npz] {}: {}: method: expected 0 or 8, found {}", zip.where(), member.shown(), member.method);
  const std::uint64_t local = member.local, packed = member.packed_size;
  zip.expect(local, "PK\3\4", "local record");
  // Sizes in the local record may be a zip64 mark (numpy writes that); those of the directory count.
  const std::uint64_t local_name = zip.number(local + 26, 2, "local name size"),
                      data = local + local_size + local_name + zip.number(local + 28, 2, "local extra size");
  if (zip.at(local + local_size, local_name, "local name") != member.name)
    fail<DataError>("[npz] {}: {}: expected the same name in its local record", zip.where(), member.shown());
  if (data > directory.begin || packed > directory.begin - data)
    fail<DataError>("[npz] {}: {}: expected {} bytes before the directory at {}, found data at {}", zip.where(),
                    member.shown(), packed, directory.begin, data);
  if (member.method == stored && packed != member.size)
    fail<DataError>("[npz] {}: {}: expected {} stored bytes, found {}", zip.where(), member.shown(), member.size,
                    packed);
  member.packed = zip.at(data, packed, "data");
  member.begin = local;
  member.end = data + packed;
}

// Members that share bytes, or promise far more than the file holds, make a small file fill the memory (D. Fifield,
// A better zip bomb, 2019).
void check_sizes(std::vector<Member> members, std::uint64_t held, std::uint64_t max_unpacked,
                 const std::string& where) {
  std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) { return a.begin < b.begin; });
  std::uint64_t at = 0, unpacked = 0;
  for (const Member& member : members) {
    if (member.begin < at)
      fail<DataError>("[npz] {}: {}: expected its own bytes, found those of another member", where, member.shown());
    at = member.end;
    unpacked += member.method == deflated ? member.size : 0;
  }
  if (unpacked > max_unpacked)
    fail<DataError>(
        "[npz] {}: sizes: expected at most {} unpacked bytes from {}, found {} announced; give max_unpacked "
        "if you trust the file",
        where, max_unpacked, held, unpacked);
}

// Calls use(the .npy file of a member that is open).
template <class Use>
auto with_npy(const Reader& zip, const Member& member, Use&& use) {
  const std::string& where = zip.where();
  const std::string inflated = member.method == deflated ? inflate_member(member, where) : std::string();
  const std::string_view data = member.method == deflated ? std::string_view(inflated) : member.packed;
  if (crc_of(data) != member.crc)
    fail<DataError>("[npz] {}: {}: crc: expected {:08x}, found {:08x}", where, member.shown(), member.crc,
                    crc_of(data));
  return use(data);
}

// The array of a member that is open; what its tensor takes is no longer allowed to others.
Tensor read_array(const Reader& zip, const Member& member, Allowance& allowance) {
  return with_npy(zip, member, [&](std::string_view data) {
    const std::string name = zip.where() + ":" + member.shown();
    if (member.method == stored) return decode_npy(data, name);
    Tensor array = decode_npy(data, name, allowance.tensors);
    allowance.tensors -= static_cast<std::uint64_t>(array.bytes());
    return array;
  });
}

// The one member of that name, opened.
Member find_member(const Reader& zip, const std::string& name, const Allowance& allowance) {
  const std::string& where = zip.where();
  Directory directory = read_directory(zip);
  Member* found = nullptr;
  for (Member& member : directory.members) {
    if (member.name != name + ".npy") continue;
    if (found) fail<DataError>("[npz] {}: {}: expected each name once", where, member.shown());
    found = &member;
  }
  if (!found) fail<DataError>("[npz] {}: expected an array {}, found none of this name", where, printable(name));
  open_member(zip, directory, *found);
  check_sizes({*found}, zip.size(), allowance.unpacked, where);
  return *found;
}

void append(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i) & 0xFF));
}

std::string deflate_bytes(std::string_view bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    fail<MemoryError>("[npz] zlib has no memory to deflate");
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) fail<MemoryError>("[npz] zlib did not finish, status {}", status);
  return out;
}

void check_below_4_gib(std::uint64_t bytes) {
  if (bytes >= zip64_mark)
    fail<ValueError>("[npz] {} bytes do not fit a zip file; save fewer tensors in one file", bytes);
}

}  // namespace

std::map<std::string, Tensor> decode_npz(std::string_view bytes, const std::string& where, std::uint64_t max_unpacked) {
  const Reader zip(bytes, where);
  Directory directory = read_directory(zip);
  for (Member& member : directory.members) open_member(zip, directory, member);
  Allowance allowance(bytes.size(), max_unpacked);
  check_sizes(directory.members, bytes.size(), allowance.unpacked, where);
  std::map<std::string, Tensor> tensors;
  for (const Member& member : directory.members)
    if (!tensors.emplace(member.stem(), read_array(zip, member, allowance)).second)
      fail<DataError>("[npz] {}: {}: expected each name once", where, member.shown());
  return tensors;
}

Tensor decode_npz_array(std::string_view bytes, const std::string& where, const std::string& name,
                        std::uint64_t max_unpacked) {
  const Reader zip(bytes, where);
  Allowance allowance(bytes.size(), max_unpacked);
  return read_array(zip, find_member(zip, name, allowance), allowance);
}

std::string npz_member(std::string_view bytes, const std::string& where, const std::string& name,
                       std::uint64_t max_unpacked) {
  const Reader zip(bytes, where);
  const Member member = find_member(zip, name, Allowance(bytes.size(), max_unpacked));
  return with_npy(zip, member, [](std::string_view data) { return std::string(data); });
}

std::vector<std::string> names_in_npz(std::string_view bytes, const std::string& where) {
  std::vector<std::string> names;
  for (const Member& member : read_directory(Reader(bytes, where)).members) names.emplace_back(member.stem());
  return names;
}

std::vector<NpzMember> judge_npz(std::string_view bytes, const std::string& where) {
  const Reader zip(bytes, where);
  Directory directory = read_directory(zip);
  std::map<std::string_view, int> times;
  for (const Member& member : directory.members) ++times[member.name];
  std::vector<NpzMember> out;
  for (Member& member : directory.members) {
    out.push_back({std::string(member.stem()), ""});
    try {
      if (times[member.name] > 1) fail<DataError>("[npz] {}: {}: expected each name once", where, member.shown());
      open_member(zip, directory, member);
      Allowance allowance(bytes.size(), 0);
      check_sizes({member}, bytes.size(), allowance.unpacked, where);
      read_array(zip, member, allowance);
    } catch (const DataError& error) {
      out.back().trouble = error.what();
    }
  }
  return out;
}

std::string encode_npz(const std::map<std::string, Tensor>& tensors, bool compress) {
  std::string out, directory;
  if (tensors.size() > std::numeric_limits<std::uint16_t>::max())
    fail<ValueError>("[npz] {} tensors do not fit a zip file, at most 65535 do", tensors.size());
  for (const auto& [name, tensor] : tensors) {
    if (name.empty() || name.size() > 1000 || name.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos)
      fail<ValueError>("[npz] \"{}\" cannot name a tensor: 1 to 1000 bytes without / \\ or zero", name);
    const std::string npy = encode_npy(tensor), member = name + ".npy";
    check_below_4_gib(npy.size());
    const std::string packed = compress ? deflate_bytes(npy) : npy;
    std::string record;        // the fields that the local record and the directory entry share
    append(record, 20, 2);     // version needed
    append(record, 0x800, 2);  // flags: the name is UTF-8
    append(record, compress ? deflated : stored, 2);
    append(record, 0, 2);
    append(record, first_of_1980, 2);
    append(record, crc_of(npy), 4);
    append(record, packed.size(), 4);
    append(record, npy.size(), 4);
    append(record, member.size(), 2);
    append(record, 0, 2);  // no extra fields
    directory += "PK\1\2";
    append(directory, 20, 2);  // version made by
    directory += record;
    directory.append(10, '\0');  // no comment, disk 0, no attributes
    append(directory, out.size(), 4);
    directory += member;
    out.append("PK\3\4").append(record).append(member).append(packed);
    check_below_4_gib(out.size() + directory.size());
  }
  const std::size_t offset = out.size();
  out += directory + "PK\5\6";
  append(out, 0, 4);
  append(out, tensors.size(), 2);
  append(out, tensors.size(), 2);
  append(out, directory.size(), 4);
  append(out, offset, 4);
  append(out, 0, 2);
  return out;
}

std::map<std::string, Tensor> load_npz(const std::string& path, std::uint64_t max_unpacked) {
  return decode_npz(read_file(path), path, max_unpacked);
}

Tensor load_npz_array(const std::string& path, const std::string& name, std::uint64_t max_unpacked) {
  return decode_npz_array(read_file(path), path, name, max_unpacked);
}

void save_npz(const std::string& path, const std::map<std::string, Tensor>& tensors, bool compress) {
  write_file_atomically(path, encode_npz(tensors, compress));
}

}  // namespace glocal
