#include <glocal/train/config.h>

#include <fmt/core.h>

#include <cstdint>
#include <string>

#include <glocal/train/refusal.h>

namespace glocal::train {

std::string ExperimentConfig::where(const std::string& key) const {
  const auto found = given.find(key);
  return found == given.end() ? flag_of(key) : found->second;
}

void refuse_outside(const ExperimentConfig& c, const char* key, std::int64_t value, std::int64_t least,
                    std::int64_t most, const std::string& of) {
  if (value < least || value > most)
    refuse_value(c.where(key), fmt::format("{}", value),
                 fmt::format("whole number from {} to {}, {}", least, most, of));
}

}  // namespace glocal::train
