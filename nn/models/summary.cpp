#include <glocal/nn/models/summary.h>

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <string>

#include <glocal/nn/models/model.h>

namespace glocal::nn {

std::string summary(const Model& model) {
  std::size_t width = std::string("parameter").size();
  for (const std::string& name : model.names) width = std::max(width, name.size());
  std::string text = fmt::format("{}: images {}, {} classes\n", model.name, model.input, model.classes);
  text += fmt::format("{:<{}}  {:<18}{:>10}\n", "parameter", width, "shape", "count");
  for (std::size_t i = 0; i < model.names.size(); ++i)
    text += fmt::format("{:<{}}  {:<18}{:>10}\n", model.names[i], width, model.parameters[i].shape().to_string(),
                        model.parameters[i].size());
  text += fmt::format("{:<{}}  {:<18}{:>10}\n", "total", width, "", model.parameter_count());
  return text;
}

}  // namespace glocal::nn
