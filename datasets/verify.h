// Are the files the official ones? Compares unpacked payloads with published hashes.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <glocal/datasets/load.h>

namespace glocal::datasets {

enum class Verdict : std::uint8_t { pass, fail, unknown };

struct FileReport {
  std::string file;        ///< official name, without ".gz"
  std::string path;        ///< where it was found
  std::int64_t bytes = 0;  ///< of the payload
  std::string sha256;      ///< of the payload
  Verdict verdict = Verdict::unknown;
  std::string note;  ///< why, in words
};

/// One report per official file of a set, train then test. A .gz passes by its payload, whatever wraps it; an
/// unreadable file fails; `unknown` means that no hash has been published and nothing contradicts. Throws DataError
/// when a part is missing, as locate does, and ValueError for an unknown name or "synthetic".
std::vector<FileReport> verify(std::string_view name, const Options& options = {});

}  // namespace glocal::datasets
