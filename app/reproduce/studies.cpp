#include <glocal/app/reproduce/studies.h>

#include <vector>

#include <glocal/app/reproduce/reproduce.h>

namespace glocal::app {

// A new study is one line here.
const std::vector<Study>& studies() {
  static const std::vector<Study> all{
      trajectories(), accuracy(),   equal_compute(), learning_rates(), policies(),    regime(),
      choices(),      orders(),     noise(),         explosion(),      error_bound(), cost(),
      reweighting(),  optimizers(), models(),        keep_best(),
  };
  return all;
}

}  // namespace glocal::app
