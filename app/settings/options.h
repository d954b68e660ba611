// The settings of `glocal train`, `tune` and `compare`: one list serves the command line, config.json and --config.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include <glocal/hpo/tune/tune.h>
#include <glocal/train/experiment.h>

namespace glocal::app {

using Json = nlohmann::ordered_json;

enum class Command : unsigned { train = 1, tune = 2, compare = 4 };
std::string_view name_of(Command command);

struct Options {
  Command command = Command::tune;
  train::ExperimentConfig experiment;
  hpo::TuneOptions tuning;  ///< T is experiment.steps, see run_options
  std::int64_t epochs = 0;  ///< instead of experiment.steps, given or of a recipe; 0: not
  std::vector<std::string> estimators = {"fixed", "local", "glocal", "global"};
  std::int64_t seeds = 1;
  int threads = 0;               ///< 0: $GLOCAL_THREADS, else all cores
  std::string mem_limit;         ///< "2G"; empty: 80 % of the physical memory
  std::string budget = "20";     ///< of searches: plain training runs, or an estimator's name
  std::int64_t trial_steps = 0;  ///< of searches: steps of a trial; 0: all
  double search_width = 1;       ///< of searches: scales the box, see hpo::box_around
  std::string find_lr = "none";  ///< or "rehearsal": see run/find_lr.h
  std::string unroll_memory;     ///< "200M": what global may keep of a run; empty: a state per sqrt(T) steps

  double save_every = 0;  ///< seconds between checkpoints; 0: about a minute, see docs/checkpoints.md

  std::string out;     ///< run folder; empty: see RunFolder::plan
  std::string resume;  ///< the folder of a run that goes on; empty: a new run
  bool force = false, json = false, quiet = false;
};

/// "" for a size that parse_bytes takes, and for none; else what is wrong.
std::string complaint_about_size(const std::string& text);
/// "512M", "2G", "1.5GiB", plain bytes; K, M, G, T are powers of 1000, with "iB" of 1024. Throws ValueError.
std::int64_t parse_bytes(const std::string& text);
/// --mem-limit in bytes, or 80 % of the physical memory.
std::int64_t memory_limit(const Options& options);

/// "" for the name of a data set or FORM:PATH with a known form; else what is wrong.
std::string complaint_about_dataset(const std::string& text);
/// "" for an augmentation with or without a strength, "crop=4", else what is wrong with its name.
std::string complaint_about_augmentation(const std::string& text);

/// True for the estimator that is plain training with an lr that rehearsals have found: see run/find_lr.h.
inline bool is_rehearsal(const std::string& estimator) { return estimator == "rehearsal"; }
/// True for the one that is plain training with all that is tuned found by hypergradients of rehearsals.
inline bool is_gradient_rehearsal(const std::string& estimator) { return estimator == "rehearsal-gradient"; }
inline bool rehearses(const std::string& estimator) {
  return is_rehearsal(estimator) || is_gradient_rehearsal(estimator);
}
/// True for plain training, which is no estimator of hpo's.
inline bool is_plain(const std::string& estimator) { return estimator == "fixed" || rehearses(estimator); }

/// The number of runs in a text of --budget, or 0 when it is none.
std::int64_t runs_of_budget(const std::string& budget);
/// "" for a text that --budget takes, a number of plain training runs or an estimator, else what is wrong with it.
std::string complaint_about_budget(const std::string& text);

}  // namespace glocal::app
