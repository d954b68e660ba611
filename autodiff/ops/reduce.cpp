#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <glocal/autodiff/op.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/ops/reduce_kernels.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/shape.h>
#include <glocal/core/tensor.h>

namespace glocal {
namespace {

// Neighbouring axes of `large` that broadcasting from `small` treats alike, merged; axes of size 1 are left out.
struct Group {
  std::int64_t size;
  bool repeated;
};

std::vector<Group> groups(const Shape& small, const Shape& large) {
  std::vector<Group> merged;
  const int missing = large.rank() - small.rank();
  for (int i = 0; i < large.rank(); ++i) {
    if (large[i] == 1) continue;
    const bool repeated = i < missing || small[i - missing] == 1;
    if (merged.empty() || merged.back().repeated != repeated) merged.push_back({1, repeated});
    merged.back().size *= large[i];
  }
  return merged;
}

std::int64_t product(const std::vector<Group>& all, std::size_t begin, std::size_t end, bool of_repeated) {
  std::int64_t size = 1;
  for (std::size_t i = begin; i < end; ++i)
    if (of_repeated || !all[i].repeated) size *= all[i].size;
  return size;
}

struct BroadcastTo : Primitive<"broadcast_to"> {
  Shape shape;
  explicit BroadcastTo(Shape s) : shape(s) {}
  Tensor eval(Values x) const override {
    const std::vector<Group> all = groups(x[0].shape(), shape);
    Tensor y = x[0];
    for (std::size_t g = all.size(); g-- > 0;) {  // innermost first: what is copied next is long
      if (!all[g].repeated) continue;
      const std::int64_t outer = product(all, 0, g, false), inner = product(all, g + 1, all.size(), true);
      Tensor wider(Shape{outer, all[g].size, inner}, y.dtype());
      visit_any(y.dtype(), [&]<class T>() { repeat_middle(outer, all[g].size, inner, y.data<T>(), wider.data<T>()); });
      y = wider;
    }
    return y.reshape(shape);
  }
  Var jvp(In, const Var&, In dx) const override { return broadcast_to(dx[0], shape); }
  void vjp(In x, const Var&, const Var& gy, Wants, Out gx) const override { gx[0] = sum_to(gy, x[0].shape()); }
};

struct SumTo : Primitive<"sum_to"> {
  Shape shape;
  explicit SumTo(Shape s) : shape(s) {}
  Tensor eval(Values x) const override {
    std::vector<Group> all = groups(shape, x[0].shape());
    auto left = std::count_if(all.begin(), all.end(), [](const Group& g) { return g.repeated; });
    Tensor y = x[0];
    for (std::size_t g = all.size(); g-- > 0;) {  // innermost first; sums between two passes stay in double
      if (!all[g].repeated) continue;
      const std::int64_t outer = product(all, 0, g, true), inner = product(all, g + 1, all.size(), false);
      Tensor narrower(Shape{outer, inner}, --left > 0 ? DType::f64 : x[0].dtype());
      visit_float(y.dtype(), name(), [&]<class From>() {
        visit_float(narrower.dtype(), name(),
                    [&]<class To>() { sum_middle(outer, all[g].size, inner, y.data<From>(), narrower.data<To>()); });
      });
      y = narrower;
    }
    return y.reshape(shape);
  }
  Var jvp(In, const Var&, In dx) const override { return sum_to(dx[0], shape); }
  void vjp(In x, const Var&, const Var& gy, Wants, Out gx) const override { gx[0] = broadcast_to(gy, x[0].shape()); }
};

// log sum exp over one axis, which stays with size 1; the derivative is softmax, 0 where all are -inf.
struct LogSumExp : Primitive<"logsumexp"> {
  int axis;
  explicit LogSumExp(int a) : axis(a) {}
  Tensor eval(Values x) const override {
    const Shape& shape = x[0].shape();
    const std::int64_t n = shape[axis], inner = shape.product(axis + 1, shape.rank());
    Tensor y(shape.with(axis, 1), x[0].dtype());
    visit_float(y.dtype(), name(), [&]<class T>() {
      const T* in = x[0].data<T>();
      T* out = y.data<T>();
      parallel_for(y.size(), std::max<std::int64_t>(1, reduce_task / n), [=](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          const T* p = in + i / inner * n * inner + i % inner;
          std::int64_t top = 0;
          for (std::int64_t k = 1; k < n; ++k)
            if (p[k * inner] > p[top * inner] || std::isnan(p[k * inner])) top = k;
          const double largest = static_cast<double>(p[top * inner]);
          double rest = 0;  // of the sum beyond e^0: the logarithm keeps its digits where it is near 0
          for (std::int64_t k = 0; k < n; ++k)
            if (k != top) rest += std::exp(static_cast<double>(p[k * inner]) - largest);
          out[i] = static_cast<T>(std::isfinite(largest) ? largest + std::log1p(rest) : largest);
        }
      });
    });
    return y;
  }
  Var softmax_of(const Var& x, const Var& y) const {
    Axes to_last;
    for (int i = 0; i < x.rank(); ++i) to_last.push_back(i == axis ? x.rank() - 1 : i == x.rank() - 1 ? axis : i);
    const auto along_axis = [&](const Var& v) {
      return axis == x.rank() - 1 ? softmax(v) : permute(softmax(permute(v, to_last)), to_last);
    };
    Tensor vanished(y.shape(), DType::i32);
    for (std::int64_t i = 0; i < y.size(); ++i)
      vanished.data<std::int32_t>()[i] = y.value().at(i) == -std::numeric_limits<double>::infinity();
    const auto flags = vanished.span<std::int32_t>();
    if (std::find(flags.begin(), flags.end(), 1) == flags.end()) return along_axis(x);
    return where(vanished, zeros_like(x), along_axis(where(vanished, zeros_like(x), x)));
  }
  Var jvp(In x, const Var& y, In dx) const override {
    return sum(mul(dx[0], softmax_of(x[0], y)), {axis}, /*keep=*/true);
  }
  void vjp(In x, const Var& y, const Var& gy, Wants, Out gx) const override {
    gx[0] = mul(broadcast_to(gy, x[0].shape()), softmax_of(x[0], y));
  }
};

// The shape of x with the axes (all when empty) reduced to 1.
Shape reduced(std::string_view where, const Shape& shape, const Axes& axes) {
  Shape kept = shape;
  for (int axis : axes) kept = kept.with(shape.axis(axis, where), 1);
  for (int axis = 0; axes.empty() && axis < shape.rank(); ++axis) kept = kept.with(axis, 1);
  return kept;
}

// The shape of x without the axes (all when empty).
Shape dropped(std::string_view where, const Shape& shape, const Axes& axes) {
  std::array<bool, Shape::max_rank> drop{};
  for (int axis : axes) drop[static_cast<std::size_t>(shape.axis(axis, where))] = true;
  Shape rest;
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (!axes.empty() && !drop[static_cast<std::size_t>(axis)]) rest = rest.append(shape[axis]);
  return rest;
}

// The axis of a reduction that has no value for zero elements.
int filled_axis(std::string_view where, const Shape& shape, int axis) {
  const int resolved = shape.axis(axis, where);
  if (shape[resolved] == 0) fail<ShapeError>("[{}] axis {} of shape {} has no elements", where, axis, shape);
  return resolved;
}

}  // namespace

Var broadcast_to(const Var& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (broadcast_shapes(x.shape(), shape, "broadcast_to") != shape)
    fail<ShapeError>("[broadcast_to] shape {} cannot be repeated to {}", x.shape(), shape);
  return x.size() == shape.size() ? reshape(x, shape) : apply(BroadcastTo(shape), x);
}

Var sum_to(const Var& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  if (broadcast_shapes(shape, x.shape(), "sum_to") != x.shape())
    fail<ShapeError>("[sum_to] shape {} cannot be summed to {}", x.shape(), shape);
  return x.size() == shape.size() ? reshape(x, shape) : apply(SumTo(shape), x);
}

Var sum(const Var& x, const Axes& axes, bool keep) {
  const Var kept = sum_to(x, reduced("sum", x.shape(), axes));
  return keep ? kept : reshape(kept, dropped("sum", x.shape(), axes));
}

Var mean(const Var& x, const Axes& axes, bool keep) {
  const Var total = sum(x, axes, keep);
  const std::int64_t kept = reduced("mean", x.shape(), axes).size();
  if (x.size() == 0 && kept != 0) fail<ShapeError>("[mean] shape {} has no elements to average", x.shape());
  return x.size() == 0 ? total : scale(total, static_cast<double>(kept) / static_cast<double>(x.size()));
}

Var max(const Var& x, int axis, bool keep) {
  const int a = filled_axis("max", x.shape(), axis);
  const std::int64_t n = x.shape()[a], inner = x.shape().product(a + 1, x.rank());
  Tensor index = argmax(x.value(), a);
  std::int32_t* place = index.data<std::int32_t>();
  for (std::int64_t i = 0; i < index.size(); ++i)
    place[i] = static_cast<std::int32_t>((i / inner * n + place[i]) * inner + i % inner);
  return take(x, index, keep ? x.shape().with(a, 1) : x.shape().without(a));
}

Var logsumexp(const Var& x, int axis, bool keep) {
  const int a = filled_axis("logsumexp", x.shape(), axis);
  const Var kept = apply(LogSumExp(a), x);
  return keep ? kept : reshape(kept, x.shape().without(a));
}

Tensor argmax(const Tensor& x, int axis) {
  const int a = filled_axis("argmax", x.shape(), axis);
  const std::int64_t n = x.shape()[a], inner = x.shape().product(a + 1, x.rank());
  Tensor index(x.shape().without(a), DType::i32);
  std::int32_t* out = index.data<std::int32_t>();
  visit_any(x.dtype(), [&]<class T>() {
    const T* in = x.data<T>();
    parallel_for(index.size(), std::max<std::int64_t>(1, reduce_task / n), [=](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const T* p = in + i / inner * n * inner + i % inner;
        std::int64_t best = 0;  // the first NaN, if there is one: it must surface
        for (std::int64_t k = 1; k < n && p[best * inner] == p[best * inner]; ++k)
          if (!(p[k * inner] <= p[best * inner])) best = k;
        out[i] = static_cast<std::int32_t>(best);
      }
    });
  });
  return index;
}

}  // namespace glocal
