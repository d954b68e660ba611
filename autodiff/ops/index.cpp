#include <glocal/autodiff/ops/index.h>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>

#include <glocal/autodiff/op.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/parallel.h>
#include <glocal/core/shape.h>
#include <glocal/core/simd/pool.h>
#include <glocal/core/tensor.h>

namespace glocal {
namespace {

std::int64_t height(const Shape& shape) { return shape[shape.rank() - 2]; }
std::int64_t width(const Shape& shape) { return shape[shape.rank() - 1]; }

// Whether an index may be that of pooling by 2 x 2 windows, which has kernels of its own.
bool windows_of_four(const Shape& shape, std::int64_t planes, std::int64_t index_size) {
  if (shape.rank() < 2) return false;
  const std::int64_t H = height(shape), W = width(shape);
  return H > 1 && W > 1 && shape.size() == planes * H * W && index_size == planes * (H / 2) * (W / 2);
}

template <class T>
void take_each(std::int64_t begin, std::int64_t end, const T* from, const std::int32_t* at, T* to) {
  for (std::int64_t i = begin; i < end; ++i) to[i] = at[i] < 0 ? T(0) : from[at[i]];
}

// take and put are each other's adjoint. The index was checked once, where the public function was called.
struct Take : Primitive<"take"> {
  Tensor index;
  Shape shape;  // of x
  std::int64_t planes;
  Take(Tensor i, const Shape& s, std::int64_t p) : index(std::move(i)), shape(s), planes(p) {}
  Reads reads(Wants) const override { return Reads::nothing(); }
  Tensor eval(Values x) const override {
    Tensor y(index.shape(), x[0].dtype());
    visit_any(y.dtype(), [&]<class T>() {
      const T* from = x[0].data<T>();
      const std::int32_t* at = index.data<std::int32_t>();
      T* to = y.data<T>();
      const std::int64_t size = shape.size() / planes, count = y.size() / planes;
      const std::int64_t grain = std::max<std::int64_t>(1, (1 << 15) / std::max<std::int64_t>(size, 1));
      if constexpr (std::floating_point<T>)
        if (windows_of_four(shape, planes, y.size()))
          return parallel_for(planes, grain, [=, this](std::int64_t begin, std::int64_t end) {
            if (!simd::pool<T>().take(end - begin, height(shape), width(shape), from + begin * size, at + begin * count,
                                      static_cast<std::int32_t>(begin * size), to + begin * count))
              take_each(begin * count, end * count, from, at, to);
          });
      parallel_for(y.size(), 1 << 15,
                   [=](std::int64_t begin, std::int64_t end) { take_each(begin, end, from, at, to); });
    });
    return y;
  }
  Var jvp(In, const Var&, In dx) const override { return apply(*this, dx[0]); }
  void vjp(In x, const Var&, const Var& gy, Wants, Out gx) const override;
};

struct Put : Primitive<"put"> {
  Tensor index;
  Shape shape;  // of the result
  std::int64_t planes;
  Put(Tensor i, const Shape& s, std::int64_t p) : index(std::move(i)), shape(s), planes(p) {}
  Reads reads(Wants) const override { return Reads::nothing(); }
  Tensor eval(Values y) const override {
    Tensor x(shape, y[0].dtype());
    visit_any(x.dtype(), [&]<class T>() {
      const T* from = y[0].data<T>();
      const std::int32_t* at = index.data<std::int32_t>();
      T* to = x.data<T>();
      const std::int64_t size = x.size() / planes, count = index.size() / planes;
      const std::int64_t grain = std::max<std::int64_t>(1, (1 << 15) / std::max<std::int64_t>(size, 1));
      const Shape& of_x = shape;
      const bool windows = windows_of_four(of_x, planes, index.size());
      parallel_for(planes, grain, [=](std::int64_t begin, std::int64_t end) {
        if constexpr (std::floating_point<T>)
          if (windows &&
              simd::pool<T>().put(end - begin, height(of_x), width(of_x), from + begin * count, at + begin * count,
                                  static_cast<std::int32_t>(begin * size), to + begin * size))
            return;
        for (std::int64_t k = begin; k < end; ++k) {
          std::fill_n(to + k * size, size, T(0));
          for (std::int64_t i = k * count; i < (k + 1) * count; ++i)  // in order: repeated places have one rounding
            if (at[i] >= 0) to[at[i]] += from[i];
        }
      });
    });
    return x;
  }
  Var jvp(In, const Var&, In dy) const override { return apply(*this, dy[0]); }
  void vjp(In, const Var&, const Var& gx, Wants, Out gy) const override {
    gy[0] = apply(Take(index, shape, planes), gx);
  }
};

void Take::vjp(In, const Var&, const Var& gy, Wants, Out gx) const { gx[0] = apply(Put(index, shape, planes), gy); }

// gather and scatter work on rows: (outer, size, inner) with one index for every row of the result's axis.
struct Gather : Primitive<"gather"> {
  int axis;
  Tensor index;
  Gather(int a, Tensor i) : axis(a), index(std::move(i)) {}
  Tensor eval(Values x) const override {
    const Shape& shape = x[0].shape();
    const std::int64_t n = shape[axis], k = index.size(), inner = shape.product(axis + 1, shape.rank());
    Tensor y(shape.with(axis, k), x[0].dtype());
    if (y.size() == 0) return y;  // of perhaps 2^59 rows
    visit_any(y.dtype(), [&]<class T>() {
      const T* from = x[0].data<T>();
      const std::int32_t* at = index.data<std::int32_t>();
      T* to = y.data<T>();
      const std::int64_t grain = std::max<std::int64_t>(1, (1 << 15) / std::max<std::int64_t>(inner, 1));
      parallel_for(shape.product(0, axis) * k, grain, [=](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row)
          std::copy_n(from + (row / k * n + at[row % k]) * inner, inner, to + row * inner);
      });
    });
    return y;
  }
  Var jvp(In, const Var&, In dx) const override { return apply(*this, dx[0]); }
  void vjp(In x, const Var&, const Var& gy, Wants, Out gx) const override;
};

struct Scatter : Primitive<"scatter"> {
  int axis;
  Tensor index;
  std::int64_t size;
  Scatter(int a, Tensor i, std::int64_t n) : axis(a), index(std::move(i)), size(n) {}
  Tensor eval(Values y) const override {
    const Shape& shape = y[0].shape();
    const std::int64_t k = index.size(), inner = shape.product(axis + 1, shape.rank());
    Tensor x = Tensor::zeros(shape.with(axis, size), y[0].dtype());
    if (x.size() == 0) return x;  // of perhaps 2^59 rows
    visit_any(x.dtype(), [&]<class T>() {
      const T* from = y[0].data<T>();
      const std::int32_t* at = index.data<std::int32_t>();
      T* to = x.data<T>();
      const std::int64_t n = size, grain = std::max<std::int64_t>(1, (1 << 15) / std::max<std::int64_t>(k * inner, 1));
      parallel_for(shape.product(0, axis), grain, [=](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin * k; row < end * k; ++row) {
          T* sum = to + (row / k * n + at[row % k]) * inner;
          std::transform(sum, sum + inner, from + row * inner, sum, [](T a, T b) { return static_cast<T>(a + b); });
        }
      });
    });
    return x;
  }
  Var jvp(In, const Var&, In dy) const override { return apply(*this, dy[0]); }
  void vjp(In, const Var&, const Var& gx, Wants, Out gy) const override { gy[0] = apply(Gather(axis, index), gx); }
};

void Gather::vjp(In x, const Var&, const Var& gy, Wants, Out gx) const {
  gx[0] = apply(Scatter(axis, index, x[0].shape()[axis]), gy);
}

// Throws unless index is i32, has `count` entries, all of them in [lowest, size).
void check_index(std::string_view where, const Tensor& index, std::int64_t count, std::int32_t lowest,
                 std::int64_t size) {
  if (index.dtype() != DType::i32) fail<DTypeError>("[{}] the index must be i32, it is {}", where, index.dtype());
  if (index.size() != count)
    fail<ShapeError>("[{}] the index has shape {}, needs {} entries", where, index.shape(), count);
  if (size > std::numeric_limits<std::int32_t>::max())
    fail<ShapeError>("[{}] {} places are above the limit of an i32 index", where, size);
  for (std::int32_t i : index.span<std::int32_t>())
    if (i < lowest || i >= size) fail<ShapeError>("[{}] index {} is not in [{}, {})", where, i, lowest, size);
}

}  // namespace

Var take(const Var& x, const Tensor& index, const Shape& shape) {
  check_index("take", index, shape.size(), -1, x.size());
  return apply(Take(index.reshape(shape), x.shape(), 1), x);
}

Var put(const Var& y, const Tensor& index, const Shape& shape) {
  check_index("put", index, y.size(), -1, shape.size());
  return apply(Put(index.reshape(y.shape()), shape, 1), y);
}

Var take_planes(const Var& x, const Tensor& index, std::int64_t planes) {
  return apply(Take(index, x.shape(), planes), x);
}

Var put_planes(const Var& y, const Tensor& index, const Shape& shape, std::int64_t planes) {
  return apply(Put(index, shape, planes), y);
}

Var gather(const Var& x, int axis, const Tensor& index) {
  const int a = x.shape().axis(axis, "gather");
  if (index.rank() != 1) fail<ShapeError>("[gather] the index must have shape (K,), it has {}", index.shape());
  check_index("gather", index, index.size(), 0, x.shape()[a]);
  return apply(Gather(a, index), x);
}

Var scatter(const Var& y, int axis, const Tensor& index, std::int64_t size) {
  const int a = y.shape().axis(axis, "scatter");
  if (index.rank() != 1) fail<ShapeError>("[scatter] the index must have shape (K,), it has {}", index.shape());
  check_index("scatter", index, y.shape()[a], 0, size);
  return apply(Scatter(a, index, size), y);
}

Tensor one_hot(const Tensor& labels, std::int64_t classes, DType dtype) {
  if (labels.rank() != 1) fail<ShapeError>("[one_hot] labels must have shape (N,), they have {}", labels.shape());
  check_index("one_hot", labels, labels.size(), 0, classes);
  Tensor y = Tensor::zeros({labels.size(), classes}, dtype);
  visit_any(dtype, [&]<class T>() {
    const std::int32_t* label = labels.data<std::int32_t>();
    for (std::int64_t i = 0; i < labels.size(); ++i) y.data<T>()[i * classes + label[i]] = T(1);
  });
  return y;
}

}  // namespace glocal
