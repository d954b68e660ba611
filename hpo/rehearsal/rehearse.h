// A learning rate by rehearsals, before the run that it is for.
#pragma once
#include <cstddef>
#include <functional>
#include <vector>

#include <glocal/autodiff/var.h>
#include <glocal/hpo/problem.h>
#include <glocal/hpo/rehearsal/rehearsal.h>

namespace glocal::hpo {

/// Makes all trials from phi on, which is one number, the logarithm of the rate. `losses` has those of trials that were
/// made before, and grows: with it a call that was stopped goes on to the same bits. `report` sees every trial and its
/// loss, those before too; NaN: it diverged. Throws ValueError for options out of range and for a problem that cannot
/// be compressed; and what the problem throws, but for DivergedError and NumericError in a trial.
Rehearsed rehearse(const FlatProblem& problem, const Vars& phi, const RehearsalOptions& options,
                   std::vector<double>& losses,
                   const std::function<void(const RehearsalTrial&, double loss)>& report = {});
/// The same where phi is many numbers, of which this one is the logarithm of the rate and the others stay.
Rehearsed rehearse(const FlatProblem& problem, const Vars& phi, std::size_t component, const RehearsalOptions& options,
                   std::vector<double>& losses,
                   const std::function<void(const RehearsalTrial&, double loss)>& report = {});

}  // namespace glocal::hpo
