// The element types of other programs' files, and how their numbers become ours.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include <glocal/core/dtype.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal {

struct ElementType {
  enum class Kind : std::uint8_t { real, brain, integer, natural, boolean };  ///< brain: bfloat16; natural: unsigned
  Kind kind = Kind::real;
  std::int64_t width = 4;  ///< bytes of a number: real 2, 4, 8; brain 2; integer, natural 1, 2, 4, 8; boolean 1
  bool big_endian = false;
  /// What it becomes: f32 for real numbers up to 4 bytes, f64 for those of 8, i32 for everything else.
  DType dtype() const;
};

/// The numbers that fill `data`, as a tensor of this shape; `columns_first` says that the first axis is the fastest
/// one, as in Fortran. Halves, infinities, NaN and subnormal numbers are exact, booleans are 0 or 1. Throws DataError,
/// which begins with `where`, when the length does not fit the shape, before anything is allocated, or for a whole
/// number that does not fit i32.
Tensor decode_elements(ElementType type, std::string_view data, const Shape& shape, bool columns_first,
                       const std::string& where);

}  // namespace glocal
