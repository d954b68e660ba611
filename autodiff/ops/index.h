// take and put for ops that make their own index.
#pragma once
#include <cstdint>

#include <glocal/autodiff/var.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal {

/// As take and put, for an index known to be valid. Cut into `planes` equal parts, part k of the index refers to part k
/// of x only, so that the parts of put are independent.
Var take_planes(const Var& x, const Tensor& index, std::int64_t planes);
Var put_planes(const Var& y, const Tensor& index, const Shape& shape, std::int64_t planes);

}  // namespace glocal
