#include <glocal/app/dmd/policy.h>

#include <fmt/core.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <complex>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <glocal/app/settings/choices.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/forecast/forecast.h>

namespace glocal::app {
namespace {

using Complex = std::complex<double>;

constexpr double twice_as_close = 0.5;

bool stayed(Complex a, Complex b) { return std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b)); }

std::string text_of(Complex lambda) {
  return lambda.imag() == 0 ? fmt::format("{:.6g}", lambda.real())
                            : fmt::format("{:.6g} {:+.6g}i", lambda.real(), lambda.imag());
}

std::string join(const std::string& note, const std::string& more) { return note.empty() ? more : note + "; " + more; }

}  // namespace

std::vector<MovedEigenvalue> eigenvalues_moved(const hpo::DmdFit& fit) {
  std::vector<MovedEigenvalue> out(fit.eigenvalues.size());
  struct Pair {
    double distance;
    std::size_t from, to;
  };
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < fit.fitted_eigenvalues.size(); ++i)
    for (std::size_t k = 0; k < out.size(); ++k)
      pairs.push_back({std::abs(fit.fitted_eigenvalues[i] - fit.eigenvalues[k]), i, k});
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.distance < b.distance; });
  std::vector<bool> from_taken(fit.fitted_eigenvalues.size()), to_taken(out.size());
  for (const Pair& pair : pairs) {
    if (from_taken[pair.from] || to_taken[pair.to]) continue;
    from_taken[pair.from] = to_taken[pair.to] = true;
    const Complex from = fit.fitted_eigenvalues[pair.from], to = fit.eigenvalues[pair.to];
    out[pair.to] = {stayed(from, to) ? to : from, to};
  }
  return out;
}

std::string policy_words(const hpo::DmdFit& fit) {
  constexpr std::size_t most_shown = 4;
  const std::vector<MovedEigenvalue> all = eigenvalues_moved(fit);
  std::vector<std::string> list;
  std::size_t moved = 0;
  for (const MovedEigenvalue& one : all) {
    if (one.from == one.to || ++moved > most_shown) continue;
    list.push_back(fmt::format("{} to {}", text_of(one.from), text_of(one.to)));
  }
  if (moved == 0) return "";
  return fmt::format("policy {} moved {} of {} eigenvalues: {}{}", text_of(fit.options.policy), moved, all.size(),
                     fmt::join(list, ", "), moved > most_shown ? ", .." : "");
}

hpo::Forecast forecast_with_growth(const std::function<hpo::Forecast(const hpo::DmdOptions&)>& forecast,
                                   hpo::DmdOptions options) {
  hpo::Forecast first = forecast(options);
  if (!(first.unstable || first.fell_back) || options.policy == hpo::DmdOptions::Policy::raw) return first;
  const std::string policy = text_of(options.policy);
  options.policy = hpo::DmdOptions::Policy::raw;
  hpo::Forecast raw = forecast(options);
  if (!raw.unstable) return first;
  const std::string skills =
      fmt::format("skill {:.3g} with eigenvalues as fitted, {:.3g} with policy {}", raw.skill, first.skill, policy);
  if (!raw.fell_back && raw.skill <= twice_as_close * first.skill) {
    raw.note = join(raw.note, "policy raw was taken: " + skills);
    return raw;
  }
  first.note = join(first.note, fmt::format("policy {} was kept: {}", policy, skills));
  return first;
}

}  // namespace glocal::app
