#include <glocal/app/checkpoint/checkpoint.h>

#include <fmt/core.h>
#include <zlib.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/setup/prepare.h>
#include <glocal/core/io/safetensors.h>
#include <glocal/core/shape.h>
#include <glocal/core/text/printable.h>
#include <glocal/datasets/dataset.h>
#include <glocal/train/experiment.h>

namespace glocal::app {
namespace {

constexpr const char* may_change_bits[] = {"compiler", "build_type", "flags", "blas", "instruction_set", "cpu"};

std::string data_digest(const train::Experiment& experiment) {
  uLong crc = crc32_z(0, nullptr, 0);
  const auto add = [&crc]<class T>(const std::vector<T>& numbers) {
    if (numbers.empty()) return;  // zlib begins anew where it is handed no bytes at all
    crc = crc32_z(crc, reinterpret_cast<const Bytef*>(numbers.data()), numbers.size() * sizeof(T));
  };
  for (const datasets::Part part : {datasets::Part::train, datasets::Part::validation, datasets::Part::test}) {
    const datasets::Dataset& data = experiment.data(part);
    add(data.pixels);
    add(data.values);
    add(data.labels);
    add(data.targets);
  }
  return fmt::format("{:08x}", crc);
}

}  // namespace

Shape stacked(std::size_t count, const Shape& shape) {
  std::vector<std::int64_t> sizes{static_cast<std::int64_t>(count)};
  for (int i = 0; i < shape.rank(); ++i) sizes.push_back(shape[i]);
  return Shape(sizes);
}

Identity identity_of(const train::Experiment& experiment, const Json& config) {
  return {without_machine(config), data_digest(experiment), machine()};
}

std::string changed_machine(const SafeTensors& file, const Identity& identity) {
  const Json before = parse_json(file.metadata.at("machine"), "checkpoint");
  std::string differ;
  for (const char* key : may_change_bits)
    if (before.at(key) != identity.machine.at(key))
      differ += fmt::format("{}{} {} (the file: {})", differ.empty() ? "" : ", ", key, identity.machine.at(key).dump(),
                            printable(before.at(key).dump()));
  return differ;
}

}  // namespace glocal::app
