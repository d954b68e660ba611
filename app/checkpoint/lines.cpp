#include <glocal/app/checkpoint/lines.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <glocal/app/checkpoint/checkpoint.h>
#include <glocal/app/record/numbers.h>
#include <glocal/app/record/read_run.h>
#include <glocal/app/record/recorder.h>
#include <glocal/app/settings/json_fields.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/setup/run_rules.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/hpo/meta_optimizer.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/space.h>
#include <glocal/hpo/tune/tune_state.h>
#include <glocal/train/experiment.h>

namespace glocal::app {
namespace {

constexpr double most = std::numeric_limits<double>::max();

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }
bool close(double a, double b, double eps = 1e-9) {
  return std::isfinite(a) && std::isfinite(b) && std::abs(a - b) <= eps * std::max({1.0, std::abs(a), std::abs(b)});
}

// The first `length` bytes of a file, line by line; they must hold exactly the lines that are asked for.
class Lines {
 public:
  Lines(const std::filesystem::path& path, const char* field, std::int64_t length)
      : path_(path.string()), field_(field), bytes_(read_file(path_)) {
    const bool whole =
        length <= std::ssize(bytes_) && (length == 0 || bytes_[static_cast<std::size_t>(length) - 1] == '\n');
    if (!whole)
      fail<DataError>("[checkpoint] {}: expected a line end after {} bytes (seen.{} of last.safetensors), found {}",
                      path_, length, field,
                      length <= std::ssize(bytes_) ? "none" : fmt::format("{} bytes in all", bytes_.size()));
    bytes_.resize(static_cast<std::size_t>(length));
  }
  const std::string& bytes() const { return bytes_; }
  std::string where() const { return fmt::format("{}:{}", path_, number_); }

  Json next(const std::string& what) {
    if (at_ == bytes_.size())
      fail<DataError>("[checkpoint] {}: expected {} after line {} (seen.{} of last.safetensors is {}), found none",
                      path_, what, number_, field_, bytes_.size());
    const std::size_t stop = bytes_.find('\n', at_);
    const std::string_view line = std::string_view(bytes_).substr(at_, stop - at_);
    at_ = stop + 1;
    ++number_;
    return parse_json(line, where());
  }
  /// Of the line that comes next; 0 at the end.
  std::int64_t next_step() const {
    if (at_ == bytes_.size()) return 0;
    const std::string_view line = std::string_view(bytes_).substr(at_, bytes_.find('\n', at_) - at_);
    return integer_at(parse_json(line, where()), "step", where());
  }
  void end() const {
    if (at_ != bytes_.size())
      fail<DataError>("[checkpoint] {}: expected {} lines (seen.{} of last.safetensors is {}), found more", path_,
                      number_, field_, bytes_.size());
  }

 private:
  std::string path_, field_, bytes_;
  std::size_t at_ = 0;
  std::int64_t number_ = 0;
};

void refuse(const std::string& where, const std::string& field, double expected, double found) {
  fail<DataError>("[checkpoint] {}: {} of last.safetensors: expected {}, found {}", where, field, expected, found);
}

// Where the last training from the start was judged, it may have diverged before and been left for the best run: then
// the lines go on after the step at which that was judged.
void check_metrics(Lines& lines, const Checkpoint& checkpoint, const RunRules& rules) {
  const Seen& seen = checkpoint.seen;
  const hpo::TuneState& state = checkpoint.state;
  const bool judged = rules.from_start && std::ssize(state.scores) > state.updates;
  const bool left = judged && std::isnan(state.scores.back());
  double loss = 0, best = std::numeric_limits<double>::infinity();
  train::Score score;
  bool scored = false;
  const auto next_after = [](std::int64_t step, std::int64_t every) { return (step / every + 1) * every; };
  std::int64_t losses = next_after(rules.first_step(), rules.loss_every);
  std::int64_t scores = next_after(rules.first_step(), rules.score_every);
  for (std::int64_t step = std::min(losses, scores); step <= seen.steps; step = std::min(losses, scores)) {
    if (left && step <= rules.tau && seen.steps > rules.tau && lines.next_step() > rules.tau) {
      losses = next_after(rules.tau, rules.loss_every);
      scores = next_after(rules.tau, rules.score_every);
      continue;
    }
    if (step == losses) {
      const Json json = lines.next(fmt::format("the training loss of step {}", step));
      Fields line(json, "", lines.where());
      line.equal("step", step, "the next that is written");
      loss = line.number("train_loss", -most, most);
      line.done();
      losses += rules.loss_every;
    }
    if (step == scores) {
      scores += rules.score_every;
      if (step == rules.T) continue;  // written with the test scores, after the last checkpoint
      const Json json = lines.next(fmt::format("the validation scores of step {}", step));
      Fields line(json, "", lines.where());
      line.equal("step", step, "the next that is written");
      score.loss = line.number_or_null("val_loss");
      if (rules.regression)
        score.accuracy = line.number_or_null("val_accuracy");
      else
        score.accuracy = line.number("val_accuracy", 0, 1);
      line.done();
      best = std::min(best, score.loss);
      scored = true;
    }
  }
  lines.end();
  const bool written = seen.steps > 0 && seen.steps % rules.loss_every == 0 && !(left && seen.steps <= rules.tau);
  if (seen.scored != scored) refuse(lines.where(), "seen.scored", scored, seen.scored);
  if (written && seen.train_loss != loss) refuse(lines.where(), "seen.train_loss", loss, seen.train_loss);
  if (!same(seen.validation.loss, score.loss)) refuse(lines.where(), "seen.val_loss", score.loss, seen.validation.loss);
  if (!same(seen.validation.accuracy, score.accuracy))
    refuse(lines.where(), "seen.val_accuracy", score.accuracy, seen.validation.accuracy);
  if (!same(seen.best, best)) refuse(lines.where(), "seen.best", best, seen.best);
}

void check_timing(Lines& lines, const Seen& seen) {
  double seconds = 0;
  for (std::int64_t k = 0; k < seen.updates; ++k) {
    const Json json = lines.next(fmt::format("update {}", k));
    Fields line(json, "", lines.where());
    line.equal("update", k, "the next");
    seconds += line.number("seconds", 0, most);
    line.done();
  }
  lines.end();
  if (seen.estimate_seconds != seconds) refuse(lines.where(), "seen.estimate_seconds", seconds, seen.estimate_seconds);
}

// A list in a line of hparams.jsonl against what it follows from, but for the last bits.
void check_each(const Lines& lines, const char* field, const std::vector<double>& expected,
                const std::vector<double>& found, double eps) {
  for (std::size_t i = 0; i < found.size(); ++i)
    if (!close(expected[i], found[i], eps))
      fail<DataError>("[checkpoint] {}: {}, number {}: expected {}, found {}", lines.where(), field, i + 1, expected[i],
                      found[i]);
}

std::vector<double> finite(std::vector<double> numbers, const Lines& lines, const char* field) {
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (!std::isfinite(numbers[i]))
      fail<DataError>("[checkpoint] {}: {}, number {}: expected a finite number, found {}", lines.where(), field, i + 1,
                      numbers[i]);
  return numbers;
}

// The outer loop made again from its hypergradients: what moves on from one update to the next, and for runs from the
// start the best of them. See hpo/tune/tune.h and hpo/tune/keep_best.h.
struct Outer {
  hpo::MetaOptimizer meta;
  std::vector<double> u, best_u;
  double best = std::numeric_limits<double>::infinity();

  void update(bool from_start, double E, const std::vector<double>& h) {
    if (!from_start) {
      u = meta.step(std::move(u), h);
    } else if (E < best) {
      best = E;
      best_u = u;
      u = meta.step(std::move(u), h);
    } else {
      meta.lr /= 2;
      for (std::size_t k = 0; k < u.size(); ++k) u[k] = best_u[k] + (u[k] - best_u[k]) / 2;
    }
  }
};

void check_updates(Lines& lines, const Checkpoint& checkpoint, const train::Experiment& experiment,
                   const RunRules& rules, NumberReader& reader) {
  const hpo::TuneState& state = checkpoint.state;
  const std::vector<hpo::Extent> extents = experiment.space().extents();
  const Vars start = experiment.phi();
  const double eps = experiment.dtype() == DType::f32 ? 1e-5 : 1e-9;
  Outer outer{rules.meta, hpo::to_components(start, start), {}};
  std::vector<double> last_u, values;
  for (std::int64_t k = -1; k < checkpoint.seen.updates; ++k) {
    const Json json = lines.next(fmt::format("update {}", k));
    Fields line(json, "", lines.where());
    line.equal("update", k, "the next");
    line.equal("step", k < 0 || rules.search ? 0 : rules.block_start(k + 1), "where that update is made");
    line.equal("estimator", rules.estimator, "the run's");
    const auto by_name = [&](const char* key) {
      const Json& object = line.object(key);
      if (object.size() != extents.size()) line.refuse(key, fmt::format("{} names", extents.size()));
      return finite(reader.by_name(object, extents, fmt::format("{}: {}", lines.where(), key)), lines, key);
    };
    values = by_name("values");
    last_u = by_name("u");
    check_each(lines, "values", experiment.space().values(hpo::to_leaves(last_u, start)), values, eps);
    if (k < 0) {
      line.done();
      check_each(lines, "u", outer.u, last_u, eps);
      continue;
    }
    const double E = line.number_or_null("outer");
    const bool failed = rules.search || (rules.from_start && k > 0 && std::isnan(E));
    const std::string where = fmt::format("{}: hypergradient", lines.where());
    const std::size_t q = failed ? 0 : static_cast<std::size_t>(rules.q);
    const std::vector<double> h = finite(reader.list(line.list("hypergradient"), q, where), lines, "hypergradient");
    if (rules.search || rules.from_start) {
      const double score = state.scores[static_cast<std::size_t>(k)];
      if (!same(E, score)) refuse(lines.where(), fmt::format("search/scores[{}]", k), E, score);
    }
    if (rules.search) {
      by_name("tried");
    } else {
      outer.update(rules.from_start, E, h);
      check_each(lines, "u", outer.u, last_u, eps);
    }
  }
  lines.end();
  const auto check = [&](const char* field, const std::vector<double>& expected, const std::vector<double>& found,
                         auto fits) {
    for (std::size_t i = 0; i < found.size(); ++i)
      if (!fits(expected[i], found[i])) refuse(lines.where(), fmt::format("{}[{}]", field, i), expected[i], found[i]);
  };
  const auto near = [](double a, double b) { return close(a, b); };
  const auto one = [&](const char* field, double expected, double found) {
    if (!close(expected, found)) refuse(lines.where(), field, expected, found);
  };
  const bool judged = rules.from_start && std::ssize(state.scores) > state.updates;
  if (!judged && rules.kept.block != hpo::Kept::Block::anything) {  // else of the run that is kept
    check("hyper/values", values, checkpoint.values, same);
    if (!rules.search) check("hyper/u", last_u, hpo::to_components(state.phi, state.phi), same);
  }
  if (!rules.tunes()) return;
  if (judged && state.scores.back() < outer.best)
    outer.best_u = outer.u;
  else if (judged ||
           (rules.kept.block == hpo::Kept::Block::anything && rules.from_start && state.updates == rules.updates))
    outer.u = outer.best_u;
  check("hyper/u", outer.u, state.u, near);
  check("best/u", outer.best_u, state.best_u, near);
  check("meta/m", outer.meta.m, state.meta.m, near);
  check("meta/v", outer.meta.v, state.meta.v, near);
  one("progress.meta_lr", outer.meta.lr, state.meta.lr);
  one("progress.meta_updates", static_cast<double>(outer.meta.updates), static_cast<double>(state.meta.updates));
  one("progress.clipped", static_cast<double>(outer.meta.clipped), static_cast<double>(state.meta.clipped));
}

}  // namespace

void check_lines(const std::filesystem::path& folder, const Checkpoint& checkpoint, const train::Experiment& experiment,
                 const RunRules& rules) {
  const Seen& seen = checkpoint.seen;
  Lines metrics(folder / "metrics.jsonl", "metrics_bytes", seen.metrics_bytes);
  Lines hparams(folder / "hparams.jsonl", "hparams_bytes", seen.hparams_bytes);
  Lines timing(folder / "timing.jsonl", "timing_bytes", seen.timing_bytes);
  check_metrics(metrics, checkpoint, rules);
  NumberReader reader(folder);
  check_updates(hparams, checkpoint, experiment, rules, reader);
  check_timing(timing, seen);
  // The report will read the rest of what stands there, forecasts and trajectories.
  parse_run(folder, [&](const char* file) {
    const std::string_view name = file;
    if (record_of(name)) return read_file((folder / name).string(), most_run_bytes);
    return name == "metrics.jsonl" ? metrics.bytes() : name == "hparams.jsonl" ? hparams.bytes() : std::string("{}");
  });
}

}  // namespace glocal::app
