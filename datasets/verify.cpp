#include <glocal/datasets/verify.h>

#include <fmt/core.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/datasets/dataset.h>
#include <glocal/datasets/digest.h>
#include <glocal/datasets/load.h>
#include <glocal/datasets/readers/embedded.h>
#include <glocal/datasets/readers/gzip.h>
#include <glocal/datasets/readers/payload.h>
#include <glocal/datasets/registry.h>

namespace glocal::datasets {
namespace {

using Judgement = std::pair<Verdict, std::string>;

bool begins_with_labels(std::string_view payload, const std::vector<int>& labels) {
  constexpr std::size_t record = 3073;  // of CIFAR-10, the one set whose first labels stand in for a hash
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (i * record >= payload.size() || static_cast<unsigned char>(payload[i * record]) != labels[i]) return false;
  return true;
}

Judgement judge(const SetInfo& set, const File& file, std::string_view raw, std::string_view payload,
                const std::string& hash) {
  if (static_cast<std::int64_t>(payload.size()) != file.bytes)
    return {Verdict::fail, fmt::format("length: expected {} bytes, found {}", file.bytes, payload.size())};
  if (!file.sha256.empty())
    return hash == file.sha256 ? Judgement{Verdict::pass, "official bytes"}
                               : Judgement{Verdict::fail, "differs from the official bytes"};
  if (!begins_with_labels(payload, file.first_labels))
    return {Verdict::fail, "differs from the official bytes (its first labels are others)"};
  if (is_gzip(raw))
    for (const Archive& archive : set.archives)
      if (archive.name == file.name + ".gz" && archive.sha256 == sha256(raw))
        return {Verdict::pass, "official archive"};
  return {Verdict::unknown, "no hash of the unpacked file has been published; its length is right"};
}

FileReport report(const SetInfo& set, const File& file, const std::string& path) {
  FileReport out{.file = file.name, .path = path, .sha256 = {}, .note = {}};
  try {
    const std::string raw = read_data_file(path);
    const std::string unpacked = is_gzip(raw) ? gunzip(raw, path, file.bytes) : std::string();
    const std::string& payload = is_gzip(raw) ? unpacked : raw;
    out.bytes = static_cast<std::int64_t>(payload.size());
    out.sha256 = sha256(payload);
    std::tie(out.verdict, out.note) = judge(set, file, raw, payload, out.sha256);
  } catch (const Error& error) {
    out.verdict = Verdict::fail;
    out.note = error.what();
  }
  return out;
}

FileReport report_embedded(const File& file, std::span<const unsigned char> bytes) {
  const std::string hash = sha256({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const bool same = hash == file.sha256;
  return {file.name,
          "embedded",
          static_cast<std::int64_t>(bytes.size()),
          hash,
          same ? Verdict::pass : Verdict::fail,
          same ? "official bytes" : "differs from the official bytes"};
}

}  // namespace

std::vector<FileReport> verify(std::string_view name, const Options& options) {
  const SetInfo& set = data_sets().at(std::string(name));
  if (set.format == Format::synthetic) fail<ValueError>("[verify] synthetic data has no files to verify");
  if (set.format == Format::embedded)
    return {report_embedded(set.train_files.at(0), embedded::digits_images),
            report_embedded(set.train_files.at(1), embedded::digits_labels)};
  std::vector<FileReport> out;
  for (const Part part : {Part::train, Part::test}) {
    const std::vector<File>& files = part == Part::train ? set.train_files : set.test_files;
    const std::vector<std::filesystem::path> paths = locate(set, part, options);
    for (std::size_t i = 0; i < files.size(); ++i) out.push_back(report(set, files[i], paths[i].string()));
  }
  return out;
}

}  // namespace glocal::datasets
