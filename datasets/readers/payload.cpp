#include <glocal/datasets/readers/payload.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <glocal/core/error.h>
#include <glocal/core/io/file.h>

namespace glocal::datasets {

std::string read_data_file(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) fail<DataError>("[data] {}: expected a file, found a folder", path);
  return read_file(path, std::int64_t{1} << 32);
}

std::string_view describe_content(std::string_view bytes) {
  const auto first = std::find_if(bytes.begin(), bytes.end(), [](unsigned char c) { return std::isspace(c) == 0; });
  if (first != bytes.end() && *first == '<') return "the file looks like a web page, not like data";
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> known = {{
      {"\x1f\x8b", "the file looks like gzip"},
      {"PK\x03\x04", "the file looks like a zip archive"},
      {"\x89PNG", "the file looks like a PNG image"},
      {"\x80", "the file looks like a pickle of Python; save its arrays with numpy.savez"},
      {"\x93NUMPY", "the file looks like a NumPy array"},
      {"version https://git-lfs", "the file is a Git LFS pointer, not the data itself"},
      {std::string_view("\0\0\x08\x01", 4), "the file holds IDX labels"},
      {std::string_view("\0\0\x08\x03", 4), "the file holds IDX images"},
  }};
  for (const auto& [start, meaning] : known)
    if (bytes.starts_with(start)) return meaning;
  return "the file is of another kind";
}

}  // namespace glocal::datasets
