#include <glocal/app/dmd/series_file.h>

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <glocal/app/dmd/series_text.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/io/npy.h>
#include <glocal/core/tensor.h>
#include <glocal/core/text/printable.h>

namespace glocal::app {
namespace {

constexpr std::int64_t most_bytes = std::int64_t{1} << 28;
constexpr std::size_t most_words = 4000;  // of an error that lists what a file holds

// One array; without a name the only member there is, or an error that lists all and why some cannot be read.
Tensor from_npz(const std::string& path, const std::string& name) {
  const std::string bytes = read_file(path);
  const std::vector<std::string> names = names_in_npz(bytes, path);
  const std::string wanted = name.empty() && names.size() == 1 ? names[0] : name;
  if (std::find(names.begin(), names.end(), wanted) != names.end()) return decode_npz_array(bytes, path, wanted);
  std::string held;
  for (const NpzMember& member : judge_npz(bytes, path)) {
    if (held.size() > most_words) {
      held += ", ..";
      break;
    }
    held += (held.empty() ? "" : ", ") + printable(member.name.substr(0, 80));
    if (!member.trouble.empty()) held += " (cannot be read: " + member.trouble + ")";
  }
  fail<DataError>("[dmd] {} holds {}; choose one with --name{}", path, held.empty() ? "nothing" : held,
                  name.empty() ? "" : fmt::format(" ({} is none of them)", printable(name.substr(0, 80))));
}

Tensor from_array(const std::string& path, const std::string& name) {
  const Tensor array = path.ends_with(".npy") ? load_npy(path) : from_npz(path, name);
  if (array.rank() != 1 && array.rank() != 2)
    fail<DataError>("[dmd] {} has shape {}; expected (tau, q), one snapshot per row, or (tau,)", path, array.shape());
  if (!is_finite(array)) fail<DataError>("[dmd] {} holds NaN or Inf; every number must be finite", path);
  return array.to(DType::f64).reshape({array.dim(0), array.rank() == 2 ? array.dim(1) : 1});
}

}  // namespace

Tensor read_series(const std::string& path, const std::string& name, std::vector<std::string>* notes) {
  const bool binary = path.ends_with(".npy") || path.ends_with(".npz");
  const Tensor series = binary ? from_array(path, name) : parse_series(read_file(path, most_bytes), path, notes);
  if (series.dim(0) < 3 || series.dim(1) < 1)
    fail<DataError>("[dmd] {} holds {} snapshots of {} numbers; a fit needs at least 3 of at least one", path,
                    series.dim(0), series.dim(1));
  return series;
}

}  // namespace glocal::app
