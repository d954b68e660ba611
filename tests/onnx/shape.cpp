// Ops of ONNX on shapes in ours.
#include <algorithm>
#include <numeric>

#include "call.h"

namespace onnx {

namespace {

Var transposed(const Call& c) {
  const Var& x = c.any(0).x;
  Axes order = axes_of(c.list("perm"));
  if (order.empty())
    for (int a = x.rank() - 1; a >= 0; --a) order.push_back(a);
  return permute(x, order);
}

// Size 0 copies the input's, unless allowzero; -1 is inferred.
Var reshaped(const Call& c) {
  const Var& x = c.any(0).x;
  std::vector<std::int64_t> to = c.integers(1);
  std::int64_t known = 1;
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (to[i] == 0 && c.integer("allowzero", 0) == 0) to[i] = x.dim(static_cast<int>(i));
    if (to[i] != -1) known *= to[i];
  }
  for (std::int64_t& size : to)
    if (size == -1) size = x.size() / known;
  return reshape(x, Shape(to));
}

Var flattened(const Call& c) {
  const Var& x = c.any(0).x;
  auto axis = static_cast<int>(c.integer("axis", 1));
  if (axis < 0) axis += x.rank();
  return reshape(x, {x.shape().product(0, axis), x.shape().product(axis, x.rank())});
}

std::vector<std::int64_t> given_axes(const Call& c) { return c.has(1) ? c.integers(1) : c.list("axes"); }

Var squeezed(const Call& c) {
  const Var& x = c.any(0).x;
  std::vector<bool> drop(static_cast<std::size_t>(x.rank()), given_axes(c).empty());
  for (const std::int64_t a : given_axes(c))
    drop[static_cast<std::size_t>(x.shape().axis(static_cast<int>(a), "onnx"))] = true;
  std::vector<std::int64_t> to;
  for (int a = 0; a < x.rank(); ++a)
    if (!drop[static_cast<std::size_t>(a)] || x.dim(a) != 1) to.push_back(x.dim(a));
  return reshape(x, Shape(to));
}

Var unsqueezed(const Call& c) {
  const Var& x = c.any(0).x;
  std::vector<std::int64_t> axes = given_axes(c), to = sizes(x);
  const auto rank = static_cast<std::int64_t>(to.size() + axes.size());
  for (std::int64_t& a : axes) a = a < 0 ? a + rank : a;
  std::sort(axes.begin(), axes.end());
  for (const std::int64_t a : axes) to.insert(to.begin() + a, 1);
  return reshape(x, Shape(to));
}

Var expanded(const Call& c) {
  const Var& x = c.any(0).x;
  return broadcast_to(x, broadcast_shapes(x.shape(), Shape(c.integers(1)), "onnx"));
}

Var joined(const Call& c) {
  Vars parts;
  for (const Value& v : c.in) parts.push_back(v.x);
  return concat(parts, static_cast<int>(c.integer("axis", 0)));
}

std::vector<Value> split_up(const Call& c) {
  const Var& x = c.any(0).x;
  const auto axis = static_cast<int>(c.integer("axis", 0));
  std::vector<std::int64_t> parts = c.has(1) ? c.integers(1) : c.list("split");
  const auto count = static_cast<std::int64_t>(c.node.outputs.size());
  if (parts.empty()) {  // all alike but the last, which may be smaller
    const std::int64_t size = (x.dim(axis) + count - 1) / count;
    parts.assign(c.node.outputs.size(), size);
    parts.back() = x.dim(axis) - (count - 1) * size;
  }
  std::vector<Value> out;
  std::int64_t at = 0;
  for (const std::int64_t size : parts) out.push_back({c.any(0).type, slice(x, axis, at, at + size)}), at += size;
  return out;
}

Var tiled(const Call& c) {
  Var x = c.any(0).x;
  const std::vector<std::int64_t> repeats = c.integers(1);
  for (int a = 0; a < x.rank(); ++a)
    x = concat(Vars(static_cast<std::size_t>(repeats[static_cast<std::size_t>(a)]), x), a);
  return x;
}

Var padded(const Call& c) {
  if (const std::string mode = c.text("mode", "constant"); mode != "constant") refuse("pad has no mode {}", mode);
  const Var& x = c.x(0);
  const std::vector<std::int64_t> pads = c.has(1) ? c.integers(1) : c.list("pads");
  const double value = c.has(2) ? c.number(2) : c.real("value", 0);
  Axes axes(static_cast<std::size_t>(x.rank()));
  std::iota(axes.begin(), axes.end(), 0);
  if (c.has(3)) axes = axes_of(c.integers(3));
  Var y = x, inside = ones_like(x);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const int a = x.shape().axis(axes[i], "onnx");
    y = pad(y, a, pads[i], pads[i + axes.size()]);
    inside = pad(inside, a, pads[i], pads[i + axes.size()]);
  }
  return value == 0 ? y : y + value * (1 - inside);
}

// (N, (r r C) or (C r r), H, W) <-> (N, C, H r, W r)
Var depth_to_space(const Call& c) {
  const Var& x = c.x(0);
  const std::int64_t r = c.integer("blocksize", 1), n = x.dim(0), k = x.dim(1) / (r * r), h = x.dim(2), w = x.dim(3);
  const Var y = c.text("mode", "DCR") == "CRD" ? permute(reshape(x, {n, k, r, r, h, w}), {0, 1, 4, 2, 5, 3})
                                               : permute(reshape(x, {n, r, r, k, h, w}), {0, 3, 4, 1, 5, 2});
  return reshape(y, {n, k, h * r, w * r});
}
Var space_to_depth(const Call& c) {
  const Var& x = c.x(0);
  const std::int64_t r = c.integer("blocksize", 1), n = x.dim(0), k = x.dim(1), h = x.dim(2) / r, w = x.dim(3) / r;
  return reshape(permute(reshape(x, {n, k, h, r, w, r}), {0, 3, 5, 1, 2, 4}), {n, k * r * r, h, w});
}

// A product with ones below (or above) the diagonal.
Var running_sum(const Call& c) {
  const auto axis = static_cast<int>(c.number(1));
  const bool reverse = c.integer("reverse", 0) != 0, exclusive = c.integer("exclusive", 0) != 0;
  const Var rows = to_last(c.x(0), axis);
  const std::int64_t n = rows.dim(-1);
  Tensor adds = Tensor::zeros({n, n}, DType::f64);  // 1 where number i goes into sum j
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      if ((reverse ? i > j : i < j) || (i == j && !exclusive)) adds.data<double>()[i * n + j] = 1;
  const Var y = matmul(reshape(rows, {rows.size() / n, n}), adds.to(rows.dtype()));
  return from_last(reshape(y, rows.shape()), axis);
}

// The five equations of the cases; we have no general einsum.
Var einsum(const Call& c) {
  std::string equation;
  for (const char letter : c.text("equation", ""))
    if (letter != ' ') equation += letter;
  const Var& x = c.x(0);
  if (equation == "ij->ji") return transpose(x);
  if (equation == "ij->i") return sum(x, {1});
  if (equation == "i,i") return dot(x, c.x(1));
  if (equation == "bij,bjk->bik") return matmul(x, c.x(1));
  if (equation == "...ii->...i") {
    const std::int64_t n = x.dim(-1), rows = x.size() / (n * n);
    std::vector<std::int64_t> diagonal;
    for (std::int64_t i = 0; i < n; ++i) diagonal.push_back(i * (n + 1));
    return reshape(gather(reshape(x, {rows, n * n}), 1, i32(diagonal, {n})), x.shape().without(x.rank() - 1));
  }
  refuse("no op or composition for the equation {}", equation);
}

std::vector<Value> constant(const Call& c) {
  if (const Attribute* a = c.attribute("value")) return {load(a->tensor, c.wide)};
  if (const Attribute* a = c.attribute("value_float"))
    return {load({"", Type::f32, {}, {static_cast<double>(a->real)}}, c.wide)};
  if (const Attribute* a = c.attribute("value_int"))
    return {load({"", Type::i64, {}, {static_cast<double>(a->integer)}}, c.wide)};
  if (const Attribute* a = c.attribute("value_ints"))
    return {
        load({"", Type::i64, {static_cast<std::int64_t>(a->integers.size())}, {a->integers.begin(), a->integers.end()}},
             c.wide)};
  refuse("a constant of this kind is not read");
}

std::vector<Value> constant_of_shape(const Call& c) {
  const Attribute* a = c.attribute("value");
  const Value one = load(a ? a->tensor : Numbers{"", Type::f32, {1}, {0}}, c.wide);
  return {{one.type, broadcast_to(reshape(one.x, Shape{}), Shape(c.integers(0)))}};
}

std::vector<Value> shape_of(const Call& c) {
  const auto all = sizes(c.any(0).x);
  const auto rank = static_cast<std::int64_t>(all.size());
  const auto bound = [&](const char* name, std::int64_t otherwise) {
    const std::int64_t at = c.integer(name, otherwise);
    return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  const std::int64_t begin = bound("start", 0), end = std::max(begin, bound("end", rank));
  const std::vector<double> part(all.begin() + begin, all.begin() + end);
  return {load({"", Type::i64, {end - begin}, part}, c.wide)};
}

std::vector<Value> size_of_all(const Call& c) {
  return {load({"", Type::i64, {}, {static_cast<double>(c.any(0).x.size())}}, c.wide)};
}

}  // namespace

Table shape_ops() {
  return {
      {"Transpose", same(transposed)},
      {"Reshape", same(reshaped)},
      {"Flatten", same(flattened)},
      {"Squeeze", same(squeezed)},
      {"Unsqueeze", same(unsqueezed)},
      {"Expand", same(expanded)},
      {"Concat", same(joined)},
      {"Split", split_up},
      {"Tile", same(tiled)},
      {"Pad", same(padded)},
      {"DepthToSpace", same(depth_to_space)},
      {"SpaceToDepth", same(space_to_depth)},
      {"CumSum", same(running_sum)},
      {"Einsum", same(einsum)},
      {"Constant", constant},
      {"ConstantOfShape", constant_of_shape},
      {"Shape", shape_of},
      {"Size", size_of_all},
  };
}

}  // namespace onnx
