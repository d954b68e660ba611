// Every hyperparameter of an experiment by name: its range, where it starts, whether it is tuned.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/hpo/space.h>
#include <glocal/nn/models/model.h>
#include <glocal/optim/optimizer.h>
#include <glocal/train/hyper_value.h>

namespace glocal::train {

/// What makes a hyperparameter; docs/hyperparameters.md explains each.
struct HyperKind {
  /// What NAME@GROUP is, a number for a group of the model's parameters (nn/models/parameter_group.h).
  enum class Group {
    none,
    factor /* on NAME, usually 1; lr@GROUP = 0 freezes */,
    coefficient /* beside NAME, usually 0 */
  };

  std::string name;
  optim::HyperInfo::Range range;
  double usual;            ///< its value where none is given
  double tuned_usual = 0;  ///< where it is tuned and `usual` is 0, which no transform reaches
  Group group = Group::none;
  std::string of = {};       ///< the vector that it is a number of; OF gives all, NAME one
  bool of_schedule = false;  ///< tuned together with the others of the learning rate's schedule by `--tune lr`
  std::int64_t length = 0;   ///< > 0: a vector; NAME gives all components, NAME[i] one
  /// Numbers tuned in place of the value, which is then only their recipe (of a network: its width).
  std::function<std::vector<double>(double value)> recipe = nullptr;
};

const char* text_of(optim::HyperInfo::Range range);  ///< "number > 0"
/// NAME of NAME@GROUP: the factors on a learning rate are called lr@GROUP whatever its schedule.
std::string group_base(const HyperKind& kind);

class Hyperparameters {
 public:
  /// given: start values by name; tune: names to tune, where "lr" means its whole schedule and "NAME@each" one number
  /// for every layer. Throws ValueError for an unknown name or group and for a value out of range, or one that dtype
  /// rounds out of it, naming the nearest usable one; `sources` says where "hyper.NAME" and "tune" were given, see
  /// ExperimentConfig.
  Hyperparameters(std::string owner, std::vector<HyperKind> kinds, const nn::Model& model,
                  const std::map<std::string, HyperValue>& given, const std::vector<std::string>& tune, DType dtype,
                  const std::map<std::string, std::string>& sources = {});

  const hpo::Space& space() const { return space_; }  ///< the tuned ones
  /// Where each starts, tuned or not; a vector that is not used as the number that all of it are.
  const std::map<std::string, HyperValue>& values() const { return values_; }
  bool tuned(const std::string& name) const { return entries_[index(name)].place >= 0; }
  /// True when it is tuned or differs from its usual value; a vector, when its components differ.
  bool used(const std::string& name) const;
  /// Its value at phi, of the experiment's element type.
  Var value(const std::string& name, const Vars& phi) const;
  /// The NAME@GROUP that were given or tuned: (NAME@GROUP, GROUP).
  std::vector<std::pair<std::string, std::string>> groups_of(const std::string& name) const;

 private:
  struct Entry {
    HyperKind kind;
    double value;               // what NAME=value gives
    std::vector<double> start;  // all its numbers
    int place = -1;             // in the space, or -1
    bool given = false;
    std::string source = {};  // where
  };
  std::size_t index(const std::string& name) const;
  Entry& open(const std::string& name, const nn::Model& model);
  void give(const std::string& name, const HyperValue& value, const nn::Model& model);
  void mark(Entry& entry);
  void fill(Entry& entry) const;

  std::string owner_;
  std::string source_;  // where the name that is looked for was given
  DType dtype_;
  std::vector<Entry> entries_;
  hpo::Space space_;
  std::map<std::string, HyperValue> values_;
};

}  // namespace glocal::train
