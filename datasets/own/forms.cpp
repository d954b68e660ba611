#include <glocal/datasets/own/forms.h>

#include <fmt/core.h>

#include <optional>
#include <string>
#include <string_view>

#include <glocal/core/text/nearest.h>
#include <glocal/core/text/registry.h>
#include <glocal/datasets/own/idx.h>
#include <glocal/datasets/own/images.h>
#include <glocal/datasets/own/npz.h>
#include <glocal/datasets/own/raw.h>

namespace glocal::datasets {

// A new form is one line here.
const Registry<DataForm>& data_forms() {
  static const Registry<DataForm> all(
      "form of data", "glocal list datasets",
      {{"npz", "FILE", "your own arrays x and y, or x_train, y_train, x_test, y_test", read_npz_data},
       {"idx", "DIR", "your own IDX files, named as MNIST's", read_idx_data},
       {"images", "DIR", "your own PNG and JPEG files, a folder for each class", read_images_data}});
  return all;
}

std::optional<OwnName> own_name(std::string_view name) {
  const std::size_t colon = name.find(':');
  if (colon == std::string_view::npos) return {};
  return OwnName{std::string(name.substr(0, colon)), std::string(name.substr(colon + 1))};
}

std::string complaint_about_own(const OwnName& name) {
  const DataForm* form = data_forms().find(name.form);
  if (!form) return unknown_name(name.form, "form of data", data_forms().names(), "glocal list datasets");
  return name.path.empty() ? fmt::format("{}: is no data set; write {}:{}", form->name, form->name, form->takes) : "";
}

const Registry<LayoutEntry>& layouts() {
  static const Registry<LayoutEntry> all(
      "layout", "glocal list layouts",
      {{"auto", "told by the sizes where one axis alone can be the channels'", Layout::automatic},
       {"nhwc", "(N, H, W, C), as TensorFlow and PIL have images", Layout::nhwc},
       {"nchw", "(N, C, H, W), as PyTorch has them", Layout::nchw}});
  return all;
}

}  // namespace glocal::datasets
