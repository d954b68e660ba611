#include <glocal/app/report/paint.h>

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/search/registry.h>
#include <glocal/hpo/search/search.h>

namespace glocal::app {

const std::array<PaintValue, 12>& palette() {
  static const std::array<PaintValue, 12> all{{{"ink", 0x1d2129, 0xe8eaee},
                                               {"muted", 0x5d6470, 0xa3abb8},
                                               {"grid", 0xe3e6ea, 0x333a45},
                                               {"grey", 0x7f868f, 0x9aa2ad},
                                               {"blue", 0x0072b2, 0x56a8e0},
                                               {"orange", 0xe69f00, 0xf0b53a},
                                               {"vermillion", 0xd55e00, 0xf07c3a},
                                               {"green", 0x009e73, 0x35c49a},
                                               {"purple", 0xb0608f, 0xdb9cc2},
                                               {"sky", 0x56b4e9, 0x8fd0f5},
                                               {"olive", 0x8f8700, 0xd6cc3c},
                                               {"brown", 0x8c510a, 0xc89a62}}};
  return all;
}

std::string_view name_of(Paint paint) { return palette()[static_cast<std::size_t>(paint)].name; }

Paint paint_of(std::string_view name) {
  const std::string method(name);
  const hpo::EstimatorKind* const estimator = hpo::estimators().find(method);
  const hpo::SearchKind* const search = hpo::searches().find(method);
  const std::string colour = estimator ? estimator->colour : search ? search->colour : "";
  const auto& all = palette();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const PaintValue& paint) { return paint.name == colour; });
  return found == all.end() ? Paint::grey : static_cast<Paint>(found - all.begin());
}

std::string palette_css() {
  std::string light, dark;
  for (const PaintValue& paint : palette()) {
    light += fmt::format("--{}:#{:06x};", paint.name, paint.light);
    dark += fmt::format("--{}:#{:06x};", paint.name, paint.dark);
  }
  return fmt::format(":root{{{}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}\n", light, dark);
}

}  // namespace glocal::app
