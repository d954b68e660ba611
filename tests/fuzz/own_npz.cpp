// A user's .npz as a data set: layouts, labels and targets.
#include <string>

#include <glocal/datasets/own/npz.h>
#include <glocal/datasets/own_data.h>

#include "fuzz.h"
#include "zip_crc.h"

using namespace glocal;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using datasets::Layout;
  std::string bytes(fuzz::text_of(data, size));
  fuzz::repair_zip(bytes);
  for (const bool targets : {false, true})
    for (const Layout layout : {Layout::automatic, Layout::nhwc})
      fuzz::expect_typed_errors([&] {
        const datasets::TrainTest both =
            datasets::data_sets_of(datasets::parse_npz_data(bytes, "input", {layout, targets}), "npz:input", "input");
        fuzz::demand(both.train.size() > 0 && both.test.size() > 0, "a part without images");
        fuzz::demand(both.train.regression() == targets, "labels for targets");
        fuzz::demand(both.train.features() == both.test.features(), "parts of two sizes");
        both.test.range(0, 1);
      });
  return 0;
}
