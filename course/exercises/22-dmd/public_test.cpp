#include EXERCISE
#include "check.h"
#include "picture.h"

using course::close;

namespace {
struct Pair {
  Tensor X, Y;
};
// Hankel matrices with m delays of h_0 .. h_{tau-1}.
template <class F>
Pair matrices(F h, std::int64_t tau, std::int64_t m) {
  const std::int64_t L = tau - m;
  Pair pair{Tensor({m, L}, DType::f64), Tensor({m, L}, DType::f64)};
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < L; ++j) {
      pair.X.data<double>()[i * L + j] = h(double(i + j));
      pair.Y.data<double>()[i * L + j] = h(double(i + j + 1));
    }
  return pair;
}
std::vector<double> sizes(const std::vector<std::complex<double>>& values) {
  std::vector<double> out;
  for (const auto& value : values) out.push_back(std::abs(value));
  return out;
}
}  // namespace

TEST_CASE("two exponentials [4 points]") {
  const auto [X, Y] = matrices([](double t) { return 3 * std::pow(0.9, t) + std::pow(0.5, t); }, 30, 5);
  close("sizes of the eigenvalues", sizes(spectrum(X, Y, 2)), {0.9, 0.5}, 1e-9,
        {{{2.0, 1 / 0.9}, "That is the operator that goes backwards: X and Y are swapped."}});
}

TEST_CASE("an oscillation has a conjugate pair [2 points]") {
  const auto [X, Y] = matrices([](double t) { return std::pow(0.95, t) * std::cos(0.4 * t); }, 40, 6);
  const auto values = spectrum(X, Y, 2);
  REQUIRE(values.size() == 2);
  close("angles", {std::abs(std::arg(values[0])), std::abs(std::arg(values[1]))}, {0.4, 0.4}, 1e-8);
  close("sizes", sizes(values), {0.95, 0.95}, 1e-8);
}

TEST_CASE("with noise, drawn [1 points]") {
  const auto clean = [](double t) { return std::pow(0.98, t) * std::cos(0.5 * t) + std::pow(0.9, t); };
  course::Picture picture{"Eigenvalues: exact, and twenty times with noise",
                          "real",
                          "imaginary",
                          {{"exact", {}, true, /*under=*/true}, {"noisy", {}, true}}};
  picture.unit_circle = true;
  const auto [X, Y] = matrices(clean, 80, 8);
  for (const auto& value : spectrum(X, Y, 3)) picture.lines[0].points.emplace_back(value.real(), value.imag());
  double mean_size = 0;
  for (std::uint64_t i = 1; i <= 20; ++i) {
    const Tensor noise = normal(key(i), {80}, 0, 0.2, DType::f64);
    const auto noisy = [&](double t) { return clean(t) + noise.data<double>()[std::int64_t(t)]; };
    const auto [Xn, Yn] = matrices(noisy, 80, 8);
    const auto values = spectrum(Xn, Yn, 3);
    mean_size += std::abs(values.at(0)) / 20;
    for (const auto& value : values) picture.lines[1].points.emplace_back(value.real(), value.imag());
  }
  MESSAGE("look at ", course::draw(picture, "spectrum.svg"));
  close("largest, exact", std::abs(spectrum(X, Y, 3)[0]), 0.98, 1e-7);
  CHECK(mean_size < 0.98);
}
