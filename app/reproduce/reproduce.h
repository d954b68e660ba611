// `glocal reproduce`: questions about the method, each answered by a run that anyone can repeat.
// A study is a file reproduce/NAME.json with its question and settings, NAME.cpp with what it does where that is more
// than a grid of trials, and a line in studies().
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include <glocal/app/report/plot.h>
#include <glocal/app/settings/options.h>
#include <glocal/core/error.h>
#include <glocal/core/stopwatch.h>
#include <glocal/core/text/registry.h>

namespace glocal::app {

/// Rows of cells under a title; the first row is the heading.
struct TitledTable {
  std::string title;
  std::vector<std::vector<std::string>> rows;
};

/// What a study found: numbers, the same for a reader, and pictures.
struct Findings {
  Json rows = Json::array();  ///< one object a row; numbers are written with five digits
  std::vector<TitledTable> tables;
  std::vector<Plot> plots;
};

/// What stands outside a study's settings: it changes where and how fast it runs, not what comes out.
struct LabOptions {
  std::string data_dir = {};
  bool quiet = false;
  std::string only = {};  ///< of a study whose runs are kept: makes only those of cases with this in their label
};

/// What there is of a study whose runs are kept, and how it grows.
struct KeptRuns {
  Json earlier = {};                           ///< the result file, of the same "training"; null: there is none
  std::function<void(const Json& rows)> keep;  ///< writes it anew
};

/// What a study is given: its settings {"minutes": about how long on one core, "training": settings as in a run's
/// config.json, "sweep": the study's own}, and a way to report progress.
class Lab {
 public:
  Lab(std::string name, Json config, LabOptions options, KeptRuns kept = {});

  /// An entry of "sweep". Throws ValueError when it is of another kind.
  template <class T>
  T sweep(const char* key) const {
    const Json& lists = config_.at("sweep");
    try {
      return lists.at(key).get<T>();
    } catch (const nlohmann::json::exception& error) {
      fail<ValueError>("[reproduce] {}: sweep {}: {}", name_, key, error.what());
    }
  }
  /// The settings of "training" with `changes`, over the defaults; a null takes a setting back to its default.
  /// Throws ValueError for an unknown setting.
  Options options(const Json& changes = Json::object()) const;
  std::vector<std::uint64_t> seeds() const;  ///< seed, seed + 1, ...: as many as "seeds" says
  /// A line on stderr with the time since the start. Throws Interrupted when the run was asked to stop.
  void say(const std::string& line) const;
  bool asked_for(const std::string& label) const { return label.find(outside_.only) != std::string::npos; }
  const Json& earlier() const { return kept_.earlier; }
  /// Of a study whose runs are kept: its rows so far.
  void keep(const Json& rows) const;

 private:
  std::string name_;
  Json config_;
  LabOptions outside_;
  KeptRuns kept_;
  Stopwatch clock_;
};

struct Study {
  std::string name, about;                ///< about: its question
  std::span<const unsigned char> config;  ///< reproduce/NAME.json
  std::function<Findings(const Lab&)> run;
  bool kept = false;  ///< its runs are kept one by one, and made only where they are missing: see from_starts.h
};
/// The study of that file, whose "question" it answers.
Study study_of(const std::string& name, std::span<const unsigned char> config,
               const std::function<Findings(const Lab&)>& run);

/// All of them, in the order of docs/questions.md.
const Registry<Study>& studies();
/// Throws ValueError with the nearest name, which may be "all".
const Study& find_study(const std::string& name);

/// Where the result of a study goes, and what it may be given.
struct ReproduceOptions {
  std::filesystem::path out;  ///< empty: docs/questions when it is there, else reproduce
  std::string config;         ///< a JSON file that overrides what it names of the study's settings
  std::int64_t seeds = 0;     ///< 0: as the settings say
  int threads = 0;
  LabOptions lab;
};

/// Runs a study, prints its tables, writes NAME.json and NAME.svg into the folder, and the tables into the page beside
/// it (FOLDER.md) where that has the marks <!-- NAME --> ... <!-- /NAME -->. Files are written when all is done: a run
/// that fails or is interrupted leaves the old ones, but for NAME.json of a study whose runs are kept. Throws
/// ValueError, DataError, IoError, Interrupted.
void reproduce(const Study& study, const ReproduceOptions& options);

/// Name, minutes and question of each, on stdout.
void list_studies();

}  // namespace glocal::app
