// The pictures of a report: from the records of runs to plots.
#pragma once
#include <complex>
#include <cstddef>
#include <string>
#include <vector>

#include <glocal/app/record/run_record.h>
#include <glocal/app/report/plot.h>

namespace glocal::app {

/// All runs of one estimator (one per seed).
struct RunGroup {
  std::string estimator;
  std::vector<RunRecord> runs;
};

/// True for a run whose updates are trials of a search.
bool is_search(const RunRecord& run);

Plot loss_plot(const RunRecord& run);
Plot accuracy_plot(const RunRecord& run);
Plot value_plot(const RunRecord& run, std::size_t k);  ///< hyperparameter k against outer updates

/// h in the block and its forecast, component k of those drawn.
Plot trajectory_plot(const RunRecord& run, const UpdateRecord& update, std::size_t k);
/// Eigenvalues as points of the complex plane.
Series eigenvalue_points(const std::string& label, Paint paint, Series::Style style,
                         const std::vector<std::complex<double>>& eigenvalues);
/// Such points and the unit circle, all of them in sight.
Plot eigenvalue_plane(const std::string& title, std::vector<Series> sets);
/// Of the updates given (first, middle, last).
Plot eigenvalue_plot(const std::vector<UpdateRecord>& updates);
Plot singular_value_plot(const std::vector<UpdateRecord>& updates);

/// The first, a middle and the last update that recorded a trajectory; fewer when there are fewer.
std::vector<UpdateRecord> selected_updates(const RunRecord& run);

/// Seeds thin, their mean bold.
Plot loss_overlay(const std::vector<RunGroup>& groups);
Plot accuracy_overlay(const std::vector<RunGroup>& groups);
Plot value_overlay(const std::vector<RunGroup>& groups, std::size_t k);
/// Horizontal bars, one per estimator.
Plot ratio_bars(const std::vector<std::string>& estimators, const std::vector<double>& ratios, const std::string& title,
                const std::string& unit);

}  // namespace glocal::app
