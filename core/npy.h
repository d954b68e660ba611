// Tensors as NumPy files: .npy (one array) and .npz (a zip of named arrays).
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <glocal/core/tensor.h>

namespace glocal {

/// Reads versions 1.0 to 3.0, little-endian f4 f8 i4, and i8 u1 b1 as i32 (range checked; u1 and b1 up to 16 MiB); C
/// and Fortran order. Throws DataError naming file, field, expected and found for any other content; IoError when it
/// cannot be opened.
Tensor load_npy(const std::string& path);
void save_npy(const std::string& path, const Tensor& tensor);

/// Every array of a zip file, by name without ".npy"; stored or deflated, CRC checked. Throws DataError for zip64,
/// members that share bytes, and deflated ones that unpack to more than max_unpacked bytes in all. 0 is 24 MiB more
/// than the file holds, which keeps the memory for reading it below 64 MiB and three times the file.
std::map<std::string, Tensor> load_npz(const std::string& path, std::uint64_t max_unpacked = 0);
/// Throws ValueError for an empty name, one with '/', '\\' or a zero byte, or above 4 GiB in all.
void save_npz(const std::string& path, const std::map<std::string, Tensor>& tensors, bool compress = false);

/// The same on bytes in memory; `where` names them in errors.
Tensor decode_npy(std::string_view bytes, const std::string& where);
std::string encode_npy(const Tensor& tensor);
std::map<std::string, Tensor> decode_npz(std::string_view bytes, const std::string& where,
                                         std::uint64_t max_unpacked = 0);
std::string encode_npz(const std::map<std::string, Tensor>& tensors, bool compress = false);

}  // namespace glocal
