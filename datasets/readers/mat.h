// Numeric arrays of MATLAB files of version 5 to 7, as MATLAB and scipy.io.savemat write them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <glocal/core/element_type.h>

namespace glocal::datasets {

struct MatArray {
  std::vector<std::int64_t> sizes;
  ElementType type;  ///< as it is stored, which may be smaller than the array's own
  std::string data;  ///< the first axis is the fastest
};

/// The array of that name, plain or compressed ("MAT-File Format", MathWorks, chapter 1). Memory is bounded by what the
/// file can hold. Throws DataError naming `file` when there is none, or the file or the array is of another kind
/// (version 4, version 7.3, which is HDF5, big-endian, complex, sparse, text, structures), cut short or corrupt.
MatArray parse_mat_array(std::string_view bytes, std::string_view name, std::string_view file);

}  // namespace glocal::datasets
