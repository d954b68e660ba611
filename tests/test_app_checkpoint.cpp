// A checkpoint holds every field of a run's state: each is set to a number of its own, written, read and compared.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include <glocal/app/checkpoint/checkpoint.h>
#include <glocal/app/checkpoint/file.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/setup/prepare.h>
#include <glocal/app/setup/run_rules.h>
#include <glocal/core/error.h>
#include <glocal/core/io/safetensors.h>
#include <glocal/hpo/tune/search_run.h>
#include <glocal/hpo/tune/tune.h>

using namespace glocal;
using namespace glocal::app;
using datasets::Part;

namespace {

struct Stop : std::runtime_error {
  Stop() : std::runtime_error("stop") {}
};

Options small(const std::string& estimator) {
  Options options;
  options.experiment.train_limit = 60;
  options.experiment.validation = 40;
  options.experiment.model_options.hidden = {5};
  options.experiment.steps = 30;
  options.experiment.batch = 20;
  options.experiment.val_batch = 40;
  options.experiment.tune = {"lr", "momentum"};
  options.experiment.hyper = {{"lr", 0.1}, {"momentum", 0.5}};
  options.tuning.estimator = estimator;
  options.tuning.estimator_options.tau = 8;
  options.tuning.estimator_options.particles = 3;
  options.tuning.meta.max_norm = 1e-3;  // clips every hypergradient
  return options;
}

bool same(const Vars& a, const Vars& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (bool(a[i]) != bool(b[i])) return false;
    if (a[i] && !same_bits(a[i].value(), b[i].value())) return false;
  }
  return true;
}

// NaN is equal to itself here.
bool same(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

// A structure that gets another field no longer compiles here: the field belongs into the comparison.
void check_same(const hpo::Block& a, const hpo::Block& b) {
  const auto& [t0, pairs, outer, h, trajectory, outers, squares] = a;
  CHECK(t0 == b.t0);
  CHECK(pairs == b.pairs);
  CHECK(outer == b.outer);
  CHECK(same(h, b.h));
  CHECK(same(trajectory, b.trajectory));
  CHECK(same(outers, b.outers));
  REQUIRE(squares.size() == b.squares.size());
  for (std::size_t i = 0; i < squares.size(); ++i) CHECK(same(squares[i], b.squares[i]));
}

void check_same(const hpo::Progress& a, const hpo::Progress& b) {
  const auto& [s, z, t, T, particles, block, own] = a;
  CHECK(own.empty());
  CHECK(same(s, b.s));
  REQUIRE(z.size() == b.z.size());
  for (std::size_t k = 0; k < z.size(); ++k) CHECK(same(z[k], b.z[k]));
  CHECK(t == b.t);
  CHECK(T == b.T);
  REQUIRE(particles.size() == b.particles.size());
  for (std::size_t i = 0; i < particles.size(); ++i) {
    const auto& [plus, minus, xi] = particles[i];
    CHECK(same(plus, b.particles[i].plus));
    CHECK(same(minus, b.particles[i].minus));
    CHECK(same(xi, b.particles[i].xi));
  }
  REQUIRE(block.has_value() == b.block.has_value());
  if (block) check_same(*block, *b.block);
}

void check_same(const Checkpoint& a, const Checkpoint& b) {
  const auto& [state, values, seen, used] = a;
  const auto& [u, phi, meta, updates, estimate_seconds, scores, progress, best_u, best_s] = state;
  CHECK(same(u, b.state.u));
  CHECK(same(phi, b.state.phi));
  CHECK(updates == b.state.updates);
  CHECK(estimate_seconds == b.state.estimate_seconds);
  CHECK(same(scores, b.state.scores));
  CHECK(same(best_u, b.state.best_u));
  CHECK(same(best_s, b.state.best_s));
  check_same(progress, b.state.progress);
  const auto& [name, lr, max_norm, m, v, meta_updates, clipped] = meta;  // the first and the third are settings
  CHECK(lr == b.state.meta.lr);
  CHECK(same(m, b.state.meta.m));
  CHECK(same(v, b.state.meta.v));
  CHECK(meta_updates == b.state.meta.updates);
  CHECK(clipped == b.state.meta.clipped);
  CHECK(same(values, b.values));
  const auto& [steps, seen_updates, train_loss, validation, scored, best, seconds, metrics, hparams, timing, pending] =
      seen;
  CHECK(steps == b.seen.steps);
  CHECK(seen_updates == b.seen.updates);
  CHECK(train_loss == b.seen.train_loss);
  CHECK(validation.loss == b.seen.validation.loss);
  CHECK(validation.accuracy == b.seen.validation.accuracy);
  CHECK(scored == b.seen.scored);
  CHECK(best == b.seen.best);
  CHECK(seconds == b.seen.estimate_seconds);
  CHECK(metrics == b.seen.metrics_bytes);
  CHECK(hparams == b.seen.hparams_bytes);
  CHECK(timing == b.seen.timing_bytes);
  CHECK(pending == b.seen.pending);
  const auto& [used_seconds, block_seconds, peak_bytes] = used;
  CHECK(used_seconds == b.used.seconds);
  CHECK(block_seconds == b.used.block_seconds);
  CHECK(peak_bytes == b.used.peak_bytes);
}

// A run of this estimator, stopped at a call of `step`.
Checkpoint stopped_at(const train::Experiment& experiment, const Options& options, int calls) {
  hpo::FlatProblem problem = experiment.problem();
  problem.step = [step = problem.step, &calls](const Vars& s, const Vars& phi, std::int64_t t) {
    if (calls-- == 0) throw Stop();
    return step(s, phi, t);
  };
  const std::string& estimator = options.tuning.estimator;
  Checkpoint checkpoint;
  hpo::TuneState& state = checkpoint.state;
  state = hpo::start_of_run(experiment.problem(), experiment.phi(), options.tuning.T, options.tuning.meta);
  try {
    if (estimator == "gp")
      hpo::search_run(problem, experiment.space(), state, {.method = "gp", .T = 30, .budget = 200});
    else
      hpo::tune(problem, state, options.tuning);
    FAIL("the run came to its end");
  } catch (const Stop&) {
  }
  if (state.updates > 0) state.estimate_seconds = 3.25;
  checkpoint.values = experiment.space().values(state.phi);
  Seen& seen = checkpoint.seen;
  seen.updates = state.updates;
  seen.train_loss = 1.75;
  if (estimator != "gp" && estimator != "global-forward") {  // of runs from the start nothing is written
    seen.steps = state.progress.t - 1;
    seen.validation = {1.5, 0.625};
    seen.scored = true;
    seen.best = 1.25;
  }
  seen.estimate_seconds = 2.75;
  seen.metrics_bytes = 101;
  seen.hparams_bytes = 202;
  seen.timing_bytes = 303;
  seen.pending = true;
  checkpoint.used = {7.5, 0.5, 123'456'789};
  return checkpoint;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("checkpoint: every field of a state comes back, inside a block of every kind") {
    for (const auto& [estimator, calls] : {std::pair("glocal", 13),
                                           {"local-online", 21},
                                           {"pes", 100},
                                           {"es", 75},
                                           {"gp", 100},
                                           {"truncated", 24},
                                           {"global-forward", 44}}) {
      CAPTURE(estimator);
      Options options = small(estimator);
      const train::Experiment experiment = build(options, 3);
      const Identity identity = identity_of(experiment, config_of(experiment, options, estimator));
      const Checkpoint before = stopped_at(experiment, options, calls);
      const std::string bytes = encode_safetensors(to_file(before, identity, experiment));
      const SafeTensors file = decode_safetensors(bytes, "test");
      const Checkpoint after = from_file(file, identity, experiment, rules_of(experiment, options, estimator), "test");
      check_same(before, after);
      CHECK(encode_safetensors(to_file(after, identity, experiment)) == bytes);
      const std::string name = estimator;
      if (name == "pes" || name == "es") CHECK(before.state.progress.block.value().pairs == (name == "es" ? 1 : 2));
      if (name == "gp") CHECK(before.state.scores.size() == 3);
      if (name != "gp") CHECK(before.state.meta.clipped == before.state.meta.updates);
      if (name == "global-forward") CHECK(!before.state.best_s.empty());
    }
  }

  // CRC-32 bit by bit (ITU-T V.42), over images and labels of the three parts in their order.
  TEST_CASE("checkpoint: the digest of the data covers images and labels of every part") {
    Options options = small("glocal");
    const train::Experiment experiment = build(options, 3);
    std::uint32_t crc = 0xffffffffU;
    const auto add = [&crc](const auto& numbers) {
      const auto* bytes = reinterpret_cast<const unsigned char*>(numbers.data());
      for (std::size_t i = 0; i < numbers.size() * sizeof numbers[0]; ++i) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0U);
      }
    };
    for (const Part part : {Part::train, Part::validation, Part::test}) {
      add(experiment.data(part).pixels);
      add(experiment.data(part).labels);
    }
    CHECK(identity_of(experiment, config_of(experiment, options, "glocal")).data == fmt::format("{:08x}", ~crc));
  }

  TEST_CASE("checkpoint: each setting that numbers depend on, changed alone, refuses it by name") {
    Options options = small("glocal");
    const train::Experiment experiment = build(options, 3);
    const Json config = config_of(experiment, options, "glocal");
    const SafeTensors file = to_file(stopped_at(experiment, options, 13), identity_of(experiment, config), experiment);
    const RunRules rules = rules_of(experiment, options, "glocal");
    const std::vector<std::string> free{"data_dir", "mem_limit", "save_every", "threads"};
    for (const auto& [key, value] : config.items()) {
      CAPTURE(key);
      Json other = config;
      if (value.is_string())
        other[key] = value.get<std::string>() + "x";
      else if (value.is_number())
        other[key] = value.get<double>() + 1;
      else if (value.is_array())
        other[key].push_back("x");
      else
        other[key]["x"] = 1;
      Identity identity = identity_of(experiment, other);
      if (key == "seed") identity.config["seed"] = 4;  // the file's name of it is a whole number
      if (std::find(free.begin(), free.end(), key) != free.end())
        CHECK_NOTHROW(from_file(file, identity, experiment, rules, "test"));
      else
        CHECK_THROWS_WITH_AS(from_file(file, identity, experiment, rules, "test"), doctest::Contains(key.c_str()),
                             DataError);
    }
  }

  TEST_CASE("checkpoint: what may change the last bits is named, each of it") {
    Options options = small("glocal");
    const train::Experiment experiment = build(options, 3);
    const Identity identity = identity_of(experiment, config_of(experiment, options, "glocal"));
    const SafeTensors file = to_file(stopped_at(experiment, options, 13), identity, experiment);
    CHECK(changed_machine(file, identity).empty());
    for (const std::string key : {"compiler", "build_type", "flags", "blas", "instruction_set", "cpu"}) {
      CAPTURE(key);
      Identity other = identity;
      other.machine[key] = "another";
      CHECK(changed_machine(file, other).starts_with(key + " \"another\" (the file: \""));
    }
    Identity threads = identity;
    threads.machine["threads"] = 99;
    CHECK(changed_machine(file, threads).empty());
  }
}
