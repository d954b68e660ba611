// `glocal evaluate`: the network of a run on images, its own test part or others.
#pragma once
#include <string>

namespace glocal::app {

struct EvaluateArguments {
  std::string run;
  std::string dataset;        ///< empty: the run's own
  std::string data_dir;       ///< empty: as the run says
  std::string part = "test";  ///< or "train"; of the run's own data "validation" too
  bool best = false;          ///< the network of the least validation loss instead of the last
  std::string out;            ///< empty: inside the run, named after data, part and network
  bool force = false, json = false;
  int threads = 0;
};

/// Writes predictions.csv, logits.npy, report.html and, last, evaluation.json into a folder and prints the scores.
/// Throws DataError for a folder that is no run or holds no network yet, and for data that do not suit it; ValueError
/// for a folder that is there already, unless forced, or for a part that the data do not have; IoError.
void evaluate(const EvaluateArguments& arguments);

}  // namespace glocal::app
