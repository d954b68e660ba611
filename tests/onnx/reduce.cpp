// Reductions and softmaxes of ONNX in ours.
#include <algorithm>

#include "call.h"

namespace onnx {

namespace {

// The axes to reduce, sorted; from the attribute, or the second input of newer versions of the op.
Axes reduced_axes(const Call& c) {
  std::vector<std::int64_t> given = c.has(1) ? c.integers(1) : c.list("axes");
  const int rank = c.x(0).rank();
  Axes axes;
  for (const std::int64_t a : given) axes.push_back(c.x(0).shape().axis(static_cast<int>(a), "onnx"));
  if (given.empty())
    for (int a = 0; a < rank; ++a) axes.push_back(a);
  std::sort(axes.begin(), axes.end());
  return axes;
}

// f reduces the last axis of x away; here all the axes at once, kept with size 1 where ONNX wants that.
template <class F>
Op over_last(F f) {
  return same([f](const Call& c) {
    const Var& x = c.x(0);
    const Axes axes = reduced_axes(c);
    if (x.size() == 0) refuse("a largest number, or a logarithm, of nothing is an error here");
    Axes order;
    std::vector<std::int64_t> kept, rows;
    for (int a = 0; a < x.rank(); ++a) {
      const bool reduced = std::find(axes.begin(), axes.end(), a) != axes.end();
      if (!reduced) order.push_back(a), rows.push_back(x.dim(a));
      if (!reduced || c.integer("keepdims", 1) != 0) kept.push_back(reduced ? 1 : x.dim(a));
    }
    order.insert(order.end(), axes.begin(), axes.end());
    const std::int64_t count = Shape(rows).size();
    return reshape(f(reshape(permute(x, order), {count, x.size() / count})), Shape(kept));
  });
}

template <class F>
Op over_axes(F f) {
  return same([f](const Call& c) {
    const bool noop = c.integer("noop_with_empty_axes", 0) != 0 && c.has(1) && c.any(1).x.size() == 0;
    return noop ? c.x(0) : f(c.x(0), reduced_axes(c), c.integer("keepdims", 1) != 0);
  });
}

Var product(const Var& rows) {
  Var all = slice(rows, 1, 0, 1);
  for (std::int64_t i = 1; i < rows.dim(1); ++i) all = all * slice(rows, 1, i, i + 1);
  return all;
}

template <class F>
Op along_axis(F f) {
  return same([f](const Call& c) {
    const auto axis = static_cast<int>(c.integer("axis", -1));
    return from_last(f(to_last(c.x(0), axis)), axis);
  });
}

// 1 at the first largest of the last axis.
Var hardmax(const Var& x) {
  const std::int64_t n = x.dim(-1), rows = x.size() / n;
  return reshape(one_hot(argmax(x.value().reshape({rows, n}), 1), n, x.dtype()), x.shape());
}

Op extreme_place(double factor) {
  return [factor](const Call& c) {
    if (c.integer("select_last_index", 0) != 0) refuse("argmax gives the first of equals, not the last");
    const auto axis = static_cast<int>(c.integer("axis", 0));
    const Var& x = c.x(0);
    const Var place = argmax(scale(stop_gradient(x), factor).value(), axis).to(DType::f64);
    const Shape kept = x.shape().with(x.shape().axis(axis, "onnx"), 1);
    return std::vector<Value>{{Type::i64, c.integer("keepdims", 1) != 0 ? reshape(place, kept) : place}};
  };
}

}  // namespace

Table reduce_ops() {
  return {
      {"ReduceSum", over_axes([](const Var& x, const Axes& a, bool k) { return sum(x, a, k); })},
      {"ReduceMean", over_axes([](const Var& x, const Axes& a, bool k) { return mean(x, a, k); })},
      {"ReduceL1", over_axes([](const Var& x, const Axes& a, bool k) { return sum(abs(x), a, k); })},
      {"ReduceL2", over_axes([](const Var& x, const Axes& a, bool k) { return sqrt(sum(square(x), a, k)); })},
      {"ReduceSumSquare", over_axes([](const Var& x, const Axes& a, bool k) { return sum(square(x), a, k); })},
      {"ReduceLogSum", over_axes([](const Var& x, const Axes& a, bool k) { return log(sum(x, a, k)); })},
      {"ReduceLogSumExp", over_last([](const Var& x) { return logsumexp(x, 1); })},
      {"ReduceMax", over_last([](const Var& x) { return max(x, 1); })},
      {"ReduceMin", over_last([](const Var& x) { return -max(-x, 1); })},
      {"ReduceProd", over_last(product)},
      {"Softmax", along_axis([](const Var& x) { return softmax(x); })},
      {"LogSoftmax", along_axis([](const Var& x) { return log_softmax(x); })},
      {"Hardmax", along_axis(hardmax)},
      {"ArgMax", extreme_place(1)},
      {"ArgMin", extreme_place(-1)},
  };
}

}  // namespace onnx
