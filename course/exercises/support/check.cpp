#include "check.h"

#include <fmt/core.h>

#include <algorithm>

namespace course {
namespace {

using List = std::vector<double>;

bool near(double a, double b, double tolerance) { return std::abs(a - b) <= tolerance * (1 + std::abs(b)); }

bool same(const List& a, const List& b, double tolerance) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!near(a[i], b[i], tolerance)) return false;
  return true;
}

std::string place(std::size_t index, const std::vector<std::int64_t>& shape) {
  if (shape.empty()) return "it";
  std::string text;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    const auto size = static_cast<std::size_t>(shape[axis]);
    text = fmt::format("{}{}", index % size, text.empty() ? "" : ", " + text);
    index /= size;
  }
  return "[" + text + "]";
}

std::string text(const std::vector<std::int64_t>& shape) {
  std::string sizes;
  for (const std::int64_t size : shape) sizes += fmt::format("{}{}", sizes.empty() ? "" : ", ", size);
  return "(" + sizes + ")";
}

// got = factor * expected in every element, with expected not all zero.
bool proportional(const List& got, const List& expected, double tolerance, double& factor) {
  double ge = 0, ee = 0;
  for (std::size_t i = 0; i < got.size(); ++i) ge += got[i] * expected[i], ee += expected[i] * expected[i];
  if (!(ee > 0)) return false;
  factor = ge / ee;
  List scaled(expected);
  for (double& x : scaled) x *= factor;
  return same(got, scaled, std::max(tolerance, 1e-9));
}

bool is_plain(double factor) {  // 2, 1/2, 3, ...: a factor that a formula may lack
  const double size = std::abs(factor), inverse = 1 / size;
  return (size < 1000 && near(size, std::round(size), 1e-6)) ||
         (inverse < 1000 && near(inverse, std::round(inverse), 1e-6));
}

List transposed(const Numbers& x) {
  const auto rows = static_cast<std::size_t>(x.shape[0]), columns = static_cast<std::size_t>(x.shape[1]);
  List turned;
  for (std::size_t j = 0; j < columns; ++j)
    for (std::size_t i = 0; i < rows; ++i) turned.push_back(x.flat[i * columns + j]);
  return turned;
}

// What it looks like, as a sentence; "" when it looks like nothing known.
std::string looks_like(const Numbers& got, const Numbers& expected, double tolerance) {
  const List &g = got.flat, &e = expected.flat;
  if (std::all_of(g.begin(), g.end(), [](double x) { return x == 0; })) return "Everything is zero.";
  double factor = 0;
  if (proportional(g, e, tolerance, factor) && factor != 0) {
    if (near(factor, -1, 1e-9)) return g.size() == 1 ? "The sign is wrong." : "Every sign is wrong.";
    if (is_plain(factor))
      return fmt::format("That is {} times what it should be: look for a factor.",
                         std::abs(factor) >= 1 ? fmt::format("{:g}", factor) : fmt::format("1/{:g}", 1 / factor));
  }
  if (g.size() < 2) return "";
  if (expected.shape.size() == 2 && same(transposed(got), e, tolerance)) return "Rows and columns are swapped.";
  if (same(List(g.rbegin(), g.rend()), e, tolerance)) return "The order is reversed.";
  if (same(List(g.begin() + 1, g.end()), List(e.begin(), e.end() - 1), tolerance))
    return "Everything comes one place too late.";
  if (same(List(g.begin(), g.end() - 1), List(e.begin() + 1, e.end()), tolerance))
    return "Everything comes one place too early.";
  return "";
}

}  // namespace

Numbers::Numbers(const glocal::Tensor& x) : shape(x.shape().begin(), x.shape().end()) {
  const glocal::Tensor wide = x.to(glocal::DType::f64);
  flat.assign(wide.data<double>(), wide.data<double>() + wide.size());
}

Numbers::Numbers(const glocal::Var& x) : Numbers(x ? Numbers(x.value()) : Numbers(0.0)) {}

std::string difference(const Numbers& got, const Numbers& expected, double tolerance,
                       const std::vector<Mistake>& mistakes) {
  for (const Mistake& mistake : mistakes)
    if (got.shape == mistake.answer.shape && same(got.flat, mistake.answer.flat, tolerance) &&
        !same(got.flat, expected.flat, tolerance))
      return fmt::format("{} (expected {:.9g}, got {:.9g})", mistake.says, expected.flat.at(0), got.flat.at(0));
  if (got.shape != expected.shape)
    return fmt::format("the shape is {}, expected {}", text(got.shape), text(expected.shape));
  std::size_t worst = 0, wrong = 0;
  double largest = -1;
  for (std::size_t i = 0; i < got.flat.size(); ++i) {
    if (near(got.flat[i], expected.flat[i], tolerance)) continue;
    ++wrong;
    const double error = std::isnan(got.flat[i]) ? HUGE_VAL : std::abs(got.flat[i] - expected.flat[i]);
    if (error > largest) largest = error, worst = i;
  }
  if (wrong == 0) return "";
  const std::string like = looks_like(got, expected, tolerance);
  const std::string count =
      got.flat.size() == 1 ? "" : fmt::format(" ({} of {} elements are wrong)", wrong, got.flat.size());
  return fmt::format("{} is {:.9g}, expected {:.9g}{}.{}{}", place(worst, got.shape), got.flat[worst],
                     expected.flat[worst], count, like.empty() ? "" : " ", like);
}

}  // namespace course
