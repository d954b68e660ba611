// Tensors and text in one file of the Hugging Face safetensors format, with checksums of our own in its metadata.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include <glocal/core/dtype.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal {

/// A safetensors file: tensors by name and text by key (its __metadata__).
struct SafeTensors {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Writes the file so that a crash, a full disk or a failing one leaves the old file or the new one: the new one is
/// flushed, read back and compared before it takes the place of the old one. Throws IoError, or as encode_safetensors.
void save_safetensors(const std::string& path, const SafeTensors& file);

/// Reads a whole file or nothing. Throws IoError when it cannot be read, otherwise as decode_safetensors.
SafeTensors load_safetensors(const std::string& path);

/// The bytes of a file: F32, F64 and I32, data at multiples of 8, and in __metadata__ a CRC-32 of each tensor and of
/// the header, which catch every flipped byte. Throws ValueError for a key beginning with glocal.crc32, a tensor called
/// __metadata__, text that is not UTF-8, or more than 65536 entries; ShapeError for an empty tensor.
std::string encode_safetensors(const SafeTensors& file);

/// The contents of a file; `where` names it in errors. Checksums are verified when the file has them, as ours do, and
/// are not part of `metadata`. F16 and BF16 become f32; integers and BOOL become i32, range checked, those of one byte
/// in four times the room. Throws DataError naming the field, expected and found for any other content: holes,
/// overlaps, repeated names, bytes after the end, ranks above 8, a header above 100 MB, a text in it above 16 MiB.
SafeTensors decode_safetensors(std::string_view bytes, const std::string& where);

struct TensorKind {
  Shape shape;
  DType dtype = DType::f32;
  bool operator==(const TensorKind&) const = default;
};

/// Compares names, shapes and element types with those expected. Throws one DataError that lists every missing, every
/// unexpected and every different tensor.
void require_tensors(const SafeTensors& file, const std::map<std::string, TensorKind>& expected,
                     const std::string& where);

}  // namespace glocal
