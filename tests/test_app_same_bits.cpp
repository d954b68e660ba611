// The same command gives the same bytes, and a run's metadata says what could have changed them. soak/repeat has more.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include <glocal/core/io/file.h>

#include "scratch.h"

namespace fs = std::filesystem;
using glocal::read_file;

namespace {

struct Runs : Scratch {
  int count = 0;

  fs::path run(const std::string& arguments, const std::string& environment = "") {
    const fs::path out = path / ("run" + std::to_string(++count));
    const std::string line = "env -u GLOCAL_ISA -u LD_LIBRARY_PATH " + environment + " '" GLOCAL_COMMAND_PATH "' " +
                             arguments + " --quiet --out '" + out.string() + "' >/dev/null </dev/null";
    REQUIRE_MESSAGE(std::system(line.c_str()) == 0, line);
    return out;
  }
};

// Everything the run computed: the final parameters, the metrics and the hyperparameters on the way.
std::string bytes(const fs::path& run) {
  std::string all = read_file((run / "metrics.jsonl").string()) + read_file((run / "hparams.jsonl").string());
  std::size_t parameters = 0;
  for (const auto& entry : fs::directory_iterator(run))
    if (entry.path().filename().string().starts_with("params.")) {
      all += read_file(entry.path().string());
      ++parameters;
    }
  REQUIRE(parameters == 1);
  return all;
}

nlohmann::json meta(const fs::path& run) { return nlohmann::json::parse(read_file((run / "meta.json").string())); }

double accuracy(const fs::path& run) {
  return nlohmann::json::parse(read_file((run / "summary.json").string()))["test"]["accuracy"].get<double>();
}

const std::string rest = "--steps 40 --block 20 --batch 32 --tune lr ", quick = "tune --hidden 16 " + rest;

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("same bits: a command again gives its bytes again") {
    for (const std::string& arguments :
         {quick, quick + "--estimator pes", quick + "--estimator global --updates 2",
          quick + "--estimator random-forward",
          "tune --augment crop=2,flip,cutout=3,brightness --average exponential --schedule linear " + rest,
          "tune --hidden 16,16 --norm batch --dropout 0.3 --set noise_std=0.2 " + rest}) {
      CAPTURE(arguments);
      Runs runs;
      CHECK(bytes(runs.run(arguments + " --threads 1")) == bytes(runs.run(arguments + " --threads 2")));
    }
  }

  TEST_CASE("same bits: every OpenBLAS build there is gives a right run and meta.json says which") {
    Runs runs;
    std::set<std::string> said;
    std::size_t there = 0;
    for (const std::string flavour : {"pthread", "openmp", "serial"})
      for (const auto& folder : std::vector<fs::path>{"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"}) {
        const fs::path blas = folder / ("openblas-" + flavour);
        if (!fs::exists(blas / "libopenblas.so.0")) continue;
        const fs::path run = runs.run(quick, "LD_LIBRARY_PATH=" + blas.string());
        const std::string says = meta(run)["blas"];
        CHECK_MESSAGE(says.find("(threads: " + flavour + ")") != std::string::npos, says);
        CHECK(accuracy(run) > 0.7);
        said.insert(says);
        ++there;
      }
    CHECK(said.size() == there);
  }

  TEST_CASE("same bits: every instruction set gives a right run and meta.json says which") {
    Runs runs;
    const std::string best = meta(runs.run(quick))["instruction_set"];
    for (const std::string isa : {"baseline", "avx2", "avx512"}) {
      const fs::path run = runs.run(quick, "GLOCAL_ISA=" + isa);
      CHECK(meta(run)["instruction_set"] == isa);
      CHECK(accuracy(run) > 0.7);
      if (isa == best) break;
    }
  }
}
