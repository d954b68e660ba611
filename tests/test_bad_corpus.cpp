// Replays the corpora of tests/fuzz: every seed, every truncation of it, and flips of its bytes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <glocal/core/io/file.h>

namespace fs = std::filesystem;

using Target = int(const std::uint8_t* data, std::size_t size);
extern "C" Target fuzz_cifar, fuzz_command, fuzz_config, fuzz_gzip, fuzz_idx, fuzz_mat, fuzz_npy, fuzz_npz, fuzz_ops,
    fuzz_own_npz, fuzz_picture, fuzz_run_record, fuzz_safetensors, fuzz_series;

namespace {

const fs::path corpus = fs::path(GLOCAL_SOURCE_DIR) / "tests/fuzz/corpus";

void call(Target& target, const std::string& bytes) {
  CHECK(target(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()) == 0);
}

// Seeds up to `longest` bytes are also cut at every length and changed at every byte. A finding ends the program.
void replay(const std::string& name, Target& target, std::size_t longest) {
  std::vector<fs::path> seeds(fs::directory_iterator(corpus / name), fs::directory_iterator());
  REQUIRE(seeds.size() >= 8);
  std::sort(seeds.begin(), seeds.end());
  for (const fs::path& seed : seeds) {
    INFO(seed.string());
    const std::string bytes = glocal::read_file(seed.string());
    call(target, bytes);
    if (bytes.size() > longest) continue;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      call(target, bytes.substr(0, i));
      for (const int flip : {0x01, 0x80, 0xff}) {
        std::string changed = bytes;
        changed[i] = static_cast<char>(changed[i] ^ flip);
        call(target, changed);
      }
    }
  }
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("corpus: idx") { replay("idx", fuzz_idx, 500); }
  TEST_CASE("corpus: gzip") { replay("gzip", fuzz_gzip, 500); }
  TEST_CASE("corpus: cifar") { replay("cifar", fuzz_cifar, 100); }
  TEST_CASE("corpus: a user's own arrays") { replay("own_npz", fuzz_own_npz, 1200); }
  TEST_CASE("corpus: MATLAB files") { replay("mat", fuzz_mat, 800); }
  TEST_CASE("corpus: pictures") { replay("picture", fuzz_picture, 400); }
  TEST_CASE("corpus: npy") { replay("npy", fuzz_npy, 500); }
  TEST_CASE("corpus: npz") { replay("npz", fuzz_npz, 1000); }
  TEST_CASE("corpus: safetensors") { replay("safetensors", fuzz_safetensors, 500); }
  TEST_CASE("corpus: config") { replay("config", fuzz_config, 500); }
  TEST_CASE("corpus: run record") { replay("run_record", fuzz_run_record, 1000); }
  TEST_CASE("corpus: series") { replay("series", fuzz_series, 500); }
  TEST_CASE("corpus: command line") { replay("command", fuzz_command, 60); }
  TEST_CASE("corpus: ops") { replay("ops", fuzz_ops, 100); }

  TEST_CASE("corpus: every folder of it is replayed") {
    const std::set<std::string> known{"cifar", "command", "config",  "gzip",    "idx",        "mat",         "npy",
                                      "npz",   "ops",     "own_npz", "picture", "run_record", "safetensors", "series"};
    std::set<std::string> found;
    for (const auto& folder : fs::directory_iterator(corpus)) found.insert(folder.path().filename().string());
    CHECK(found == known);
  }
}
