// Tables of numbers for `glocal dmd`.
#include <cmath>

#include <glocal/app/dmd/series_file.h>
#include <glocal/app/dmd/series_text.h>

#include "fuzz.h"

using namespace glocal;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::expect_typed_errors([&] {
    const Tensor series = app::parse_series(fuzz::text_of(data, size), "input");
    fuzz::demand(series.rank() == 2 && series.dim(1) >= 1, "a series that is no table");
    std::string text;
    for (std::int64_t i = 0; i < series.size(); ++i) {
      const double value = series.data<double>()[i];
      fuzz::demand(std::isfinite(value), "a number that is not finite");
      text += fmt::format("{}{}", value, (i + 1) % series.dim(1) == 0 ? '\n' : ';');
    }
    fuzz::demand(same_bits(app::parse_series(text, "again"), series), "numbers that change when written");
  });
  return 0;
}
