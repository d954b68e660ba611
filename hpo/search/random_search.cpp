#include <glocal/hpo/search/random_search.h>

#include <cstdint>
#include <memory>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/search/search.h>

namespace glocal::hpo {
namespace {

struct Random : Search {
  SearchBox box;
  std::int64_t count;
  Key key;
  std::uint64_t asked = 0;
  Random(const SearchBox& where, std::int64_t trials, Key with) : box(where), count(trials), key(with) {}
  const char* name() const override { return "random-search"; }
  std::int64_t trials() const override { return count; }
  std::vector<double> ask() override {
    const std::uint64_t number = asked++;
    if (number == 0) return box.start;
    const Tensor cube = uniform(split(key, number), {static_cast<std::int64_t>(box.low.size())}, 0, 1, DType::f64);
    return box.at({cube.data<double>(), cube.data<double>() + cube.size()});
  }
  void tell(const std::vector<double>&, double) override {}
};

}  // namespace

std::unique_ptr<Search> random_search(const SearchBox& box, std::int64_t trials, Key key) {
  return std::make_unique<Random>(box, trials, key);
}

SearchKind random_search_kind() {
  return {"random-search", "points drawn uniformly from a box around the start", "olive", random_search};
}

}  // namespace glocal::hpo
