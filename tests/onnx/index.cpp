// Ops of ONNX that pick and place by index in ours: slice, gather, scatter, take, put.
#include <algorithm>

#include "call.h"

namespace onnx {

namespace {

std::vector<std::int64_t> not_negative(std::vector<std::int64_t> index, std::int64_t size) {
  for (std::int64_t& i : index) i = i < 0 ? i + size : i;
  return index;
}

// Steps of 1 are slice, others gather.
Var sliced(const Call& c) {
  Var x = c.any(0).x;
  const auto starts = c.has(1) ? c.integers(1) : c.list("starts"), ends = c.has(2) ? c.integers(2) : c.list("ends");
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const auto axis = static_cast<int>(c.has(3) ? c.integers(3)[i] : static_cast<std::int64_t>(i));
    const std::int64_t step = c.has(4) ? c.integers(4)[i] : 1, n = x.dim(axis);
    const std::int64_t lowest = step < 0 ? -1 : 0, highest = step < 0 ? n - 1 : n;
    const auto bound = [&](std::int64_t at) { return std::clamp(at < 0 ? at + n : at, lowest, highest); };
    const std::int64_t begin = std::max<std::int64_t>(0, bound(starts[i])), end = bound(ends[i]);
    if (step == 1) {
      x = slice(x, axis, begin, std::max(begin, end));
      continue;
    }
    std::vector<std::int64_t> places;
    for (std::int64_t at = begin; step > 0 ? at < end : at > end; at += step) places.push_back(at);
    x = gather(x, axis, i32(places, {static_cast<std::int64_t>(places.size())}));
  }
  return x;
}

Var gathered(const Call& c) {
  const Var &x = c.any(0).x, &index = c.any(1).x;
  const int axis = x.shape().axis(static_cast<int>(c.integer("axis", 0)), "onnx");
  std::vector<std::int64_t> to = sizes(x);
  to.erase(to.begin() + axis);
  to.insert(to.begin() + axis, index.shape().begin(), index.shape().end());
  return reshape(gather(x, axis, i32(not_negative(c.integers(1), x.dim(axis)), {index.size()})), Shape(to));
}

// Flat places in `data` of the elements that index names along an axis.
Tensor element_places(const Call& c, const Shape& data, const Shape& index) {
  const int axis = data.axis(static_cast<int>(c.integer("axis", 0)), "onnx");
  std::vector<std::int64_t> places = not_negative(c.integers(1), data[axis]);
  for (std::int64_t i = 0; i < index.size(); ++i) {
    std::int64_t rest = i, place = 0, stride = 1;
    for (int a = data.rank() - 1; a >= 0; rest /= index[a], stride *= data[a], --a)
      place += stride * (a == axis ? places[static_cast<std::size_t>(i)] : rest % index[a]);
    places[static_cast<std::size_t>(i)] = place;
  }
  return i32(places, index);
}

Var elements_gathered(const Call& c) {
  const Var &x = c.any(0).x, &index = c.any(1).x;
  return take(x, element_places(c, x.shape(), index.shape()), index.shape());
}

// Puts `updates` at `places` of x: instead of what is there, or added to it.
Var placed(const Var& x, const Tensor& places, const Var& updates, const std::string& reduction) {
  const Var into = put(updates, places, x.shape());
  if (reduction == "add") return x + into;
  const Tensor hits = put(ones_like(stop_gradient(updates)), places, x.shape()).value();
  for (std::int64_t i = 0; i < hits.size(); ++i)
    if (hits.at(i) > 1) refuse("put adds what goes to one place twice");
  if (reduction == "mul") return x * where(hits.to(DType::i32), into, ones_like(into));
  if (reduction != "none") refuse("put has no reduction {}", reduction);
  return where(hits.to(DType::i32), into, x);
}

Var elements_scattered(const Call& c) {
  const Var& x = c.x(0);
  return placed(x, element_places(c, x.shape(), c.any(1).x.shape()), c.x(2), c.text("reduction", "none"));
}

// index (..., k) names the first k axes; what it names are blocks of the axes after those.
struct Blocks {
  Tensor places;  // flat places of all numbers of the blocks
  Shape shape;
};
Blocks blocks(const Call& c) {
  const Shape data = c.any(0).x.shape(), index = c.any(1).x.shape();
  if (c.integer("batch_dims", 0) != 0) refuse("no op or composition for batch_dims");
  const auto k = static_cast<int>(index.back());
  const std::vector<std::int64_t> rows = c.integers(1);
  const std::int64_t inner = data.product(k, data.rank());
  std::vector<std::int64_t> places, to(index.begin(), index.end() - 1);
  for (std::size_t at = 0; at < rows.size(); at += static_cast<std::size_t>(k)) {
    std::int64_t block = 0;
    for (int a = 0; a < k; ++a) {
      const std::int64_t i = rows[at + static_cast<std::size_t>(a)];
      block = block * data[a] + (i < 0 ? i + data[a] : i);
    }
    for (std::int64_t j = 0; j < inner; ++j) places.push_back(block * inner + j);
  }
  to.insert(to.end(), data.begin() + k, data.end());
  return {i32(places, Shape(to)), Shape(to)};
}

Var blocks_gathered(const Call& c) {
  const Blocks b = blocks(c);
  return take(c.any(0).x, b.places, b.shape);
}
Var blocks_scattered(const Call& c) { return placed(c.x(0), blocks(c).places, c.x(2), c.text("reduction", "none")); }

Var compressed(const Call& c) {
  const Var& x = c.any(0).x;
  const bool flat = c.attribute("axis") == nullptr;
  const std::vector<std::int64_t> keep = c.integers(1);
  std::vector<std::int64_t> places;
  for (std::size_t i = 0; i < keep.size(); ++i)
    if (keep[i] != 0) places.push_back(static_cast<std::int64_t>(i));
  const Tensor index = i32(places, {static_cast<std::int64_t>(places.size())});
  return flat ? gather(reshape(x, {x.size()}), 0, index) : gather(x, static_cast<int>(c.integer("axis", 0)), index);
}

// ONNX's index is anything in [-depth, depth); off and on are two numbers.
Value one_hotted(const Call& c) {
  const auto depth = static_cast<std::int64_t>(c.number(1));
  std::vector<std::int64_t> labels = not_negative(c.integers(0), depth);
  for (const std::int64_t label : labels)
    if (label < 0 || label >= depth) refuse("one_hot refuses a label out of range");
  const Var hot = one_hot(i32(labels, {static_cast<std::int64_t>(labels.size())}), depth, c.any(2).x.dtype());
  const Var off = slice(c.any(2).x, 0, 0, 1), on = slice(c.any(2).x, 0, 1, 2);
  const Var y = reshape(off + hot * (on - off), c.any(0).x.shape().append(depth));
  return {c.any(2).type, from_last(y, static_cast<int>(c.integer("axis", -1)))};
}

}  // namespace

Table index_ops() {
  return {
      {"Slice", same(sliced)},
      {"Gather", same(gathered)},
      {"GatherElements", same(elements_gathered)},
      {"GatherND", same(blocks_gathered)},
      {"Scatter", same(elements_scattered)},
      {"ScatterElements", same(elements_scattered)},
      {"ScatterND", same(blocks_scattered)},
      {"Compress", same(compressed)},
      {"OneHot", [](const Call& c) { return std::vector<Value>{one_hotted(c)}; }},
  };
}

}  // namespace onnx
