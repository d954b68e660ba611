#include <glocal/app/reproduce/studies.h>

namespace glocal::app {

// A new study is one line here.
const std::vector<Study>& studies() {
  static const std::vector<Study> all{
      equal_compute(), learning_rates(), regime(), noise(), explosion(), cost(), reweighting(), optimizers(), models(),
  };
  return all;
}

}  // namespace glocal::app
