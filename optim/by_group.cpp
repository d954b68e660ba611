#include <glocal/optim/by_group.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/optim/optimizer.h>

namespace glocal::optim {

Step step_by_group(const Optimizer& optimizer, std::span<const std::size_t> group, const std::vector<Vars>& hyper,
                   const Vars& params, const Vars& grads, const Vars& state, std::int64_t t) {
  const std::size_t count = params.size();
  if (group.size() != count || grads.size() != count || (count > 0 && state.size() % count != 0))
    fail<ShapeError>("[{}] {} parameters, but {} groups, {} gradients, {} buffers", optimizer.name, count, group.size(),
                     grads.size(), state.size());
  for (const std::size_t g : group)
    if (g >= hyper.size())
      fail<ShapeError>("[{}] group {}, but numbers for {} groups", optimizer.name, g, hyper.size());
  Step next{Vars(count), Vars(state.size())};
  for (std::size_t g = 0; g < hyper.size(); ++g) {
    std::vector<std::size_t> members, buffers;
    for (std::size_t i = 0; i < count; ++i)
      if (group[i] == g) members.push_back(i);
    for (std::size_t begin = 0; begin < state.size(); begin += count)
      for (const std::size_t i : members) buffers.push_back(begin + i);
    const auto pick = [](const Vars& all, const std::vector<std::size_t>& places) {
      Vars some;
      for (const std::size_t i : places) some.push_back(all[i]);
      return some;
    };
    if (members.empty()) continue;
    const Step part = optimizer.step(hyper[g], pick(params, members), pick(grads, members), pick(state, buffers), t);
    for (std::size_t k = 0; k < members.size(); ++k) next.params[members[k]] = part.params[k];
    for (std::size_t k = 0; k < buffers.size(); ++k) next.state[buffers[k]] = part.state[k];
  }
  return next;
}

}  // namespace glocal::optim
