// The list of settings: one line each, visited by the command line, config.json and --config alike.
#pragma once
#include <string>

#include <glocal/app/settings/allowed.h>
#include <glocal/app/settings/name_lists.h>
#include <glocal/app/settings/options.h>
#include <glocal/hpo/estimators/estimator.h>
#include <glocal/hpo/estimators/options.h>
#include <glocal/hpo/estimators/registry.h>

namespace glocal::app {

/// One setting: its key ("val_batch", on the command line --val-batch), its help, what it may be, and the commands that
/// have it. An empty `value` makes the help name its flag alone, below; `glocal list settings` has the whole of all.
struct Setting {
  const char* key;
  const char* group;
  const char* value;
  std::string help;
  Allowed allowed;
  unsigned commands = 7;

  bool in(Command command) const { return (commands & static_cast<unsigned>(command)) != 0; }
};

/// Where the options hold what an estimator from outside is told.
inline double& own_setting(hpo::EstimatorOptions& options, const hpo::EstimatorSetting& setting) {
  return options.own.try_emplace(setting.key, setting.value).first->second;
}
inline const double& own_setting(const hpo::EstimatorOptions& options, const hpo::EstimatorSetting& setting) {
  const auto found = options.own.find(setting.key);
  return found == options.own.end() ? setting.value : found->second;
}

/// Calls visit(setting, field) for every field of `options` (Options or const Options) that config.json holds.
template <class O, class Visit>
void for_each_setting(O& options, Visit&& visit) {
  constexpr unsigned tune = 2, compare = 4, tuning = tune | compare;
  constexpr double most_steps = 1e12, many = 1e6, large = 1e30;  // beyond them lie slips of the hand
  constexpr Allowed text = any_text(), size = any_text(complaint_about_size), steps = within(1, most_steps);
  constexpr Allowed count = within(1, many), any;
  constexpr const char *problem = "Problem", *outer = "Tuning", *run = "Run";
  auto& e = options.experiment;
  auto& o = options.tuning;
  auto& estimator = o.estimator_options;
  const auto v = [&](Setting setting, auto& field) { visit(setting, field); };

  v({"dataset", problem, "NAME", "mnist, cifar10, ...; your own: npz:FILE, idx:DIR, images:DIR",
     any_text(complaint_about_dataset)},
    e.dataset);
  v({"data_dir", problem, "DIR", "searched first for data; npz: --layout nhwc, cifar100: --labels coarse", text},
    e.data_dir);
  v({"labels", problem, "", "cifar100: fine, its 100 classes, or coarse, 20 of five each", name_in("labels")},
    e.labels);
  v({"array_layout", problem, "", "npz: where channels stand in (N, ., ., .): nhwc or nchw", name_in("layouts")},
    e.layout);
  v({"val_size", problem, "", "validation images, out of the training part; 0: a sixth of it", within(0, 1e9)},
    e.validation);
  v({"train_limit", problem, "", "training images that are used, the first; 0: all", within(0, 1e9)}, e.train_limit);
  v({"imbalance", problem, "", "long-tailed training set: images of the first class over those of the last",
     within(1, many)},
    e.imbalance);
  v({"noise", problem, "", "share of wrong training labels", within(0, 1)}, e.noise);
  v({"noise_kind", problem, "", "which wrong label: any other, or the next class", name_in("noise-kinds")},
    e.noise_kind);
  v({"augment", problem, "A,B,...", "of training images: " + first_names("augmentations", 4),
     any_text(complaint_about_augmentation)},
    e.augment);
  v({"model", problem, "NAME", first_names("models", 5) + "; --loss mse: a regression", name_in("models")}, e.model);
  v({"hidden", problem, "N,N,...", "mlp: sizes of the hidden layers; none: a linear model", count},
    e.model_options.hidden);
  v({"activation", problem, "", "mlp: after each hidden layer", name_in("activations")}, e.model_options.activation);
  v({"dropout", problem, "", "mlp: after each hidden layer; wrn28_2: inside each block", below(0, 1)},
    e.model_options.dropout);
  v({"norm", problem, "", "resnet20, wrn28_2: normalisation", name_in("norms")}, e.model_options.norm);
  v({"loss", problem, "", "cross-entropy, or mse of a regression target in npz:FILE", name_in("losses")}, e.loss);
  v({"optimizer", problem, "NAME", first_names("optimizers", 7), name_in("optimizers")}, e.optimizer);
  v({"find_lr", problem, "", "--lr auto is rehearsal: lr is found by short runs before the run; none: it is as given",
     name_in("lr-finders")},
    options.find_lr);
  v({"schedule", problem, "NAME", "of lr: " + first_names("schedules", 5), name_in("schedules")}, e.schedule);
  v({"schedule_every", problem, "", "schedule step: steps between two drops; 0: a third of the run",
     within(0, most_steps)},
    e.schedule_every);
  v({"milestones", problem, "", "schedule step: where it drops instead, shares of the run: 0.5,0.75", within(0, 1)},
    e.milestones);
  v({"knots", problem, "", "schedule piecewise: values that are joined by lines", within(1, 1e4)}, e.knots);
  v({"warm_up", problem, "", "steps of linear warm-up", within(0, most_steps)}, e.warm_up);
  v({"average", problem, "", "of the weights, evaluated in their place: none, exponential, tail", name_in("averages")},
    e.average);
  v({"average_share", problem, "", "average tail: of the last share of the steps", above(0, 1)}, e.average_share);
  v({"average_batches", problem, "", "training batches for the BatchNorm statistics of an average", within(1, 1e6)},
    e.average_batches);
  v({"test_views", problem, "", "evaluation of whole parts: 1, or 2: also each image's mirror image", within(1, 2)},
    e.test_views);
  v({"steps", problem, "T", "steps of training; or --epochs N", steps}, e.steps);
  v({"batch", problem, "N", "training images per step", within(1, 1e9)}, e.batch);
  v({"val_batch", problem, "N", "validation images per hypergradient", within(1, 1e9), tuning}, e.val_batch);

  v({"tune", outer, "A,B,...", "lr, momentum, lr@each, ...: glocal list hyperparameters", text, tuning}, e.tune);
  v({"estimator", outer, "NAME", first_names("estimators", 3) + ": glocal list estimators", name_in("estimators"),
     tune},
    o.estimator);
  v({"estimators", outer, "A,B,...", "compared with fixed: the same, a list", name_in("estimators"), compare},
    options.estimators);
  v({"seeds", outer, "N", "repeats, with seeds --seed, --seed + 1, ...", count, compare}, options.seeds);
  v({"block", outer, "TAU", "steps per block: one outer update each", steps, tuning}, estimator.tau);
  v({"updates", outer, "N", "outer updates of global, local-restart: a run from the start each", count, tuning},
    o.updates);
  v({"budget", outer, "", "of a search: plain training runs, or the estimator with whose gradients to search",
     any_text(complaint_about_budget), tuning},
    options.budget);
  v({"trial_steps", outer, "", "of a search: steps of a trial; 0: all", within(0, most_steps), tuning},
    options.trial_steps);
  v({"search_width", outer, "", "of a search: scales the box around the start", above(0, 1e3), tuning},
    options.search_width);
  v({"steps_back", outer, "K", "truncated: steps of the backward pass", steps, tuning}, estimator.K);
  v({"unroll_memory", outer, "SIZE", "global: fastest unroll that keeps no more (200M); default sqrt(T) steps", size,
     tuning},
    options.unroll_memory);
  v({"directions", outer, "", "random-forward: tangents carried", count, tuning}, estimator.directions);
  v({"particles", outer, "", "es, pes: antithetic pairs", count, tuning}, estimator.particles);
  v({"sigma", outer, "", "es, pes: deviation of the perturbations", above(0, many), tuning}, estimator.sigma);
  v({"implicit_iterations", outer, "", "implicit-cg, implicit-neumann: most products with the Hessian", count, tuning},
    estimator.implicit.iterations);
  v({"implicit_tolerance", outer, "", "implicit-cg, implicit-neumann: of the residual", within(0, 1), tuning},
    estimator.implicit.tolerance);
  v({"implicit_damping", outer, "", "implicit-*: added to the Hessian; implicit-nystrom: > 0", within(0, large),
     tuning},
    estimator.implicit.damping);
  v({"implicit_batches", outer, "", "implicit-*: training batches over which the loss is averaged", count, tuning},
    estimator.implicit.batches);
  v({"neumann_step", outer, "", "implicit-neumann: step; 0: 1 / largest eigenvalue", within(0, large), tuning},
    estimator.implicit.step);
  v({"nystrom_columns", outer, "", "implicit-nystrom: products with the Hessian", count, tuning},
    estimator.implicit.columns);
  v({"nystrom_sketch", outer, "", "implicit-nystrom: columns of the Hessian, or products with Gaussian vectors", any,
     tuning},
    estimator.implicit.sketch);
  v({"extrapolation", outer, "NAME", "glocal: auto, scaling (as E falls), dmd (Hankel DMD of h)", any, tuning},
    estimator.extrapolation);
  v({"delays", outer, "M", "dmd: delays; also --rank R --policy NAME --time-axis NAME", count, tuning},
    estimator.dmd.delays);
  v({"rank", outer, "", "dmd: modes; 0: automatic", within(0, many), tuning}, estimator.dmd.rank);
  v({"policy", outer, "", "dmd: what is done to eigenvalues", any, tuning}, estimator.dmd.policy);
  v({"time_axis", outer, "", "dmd: exponentials or powers of t", any, tuning}, estimator.dmd.time);
  for (const auto& kind : hpo::estimators().entries())
    for (const auto& own : kind.settings)
      v({own.key.c_str(), outer, "X", kind.name + ": " + own.about, within(own.least, own.most), tuning},
        own_setting(estimator, own));
  v({"meta_optimizer", outer, "NAME", "moves the hyperparameters: " + first_names("meta-optimizers", 5),
     name_in("meta-optimizers"), tuning},
    o.meta.name);
  v({"meta_lr", outer, "X", "its step; for a logarithmic one 0.05 is about 5 %", above(0, large), tuning}, o.meta.lr);
  v({"meta_clip", outer, "", "largest norm of a hypergradient; 0: no limit", within(0, large), tuning},
    o.meta.max_norm);

  v({"seed", run, "N", "of weights, batches and the split", any}, e.seed);
  v({"threads", run, "N", "0: all cores; results have the same bits for any number", within(0, 1024)}, options.threads);
  v({"dtype", run, "", "f32 or f64", any}, e.model_options.dtype);
  v({"save_every", run, "", "seconds between checkpoints; 0: about a minute", within(0, 1e9)}, options.save_every);
  v({"mem_limit", run, "", "refuse to start above it (2G, 500M); default 80 % of the memory", size}, options.mem_limit);
}

}  // namespace glocal::app
