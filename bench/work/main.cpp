// Our side of the comparison: one row in one process, measured and printed as one line of JSON.
//
//   work NAME [--threads k] [--seconds s] [--answer 0|1]     --answer 0 leaves the answer empty
//   work NAME --problem FILE                                 only writes the row's problem there (.npz)
//   work --list
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include <glocal/core/io/npy.h>
#include <glocal/core/isa.h>
#include <glocal/core/parallel.h>

#include "row.h"
#include "timing.h"

namespace glocal::bench {

std::vector<double> sample(const Tensor& x) {
  std::vector<double> numbers;
  for (std::int64_t i = 0; i < 16; ++i) numbers.push_back(x.at(i * x.size() / 16));
  double squares = 0;
  for (const float value : x.span<float>()) squares += double(value) * double(value);
  numbers.push_back(std::sqrt(squares / double(x.size())));
  return numbers;
}

namespace {

int run(int argc, char** argv) {
  Rows rows;
  add_training(rows);
  add_epochs(rows);
  add_augmentation(rows);
  add_hypergradients(rows);
  add_extrapolation(rows);
  add_convolutions(rows);

  const std::string name = argc > 1 ? argv[1] : "";
  std::string problem;
  double seconds = 1;
  bool answer = true;
  for (int i = 2; i + 1 < argc; i += 2) {
    if (!std::strcmp(argv[i], "--threads")) set_threads(std::atoi(argv[i + 1]));
    if (!std::strcmp(argv[i], "--seconds")) seconds = std::atof(argv[i + 1]);
    if (!std::strcmp(argv[i], "--answer")) answer = std::atoi(argv[i + 1]) != 0;
    if (!std::strcmp(argv[i], "--problem")) problem = argv[i + 1];
  }
  if (name == "--list") {
    for (const auto& row : rows) fmt::print("{}\n", row.first);
    return 0;
  }
  if (!rows.contains(name)) fail<ValueError>("[work] no row \"{}\"; --list names them", name);

  const Row row = rows.at(name)();
  if (!problem.empty()) {
    save_npz(problem, row.problem);
    return 0;
  }
  const Timing timing =
      row.step ? measure(row.warm_up ? row.warm_up : row.step, row.step, seconds) : Timing::of_process();
  fmt::print("{}\n", to_json(name, threads(), to_string(isa()), timing, row.gflop,
                             answer ? row.answer() : std::vector<double>{}));
  return 0;
}

}  // namespace
}  // namespace glocal::bench

int main(int argc, char** argv) try { return glocal::bench::run(argc, argv); } catch (const std::exception& error) {
  std::fprintf(stderr, "work: %s\n", error.what());
  return 1;
}
