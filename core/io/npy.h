// Tensors as NumPy files: .npy (one array) and .npz (a zip of named arrays).
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <glocal/core/element_type.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal {

/// Reads versions 1.0 to 3.0 of either byte order, C and Fortran order: f2 f4 as f32, f8 as f64, i1 i2 i4 i8 u1 u2 u4
/// u8 b1 as i32, range checked, so that numbers of one byte take four times the room. Throws DataError naming file,
/// field, expected and found for any other content (complex numbers, text, objects, dates, long doubles, structured
/// arrays); IoError when it cannot be opened.
Tensor load_npy(const std::string& path);
void save_npy(const std::string& path, const Tensor& tensor);

/// Every array of a zip file, by name without ".npy"; stored or deflated, CRC checked. Throws DataError for a member
/// that is no such array, zip64 (2 GiB and more), members that share bytes, and deflated ones that unpack to more than
/// max_unpacked bytes in all, or whose tensors take more than four times that; 0: 24 MiB and 6 times the file, tensors
/// 24 MiB and 24 times the file.
std::map<std::string, Tensor> load_npz(const std::string& path, std::uint64_t max_unpacked = 0);
/// One array; the other members are not read, and need not be arrays. Throws as load_npz, and DataError when none or
/// several have this name.
Tensor load_npz_array(const std::string& path, const std::string& name, std::uint64_t max_unpacked = 0);
/// Throws ValueError for an empty name, one with '/', '\\' or a zero byte, or above 4 GiB in all.
void save_npz(const std::string& path, const std::map<std::string, Tensor>& tensors, bool compress = false);

/// The same on bytes in memory; `where` names them in errors. A tensor that would take more than max_bytes is refused.
Tensor decode_npy(std::string_view bytes, const std::string& where, std::uint64_t max_bytes = std::uint64_t{1} << 62);
std::string encode_npy(const Tensor& tensor);
std::map<std::string, Tensor> decode_npz(std::string_view bytes, const std::string& where,
                                         std::uint64_t max_unpacked = 0);
Tensor decode_npz_array(std::string_view bytes, const std::string& where, const std::string& name,
                        std::uint64_t max_unpacked = 0);
std::string encode_npz(const std::map<std::string, Tensor>& tensors, bool compress = false);

/// An array before its numbers are decoded; `data` points into the bytes that were parsed.
struct NpyArray {
  ElementType type;
  bool columns_first = false;  ///< Fortran order
  Shape shape;
  std::string_view data;
};
/// Header and data of a .npy file. Throws as decode_npy, and DataError when the length of the data is not the shape's.
NpyArray parse_npy(std::string_view bytes, const std::string& where);
/// The .npy file of one array, inflated, its CRC checked. Throws as load_npz_array.
std::string npz_member(std::string_view bytes, const std::string& where, const std::string& name,
                       std::uint64_t max_unpacked = 0);

/// The names of all members in the order of the file, without ".npy" where they end so. Throws DataError when the bytes
/// are no zip file.
std::vector<std::string> names_in_npz(std::string_view bytes, const std::string& where);
/// A member of a zip file, and what keeps it from being read as an array; empty when nothing does.
struct NpzMember {
  std::string name;  ///< without ".npy" where it ends so
  std::string trouble;
};
/// All members in the order of the file, each read by itself and let go. Throws DataError when the bytes are no zip
/// file.
std::vector<NpzMember> judge_npz(std::string_view bytes, const std::string& where);

}  // namespace glocal
