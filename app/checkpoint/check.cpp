#include <glocal/app/checkpoint/check.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <glocal/app/checkpoint/checkpoint.h>
#include <glocal/app/settings/json_fields.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/setup/run_rules.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/io/safetensors.h>
#include <glocal/core/shape.h>
#include <glocal/core/text/printable.h>

namespace glocal::app {
namespace {

constexpr double most = std::numeric_limits<double>::max();
constexpr std::int64_t most_bytes = std::int64_t{1} << 62;

const std::string& entry(const SafeTensors& file, const char* key, const std::string& where) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end())
    fail<DataError>("[checkpoint] {} has no entry {} in its metadata; it is no checkpoint of a run", where, key);
  return found->second;
}

Json object(const SafeTensors& file, const char* key, const std::string& where) {
  Json json = parse_json(entry(file, key, where), where);
  if (!json.is_object())
    fail<DataError>("[checkpoint] {}: {}: expected a JSON object, found {}", where, key, json_excerpt(json));
  return json;
}

void check_machine(const Json& json, const std::string& where) {
  Fields machine(json, "machine", where);
  for (const char* key : {"version", "compiler", "build_type", "flags", "blas", "instruction_set", "cpu"})
    machine.text(key);
  machine.whole("threads", 1, 1'000'000);
  machine.done();
}

void check_block(const Json& json, std::int64_t updates, std::int64_t t, const RunRules& rules,
                 const std::string& where) {
  Fields block(json, "progress.block", where);
  const std::int64_t t0 = rules.block_start(updates), rows = t - t0;
  block.equal("t0", t0, "the step at which this block began");
  const std::int64_t pairs = block.whole("pairs", 0, rules.kept.pairs);
  if (rules.kept.block == hpo::Kept::Block::pairs && pairs < rules.kept.pairs && rows > 0)
    block.refuse("pairs",
                 fmt::format("{}, since training goes on after all pairs, to progress.t = {}", rules.kept.pairs, t));
  block.number_or_null("outer");
  std::int64_t h = 0, kept = 0;
  if (rules.kept.block == hpo::Kept::Block::sums || rules.kept.block == hpo::Kept::Block::pairs) h = rules.q;
  if (rules.kept.block == hpo::Kept::Block::tangents) {
    kept = rules.kept.trajectory ? rows : 0;
    h = (rules.kept.trajectory ? rows > 0 : rows == rules.tau) ? rules.kept.tangents : 0;
  }
  const std::string by = fmt::format("of a {} block at progress.t = {}", rules.estimator, t);
  block.equal("h", h, by);
  block.equal("trajectory", kept * rules.kept.tangents, by);
  block.equal("outers", kept, by);
  Json squares = Json::array();
  for (const std::int64_t look :
       rules.kept.block == hpo::Kept::Block::tangents ? rules.looks() : std::vector<std::int64_t>())
    squares.push_back(look <= rows ? rules.kept.tangents : 0);
  // Tangents that began at s_0 may not have begun at 0; those kept from the block before did not.
  const bool optional = rules.from_start || rules.kept.online;
  if (!(optional && json.contains("squares") && json.at("squares") == Json::array()))
    block.equal("squares", squares, by);
  block.done({"squares"});
}

// Of an estimator that is not ours: counts that can be counts.
void check_own_block(const Json& json, std::int64_t t, const std::string& where) {
  constexpr std::int64_t longest = std::int64_t{1} << 40;
  Fields block(json, "progress.block", where);
  block.whole("t0", 0, t);
  for (const char* key : {"pairs", "h", "trajectory", "outers"}) block.whole(key, 0, longest);
  block.number_or_null("outer");
  const bool list = block.has("squares") && json.at("squares").is_array();
  if (!list) block.refuse("squares", "a list of counts");
  for (const Json& size : json.at("squares"))
    if (!size.is_number_unsigned() || size.get<std::uint64_t>() > longest) block.refuse("squares", "a list of counts");
  block.done({"squares"});
}

void check_progress(const Json& json, const Json& seen, const RunRules& rules, const std::string& where) {
  const std::int64_t updates = Fields(seen, "seen", where).whole("updates", 0, rules.updates);
  Fields progress(json, "progress", where);
  progress.equal("updates", updates, "as seen.updates");
  const bool ends = updates == rules.updates;  // what is left is plain training
  const std::int64_t T = rules.search && !ends ? rules.replays.end_of(updates) : rules.T;
  progress.equal("T", T, "the steps of this run");
  progress.equal("has_state", true, "a checkpoint has a state");
  const bool in_block = progress.has("block");
  if (in_block && (ends || rules.kept.block == hpo::Kept::Block::none)) progress.refuse("block", "none");
  std::int64_t first = rules.block_start(updates), last = first + (in_block ? rules.tau : 0);
  if (ends || rules.search) last = T;
  if (rules.updates == 0) first = 0;
  if (rules.search) first = rules.replays.begin_of(updates);
  const bool blocks =
      rules.kept.block != hpo::Kept::Block::none && rules.kept.block != hpo::Kept::Block::anything && !ends;
  if (blocks && !in_block && json.contains("t") && json.at("t").is_number() && json.at("t") > first)
    progress.refuse("block", fmt::format("one at progress.t = {}", json_excerpt(json.at("t"))));
  const std::int64_t t = progress.whole("t", first, last);

  const bool tangents =
      rules.kept.block == hpo::Kept::Block::tangents && (in_block || (rules.kept.online && updates > 0));
  const bool begun = in_block || updates > 0, own = rules.kept.block == hpo::Kept::Block::anything;
  if (own) {
    progress.whole("directions", 0, 1'000'000);
    progress.whole("particles", 0, 1'000'000);
    const Json& names = progress.list("own");
    if (!std::all_of(names.begin(), names.end(), [](const Json& name) { return name.is_string(); }))
      progress.refuse("own", "a list of names");
    if (in_block) check_own_block(progress.object("block"), t, where);
  } else {
    progress.equal("directions", tangents ? rules.kept.tangents : 0, "tangents of this estimator");
    progress.equal("own", Json::array(), "nothing of this estimator");
    progress.equal("particles", rules.kept.particles && begun ? rules.kept.pairs : 0, "pairs of this estimator");
    if (in_block) check_block(progress.object("block"), updates, t, rules, where);
  }
  std::int64_t steps = rules.tunes() ? updates : 0;
  if (rules.from_start)
    steps = progress.whole("meta_updates", updates > 0 ? 1 : 0, updates);  // those that were the best so far
  else
    progress.equal("meta_updates", steps, "as progress.updates");
  const double lr = rules.meta.lr;
  if (rules.from_start)
    progress.number("meta_lr", 0, lr);  // halved by each of the others: see check_lines
  else
    progress.equal("meta_lr", lr, "the setting");
  progress.whole("clipped", 0, rules.meta.max_norm > 0 ? steps : 0);
  progress.equal("has_moments", steps > 0 && rules.meta.name == "adam", "of adam after its first step");
  // One a trial, or a run from the start; there the last training is judged too.
  const std::int64_t scores = rules.search || rules.from_start ? updates : 0;
  const bool judged = rules.from_start && ends && json.contains("scores") && json.at("scores") == scores + 1;
  progress.equal("scores", scores + (judged ? 1 : 0), "one for each run so far");
  progress.equal("has_best", rules.from_start && updates > 0, "of runs from the start");
  if (own)
    progress.flag("has_best_state");
  else
    progress.equal("has_best_state", rules.from_start && updates > 0 && !judged, "until the last training is judged");
  if (judged && !own && t < rules.tau)
    progress.refuse("scores", fmt::format("{}, since the last training is judged at step {}, not at progress.t = {}",
                                          scores, rules.tau, t));
  if (rules.from_start && ends && !judged && !own && t > rules.tau)
    progress.refuse("scores", fmt::format("{}, since the last training was judged at step {}, before progress.t = {}",
                                          scores + 1, rules.tau, t));
  progress.number("estimate_seconds", 0, updates > 0 ? most : 0);
  progress.done();
}

void check_seen(const Json& json, const Json& progress, const RunRules& rules, const std::string& where) {
  Fields seen(json, "seen", where);
  const auto t = progress.at("t").get<std::int64_t>();
  const bool pending = seen.flag("pending");
  if (pending && t == 0) seen.refuse("pending", "false at progress.t = 0");
  const std::int64_t updates = seen.whole("updates", 0, rules.updates);
  const std::int64_t steps = rules.replays_at(updates) ? 0 : t - (pending ? 1 : 0);
  const bool judged = rules.from_start && progress.at("scores") == updates + 1;
  const bool left_early = judged && steps == rules.tau;  // a last training that diverged ended anywhere before
  if (left_early)
    seen.whole("steps", 0, steps);
  else
    seen.equal("steps", steps > rules.first_step() ? steps : 0,
               fmt::format("as progress.t, {}, and seen.pending say", t));
  // Its scores may be missing: check_lines counts them.
  const bool scored = judged
                          ? seen.flag("scored")
                          : std::min(steps, rules.T - 1) / rules.score_every > rules.first_step() / rules.score_every;
  seen.equal("scored", scored, fmt::format("validation is scored every {} steps", rules.score_every));
  seen.number_or_null("train_loss");
  if (scored) {
    seen.number_or_null("val_loss");
    if (rules.regression)
      seen.equal("val_accuracy", nullptr, "of a regression");
    else
      seen.number("val_accuracy", 0, 1);
    seen.number_or_null("best");
  } else {
    seen.number("val_loss", 0, 0);
    seen.number("val_accuracy", 0, 0);
    seen.equal("best", nullptr, "before the first score");
  }
  seen.number("estimate_seconds", 0, most);
  for (const char* key : {"metrics_bytes", "hparams_bytes", "timing_bytes"}) seen.whole(key, 0, most_bytes);
  seen.done();
}

}  // namespace

void check_identity(const SafeTensors& file, const Identity& identity, const std::string& where) {
  if (entry(file, "format", where) != checkpoint_format)
    fail<DataError>("[checkpoint] {}: format: expected {}, found {}", where, checkpoint_format,
                    printable(file.metadata.at("format")));
  const Json config = object(file, "config", where), made_by = object(file, "machine", where);
  std::string differ;
  const auto differs = [&differ](const std::string& what, const std::string& before, const std::string& now) {
    if (before != now)
      differ +=
          fmt::format("{}{} {} (the file: {})", differ.empty() ? "" : ", ", printable(what), now, printable(before));
  };
  const auto text = [](const Json& json, const std::string& key) {
    return json.contains(key) ? json.at(key).dump(-1, ' ', /*ensure_ascii=*/true) : "none";
  };
  differs("version", text(made_by, "version"), text(identity.machine, "version"));
  for (const auto& [key, value] : identity.config.items()) differs(key, text(config, key), value.dump());
  for (const auto& [key, value] : config.items())
    if (!identity.config.contains(key)) differs(key, text(config, key), "unknown");
  differs("data with CRC-32", entry(file, "data_crc32", where), identity.data);
  if (!differ.empty()) fail<DataError>("[checkpoint] {} belongs to another run: {}", where, differ);
  check_machine(made_by, where);
  if (const std::string seed = fmt::format("{}", identity.config.at("seed").get<std::uint64_t>());
      entry(file, "seed", where) != seed)
    fail<DataError>("[checkpoint] {}: seed: expected {}, as in its config, found {}", where, seed,
                    printable(file.metadata.at("seed")));
  for (const auto& [key, value] : file.metadata) {
    const char* known[] = {"format", "config", "data_crc32", "machine", "seed", "seen", "progress", "used"};
    if (std::none_of(std::begin(known), std::end(known), [&key](const char* name) { return key == name; }))
      fail<DataError>("[checkpoint] {}: {}: expected no such entry, found {}", where, printable(key),
                      printable(std::string_view(value).substr(0, 80)));
  }
}

CheckpointText checked_text(const SafeTensors& file, const RunRules& rules, const std::string& where) {
  CheckpointText text{object(file, "progress", where), object(file, "seen", where), object(file, "used", where)};
  check_progress(text.progress, text.seen, rules, where);
  check_seen(text.seen, text.progress, rules, where);
  Fields used(text.used, "used", where);
  used.number("seconds", 0, most);
  used.number("block_seconds", 0, most);
  used.whole("peak_bytes", 0, most_bytes);
  used.done();
  return text;
}

void check_tensors(const SafeTensors& file, const CheckpointText& text, const Vars& like,
                   const std::vector<std::string>& names, std::int64_t q, const std::string& where) {
  const Json& progress = text.progress;
  std::map<std::string, TensorKind> kinds;
  const auto list = [&](const std::string& name, std::int64_t size) {
    if (size > 0) kinds[name] = {{size}, DType::f64};
  };
  const auto n = static_cast<std::int64_t>(like.size());
  const auto directions = progress.at("directions").get<std::int64_t>(),
             N = progress.at("particles").get<std::int64_t>();
  for (const char* name : {"hyper/u", "hyper/values"}) list(name, q);
  for (const char* name : {"meta/m", "meta/v"}) list(name, progress.at("has_moments").get<bool>() ? q : 0);
  list("search/scores", progress.at("scores").get<std::int64_t>());
  list("best/u", progress.at("has_best").get<bool>() ? q : 0);
  const bool has_best_state = progress.at("has_best_state").get<bool>();
  list("particle/xi", N * q);
  std::vector<std::size_t> depending(like.size());
  if (directions > 0) {
    const TensorKind mask{{directions, n}, DType::i32};
    kinds["tangent_mask"] = mask;
    const auto found = file.tensors.find("tangent_mask");
    if (found != file.tensors.end() && TensorKind{found->second.shape(), found->second.dtype()} == mask) {
      for (std::int64_t k = 0; k < found->second.size(); ++k) {
        const double set = found->second.at(k);
        if (set != 0 && set != 1)
          fail<DataError>("[checkpoint] {}: tangent_mask: expected 0 and 1, found {}", where, set);
        depending[static_cast<std::size_t>(k % n)] += set != 0;
      }
      for (std::size_t i = 0; i < like.size(); ++i) {
        const auto tangent = file.tensors.find("tangent/" + names[i]);
        const std::int64_t there =
            tangent == file.tensors.end() || tangent->second.rank() == 0 ? 0 : tangent->second.dim(0);
        if (there != static_cast<std::int64_t>(depending[i]))
          fail<DataError>(
              "[checkpoint] {}: tangent_mask and tangent/{} contradict each other: {} directions against {}", where,
              names[i], depending[i], there);
      }
    }
  }
  for (std::size_t i = 0; i < like.size(); ++i) {
    const Shape& shape = like[i].shape();
    const DType dtype = like[i].dtype();
    kinds[names[i]] = {shape, dtype};
    if (has_best_state) kinds["best/" + names[i]] = {shape, dtype};
    if (depending[i] > 0) kinds["tangent/" + names[i]] = {stacked(depending[i], shape), dtype};
    if (N > 0)
      kinds["particle/plus/" + names[i]] =
          kinds["particle/minus/" + names[i]] = {stacked(static_cast<std::size_t>(N), shape), dtype};
  }
  for (const Json& name : progress.at("own")) {  // of whatever kind: who keeps it knows
    const std::string key = "own/" + name.get<std::string>();
    const auto found = file.tensors.find(key);
    kinds[key] = found == file.tensors.end() ? TensorKind{{}, DType::f64}
                                             : TensorKind{found->second.shape(), found->second.dtype()};
  }
  if (progress.contains("block")) {
    const Json& block = progress.at("block");
    for (const char* name : {"h", "trajectory", "outers"})
      list(std::string("block/") + name, block.at(name).get<std::int64_t>());
    for (std::size_t i = 0; i < block.at("squares").size(); ++i)
      list(fmt::format("block/squares/{}", i), block.at("squares").at(i).get<std::int64_t>());
  }
  require_tensors(file, kinds, where);
}

}  // namespace glocal::app
