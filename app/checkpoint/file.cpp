#include <glocal/app/checkpoint/file.h>

#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/checkpoint/check.h>
#include <glocal/app/checkpoint/checkpoint.h>
#include <glocal/app/checkpoint/numbers.h>
#include <glocal/app/record/recorder.h>
#include <glocal/app/settings/json_record.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/setup/run_rules.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/error.h>
#include <glocal/core/io/safetensors.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/space.h>
#include <glocal/hpo/tune/tune_state.h>
#include <glocal/train/experiment.h>

namespace glocal::app {
namespace {

Tensor stack(const std::vector<Tensor>& leaves) {
  Tensor all(stacked(leaves.size(), leaves[0].shape()), leaves[0].dtype());
  char* to = static_cast<char*>(all.raw());
  for (const Tensor& leaf : leaves) to = std::copy_n(static_cast<const char*>(leaf.raw()), leaf.bytes(), to);
  return all;
}

Tensor unstacked(const Tensor& all, std::int64_t i, const Var& like) {
  Tensor leaf(like.shape(), like.dtype());
  std::memcpy(leaf.raw(), static_cast<const char*>(all.raw()) + i * leaf.bytes(),
              static_cast<std::size_t>(leaf.bytes()));
  return leaf;
}

void put(SafeTensors& file, const std::string& name, const std::vector<double>& list) {
  if (!list.empty()) file.tensors[name] = Tensor::from(list, {std::ssize(list)});
}

std::vector<double> numbers(const SafeTensors& file, const std::string& name) {
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end()) return {};
  const auto span = found->second.span<double>();
  return {span.begin(), span.end()};
}

// JSON has no NaN and no infinity: they become null, which reads back as NaN.
double number(const Json& json) { return json.is_null() ? NAN : json.get<double>(); }

// The counters of a run in the metadata, for the writer and the reader.
template <class Self, class Visit>
void counters(Self& state, Visit&& visit) {
  visit("t", state.progress.t);
  visit("T", state.progress.T);
  visit("updates", state.updates);
  visit("meta_updates", state.meta.updates);
  visit("meta_lr", state.meta.lr);
  visit("clipped", state.meta.clipped);
  visit("estimate_seconds", state.estimate_seconds);
}

// The lists of numbers that are tensors of the file, for both.
template <class Self, class Visit>
void lists(Self& checkpoint, Visit&& visit) {
  visit("hyper/u", checkpoint.state.u);
  visit("hyper/values", checkpoint.values);
  visit("meta/m", checkpoint.state.meta.m);
  visit("meta/v", checkpoint.state.meta.v);
  visit("search/scores", checkpoint.state.scores);
  visit("best/u", checkpoint.state.best_u);
}

// Everything about the state but its tensors, and how many numbers each of those holds.
Json describe(const hpo::TuneState& state) {
  const hpo::Progress& progress = state.progress;
  Json json;
  counters(state, [&json](const char* key, const auto& counter) { json[key] = counter; });
  json.update({{"scores", state.scores.size()},
               {"has_state", !progress.s.empty()},
               {"has_moments", !state.meta.m.empty()},
               {"has_best", !state.best_u.empty()},
               {"has_best_state", !state.best_s.empty()},
               {"directions", progress.z.size()},
               {"particles", progress.particles.size()},
               {"own", Json::array()}});
  for (const auto& [name, tensor] : progress.own) json["own"].push_back(name);
  if (!progress.block) return json;
  const hpo::Block& block = *progress.block;
  Json squares = Json::array();
  for (const std::vector<double>& list : block.squares) squares.push_back(list.size());
  json["block"] = {{"t0", block.t0},
                   {"pairs", block.pairs},
                   {"outer", block.outer},
                   {"h", block.h.size()},
                   {"trajectory", block.trajectory.size()},
                   {"outers", block.outers.size()},
                   {"squares", squares}};
  return json;
}

}  // namespace

SafeTensors to_file(const Checkpoint& checkpoint, const Identity& identity, const train::Experiment& experiment) {
  SafeTensors file;
  file.metadata = {{"format", checkpoint_format},
                   {"config", identity.config.dump()},
                   {"data_crc32", identity.data},
                   {"machine", identity.machine.dump()},
                   {"seed", fmt::format("{}", identity.config.at("seed").get<std::uint64_t>())},
                   {"seen", written(checkpoint.seen).dump()}};
  const hpo::TuneState& state = checkpoint.state;
  const hpo::Progress& progress = state.progress;
  file.metadata["progress"] = describe(state).dump();
  file.metadata["used"] = written(checkpoint.used).dump();
  const std::vector<std::string> names = experiment.state_names();
  for (std::size_t i = 0; i < progress.s.size(); ++i) file.tensors[names[i]] = progress.s[i].value();
  lists(checkpoint, [&file](const char* name, const std::vector<double>& list) { put(file, name, list); });
  for (std::size_t i = 0; i < state.best_s.size(); ++i) file.tensors["best/" + names[i]] = state.best_s[i].value();

  const std::size_t n = progress.s.size();
  if (!progress.z.empty()) {
    std::vector<std::int32_t> mask;
    for (const Vars& direction : progress.z)
      for (std::size_t i = 0; i < n; ++i) mask.push_back(direction[i] ? 1 : 0);
    file.tensors["tangent_mask"] = Tensor::from(mask, {std::ssize(progress.z), static_cast<std::int64_t>(n)});
    for (std::size_t i = 0; i < n; ++i) {
      std::vector<Tensor> leaves;
      for (const Vars& direction : progress.z)
        if (direction[i]) leaves.push_back(direction[i].value());
      if (!leaves.empty()) file.tensors["tangent/" + names[i]] = stack(leaves);
    }
  }
  if (!progress.particles.empty()) {
    std::vector<double> xi;
    for (const hpo::AntitheticPair& pair : progress.particles) xi.insert(xi.end(), pair.xi.begin(), pair.xi.end());
    put(file, "particle/xi", xi);
    for (std::size_t i = 0; i < n; ++i) {
      std::vector<Tensor> plus, minus;
      for (const hpo::AntitheticPair& pair : progress.particles) {
        plus.push_back(pair.plus[i].value());
        minus.push_back(pair.minus[i].value());
      }
      file.tensors["particle/plus/" + names[i]] = stack(plus);
      file.tensors["particle/minus/" + names[i]] = stack(minus);
    }
  }
  for (const auto& [name, tensor] : progress.own) file.tensors["own/" + name] = tensor;
  if (progress.block) {
    const hpo::Block& block = *progress.block;
    put(file, "block/h", block.h);
    put(file, "block/trajectory", block.trajectory);
    put(file, "block/outers", block.outers);
    for (std::size_t i = 0; i < block.squares.size(); ++i)
      put(file, fmt::format("block/squares/{}", i), block.squares[i]);
  }
  return file;
}

namespace {

hpo::Block block_from(const Json& json, const SafeTensors& file) {
  hpo::Block block{json.at("t0").get<std::int64_t>(), json.at("pairs").get<std::int64_t>(), number(json.at("outer"))};
  block.h = numbers(file, "block/h");
  block.trajectory = numbers(file, "block/trajectory");
  block.outers = numbers(file, "block/outers");
  for (std::size_t i = 0; i < json.at("squares").size(); ++i)
    block.squares.push_back(numbers(file, fmt::format("block/squares/{}", i)));
  return block;
}

hpo::Progress progress_from(const Json& json, const SafeTensors& file, const Vars& like,
                            const std::vector<std::string>& names, std::size_t q) {
  hpo::Progress progress;
  const std::size_t n = like.size();
  for (std::size_t i = 0; json.at("has_state").get<bool>() && i < n; ++i)
    progress.s.emplace_back(file.tensors.at(names[i]));
  std::vector<std::int64_t> next(n);
  for (std::size_t k = 0; k < json.at("directions").get<std::size_t>(); ++k) {
    progress.z.emplace_back(n);
    for (std::size_t i = 0; i < n; ++i)
      if (file.tensors.at("tangent_mask").at(static_cast<std::int64_t>(k * n + i)) != 0)
        progress.z[k][i] = unstacked(file.tensors.at("tangent/" + names[i]), next[i]++, like[i]);
  }
  const std::vector<double> xi = numbers(file, "particle/xi");
  for (std::size_t k = 0; k < json.at("particles").get<std::size_t>(); ++k) {
    const auto begin = xi.begin() + static_cast<std::ptrdiff_t>(k * q);
    hpo::AntitheticPair pair{{}, {}, {begin, begin + static_cast<std::ptrdiff_t>(q)}};
    for (std::size_t i = 0; i < n; ++i) {
      const auto place = static_cast<std::int64_t>(k);
      pair.plus.emplace_back(unstacked(file.tensors.at("particle/plus/" + names[i]), place, like[i]));
      pair.minus.emplace_back(unstacked(file.tensors.at("particle/minus/" + names[i]), place, like[i]));
    }
    progress.particles.push_back(std::move(pair));
  }
  for (const Json& name : json.at("own"))
    progress.own[name.get<std::string>()] = file.tensors.at("own/" + name.get<std::string>());
  if (json.contains("block")) progress.block = block_from(json.at("block"), file);
  return progress;
}

}  // namespace

Checkpoint from_file(const SafeTensors& file, const Identity& identity, const train::Experiment& experiment,
                     const RunRules& rules, const std::string& where) {
  check_identity(file, identity, where);
  const CheckpointText text = checked_text(file, rules, where);
  const Json& json = text.progress;
  const Vars phi = experiment.phi(), like = experiment.problem().init(phi);
  const std::vector<std::string> names = experiment.state_names();
  try {
    check_tensors(file, text, like, names, rules.q, where);
    Checkpoint checkpoint;
    hpo::TuneState& state = checkpoint.state;
    state.meta = rules.meta;
    lists(checkpoint, [&file](const char* name, std::vector<double>& list) { list = numbers(file, name); });
    state.phi = hpo::to_leaves(state.u, phi);
    for (std::size_t i = 0; json.at("has_best_state").get<bool>() && i < like.size(); ++i)
      state.best_s.emplace_back(file.tensors.at("best/" + names[i]));
    state.progress = progress_from(json, file, like, names, static_cast<std::size_t>(rules.q));
    counters(state, [&](const char* key, auto& counter) { read_field(counter, json, key, where); });
    read_record(checkpoint.seen, text.seen, where);
    read_record(checkpoint.used, text.used, where);
    check_numbers(checkpoint, experiment, rules, names, where);
    return checkpoint;
  } catch (const nlohmann::json::exception& error) {  // of a field of an estimator of a user's own
    fail<DataError>("[checkpoint] {}: its metadata is not what a run writes: {}", where, error.what());
  }
}

}  // namespace glocal::app
