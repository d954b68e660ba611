// The report of an evaluation.
#pragma once
#include <string>

#include <glocal/app/evaluate/score.h>
#include <glocal/app/settings/options.h>

namespace glocal::app {

/// What was evaluated; text.
struct Evaluated {
  std::string run, network;  ///< folder, file in it
  std::string data, part;    ///< title; "test", or "all" where there is one part only
  std::string state;         ///< what is to be known of a run that has not come to its end; "" for others
  bool synthetic = false;
  Json config, meta;  ///< of the run
};

/// One self-contained page: scores, classes, confusion matrix.
std::string evaluation_page(const Evaluated& about, const Network& network, const Evaluation& evaluation);

}  // namespace glocal::app
