// Makes the trajectory bank: exact hypergradients along real training runs, which the studies of forecasts are about.
#include <fmt/core.h>

#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <glocal/app/reproduce/bank.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/studies.h>
#include <glocal/app/settings/options.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> reproduce_bank;
}

namespace glocal::app {
namespace {

Findings run(const Lab& lab) {
  const auto text = embedded::reproduce_bank;
  std::vector<Trajectory> bank;
  Findings findings;
  TitledTable table{"The trajectory bank: |h| after so many steps from the start of the block",
                    {{"trajectory", "half", "100", "400", "1000", "2000"}}};
  for (Recipe& recipe : parse_recipes({reinterpret_cast<const char*>(text.data()), text.size()})) {
    recipe.experiment.data_dir = lab.options().experiment.data_dir;
    const Trajectory& trajectory = bank.emplace_back(make_trajectory(recipe));
    std::vector<std::string> line{recipe.name, recipe.held_out ? "judged" : "tuned"};
    Json row{{"trajectory", recipe.name}, {"held_out", recipe.held_out}, {"steps", trajectory.steps.back()}};
    for (const std::int64_t t : {100, 400, 1000, 2000}) {
      double size = 0;
      for (const double h : trajectory.truth(t)) size = std::hypot(size, h);
      line.push_back(size > 0 ? fmt::format("{:.2g}", size) : "-");
      row[fmt::format("h_{}", t)] = size;
    }
    table.rows.push_back(std::move(line));
    findings.rows.push_back(std::move(row));
    lab.say(recipe.name);
  }
  save_bank(lab.sweep<std::string>("bank"), bank);
  findings.tables.push_back(std::move(table));
  return findings;
}

}  // namespace

Study trajectories() { return study_of("bank", embedded::reproduce_bank, run); }

}  // namespace glocal::app
