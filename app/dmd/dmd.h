// `glocal dmd`: Hankel DMD of a series in a file.
#pragma once
#include <set>
#include <string>
#include <vector>

#include <glocal/hpo/dmd/model/options.h>

namespace glocal::app {

struct DmdArguments {
  std::string file, name;   ///< (tau, q) .npy, .npz or text; the array of an .npz that holds several
  std::string observables;  ///< (tau, p) file, or empty
  std::string picture;      ///< .svg or .html, or empty
  hpo::DmdOptions options;
  double horizon = 0;  ///< 0: ten times the snapshots
  bool json = false, automatic = false;
  std::set<std::string> given = {};     ///< the flags on the command line: idle ones are refused
  std::vector<std::string> notes = {};  ///< of what was passed over while reading
};

/// Prints the fit and the forecast on stdout, draws them into `picture`. Throws ValueError for an option that another
/// one makes idle, DataError for the file's contents, NumericError, IoError.
void dmd(DmdArguments arguments);

}  // namespace glocal::app
