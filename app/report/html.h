// Pieces of an HTML page: tables, figures, and the page around them.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/record/numbers.h>
#include <glocal/app/report/plot.h>

namespace glocal::app {

/// A table; cells are text (escaped here). The first column is left-aligned, the others are numbers.
struct Table {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
};
std::string html_of(const Table& table);

/// A list of names and values, two columns.
std::string definitions(const std::vector<std::pair<std::string, std::string>>& entries);

/// A picture with its heading, legend and a line of explanation; "" without series or without gnuplot.
std::string figure(const Plot& plot, const std::string& id, const std::string& explanation);

/// Pages are one file: no script, nothing loaded from elsewhere.
struct Page {
  std::string title, subtitle;  ///< text
  bool synthetic = false;       ///< stamps SYNTHETIC on top
  std::string body{};           ///< HTML
  int refresh = 0;              ///< seconds after which a browser loads it again; 0: never
};
std::string html_of(const Page& page);

/// Four significant digits; "" for NaN.
std::string number_text(double value);
std::string number_text(const Spread& spread);  ///< of a vector "0.05 [0.2 0.9 1.3] 5.3"

}  // namespace glocal::app
