// Ways of tuning, side by side in several cases: the grid of trials that many studies consist of.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/trial.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/terminal/table.h>

namespace glocal::app {

/// A named change of the settings: {"label": ..., "changes": {...}}; for a way of tuning also "estimator".
struct Variant {
  std::string label;
  Json changes = Json::object();
  std::string estimator = {};
};
/// `changes` and then `more`; nulls stay, they mean something to Lab::options.
Json joined(Json changes, const Json& more);
/// An entry of "sweep" as variants; a text stands for the estimator of that name. Throws ValueError.
std::vector<Variant> variants(const Lab& lab, const char* key);

/// The trials of one way in one case, one per seed.
struct Cell {
  Variant what, way;
  std::vector<Trial> trials;

  /// Over the trials that came to their end.
  Statistic over(const std::function<double(const Trial&)>& number) const;
  std::int64_t failed() const;
};

/// Runs every way in every case with every seed, saying each result; cells are in the order case by case.
std::vector<Cell> compare_all(const Lab& lab, const std::vector<Variant>& cases, const std::vector<Variant>& ways);

/// One object a cell: scores, final hyperparameters, price, seconds, memory.
Json cell_rows(const std::vector<Cell>& cells);
/// Cases down, ways across; `text_of` writes a cell.
TitledTable grid(const std::string& title, const std::string& corner, const std::vector<Cell>& cells, std::size_t ways,
                 const std::function<std::string(const Cell&)>& text_of);
TitledTable transposed(const TitledTable& table);  ///< ways down, cases across

// Texts of cells.
std::string test_accuracy(const Cell& cell);        ///< "85.31 ± 0.20", with the failures: "85.31 ± 0.20, 1 diverged"
std::string validation_accuracy(const Cell& cell);  ///< the same
std::string final_values(const Cell& cell);         ///< "0.012, 0.95"
std::string price(const Cell& cell);                ///< "3850, 12.1 MB"
inline constexpr const char* price_title = "Price: gradients of a batch, and megabytes of tensors at the most";

/// A study that is such a grid and nothing else: "cases" and "ways" of its sweep, the texts above as tables.
Findings comparison(const Lab& lab);

}  // namespace glocal::app
