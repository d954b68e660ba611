// Pooling of ONNX in ours, and the sliding windows it shares with convolution.
#include <algorithm>
#include <limits>

#include "window.h"

namespace onnx {

Window window(const Call& c, const std::vector<std::int64_t>& image, const std::vector<std::int64_t>& kernel) {
  const std::size_t rank = image.size();
  const std::vector<std::int64_t> ones(rank, 1), pads = c.list("pads", std::vector<std::int64_t>(2 * rank, 0));
  Window w{kernel, c.list("strides", ones), c.list("dilations", ones), {}, {}};
  const std::string mode = c.text("auto_pad", "NOTSET");
  for (std::size_t a = 0; a < rank; ++a) {
    const std::int64_t span = w.dilation[a] * (kernel[a] - 1) + 1, stride = w.stride[a];
    w.before.push_back(pads[a]), w.after.push_back(pads[a + rank]);
    if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
      const std::int64_t windows = (image[a] + stride - 1) / stride;
      const std::int64_t total = std::max<std::int64_t>(0, (windows - 1) * stride + span - image[a]);
      w.before[a] = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
      w.after[a] = total - w.before[a];
    }
    if (c.integer("ceil_mode", 0) != 0) {  // one more window for what is left, unless it begins in the padding
      const std::int64_t room = image[a] + w.before[a] + w.after[a] - span, left = room % stride;
      if (left != 0 && room - left + stride < image[a] + w.before[a]) w.after[a] += stride - left;
    }
  }
  return w;
}

namespace {

struct Planes {
  Var x;  // (N, C, H, W)
  PoolSpec spec;
};

// What the op pads, where both ends are alike; else the image is padded with `fill` before. Axes 2 and 3 only.
Planes planes(const Call& c, Var x, const Window& w, double fill) {
  Planes p{std::move(x), {}};
  for (std::size_t a = 0; a < 2; ++a) {
    p.spec.kernel[a] = w.kernel[a], p.spec.stride[a] = w.stride[a];
    if (w.before[a] == w.after[a]) {
      p.spec.padding[a] = w.before[a];
      continue;
    }
    const auto axis = static_cast<int>(a) + 2;
    const auto edge = [&](std::int64_t size) { return c.full(p.x.shape().with(axis, size), fill); };
    const Var before = edge(w.before[a]), after = edge(w.after[a]);
    p.x = concat({before, p.x, after}, axis);
  }
  return p;
}

Window part(const Window& w, std::size_t begin, std::size_t end) {
  const auto cut = [&](const std::vector<std::int64_t>& v) {
    return std::vector<std::int64_t>(v.begin() + static_cast<std::ptrdiff_t>(begin),
                                     v.begin() + static_cast<std::ptrdiff_t>(end));
  };
  return {cut(w.kernel), cut(w.stride), cut(w.dilation), cut(w.before), cut(w.after)};
}

void widen(Window& w) {  // one axis as two, the first of size 1
  for (auto* list : {&w.kernel, &w.stride, &w.dilation}) list->insert(list->begin(), 1);
  for (auto* list : {&w.before, &w.after}) list->insert(list->begin(), 0);
}

// One, two or three spatial axes by pools of two: a pool of volumes is one of planes, then one of lines.
template <class Pool>
Var pooled(const Var& x, const Window& w, const Pool& pool) {
  const std::vector<std::int64_t> s = sizes(x);
  if (w.kernel.size() == 2) return pool(x, w);
  if (w.kernel.size() == 1) {
    Window wide = w;
    widen(wide);
    const Var y = pool(reshape(x, {s[0], s[1], 1, s[2]}), wide);
    return reshape(y, {s[0], s[1], y.dim(3)});
  }
  if (w.kernel.size() != 3) refuse("pooling is over at most three axes");
  const Var flat = pool(reshape(x, {s[0], s[1] * s[2], s[3], s[4]}), part(w, 1, 3));
  const std::int64_t h = flat.dim(2), wd = flat.dim(3);
  Window depth = part(w, 0, 1);
  widen(depth);
  const Var lines = permute(reshape(flat, {s[0], s[1], s[2], h * wd}), {0, 1, 3, 2});
  const Var y = permute(pool(lines, depth), {0, 1, 3, 2});
  return reshape(y, {s[0], s[1], y.dim(2), h, wd});
}

Window pool_window(const Call& c) {
  const std::vector<std::int64_t> s = sizes(c.x(0));
  const Window w = window(c, {s.begin() + 2, s.end()}, c.list("kernel_shape"));
  if (std::any_of(w.dilation.begin(), w.dilation.end(), [](std::int64_t d) { return d != 1; }))
    refuse("pooling has no dilation");
  return w;
}

Var max_pool(const Call& c) {
  if (c.wants(1)) refuse("max_pool2d does not return its indices");
  return pooled(c.x(0), pool_window(c), [&](const Var& x, const Window& w) {
    const Planes p = planes(c, x, w, -std::numeric_limits<double>::infinity());
    return max_pool2d(p.x, p.spec);
  });
}

// Padding counts only where ONNX says so: the mean over the window by the share of it that lies in the image.
Var avg_pool(const Call& c) {
  const bool count_padding = c.integer("count_include_pad", 0) != 0;
  if (count_padding && c.integer("ceil_mode", 0) != 0) refuse("no composition for ceil_mode with counted padding");
  return pooled(c.x(0), pool_window(c), [&](const Var& x, const Window& w) {
    const Planes p = planes(c, x, w, 0), inside = planes(c, ones_like(stop_gradient(x)), w, 0);
    const Var y = avg_pool2d(p.x, p.spec);
    return count_padding ? y : y / avg_pool2d(inside.x, inside.spec);
  });
}

Var global_average(const Call& c) {
  const Var y = global_avg_pool(c.x(0));
  return reshape(y, {y.dim(0), y.dim(1), 1, 1});
}
Var global_largest(const Call& c) {
  const Var& x = c.x(0);
  return max_pool2d(x, {{x.dim(2), x.dim(3)}, {1, 1}, {0, 0}});
}

}  // namespace

Table pool_ops() {
  return {
      {"MaxPool", same(max_pool)},
      {"AveragePool", same(avg_pool)},
      {"GlobalAveragePool", same(global_average)},
      {"GlobalMaxPool", same(global_largest)},
  };
}

}  // namespace onnx
