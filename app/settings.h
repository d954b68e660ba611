// The list of settings: one line each, visited by the command line, config.json and --config alike.
#pragma once
#include <string_view>

#include <glocal/app/options.h>

namespace glocal::app {

/// One setting: its key ("val_batch", on the command line --val-batch), its help, and the commands that have it.
/// An empty `value` hides it in the help: the text of a neighbour, or the footer, mentions it.
struct Setting {
  const char* key;
  const char* group;
  const char* value;
  const char* help;
  unsigned commands = 7;

  bool in(Command command) const { return (commands & static_cast<unsigned>(command)) != 0; }
};

/// Calls visit(setting, field) for every field of `options` (Options or const Options) that config.json holds.
template <class O, class Visit>
void for_each_setting(O& options, Visit&& visit) {
  constexpr unsigned tune = 2, compare = 4, tuning = tune | compare;
  constexpr const char *problem = "Problem", *outer = "Tuning", *run = "Run";
  auto& e = options.experiment;
  auto& o = options.tuning;
  auto& estimator = o.estimator_options;
  const auto v = [&](Setting setting, auto& field) { visit(setting, field); };

  v({"dataset", problem, "NAME", "digits, mnist, fashion-mnist, kmnist, cifar10, ..., synthetic"}, e.dataset);
  v({"data_dir", problem, "DIR", "searched first for the data; see glocal data --help"}, e.data_dir);
  v({"val_size", problem, "N", "validation images, out of the training part; 0: a sixth of it"}, e.validation);
  v({"train_limit", problem, "", ""}, e.train_limit);
  v({"imbalance", problem, "", ""}, e.imbalance);
  v({"noise", problem, "", ""}, e.noise);
  v({"noise_kind", problem, "", ""}, e.noise_kind);
  v({"model", problem, "NAME", "mlp, lenet, resnet20, wrn28_2"}, e.model);
  v({"hidden", problem, "N,N,...", "mlp: sizes of the hidden layers"}, e.model_options.hidden);
  v({"activation", problem, "", ""}, e.model_options.activation);
  v({"dropout", problem, "", ""}, e.model_options.dropout);
  v({"norm", problem, "", ""}, e.model_options.norm);
  v({"optimizer", problem, "NAME", "sgd, nesterov, adam, adamw, rmsprop, adagrad"}, e.optimizer);
  v({"schedule", problem, "NAME", "of the learning rate: constant, step, cosine, piecewise"}, e.schedule);
  v({"schedule_every", problem, "", ""}, e.schedule_every);
  v({"knots", problem, "", ""}, e.knots);
  v({"warm_up", problem, "", ""}, e.warm_up);
  v({"steps", problem, "T", "steps of training; or --epochs N"}, e.steps);
  v({"batch", problem, "N", "training images per step"}, e.batch);
  v({"val_batch", problem, "N", "validation images per hypergradient", tuning}, e.val_batch);

  v({"tune", outer, "A,B,...", "lr, momentum, class_weights, lr@each, ...; a wrong name lists all", tuning}, e.tune);
  v({"estimator", outer, "NAME", "glocal, local, global, ..., grid, gp, cma-es; ? lists all", tune}, o.estimator);
  v({"estimators", outer, "A,B,...", "compared with fixed: the same, a list", compare}, options.estimators);
  v({"seeds", outer, "N", "repeats, with seeds --seed, --seed + 1, ...", compare}, options.seeds);
  v({"block", outer, "TAU", "steps per block: one outer update each", tuning}, estimator.tau);
  v({"updates", outer, "N", "outer updates of global, local-restart: a run from the start each", tuning}, o.updates);
  v({"budget", outer, "", "", tuning}, options.budget);
  v({"trial_steps", outer, "", "", tuning}, options.trial_steps);
  v({"search_width", outer, "", "", tuning}, options.search_width);
  v({"steps_back", outer, "K", "truncated: steps walked back", tuning}, estimator.K);
  v({"unroll_memory", outer, "SIZE", "global: fastest unroll that keeps no more (200M); default sqrt(T) steps", tuning},
    options.unroll_memory);
  v({"directions", outer, "", "", tuning}, estimator.directions);
  v({"particles", outer, "", "", tuning}, estimator.particles);
  v({"sigma", outer, "", "", tuning}, estimator.sigma);
  v({"implicit_iterations", outer, "", "", tuning}, estimator.implicit.iterations);
  v({"implicit_tolerance", outer, "", "", tuning}, estimator.implicit.tolerance);
  v({"implicit_damping", outer, "", "", tuning}, estimator.implicit.damping);
  v({"implicit_batches", outer, "", "", tuning}, estimator.implicit.batches);
  v({"neumann_step", outer, "", "", tuning}, estimator.implicit.step);
  v({"nystrom_columns", outer, "", "", tuning}, estimator.implicit.columns);
  v({"nystrom_sketch", outer, "", "", tuning}, estimator.implicit.sketch);
  v({"extrapolation", outer, "NAME", "glocal: auto, scaling (as E falls), dmd (Hankel DMD of h)", tuning},
    estimator.extrapolation);
  v({"delays", outer, "M", "dmd: delays; also --rank R --policy NAME --time-axis NAME", tuning}, estimator.dmd.delays);
  v({"rank", outer, "", "", tuning}, estimator.dmd.rank);
  v({"policy", outer, "", "", tuning}, estimator.dmd.policy);
  v({"time_axis", outer, "", "", tuning}, estimator.dmd.time);
  v({"meta_optimizer", outer, "NAME", "moves the hyperparameters: sgd, adam, sign", tuning}, o.meta.name);
  v({"meta_lr", outer, "X", "its step; for a logarithmic one 0.05 is about 5 %", tuning}, o.meta.lr);
  v({"meta_clip", outer, "X", "largest norm of a hypergradient; 0: no limit", tuning}, o.meta.max_norm);

  v({"seed", run, "N", "of weights, batches and the split"}, e.seed);
  v({"threads", run, "N", "0: all cores; results have the same bits for any number"}, options.threads);
  v({"dtype", run, "NAME", "f32 or f64"}, e.model_options.dtype);
  v({"save_every", run, "", ""}, options.save_every);
  v({"mem_limit", run, "SIZE", "refuse to start above it (2G, 500M); default 80 % of the memory"}, options.mem_limit);
}

}  // namespace glocal::app
