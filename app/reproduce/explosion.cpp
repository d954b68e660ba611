// Where and why does the exact global hypergradient explode, and what does each estimator say there?
#include <fmt/core.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

#include <glocal/app/report/plot.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/studies.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/terminal/signals.h>
#include <glocal/app/terminal/table.h>
#include <glocal/autodiff/ops.h>
#include <glocal/autodiff/transforms.h>
#include <glocal/autodiff/var.h>
#include <glocal/core/dtype.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/estimators/estimate.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/registry.h>
#include <glocal/hpo/forecast/forecast.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/progress.h>
#include <glocal/hpo/space.h>
#include <glocal/hpo/unroll/forward.h>
#include <glocal/train/experiment.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> reproduce_explosion;
}

namespace glocal::app {
namespace {

double norm(In leaves) {
  double sum = 0;
  for (const Var& leaf : leaves) {
    if (!leaf) continue;
    const Tensor& x = leaf.value();
    visit_float(x.dtype(), "norm", [&]<class T>() {
      for (const T v : x.span<T>()) sum = std::hypot(sum, static_cast<double>(v));
    });
  }
  return sum;
}

Vars scaled(In leaves, double factor) {
  Vars out;
  for (const Var& leaf : leaves) out.push_back(leaf ? leaf * factor : Var());
  return out;
}

// A direction at random over the whole state, of length one.
Vars random_direction(const Vars& s, Key key) {
  Vars v;
  for (std::size_t i = 0; i < s.size(); ++i)
    v.push_back(normal(split(key, i), s[i].shape(), 0, 1, s[i].value().dtype()));
  return scaled(v, 1 / norm(v));
}

// One run with its exact hypergradients and the growth of a small change of the state.
struct Course {
  std::vector<std::array<double, 2>> size;    // (t, |h_t|)
  std::vector<std::array<double, 2>> growth;  // (t, log of the length of a change that was 1 at the start)
  std::vector<double> last;                   // h_T
  double exponent = NAN, early_exponent = NAN;
  std::int64_t steps = 0;  // fewer than T when a number was no longer finite
  double loss = NAN;
};

Course follow(const train::Experiment& experiment, const Options& options) {
  const hpo::FlatProblem& problem = experiment.problem();
  const Vars phi = experiment.phi();
  const std::vector<Vars> units = hpo::unit_directions(phi);
  const std::int64_t T = options.tuning.T, tau = options.tuning.estimator_options.tau;
  Vars s = problem.init(phi);
  hpo::Tangents z = hpo::zero_tangents(std::ssize(units), s.size());
  Vars v = random_direction(s, key(options.experiment.seed));
  Course course;
  double grown = 0;
  for (std::int64_t t = 0; t < T; ++t) {
    throw_if_interrupted();
    std::vector<Vars> dx;
    for (std::size_t k = 0; k < units.size(); ++k) dx.push_back(hpo::joined(z[k], units[k]));
    dx.push_back(hpo::joined(v, Vars(phi.size())));
    Pushed next = push_forward(hpo::joint_step(problem, s.size(), t), hpo::joined(s, phi), dx);
    s = std::move(next.y);
    v = std::move(next.dy.back());
    next.dy.pop_back();
    z = std::move(next.dy);
    // Benettin et al. 1980: the change is brought back to length one, its growth summed up.
    const double length = norm(v);
    if (!std::isfinite(train::Experiment::training_loss(s)) || !std::isfinite(length) || length == 0) return course;
    v = scaled(v, 1 / length);
    grown += std::log(length);
    course.steps = t + 1;
    course.exponent = grown / static_cast<double>(t + 1);
    course.loss = train::Experiment::training_loss(s);
    if (t + 1 == tau) course.early_exponent = course.exponent;
    const bool shown = (t + 1) % (t < tau ? 10 : 40) == 0 || t + 1 == T;
    if (!shown) continue;
    course.growth.push_back({static_cast<double>(t + 1), grown / std::log(10.0)});
    course.last = hpo::outer_gradient(problem, s, z, phi, 0).h;
    double size = 0;
    for (const double h : course.last) size = std::hypot(size, h);
    if (!std::isfinite(size)) return course;
    course.size.push_back({static_cast<double>(t + 1), size});
  }
  return course;
}

// E after T plain steps with the first hyperparameter's u moved by `by`; NaN when training diverges.
double outer_after(const train::Experiment& experiment, std::int64_t T, double by) {
  const hpo::FlatProblem& problem = experiment.problem();
  std::vector<double> u = hpo::to_components(experiment.phi(), experiment.phi());
  u.front() += by;
  const Vars phi = hpo::to_leaves(u, experiment.phi());
  Vars s = problem.init(phi);
  for (std::int64_t t = 0; t < T; ++t) {
    throw_if_interrupted();
    s = problem.step(s, phi, t);
  }
  return problem.outer(s, phi, 0).item();
}

// One estimate from s_0: of its block, or of the whole run when the block is as long.
hpo::Estimate estimate(const train::Experiment& experiment, const Options& options, const char* name,
                       std::int64_t tau) {
  hpo::EstimatorOptions settings = options.tuning.estimator_options;
  settings.tau = tau;
  settings.trajectory = true;
  const Vars phi = experiment.phi();
  hpo::FlatProblem problem = experiment.problem();
  problem.watch = [](const Vars&, std::int64_t) { throw_if_interrupted(); };
  hpo::Progress progress{problem.init(phi), {}, 0, options.tuning.T};
  return hpo::make_estimator(name, settings)->advance(problem, phi, progress);
}

std::string signed_text(double x) { return std::isfinite(x) ? fmt::format("{:+.2g}", x) : "not finite"; }

Findings run(const Lab& lab) {
  const auto differences = lab.sweep<std::vector<double>>("difference");
  const auto short_block = lab.sweep<std::int64_t>("short_block");
  Findings findings;
  TitledTable causes{"Growth of a small change of the state, and the exact hypergradient",
                     {{"lr, momentum", "training loss", "exponent, first block", "exponent, whole run",
                       "e^(exponent T)", "norm of h_T", "dE/d log lr, exact"}}};
  TitledTable answers{"dE/d log lr as each estimator has it after the same start", {{"lr, momentum"}}};
  const Options defaults = lab.options();
  const std::int64_t T = defaults.tuning.T, tau = defaults.tuning.estimator_options.tau;
  if (short_block < 1 || short_block > tau)
    fail<ValueError>("[reproduce] explosion: short_block = {} is outside 1..{}", short_block, tau);
  answers.rows.front().insert(
      answers.rows.front().end(),
      {fmt::format("local {}", short_block), fmt::format("local {}", tau), fmt::format("glocal {}", tau), "it says",
       fmt::format("truncated {}", defaults.tuning.estimator_options.K), "global"});
  for (const double by : differences) answers.rows.front().push_back(fmt::format("difference, lr x e^(+-{:g})", by));
  const std::array paints{Paint::blue, Paint::green, Paint::orange, Paint::vermillion, Paint::purple};
  const auto momenta = lab.sweep<std::vector<double>>("momentum");
  const auto rates = lab.sweep<std::vector<double>>("lr");
  for (const double momentum : momenta) {
    // The axes end where an explosion is plain to see.
    Plot sizes{fmt::format("Momentum {:g}: norm of the exact h_t", momentum),
               {"step"},
               {"norm of h_t", true, {{1e-3, 1e9}}},
               {}};
    Plot growths{fmt::format("Momentum {:g}: a small change of the state", momentum),
                 {"step"},
                 {"log10 of its length", false, {{-4, 20}}},
                 {}};
    for (std::size_t i = 0; i < rates.size(); ++i) {
      const Options options = lab.options({{"hyper", {{"lr", rates[i]}, {"momentum", momentum}}}});
      const train::Experiment experiment(options.experiment);
      const Course course = follow(experiment, options);
      const bool whole = course.steps == T && !course.size.empty();
      Json row{{"lr", rates[i]},
               {"momentum", momentum},
               {"steps", course.steps},
               {"training_loss", course.loss},
               {"exponent_first_block", course.early_exponent},
               {"exponent", course.exponent},
               {"h_T", course.last}};
      double local_short = NAN, local = NAN, glocal = NAN;
      std::string says = "not finite";
      try {
        const hpo::Estimate forecast = estimate(experiment, options, "glocal", tau);
        const auto q = forecast.trajectory.dim(1);
        local_short = forecast.trajectory.at((short_block - 1) * q);
        local = forecast.trajectory.at((tau - 1) * q);
        glocal = forecast.h.front();
        const bool flagged = forecast.forecast->unstable, fell_back = forecast.forecast->fell_back;
        says = flagged ? "explodes" : fell_back ? "fell back" : "";
        row["glocal_note"] = forecast.note + (forecast.note.empty() ? "" : "; ") + forecast.forecast->ended;
      } catch (const NumericError& error) {
        row["glocal_note"] = error.what();
      }
      row["local_short"] = local_short;
      row["local"] = local;
      row["glocal"] = glocal;
      row["glocal_says"] = says;
      double last_steps = NAN;
      try {
        last_steps = estimate(experiment, options, "truncated", T).h.front();
      } catch (const NumericError& error) {
        row["truncated_note"] = error.what();
      }
      row["truncated"] = last_steps;
      const double exact = whole ? course.last.front() : NAN;
      row["global"] = exact;
      const std::string label = fmt::format("{:g}, {:g}", rates[i], momentum);
      std::vector<std::string> line{label, signed_text(local_short), signed_text(local), signed_text(glocal),
                                    says,  signed_text(last_steps),  signed_text(exact)};
      row["differences"] = Json::array();
      for (const double by : differences) {
        const double slope = (outer_after(experiment, T, by) - outer_after(experiment, T, -by)) / (2 * by);
        row["differences"].push_back(slope);
        line.push_back(signed_text(slope));
      }
      answers.rows.push_back(line);
      double size = 0;
      for (const double h : course.last) size = std::hypot(size, h);
      causes.rows.push_back({label, text(Statistic{course.loss, 0, 1}, 3),
                             fmt::format("{:+.4f}", course.early_exponent), fmt::format("{:+.4f}", course.exponent),
                             fmt::format("1e{:+.0f}", course.exponent * static_cast<double>(T) / std::log(10.0)),
                             fmt::format("{:.2g}", size), signed_text(exact)});
      findings.rows.push_back(std::move(row));
      lab.say(fmt::format("lr {:g}, momentum {:g}: exponent {:+.4f}, h_T {:+.3g}", rates[i], momentum, course.exponent,
                          exact));
      const Paint paint = paints[i % paints.size()];
      const std::string name = fmt::format("lr {:g}", rates[i]);
      sizes.series.push_back({name, paint, Series::Style::line, course.size});
      growths.series.push_back({name, paint, Series::Style::line, course.growth});
    }
    findings.plots.push_back(std::move(sizes));
    findings.plots.push_back(std::move(growths));
  }
  findings.tables = {causes, answers};
  return findings;
}

}  // namespace

Study explosion() { return study_of("explosion", embedded::reproduce_explosion, run); }

}  // namespace glocal::app
