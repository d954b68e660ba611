// Ways of saying what comes after a series.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/options.h>

namespace glocal::hpo {

/// What a forecast reads.
struct Known {
  Tensor h;           ///< (tau, q) f64: what is forecast
  DmdData data = {};  ///< what dmd reads in its place: several series, numbers beside them; without series h alone
  Tensor outer = {};  ///< (tau,) f64: E at the same steps, for the law of training

  Known first(std::int64_t count) const;  ///< of everything the first `count` snapshots
};

/// What a forecaster has read out of a series. Indices count from its first snapshot.
class Fitted {
 public:
  virtual ~Fitted() = default;
  virtual std::vector<double> at(double t) const = 0;                            ///< (q,) h at index t >= 0
  virtual Tensor range(std::int64_t begin, std::int64_t end) const;              ///< (end - begin, q) h, row by row
  virtual std::vector<double> mean(std::int64_t begin, std::int64_t end) const;  ///< (q,) of these rows
  /// (q,) one standard error of `value`, said of index t, as far as the fit itself knows.
  virtual std::vector<double> error_bar(double t, const std::vector<double>& value) const = 0;
  virtual std::string note() const { return ""; }     ///< what was reduced and why
  virtual std::string refusal() const { return ""; }  ///< why it should not be believed, whatever its trial says
  virtual bool grows() const { return false; }        ///< without bound
};

struct Forecaster {
  std::string name;
  std::function<std::shared_ptr<const Fitted>(const Known&)> fit;
  double handicap = 1;  ///< beside others its error counts so many times
};

/// The last snapshot, repeated: what every other one is measured by, and what is used where they fail.
Forecaster persistence();

}  // namespace glocal::hpo
