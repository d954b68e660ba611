// The forms in which a user's own data can be: FORM:PATH.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <glocal/core/text/registry.h>
#include <glocal/datasets/own/raw.h>

namespace glocal::datasets {

struct DataForm {
  std::string name;   ///< "npz"
  std::string takes;  ///< "FILE" or "DIR"
  std::string about;  ///< a sentence for `glocal list datasets`
  RawData (*read)(const std::string& path, const RawOptions& options);
};
const Registry<DataForm>& data_forms();

/// "npz:data.npz" taken apart; nothing for a text without a colon, which names a known data set.
struct OwnName {
  std::string form, path;
};
std::optional<OwnName> own_name(std::string_view name);
/// "" for FORM:PATH with a known form and a path, else what is wrong.
std::string complaint_about_own(const OwnName& name);

struct LayoutEntry {
  std::string name, about;
  Layout layout;
};
const Registry<LayoutEntry>& layouts();

}  // namespace glocal::datasets
