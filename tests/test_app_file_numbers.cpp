// The numbers of the commands that read files, data and dmd, computed again from the files.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <complex>
#include <cstdint>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <glocal/app/command/picture.h>
#include <glocal/app/command/png.h>
#include <glocal/hpo/dmd/dmd.h>
#include <glocal/hpo/dmd/model/fit.h>
#include <glocal/hpo/dmd/model/options.h>

#include "command.h"
#include "data_files.h"
#include "raw_run.h"

using namespace glocal;
using doctest::Approx;
using raw::Json;

namespace {

// The first line that holds `part`, without the blanks around it.
std::string line_with(const std::string& text, const std::string& part) {
  const std::size_t at = text.find(part);
  REQUIRE_MESSAGE(at != std::string::npos, part);
  const std::size_t begin = text.rfind('\n', at) + 1;
  return text.substr(begin, text.find('\n', at) - begin);
}

std::string text_of(const std::vector<std::vector<double>>& rows) {
  std::string text;
  for (const auto& row : rows)
    for (std::size_t k = 0; k < row.size(); ++k)
      text += fmt::format("{:.17g}{}", row[k], k + 1 < row.size() ? ',' : '\n');
  return text;
}

Json dmd(const Scratch& scratch, const std::string& arguments) {
  const Result result = glocal_command(scratch, "dmd --json " + arguments);
  REQUIRE_MESSAGE(result.code == 0, result.error);
  return Json::parse(result.out);
}

}  // namespace

TEST_SUITE("data") {
  TEST_CASE("numbers: data info counts and measures every channel and class of its files") {
    const Scratch scratch;
    const Scratch folder;
    // Of the official sizes, but every picture after the first of each file is black and an airplane.
    constexpr int some = 500, record = 3073, pictures = 10000;
    std::array<double, 3> sum{}, squares{};
    std::array<int, 10> in_train{5 * (pictures - some)}, in_test{pictures - some};
    int seen = 0;
    const auto write = [&](const std::string& name, bool training) {
      std::string bytes;
      for (int i = 0; i < some; ++i, ++seen) {
        const int label = training ? seen * seen % 10 : 3 + seen % 2;
        ++(training ? in_train : in_test)[static_cast<std::size_t>(label)];
        bytes += static_cast<char>(label);
        for (int at = 0; at < record - 1; ++at) {
          const int channel = at / 1024, value = (at * (channel + 3) + 11 * seen) % (90 + 60 * channel);
          bytes += static_cast<char>(value);
          if (!training) continue;
          sum[static_cast<std::size_t>(channel)] += value / 255.0;
          squares[static_cast<std::size_t>(channel)] += value / 255.0 * value / 255.0;
        }
      }
      std::filesystem::resize_file(folder.write(name, bytes),
                                   std::uintmax_t{record} * pictures);  // without blocks of its own
    };
    for (int part = 1; part <= 5; ++part) write(fmt::format("data_batch_{}.bin", part), true);
    write("test_batch.bin", false);
    const Result result = glocal_command(scratch, "data info cifar10 --data-dir " + folder.path.string());
    REQUIRE_MESSAGE(result.code == 0, result.error);
    CHECK(has(result.out, "50000 train, 10000 test, 3 x 32 x 32"));
    const double official[3][2] = {{0.4914, 0.2470}, {0.4822, 0.2435}, {0.4465, 0.2616}};  // of all 50,000
    for (std::size_t c = 0; c < 3; ++c) {
      constexpr double n = 5.0 * pictures * 1024;
      const double mean = sum[c] / n, deviation = std::sqrt(squares[c] / n - mean * mean);
      CHECK(has(result.out, fmt::format("channel {} mean {:.4f}, deviation {:.4f} (normalised with {:.4f}, {:.4f})", c,
                                        mean, deviation, official[c][0], official[c][1])));
    }
    const char* const names[] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                 "dog",      "frog",       "horse", "ship", "truck"};
    for (std::size_t c = 0; c < 10; ++c)
      CHECK(raw::columns(line_with(result.out, names[c])) == std::vector<std::string>{std::to_string(c), names[c],
                                                                                      std::to_string(in_train[c]),
                                                                                      std::to_string(in_test[c])});
  }

  TEST_CASE("numbers: data list gives training images before test images") {
    const Scratch scratch;
    const std::string list = glocal_command(scratch, "data list").out;
    const auto digits = raw::columns(line_with(list, "digits ")), mnist = raw::columns(line_with(list, "\nmnist"));
    CHECK(digits.at(1) == std::to_string(datasets::load("digits", datasets::Part::train).size()));
    CHECK(digits.at(2) == std::to_string(datasets::load("digits", datasets::Part::test).size()));
    CHECK(raw::columns(list.substr(list.find("\nmnist") + 1)).at(1) == "60000");
    CHECK(raw::columns(list.substr(list.find("\nmnist") + 1)).at(2) == "10000");
  }

  TEST_CASE("numbers: data show names every picture and draws both pixels of a character") {
    datasets::Dataset data = datasets::load("digits", datasets::Part::train);
    std::vector<std::int64_t> first(23);
    for (std::size_t i = 0; i < first.size(); ++i) first[i] = static_cast<std::int64_t>(i);
    data = data.subset(first);
    const std::string text = app::text_picture(data, 23);
    std::istringstream lines(text);
    std::vector<std::string> rows;
    for (std::string line; std::getline(lines, line);) rows.push_back(line);
    const std::string ramp = " .:-=+*#%@";
    const std::size_t across = 100 / 14, high = 6;  // names, four rows of characters, an empty one
    for (std::size_t i = 0; i < 23; ++i) {
      const std::size_t row = i / across * high, column = i % across * 14;
      CHECK(rows.at(row).substr(column, 1) == std::to_string(data.labels[i]));
      const auto image = data.image(static_cast<std::int64_t>(i));
      for (std::size_t y = 0; y < 8; y += 2)
        for (std::size_t x = 0; x < 8; ++x) {
          const auto level = [&](std::size_t at) { return std::floor(image[at] * 255.0 / 16); };
          const double brightness = (level(8 * y + x) + level(8 * y + 8 + x)) / 2;
          CHECK(rows.at(row + 1 + y / 2).at(column + x) ==
                ramp[static_cast<std::size_t>(std::lround(brightness / 255 * 9))]);
        }
    }
  }
}

TEST_SUITE("fast") {
  TEST_CASE("numbers: dmd says where its horizon is, what the model says there and how a pair of modes turns") {
    const Scratch scratch;
    std::vector<std::vector<double>> turning, jumping;
    for (int t = 0; t < 30; ++t) {
      turning.push_back({std::pow(0.98, t) * std::cos(0.4 * t), 3 * std::pow(0.98, t) * std::sin(0.4 * t)});
      // Growth that stops where the test begins.
      const double grown = std::pow(1.3, std::min(t, 21));
      jumping.push_back({grown + 0.01 * std::sin(2.3 * t * t), 2 * grown + 0.01 * std::cos(1.7 * t * t + 1)});
    }
    write_file_atomically(scratch / "turning.csv", text_of(turning));
    write_file_atomically(scratch / "jumping.csv", text_of(jumping));
    const Json pair = dmd(scratch, (scratch / "turning.csv") + " --rank 2 --policy raw");
    CHECK(pair.at("horizon") == 300);
    double angles = 0, largest = 0;
    for (const Json& mode : pair.at("modes")) {
      angles += raw::number(mode.at("angle"));
      largest = std::max(largest, raw::number(mode.at("angle")));
      CHECK(raw::number(mode.at("modulus")) == Approx(0.98).epsilon(1e-8));
      CHECK(raw::number(mode.at("amplitude")) == Approx(std::hypot(1.0, 3.0) / 2).epsilon(1e-6));
    }
    CHECK(pair.at("modes").size() == 2);
    CHECK(std::abs(angles) < 1e-9);
    CHECK(largest == Approx(0.4).epsilon(1e-8));

    const std::string arguments = (scratch / "jumping.csv") + " --rank 4 --delays 5 --policy raw --horizon 40";
    const Json lost = dmd(scratch, arguments);
    CHECK(lost.at("fell_back") == true);
    CHECK(lost.at("forecast").get<std::vector<double>>() == jumping.back());
    std::vector<double> numbers;
    for (const auto& row : jumping) numbers.insert(numbers.end(), row.begin(), row.end());
    hpo::DmdOptions options;
    options.rank = 4;
    options.delays = 5;
    options.policy = hpo::DmdOptions::Policy::raw;
    const hpo::DmdFit fit = hpo::fit_dmd(Tensor::from(numbers, {30, 2}), options);
    CHECK(lost.at("model_at_horizon").get<std::vector<double>>() == fit.forecast(40));
    const std::string words = glocal_command(scratch, "dmd " + arguments).out;
    CHECK(has(words,
              fmt::format("the model alone says h[40] = {:.12g}  {:.12g}", fit.forecast(40)[0], fit.forecast(40)[1])));
    CHECK(has(words, fmt::format("\nh[40] = {:.12g}  {:.12g}", jumping.back()[0], jumping.back()[1])));
  }

  TEST_CASE("numbers: dmd fits the modes of its observables with those of the series") {
    const Scratch scratch;
    std::vector<std::vector<double>> series, beside;
    for (int t = 0; t < 40; ++t) {
      series.push_back({std::pow(0.9, t)});
      beside.push_back({std::pow(0.7, t) + 2 * std::pow(0.9, t)});
    }
    write_file_atomically(scratch / "series.csv", text_of(series));
    write_file_atomically(scratch / "beside.csv", text_of(beside));
    const Json json =
        dmd(scratch, (scratch / "series.csv") + " --policy raw --observables " + (scratch / "beside.csv"));
    CHECK(json.at("q") == 1);
    bool found = false;
    for (const Json& mode : json.at("modes")) found = found || std::abs(raw::number(mode.at("re")) - 0.7) < 1e-6;
    CHECK(found);
  }
}
