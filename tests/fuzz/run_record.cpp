// A run folder and its report. The input is its files one after the other, with a zero byte between them.
#include <array>
#include <cstdlib>
#include <string>

#include <glocal/app/record/read_run.h>
#include <glocal/app/record/run_record.h>
#include <glocal/app/report/report.h>

#include "fuzz.h"

using namespace glocal;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool without_gnuplot = ::setenv("PATH", "/nonexistent", 1) == 0;  // the page alone, not its pictures
  fuzz::demand(without_gnuplot, "PATH cannot be set");
  std::string_view rest = fuzz::text_of(data, size);
  constexpr std::array<std::string_view, 5> names{"hparams.jsonl", "metrics.jsonl", "summary.json", "meta.json",
                                                  "config.json"};
  std::array<std::string, names.size()> files{"", "", "{}", "{}", "{}"};
  for (std::size_t i = 0; i < names.size() && !rest.empty(); ++i) {
    const std::size_t stop = rest.find('\0');
    files[i] = rest.substr(0, stop);
    rest.remove_prefix(stop == std::string_view::npos ? rest.size() : stop + 1);
  }
  fuzz::expect_typed_errors([&] {
    const app::RunRecord run = app::parse_run("input", [&](const char* name) {
      for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i] == name) return files[i];
      return std::string();
    });
    for (const app::UpdateRecord& update : run.updates)
      fuzz::demand(update.values.size() == run.names.size(), "an update without a value for each name");
    fuzz::demand(app::report_page(run).starts_with("<!DOCTYPE html>"), "a report that is no page");
  });
  return 0;
}
