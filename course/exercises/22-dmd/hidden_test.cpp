#include EXERCISE

#include "check.h"

#include <glocal/hpo/dmd/dmd.h>
#include <glocal/hpo/dmd/model/options.h>

using course::close;

TEST_CASE("the operator in one dimension is a ratio [1 points]") {
  const Tensor X = Tensor::from<double>({1, 2, 4, 8}, {1, 4}), Y = Tensor::from<double>({2, 4, 8, 16}, {1, 4});
  close("A", operator_of(X, Y, 1), Tensor::from<double>({2}, {1, 1}));
}

TEST_CASE("the library's fit has the same eigenvalues [2 points]") {
  Tensor h({40, 1}, DType::f64), X({5, 35}, DType::f64), Y({5, 35}, DType::f64);
  for (std::int64_t t = 0; t < 40; ++t) h.data<double>()[t] = 2 * std::pow(0.97, double(t)) - std::pow(0.6, double(t));
  for (std::int64_t i = 0; i < 5; ++i)
    for (std::int64_t j = 0; j < 35; ++j)
      X.data<double>()[i * 35 + j] = h.data<double>()[i + j],
                                Y.data<double>()[i * 35 + j] = h.data<double>()[i + j + 1];
  hpo::DmdOptions options;
  options.delays = 5;
  options.rank = 2;
  const auto fit = hpo::fit_dmd(h, options);
  std::vector<double> theirs;
  for (const auto& value : fit.fitted_eigenvalues) theirs.push_back(std::abs(value));
  std::sort(theirs.rbegin(), theirs.rend());
  const auto ours = spectrum(X, Y, 2);
  close("sizes", {std::abs(ours.at(0)), std::abs(ours.at(1))}, theirs, 1e-7);
}
