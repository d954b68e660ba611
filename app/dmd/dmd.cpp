#include <glocal/app/dmd/dmd.h>

#include <fmt/core.h>

#include <cmath>
#include <complex>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <vector>

#include <glocal/app/dmd/figures.h>
#include <glocal/app/dmd/policy.h>
#include <glocal/app/dmd/series_file.h>
#include <glocal/app/report/html.h>
#include <glocal/app/report/plot.h>
#include <glocal/app/settings/choices.h>
#include <glocal/app/settings/config.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/terminal/table.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/tensor.h>
#include <glocal/core/text/printable.h>
#include <glocal/core/text/xml.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/options.h>
#include <glocal/hpo/forecast/dmd_forecaster.h>
#include <glocal/hpo/forecast/forecast.h>

namespace glocal::app {
namespace {

std::string list_text(const std::vector<double>& numbers) {
  std::string text;
  for (const double number : numbers) text += fmt::format("{}{:.12g}", text.empty() ? "" : "  ", number);
  return text;
}

Json to_json(const DmdArguments& arguments, const hpo::Forecast& forecast) {
  const hpo::DmdFit& fit = *dmd_of(forecast);
  Json json{{"file", arguments.file},     {"tau", fit.snapshots},
            {"q", fit.amplitudes.cols},   {"rank", fit.rank},
            {"delays", fit.delays_used},  {"residual", fit.residual},
            {"unstable", fit.unstable},   {"snapped", fit.snapped},
            {"defective", fit.defective}, {"noise_dominated", fit.noise_dominated}};
  json["notes"] = arguments.notes;
  json["method"] = fit.options.method;
  json["policy"] = text_of(fit.options.policy);
  json["time_axis"] = text_of(fit.options.time);
  json["modes"] = Json::array();
  for (std::size_t k = 0; k < fit.eigenvalues.size(); ++k)
    json["modes"].push_back({{"re", fit.eigenvalues[k].real()},
                             {"im", fit.eigenvalues[k].imag()},
                             {"modulus", std::abs(fit.eigenvalues[k])},
                             {"angle", std::arg(fit.eigenvalues[k])},
                             {"amplitude", mode_amplitude(fit, k)}});
  json["moved"] = Json::array();
  for (const auto& [from, to] : eigenvalues_moved(fit))
    if (from != to)
      json["moved"].push_back(
          {{"from", {{"re", from.real()}, {"im", from.imag()}}}, {"to", {{"re", to.real()}, {"im", to.imag()}}}});
  json["singular_values"] = fit.singular_values;
  json["horizon"] = arguments.horizon;
  json["skill"] = forecast.skill;
  json["fell_back"] = forecast.fell_back;
  json["model_at_horizon"] = fit.forecast(arguments.horizon);
  json["forecast"] = forecast.value;
  json["error_bar"] = forecast.error_bar;
  json["note"] = forecast.note;
  json["test"] = forecast.test;
  json["ended"] = forecast.ended;
  return json;
}

// Logarithmic time leaves the first snapshots to the past.
std::string time_words(const hpo::DmdFit& fit) {
  if (fit.options.time == hpo::DmdOptions::TimeAxis::linear) return "";
  return fmt::format(
      "{} time: fitted to the last {:.0f} % of the snapshots, eigenvalues are per unit of log(t + 1 + t0)",
      text_of(fit.options.time), 100 * (1 - fit.options.bins_from));
}

void print(const DmdArguments& arguments, const hpo::Forecast& forecast) {
  const hpo::DmdFit& fit = *dmd_of(forecast);
  fmt::print("{}: {} snapshots of {}\n\n", arguments.file, fit.snapshots,
             fit.amplitudes.cols == 1 ? "one number" : fmt::format("{} numbers", fit.amplitudes.cols));
  fmt::print("rank      {}\ndelays    {}\nresidual  {:.3g}{}\n", fit.rank, fit.delays_used, fit.residual,
             fit.noise_dominated ? "  (mostly noise: the model leaves more than half of the squared snapshots)" : "");
  fmt::print("skill     {:.3g}  (error in the test over that of keeping the last value; below 1 the forecast wins)\n",
             forecast.skill);
  if (!forecast.test.empty()) fmt::print("test      {}\n", forecast.test);
  fmt::print("ended     {}\n", forecast.ended);
  const std::string moved = policy_words(fit);
  for (const std::string& words : {time_words(fit), moved, forecast.note})
    if (!words.empty()) fmt::print("note      {}\n", words);
  if (fit.defective) fmt::print("note      eigenvectors nearly coincide: eigenvalues and amplitudes are uncertain\n");
  const auto eigenvalue = [](std::complex<double> lambda) {
    return fmt::format("{:.10g} {:+.10g}i", lambda.real(), lambda.imag());
  };
  std::vector<std::vector<std::string>> rows{{"mode", "|lambda|", "angle", "amplitude", "eigenvalue"}};
  if (!moved.empty()) rows[0].emplace_back("as fitted");
  const std::vector<MovedEigenvalue> all = eigenvalues_moved(fit);
  for (std::size_t k = 0; k < fit.eigenvalues.size(); ++k) {
    const auto lambda = fit.eigenvalues[k];
    rows.push_back({fmt::format("{}", k + 1), fmt::format("{:.10f}", std::abs(lambda)),
                    fmt::format("{:.6f}", std::arg(lambda)), fmt::format("{:.6g}", mode_amplitude(fit, k)),
                    eigenvalue(lambda)});
    if (!moved.empty()) rows.back().push_back(all[k].from == all[k].to ? "the same" : eigenvalue(all[k].from));
  }
  fmt::print("\n{}\n", table(rows));
  if (forecast.fell_back)
    fmt::print("fell back to the last snapshot; the model alone says h[{:g}] = {}\n", arguments.horizon,
               list_text(fit.forecast(arguments.horizon)));
  fmt::print("h[{:g}] = {}\n", arguments.horizon, list_text(forecast.value));
  fmt::print("error bar = {}\n", list_text(forecast.error_bar));
}

void write_picture(const DmdArguments& arguments, const Tensor& h, const hpo::Forecast& forecast) {
  const hpo::DmdFit& fit = *dmd_of(forecast);
  const std::vector<Plot> panels = dmd_panels(h, fit, forecast.fell_back, arguments.horizon);
  const std::string title = fmt::format("Hankel DMD of {}", arguments.file);
  if (arguments.picture.ends_with(".svg")) return write_file_atomically(arguments.picture, svg_sheet(panels, title));
  Page page{title, fmt::format("{} snapshots, rank {}, {} delays, residual {:.3g}, skill {:.3g}", fit.snapshots,
                               fit.rank, fit.delays_used, fit.residual, forecast.skill)};
  const std::string test = forecast.test.empty() ? "" : "Believed when " + forecast.test;
  for (const std::string& words : {time_words(fit), policy_words(fit), forecast.note, test, forecast.ended})
    if (!words.empty()) page.body += "<p>" + xml_text(words) + "</p>\n";
  for (const std::string& note : arguments.notes) page.body += "<p>" + xml_text(note) + "</p>\n";
  page.body += "<div class=\"grid\">\n";
  for (std::size_t i = 0; i < panels.size(); ++i) page.body += figure(panels[i], fmt::format("panel-{}", i + 1), "");
  page.body += "</div>\n";
  write_file_atomically(arguments.picture, html_of(page));
}

// An option that another one makes idle is an error, not a silence.
void refuse_idle_options(const DmdArguments& arguments) {
  const auto refuse = [&](bool idle, std::initializer_list<const char*> flags, const std::string& why) {
    for (const char* flag : flags)
      if (idle && arguments.given.contains(flag))
        fail<ValueError>("[dmd] {} does nothing {}; leave one of them out", flag, why);
  };
  using TimeAxis = hpo::DmdOptions::TimeAxis;
  const TimeAxis time = arguments.options.time;
  refuse(arguments.automatic, {"--delays", "--rank", "--energy", "--bins", "--t0", "--time-axis", "--method"},
         "beside --auto, which chooses");
  refuse(time == TimeAxis::linear, {"--bins", "--t0"}, "with --time-axis linear");
  refuse(time == TimeAxis::logarithmic, {"--delays", "--rank", "--energy", "--policy", "--method"},
         "with --time-axis logarithmic, one power for each number");
  refuse(arguments.options.rank > 0, {"--energy"}, "beside --rank");
  refuse(!arguments.file.ends_with(".npz"), {"--name"}, fmt::format("with {}, which is no .npz", arguments.file));
}

}  // namespace

void dmd(DmdArguments arguments) {
  refuse_idle_options(arguments);
  const std::string& picture = arguments.picture;
  if (!picture.empty() && !picture.ends_with(".svg") && !picture.ends_with(".html"))
    fail<ValueError>("[dmd] --out {} must end in .svg or .html", picture);
  const Tensor h = read_series(arguments.file, arguments.name, &arguments.notes);
  if (arguments.horizon == 0) arguments.horizon = 10 * static_cast<double>(h.dim(0));
  hpo::DmdData data(h);
  if (!arguments.observables.empty()) data.observables = {read_series(arguments.observables, "", &arguments.notes)};
  const auto forecast_by = [&](const hpo::DmdOptions& options) {
    if (arguments.automatic) {
      auto candidates = hpo::default_candidates(h.dim(1));
      for (hpo::DmdCandidate& candidate : candidates) candidate.options.policy = options.policy;
      return hpo::forecast_auto(data, arguments.horizon, candidates);
    }
    if (data.observables.empty()) return hpo::forecast_dmd(h, arguments.horizon, options, hpo::Doubt::trial);
    return hpo::forecast_auto(data, arguments.horizon, {{"as asked", options}});
  };
  hpo::Forecast forecast = arguments.given.contains("--policy") ? forecast_by(arguments.options)
                                                                : forecast_with_growth(forecast_by, arguments.options);
  if (!arguments.automatic && data.observables.empty()) hpo::add_doubt_of_fit(forecast, arguments.horizon);
  if (!arguments.json)
    for (const std::string& note : arguments.notes) std::fputs(("note: " + printable(note) + "\n").c_str(), stderr);
  if (!picture.empty()) write_picture(arguments, h, forecast);
  if (arguments.json)
    fmt::print("{}\n", json_dump(to_json(arguments, forecast)));
  else
    print(arguments, forecast);
}

}  // namespace glocal::app
