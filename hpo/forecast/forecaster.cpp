#include <glocal/hpo/forecast/forecaster.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/model/matrix.h>

namespace glocal::hpo {
namespace {

class LastValue final : public Fitted {
 public:
  explicit LastValue(const Tensor& h) {
    const auto row = h.span<double>().last(static_cast<std::size_t>(h.dim(1)));
    last_.assign(row.begin(), row.end());
  }
  std::vector<double> at(double) const override { return last_; }
  std::vector<double> mean(std::int64_t, std::int64_t) const override { return last_; }
  std::vector<double> error_bar(double, const std::vector<double>& value) const override {
    return std::vector<double>(value.size(), std::numeric_limits<double>::infinity());
  }

 private:
  std::vector<double> last_;
};

}  // namespace

Known Known::first(std::int64_t count) const {
  Known out{rows_of(h, 0, count), data};
  for (Tensor& each : out.data.series) each = rows_of(each, 0, count);
  for (Tensor& each : out.data.observables) each = rows_of(each, 0, count);
  if (outer) out.outer = Tensor::from(outer.span<double>().first(static_cast<std::size_t>(count)), {count});
  return out;
}

Tensor Fitted::range(std::int64_t begin, std::int64_t end) const {
  std::vector<double> rows;
  for (std::int64_t t = begin; t < end; ++t) {
    const std::vector<double> row = at(static_cast<double>(t));
    rows.insert(rows.end(), row.begin(), row.end());
  }
  return Tensor::from(rows, {end - begin, static_cast<std::int64_t>(rows.size()) / (end - begin)});
}

std::vector<double> Fitted::mean(std::int64_t begin, std::int64_t end) const {
  const Tensor rows = range(begin, end);
  std::vector<double> out;
  for (std::int64_t k = 0; k < rows.dim(1); ++k) {
    double sum = 0;
    for (std::int64_t t = 0; t < rows.dim(0); ++t) sum += rows.data<double>()[t * rows.dim(1) + k];
    out.push_back(sum / static_cast<double>(rows.dim(0)));
  }
  return out;
}

Forecaster persistence() {
  return {"persistence", [](const Known& known) { return std::make_shared<const LastValue>(known.h); }};
}

}  // namespace glocal::hpo
