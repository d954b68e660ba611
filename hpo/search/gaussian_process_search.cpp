#include <glocal/hpo/search/gaussian_process_search.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/search/gaussian_process.h>
#include <glocal/hpo/search/search.h>

namespace glocal::hpo {
namespace {

// Order-preserving: values that are not finite become the worst, what lies above the median is compressed.
std::vector<double> calmed(std::vector<double> values) {
  std::vector<double> sorted;
  std::copy_if(values.begin(), values.end(), std::back_inserter(sorted), [](double v) { return std::isfinite(v); });
  std::sort(sorted.begin(), sorted.end());
  if (sorted.empty()) return std::vector<double>(values.size(), 0.0);
  const double median = sorted[(sorted.size() - 1) / 2];
  const auto above = std::upper_bound(sorted.begin(), sorted.end(), median);
  const double scale = median > sorted.front() ? median - sorted.front() : above != sorted.end() ? *above - median : 0;
  for (double& value : values) {
    if (!std::isfinite(value)) value = sorted.back();
    if (value > median) value = median + scale * std::log1p((value - median) / scale);
  }
  return values;
}

// Mean 0, variance 1.
void standardise(std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  double mean = 0, square = 0;
  for (const double v : values) mean += v / n;
  for (const double v : values) square += (v - mean) * (v - mean) / n;
  const double scale = square > 0 ? 1 / std::sqrt(square) : 1;
  for (double& v : values) v = (v - mean) * scale;
}

struct GpSearch : Search {
  SearchBox box;
  std::int64_t count, q, first;
  Key key;
  std::vector<std::vector<double>> design;  // of the unit cube
  std::vector<double> told_x, told_E;       // (N, q) in the unit cube, (N,)
  std::uint64_t asked = 0;

  GpSearch(const SearchBox& where, std::int64_t trials, Key with)
      : box(where),
        count(trials),
        q(static_cast<std::int64_t>(where.low.size())),
        first(std::clamp<std::int64_t>(trials / 2, 1, 2 * q + 2)),
        key(split(with, 0)) {
    const Key places = split(with, 1), jitter = split(with, 2);
    for (std::int64_t i = 1; i < first; ++i) design.emplace_back(static_cast<std::size_t>(q));
    for (std::int64_t k = 0; k < q; ++k) {
      const auto stream = static_cast<std::uint64_t>(k);
      const Tensor order = permutation(split(places, stream), first - 1);
      const Tensor within = uniform(split(jitter, stream), {first - 1}, 0, 1, DType::f64);
      for (std::int64_t i = 0; i + 1 < first; ++i)
        design[static_cast<std::size_t>(i)][static_cast<std::size_t>(k)] =
            (order.at(i) + within.at(i)) / static_cast<double>(first - 1);
    }
  }
  const char* name() const override { return "gp"; }
  std::int64_t trials() const override { return count; }

  std::vector<double> ask() override {
    const std::uint64_t number = asked++;
    if (number == 0) return box.start;
    if (number <= design.size()) return box.at(design[number - 1]);
    return box.at(most_promising(split(key, number)));
  }
  void tell(const std::vector<double>& u, double E) override {
    for (std::size_t k = 0; k < u.size(); ++k) told_x.push_back((u[k] - box.low[k]) / (box.high[k] - box.low[k]));
    told_E.push_back(E);
  }

  // Candidates: uniform ones, and some scattered around the best points so far; the best three are refined.
  std::vector<double> most_promising(Key draw) const {
    const auto n = static_cast<std::int64_t>(told_E.size());
    std::vector<double> y = calmed(told_E);
    standardise(y);
    const Tensor x = Tensor::from(told_x, {n, q}), values = Tensor::from(y, {n});
    const GaussianProcess gp(x, values, likeliest_kernel(x, values));
    const double best = *std::min_element(y.begin(), y.end());
    using Score = std::pair<double, double>;  // improvement; where there is none, what is least known
    const auto scores = [&](const Tensor& points) {
      const GaussianProcess::Posterior posterior = gp.at(points);
      std::vector<Score> out;
      for (std::size_t j = 0; j < posterior.mean.size(); ++j)
        out.emplace_back(expected_improvement(posterior.mean[j], posterior.variance[j], best), posterior.variance[j]);
      return out;
    };

    constexpr std::int64_t spread = 1000, local = 500;
    std::vector<std::int64_t> rank(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) rank[static_cast<std::size_t>(i)] = i;
    std::stable_sort(rank.begin(), rank.end(), [&](auto a, auto b) { return values.at(a) < values.at(b); });
    Tensor points = uniform(split(draw, 0), {spread + local, q}, 0, 1, DType::f64);
    const Tensor noise = normal(split(draw, 1), {local, q}, 0, 1, DType::f64);
    const auto centres = std::min<std::int64_t>(n, 5);
    for (std::int64_t i = 0; i < local; ++i) {
      const std::int64_t centre = rank[static_cast<std::size_t>(i % centres)];
      const double deviation = std::pow(10.0, -1 - static_cast<double>(i / centres % 3));
      for (std::int64_t k = 0; k < q; ++k)
        points.data<double>()[(spread + i) * q + k] =
            std::clamp(x.at(centre * q + k) + deviation * noise.at(i * q + k), 0.0, 1.0);
    }

    const std::vector<Score> score = scores(points);
    std::vector<std::int64_t> order(score.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) {
      return score[static_cast<std::size_t>(a)] > score[static_cast<std::size_t>(b)];
    });
    std::vector<double> chosen;
    Score reached{-1, -1};
    for (std::size_t i = 0; i < 3; ++i) {
      const double* row = points.data<double>() + order[i] * q;
      std::vector<double> point(row, row + q);
      const Score found = refine(scores, point, score[static_cast<std::size_t>(order[i])]);
      if (found > reached) {
        reached = found;
        chosen = point;
      }
    }
    return chosen;
  }

  // Steps along the coordinates, all 2 q at once, halved when none is better.
  template <class Scores>
  std::pair<double, double> refine(const Scores& scores, std::vector<double>& point,
                                   std::pair<double, double> score) const {
    for (double step = 0.05; step > 1e-5;) {
      std::vector<double> around;
      for (std::int64_t k = 0; k < 2 * q; ++k) {
        std::vector<double> next = point;
        double& moved = next[static_cast<std::size_t>(k / 2)];
        moved = std::clamp(moved + (k % 2 ? step : -step), 0.0, 1.0);
        around.insert(around.end(), next.begin(), next.end());
      }
      const auto found = scores(Tensor::from(around, {2 * q, q}));
      const auto best = std::max_element(found.begin(), found.end());
      if (*best > score) {
        score = *best;
        const auto begin = around.begin() + (best - found.begin()) * q;
        point.assign(begin, begin + q);
      } else {
        step /= 2;
      }
    }
    return score;
  }
};

}  // namespace

std::unique_ptr<Search> gaussian_process_search(const SearchBox& box, std::int64_t trials, Key key) {
  return std::make_unique<GpSearch>(box, trials, key);
}

SearchKind gaussian_process_search_kind() {
  return {"gp", "Bayesian optimisation: expected improvement of a Gaussian process", "green", gaussian_process_search};
}

}  // namespace glocal::hpo
