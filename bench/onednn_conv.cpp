// The peer for convolutions: oneDNN in the layout it likes best; bringing the numbers into it is not timed.
//
//   onednn_conv conv/DIRECTION/C_O_H_sSTRIDE --problem FILE [--threads k] [--seconds s]
#include <dnnl.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/io/npy.h>

#include "work/timing.h"

namespace {

using dnnl::memory;
using Tag = memory::format_tag;

struct Engine {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};

  /// Row-major numbers, brought into the layout `wanted`.
  memory reordered(const glocal::Tensor& from, const memory::desc& wanted) {
    const memory::dims dims(from.shape().begin(), from.shape().end());
    memory plain({dims, memory::data_type::f32, Tag::abcd}, engine, const_cast<void*>(from.raw()));
    return move(plain, wanted);
  }
  memory move(memory& from, const memory::desc& wanted) {
    memory to(wanted, engine);
    dnnl::reorder(from, to).execute(stream, from, to);
    stream.wait();
    return to;
  }
};

// What a primitive is to do: oneDNN 2 wants the parts in a struct of their own, which oneDNN 3 has no longer.
template <class Primitive, class... Parts, class... Hint>
typename Primitive::primitive_desc described(const dnnl::engine& engine, const std::tuple<Parts...>& parts,
                                             const Hint&... hint) {
  return std::apply(
      [&](const Parts&... part) {
        if constexpr (requires { typename Primitive::desc; })
          return typename Primitive::primitive_desc(typename Primitive::desc(part...), engine, hint...);
        else
          return typename Primitive::primitive_desc(engine, part..., hint...);
      },
      parts);
}

// The same numbers as Glocal's side picks: 16 evenly spaced ones, then the root mean square.
std::vector<double> sample(const float* x, std::int64_t size) {
  std::vector<double> numbers;
  for (std::int64_t i = 0; i < 16; ++i) numbers.push_back(double(x[i * size / 16]));
  double squares = 0;
  for (std::int64_t i = 0; i < size; ++i) squares += double(x[i]) * double(x[i]);
  numbers.push_back(std::sqrt(squares / double(size)));
  return numbers;
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string name = argc > 1 ? argv[1] : "";
  std::string file;
  int threads = 1;
  double seconds = 1;
  for (int i = 2; i + 1 < argc; i += 2) {
    if (!std::strcmp(argv[i], "--threads")) threads = std::atoi(argv[i + 1]);
    if (!std::strcmp(argv[i], "--seconds")) seconds = std::atof(argv[i + 1]);
    if (!std::strcmp(argv[i], "--problem")) file = argv[i + 1];
  }
  int C = 0, O = 0, H = 0, stride = 0;
  char direction[16] = "";
  if (std::sscanf(name.c_str(), "conv/%15[a-z]/%d_%d_%d_s%d", direction, &C, &O, &H, &stride) != 5)
    glocal::fail<glocal::ValueError>("[onednn_conv] no such row: \"{}\"", name);
  const std::string what = direction;
  auto problem = glocal::load_npz(file);
  const glocal::Tensor &x = problem.at("x"), &weight = problem.at("weight"), &gy = problem.at("gy");

  Engine on;
  const auto any = [](const glocal::Tensor& like) {
    return memory::desc({like.shape().begin(), like.shape().end()}, memory::data_type::f32, Tag::any);
  };
  const memory::dims strides{stride, stride}, padding{1, 1};
  const memory::desc dx = any(x), dw = any(weight), dy = any(gy);
  const auto forward = described<dnnl::convolution_forward>(
      on.engine, std::tuple(dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_auto, dx, dw, dy, strides,
                            padding, padding));
  const std::tuple parts(dnnl::algorithm::convolution_direct, dx, dw, dy, strides, padding, padding);

  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;
  memory result;
  glocal::Shape shape;
  if (what == "forward") {
    primitive = dnnl::convolution_forward(forward);
    result = memory(forward.dst_desc(), on.engine);
    shape = gy.shape();
    arguments = {{DNNL_ARG_SRC, on.reordered(x, forward.src_desc())},
                 {DNNL_ARG_WEIGHTS, on.reordered(weight, forward.weights_desc())},
                 {DNNL_ARG_DST, result}};
  } else if (what == "input") {
    const auto backward = described<dnnl::convolution_backward_data>(on.engine, parts, forward);
    primitive = dnnl::convolution_backward_data(backward);
    result = memory(backward.diff_src_desc(), on.engine);
    shape = x.shape();
    arguments = {{DNNL_ARG_DIFF_DST, on.reordered(gy, backward.diff_dst_desc())},
                 {DNNL_ARG_WEIGHTS, on.reordered(weight, backward.weights_desc())},
                 {DNNL_ARG_DIFF_SRC, result}};
  } else {
    const auto backward = described<dnnl::convolution_backward_weights>(on.engine, parts, forward);
    primitive = dnnl::convolution_backward_weights(backward);
    result = memory(backward.diff_weights_desc(), on.engine);
    shape = weight.shape();
    arguments = {{DNNL_ARG_SRC, on.reordered(x, backward.src_desc())},
                 {DNNL_ARG_DIFF_DST, on.reordered(gy, backward.diff_dst_desc())},
                 {DNNL_ARG_DIFF_WEIGHTS, result}};
  }
  const auto step = [&] {
    primitive.execute(on.stream, arguments);
    on.stream.wait();
  };
  const glocal::bench::Timing timing = glocal::bench::measure(step, step, seconds);

  const memory::desc row_major({shape.begin(), shape.end()}, memory::data_type::f32, Tag::abcd);
  const memory plain = on.move(result, row_major);
  const double gflop = 2e-9 * double(gy.size()) * C * 9;
  fmt::print("{}\n", glocal::bench::to_json(name, threads, "oneDNN", timing, gflop,
                                            sample(static_cast<const float*>(plain.get_data_handle()), shape.size())));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "onednn_conv: %s\n", error.what());
  return 1;
}
