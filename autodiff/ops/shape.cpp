#include <algorithm>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

#include <glocal/autodiff/op.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/ops/checks.h>
#include <glocal/autodiff/ops/permute_kernel.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal {
namespace {

struct Reshape : Primitive<"reshape"> {
  Shape shape;
  explicit Reshape(Shape s) : shape(s) {}
  Tensor eval(Values x) const override { return x[0].reshape(shape); }
  Var jvp(In, const Var&, In dx) const override { return reshape(dx[0], shape); }
  void vjp(In x, const Var&, const Var& gy, Wants, Out gx) const override { gx[0] = reshape(gy, x[0].shape()); }
};

// The axes of a permuted copy without those of size 1, neighbours merged where they stay neighbours.
std::vector<PermuteAxis> merged_axes(const Shape& shape, const Axes& axes) {
  std::vector<PermuteAxis> merged;
  for (int axis : axes) {
    const std::int64_t size = shape[axis], from = shape.product(axis + 1, shape.rank());
    if (size == 1) continue;
    if (!merged.empty() && merged.back().from == size * from) {
      merged.back() = {merged.back().size * size, from, 0};
    } else {
      merged.push_back({size, from, 0});
    }
  }
  std::int64_t to = 1;
  for (auto a = merged.rbegin(); a != merged.rend(); ++a) {
    a->to = to;
    to *= a->size;
  }
  return merged;
}

struct Permute : Primitive<"permute"> {
  Axes axes;
  explicit Permute(Axes a) : axes(std::move(a)) {}
  Tensor eval(Values x) const override {
    Shape shape;
    for (int axis : axes) shape = shape.append(x[0].shape()[axis]);
    if (x[0].size() == 0) return Tensor(shape, x[0].dtype());
    const std::vector<PermuteAxis> merged = merged_axes(x[0].shape(), axes);
    if (merged.size() < 2) return x[0].reshape(shape);
    Tensor y(shape, x[0].dtype());
    visit_any(y.dtype(), [&]<class T>() { permute_copy(merged, x[0].data<T>(), y.data<T>()); });
    return y;
  }
  Var jvp(In, const Var&, In dx) const override { return permute(dx[0], axes); }
  void vjp(In, const Var&, const Var& gy, Wants, Out gx) const override {
    Axes inverse(axes.size());
    for (std::size_t i = 0; i < axes.size(); ++i) inverse[static_cast<std::size_t>(axes[i])] = static_cast<int>(i);
    gx[0] = permute(gy, inverse);
  }
};

// Copies `bytes` bytes `count` times, source and target advancing by their own strides.
void copy_rows(std::int64_t count, std::int64_t bytes, const void* from, std::int64_t from_stride, void* to,
               std::int64_t to_stride) {
  const char* p = static_cast<const char*>(from);
  char* q = static_cast<char*>(to);
  for (std::int64_t i = 0; i < count && bytes > 0; ++i)
    std::memcpy(q + i * to_stride, p + i * from_stride, static_cast<std::size_t>(bytes));
}

// A tensor seen from one axis: `count` blocks, each of shape[axis] rows of `row` bytes.
struct Blocks {
  std::int64_t count, row;
  Blocks(const Tensor& x, int axis)
      : count(x.shape().product(0, axis)), row(x.shape().product(axis + 1, x.rank()) * size_of(x.dtype())) {}
};

struct Slice : Primitive<"slice"> {
  int axis;
  std::int64_t begin, end;
  Slice(int a, std::int64_t b, std::int64_t e) : axis(a), begin(b), end(e) {}
  Tensor eval(Values x) const override {
    Tensor y(x[0].shape().with(axis, end - begin), x[0].dtype());
    const Blocks b(x[0], axis);
    const std::int64_t from = x[0].shape()[axis] * b.row, to = (end - begin) * b.row;
    copy_rows(b.count, to, static_cast<const char*>(x[0].raw()) + begin * b.row, from, y.raw(), to);
    return y;
  }
  Var jvp(In, const Var&, In dx) const override { return slice(dx[0], axis, begin, end); }
  void vjp(In x, const Var&, const Var& gy, Wants, Out gx) const override {
    gx[0] = pad(gy, axis, begin, x[0].shape()[axis] - end);
  }
};

struct Pad : Primitive<"pad"> {
  int axis;
  std::int64_t before, after;
  Pad(int a, std::int64_t b, std::int64_t e) : axis(a), before(b), after(e) {}
  Tensor eval(Values x) const override {
    const std::int64_t n = x[0].shape()[axis], padded = checked_add(checked_add(before, n), after);
    Tensor y = Tensor::zeros(x[0].shape().with(axis, padded), x[0].dtype());
    const Blocks b(x[0], axis);
    copy_rows(b.count, n * b.row, x[0].raw(), n * b.row, static_cast<char*>(y.raw()) + before * b.row, padded * b.row);
    return y;
  }
  Var jvp(In, const Var&, In dx) const override { return pad(dx[0], axis, before, after); }
  void vjp(In x, const Var&, const Var& gy, Wants, Out gx) const override {
    gx[0] = slice(gy, axis, before, before + x[0].shape()[axis]);
  }
};

struct Concat : Primitive<"concat"> {
  int axis;
  explicit Concat(int a) : axis(a) {}
  Tensor eval(Values x) const override {
    std::int64_t total = 0;
    for (std::size_t i = 0; i < x.size(); ++i) total = checked_add(total, x[i].shape()[axis]);
    Tensor y(x[0].shape().with(axis, total), x[0].dtype());
    const Blocks b(x[0], axis);
    char* to = static_cast<char*>(y.raw());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const Tensor& part = x[i];
      const std::int64_t bytes = part.shape()[axis] * b.row;
      copy_rows(b.count, bytes, part.raw(), bytes, to, total * b.row);
      to += bytes;
    }
    return y;
  }
  Var jvp(In x, const Var&, In dx) const override {
    Vars parts;
    for (std::size_t i = 0; i < x.size(); ++i) parts.push_back(instantiate(dx[i], x[i]));
    return concat(parts, axis);
  }
  void vjp(In x, const Var&, const Var& gy, Wants w, Out gx) const override {
    std::int64_t begin = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::int64_t end = begin + x[i].shape()[axis];
      if (w[i]) gx[i] = slice(gy, axis, begin, end);
      begin = end;
    }
  }
};

Shape with_axis(const Shape& shape, int axis, std::int64_t size) {
  std::vector<std::int64_t> sizes(shape.begin(), shape.end());
  sizes.insert(sizes.begin() + axis, size);
  return Shape(std::span<const std::int64_t>(sizes));
}

}  // namespace

Var reshape(const Var& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (x.size() != shape.size())
    fail<ShapeError>("[reshape] shape {} has {} numbers, {} has {}", x.shape(), x.size(), shape, shape.size());
  return apply(Reshape(shape), x);
}

Var reshape(const Var& x, std::initializer_list<std::int64_t> sizes) {
  std::vector<std::int64_t> all(sizes);
  const auto open = std::find(all.begin(), all.end(), -1);
  if (open == all.end()) return reshape(x, Shape(std::span<const std::int64_t>(all)));
  *open = 1;
  const std::int64_t known = Shape(std::span<const std::int64_t>(all)).size();  // throws for a second -1
  if (known == 0 || x.size() % known != 0)
    fail<ShapeError>("[reshape] shape {} does not divide into {} numbers for the size -1", x.shape(), known);
  *open = x.size() / known;
  return reshape(x, Shape(std::span<const std::int64_t>(all)));
}

Var flatten_from(const Var& x, int axis) {
  const int first = x.shape().axis(axis, "flatten_from");
  Shape shape;
  for (int i = 0; i < first; ++i) shape = shape.append(x.shape()[i]);
  return reshape(x, shape.append(x.shape().product(first, x.rank())));
}

Var permute(const Var& x, const Axes& axes) {
  Axes order;
  for (int axis : axes) order.push_back(x.shape().axis(axis, "permute"));
  Axes sorted = order;
  std::sort(sorted.begin(), sorted.end());
  if (static_cast<int>(axes.size()) != x.rank() || std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    fail<ShapeError>("[permute] needs each of the {} axes of shape {} once", x.rank(), x.shape());
  return sorted == order ? x : apply(Permute(std::move(order)), x);
}

Var transpose(const Var& x) {
  if (x.rank() < 2) fail<ShapeError>("[transpose] needs two axes, the shape is {}", x.shape());
  Axes axes;
  for (int i = 0; i < x.rank(); ++i) axes.push_back(i);
  std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
  return permute(x, axes);
}

Var slice(const Var& x, int axis, std::int64_t begin, std::int64_t end) {
  const int a = x.shape().axis(axis, "slice");
  if (begin < 0 || end < begin || end > x.shape()[a])
    fail<ShapeError>("[slice] rows {} to {} are not within axis {} of shape {}", begin, end, axis, x.shape());
  return end - begin == x.shape()[a] ? x : apply(Slice(a, begin, end), x);
}

Var pad(const Var& x, int axis, std::int64_t before, std::int64_t after) {
  const int a = x.shape().axis(axis, "pad");
  if (before < 0 || after < 0) fail<ShapeError>("[pad] {} before and {} after must not be negative", before, after);
  return before == 0 && after == 0 ? x : apply(Pad(a, before, after), x);
}

Var concat(const Vars& x, int axis) {
  if (x.empty()) fail<ShapeError>("[concat] needs at least one tensor");
  const int a = x[0].shape().axis(axis, "concat");
  for (const Var& part : x) {
    check_same_dtype("concat", x[0], part);
    if (part.rank() != x[0].rank() || part.shape().with(a, 0) != x[0].shape().with(a, 0))
      fail<ShapeError>("[concat] shapes {} and {} differ outside axis {}", x[0].shape(), part.shape(), axis);
  }
  return x.size() == 1 ? x[0] : apply(Concat(a), In(x));
}

Var stack(const Vars& x, int axis) {
  if (x.empty()) fail<ShapeError>("[stack] needs at least one tensor");
  const int rank = x[0].rank() + 1, a = axis < 0 ? axis + rank : axis;
  if (a < 0 || a >= rank) fail<ShapeError>("[stack] axis {} is out of range for shape {}", axis, x[0].shape());
  Vars parts;
  for (const Var& part : x) {
    check_same_shape("stack", x[0], part);
    parts.push_back(reshape(part, with_axis(part.shape(), a, 1)));
  }
  return concat(parts, a);
}

}  // namespace glocal
