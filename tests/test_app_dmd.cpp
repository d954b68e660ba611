#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <complex>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <glocal/app/dmd/series_file.h>
#include <glocal/app/report/gnuplot.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/io/npy.h>

#include "scratch.h"

using namespace glocal;
namespace fs = std::filesystem;

namespace {

// Standard output and error of `glocal dmd ...`, and its exit code.
struct Answer {
  std::string words;
  int code = 0;
};
Answer dmd(const std::string& arguments) {
  std::FILE* pipe = ::popen((std::string(GLOCAL_COMMAND_PATH " dmd ") + arguments + " 2>&1").c_str(), "r");
  Answer answer;
  char part[4096];
  while (const auto count = std::fread(part, 1, sizeof part, pipe)) answer.words.append(part, count);
  answer.code = WEXITSTATUS(::pclose(pipe));
  return answer;
}

// Entry 0: 2 * 0.95^t + 0.8^t - 0.5 * 0.5^t; entry 1: 3 * 0.8^t.
double first(double t) { return 2 * std::pow(0.95, t) + std::pow(0.8, t) - 0.5 * std::pow(0.5, t); }
double second(double t) { return 3 * std::pow(0.8, t); }

std::string table_text(int tau) {
  std::string text = "# a comment\nfirst,second\n";
  for (int t = 0; t < tau; ++t) text += fmt::format("{:.17g},{:.17g}\n", first(t), second(t));
  return text;
}

}  // namespace

TEST_SUITE_BEGIN("fast");

TEST_CASE("a known series: eigenvalues, amplitudes and forecast") {
  const Scratch scratch;
  const std::string file = scratch.write("known.csv", table_text(40));
  const auto json = nlohmann::json::parse(dmd(file + " --horizon 60 --policy clip --json").words);
  REQUIRE(json["rank"] == 3);
  const double lambdas[] = {0.95, 0.8, 0.5}, amplitudes[] = {2, std::hypot(1.0, 3.0), 0.5};
  for (int k = 0; k < 3; ++k) {
    bool found = false;
    for (const auto& mode : json["modes"]) {
      if (std::abs(mode["re"].get<double>() - lambdas[k]) > 1e-8) continue;
      found = true;
      CHECK(std::abs(mode["im"].get<double>()) < 1e-8);
      CHECK(mode["amplitude"].get<double>() == doctest::Approx(amplitudes[k]).epsilon(1e-6));
    }
    CHECK_MESSAGE(found, "no eigenvalue ", lambdas[k]);
  }
  CHECK_FALSE(json["fell_back"].get<bool>());
  CHECK(json["forecast"][0].get<double>() == doctest::Approx(first(60)).epsilon(1e-8));
  CHECK(std::abs(json["forecast"][1].get<double>() - second(60)) < 1e-9);
}

TEST_CASE("the table on stdout says what the json says") {
  const Scratch scratch;
  const std::string words = dmd(scratch.write("known.csv", table_text(40)) + " --horizon 60").words;
  CHECK(words.find("40 snapshots of 2 numbers") != std::string::npos);
  CHECK(words.find("rank      3") != std::string::npos);
  CHECK(words.find("0.95") != std::string::npos);
  CHECK(words.find("h[60] = 0.0921") != std::string::npos);
}

TEST_CASE("npy, npz, csv and blanks hold the same series") {
  const Scratch scratch;
  std::vector<double> numbers;
  std::string blanks;
  for (int t = 0; t < 5; ++t) {
    numbers.insert(numbers.end(), {first(t), second(t)});
    blanks += fmt::format("  {:.17g}   {:.17g} \r\n", first(t), second(t));
  }
  const Tensor h = Tensor::from(numbers, {5, 2});
  const std::string npy = (scratch.path / "h.npy").string(), npz = (scratch.path / "h.npz").string();
  save_npy(npy, h);
  save_npz(npz, {{"a", Tensor::zeros({3}, DType::f64)}, {"h", h}});
  CHECK(same_bits(app::read_series(npy), h));
  CHECK(same_bits(app::read_series(npz, "h"), h));
  CHECK(app::read_series(npz, "a").shape() == Shape{3, 1});
  CHECK(same_bits(app::read_series(scratch.write("h.csv", table_text(5))), h));
  CHECK(same_bits(app::read_series(scratch.write("h.txt", blanks)), h));
  CHECK_THROWS_WITH_AS(app::read_series(npz), doctest::Contains("holds a, h; choose one with --name"), DataError);
  save_npy(npy, Tensor::full({3}, NAN, DType::f64));
  CHECK_THROWS_WITH_AS(app::read_series(npy), doctest::Contains("NaN"), DataError);
}

TEST_CASE("a bad line is named with its file and number") {
  const Scratch scratch;
  const auto check = [&](const std::string& content, const char* line, const char* words) {
    const std::string file = scratch.write("bad.csv", content);
    CHECK_THROWS_WITH_AS(app::read_series(file), doctest::Contains((file + line).c_str()), DataError);
    CHECK_THROWS_WITH_AS(app::read_series(file), doctest::Contains(words), DataError);
  };
  check("a,b\n1,2\n3,x\n", ":3:", "field 2 is \"x\", not a number");
  check("1,2\n3,4\n5\n", ":3:", "1 fields, the lines before have 2");
  check("1,2\n\n# c\n3,nan\n", ":4:", "every number must be finite");
  check("1,b\n3,4\n", ":1:", "field 2 is \"b\"");
  check("1,\n3,4\n", ":1:", "field 2 is \"\"");
  check("a b\n", "", "holds no numbers");
}

// exp(4.8 + 0.01 t) (1 + 0.2 sin + 0.05 cos): growth with a season of 12, as passengers by month.
double growing(double t) {
  const double turn = 2 * std::acos(-1.0) * t / 12;
  return std::exp(4.8 + 0.01 * t) * (1 + 0.2 * std::sin(turn) + 0.05 * std::cos(2 * turn));
}

TEST_CASE("growth: the eigenvalues that a policy moved are said, and growth that the hold-out shows is kept") {
  const Scratch scratch;
  std::string text;
  for (int t = 0; t < 132; ++t) text += fmt::format("{:.17g}\n", growing(t));
  const std::string file = scratch.write("growth.csv", text) + " --horizon 143";
  const auto json_of = [&](const std::string& flags) {
    return nlohmann::json::parse(dmd(file + " --json" + flags).words);
  };
  CHECK(growing(143) == doctest::Approx(469.673822234).epsilon(1e-11));
  for (const char* flags : {"", " --policy raw", " --auto"}) {
    const auto json = json_of(flags);
    CHECK(json["policy"] == "raw");
    CHECK(json["moved"].empty());
    CHECK_FALSE(json["fell_back"].get<bool>());
    CHECK(std::abs(json["forecast"][0].get<double>() / growing(143) - 1) < 1e-9);
  }
  CHECK(json_of("")["note"].get<std::string>().find("policy raw was taken: skill ") != std::string::npos);
  for (const char* policy : {"snap", "clip", "unit"})
    for (const char* method : {"least-squares", "optimised"}) {
      const auto json = json_of(fmt::format(" --policy {} --method {} --rank 5", policy, method));
      CAPTURE(json.dump());
      CHECK(json["fell_back"].get<bool>());
      CHECK(json["forecast"][0].get<double>() == growing(131));
      CHECK(json["moved"].size() == 5);
      bool one = false;
      for (const auto& moved : json["moved"]) {
        const std::complex<double> from{moved["from"]["re"], moved["from"]["im"]},
            to{moved["to"]["re"], moved["to"]["im"]};
        CHECK(std::abs(std::abs(from) - std::exp(0.01)) < 1e-6);
        CHECK(std::abs(to) <= 1 + 1e-9);
        one = one || (std::abs(from - std::exp(0.01)) < 1e-6 && to == 1.0);
      }
      CHECK(one);
    }
  const std::string words = dmd(file + " --policy snap --rank 5").words;
  CHECK(words.find("note      policy snap moved 5 of 5 eigenvalues: ") != std::string::npos);
  CHECK(words.find("1.01005 to 1") != std::string::npos);
  CHECK(words.find("as fitted") != std::string::npos);
  const std::string page = (scratch.path / "growth.html").string();
  CHECK(dmd(file + " --policy snap --rank 5 -o " + page).code == 0);
  CHECK(read_file(page).find("policy snap moved 5 of 5 eigenvalues: ") != std::string::npos);
  const std::string still = dmd(scratch.write("known.csv", table_text(40)) + " --method optimised").words;
  CHECK(still.find("moved") == std::string::npos);
  CHECK(still.find("as fitted") == std::string::npos);
}

TEST_CASE("what was passed over or changed is said: headings, ranks, delays, the past in logarithmic time") {
  const Scratch scratch;
  const std::string file = scratch.write("known.csv", table_text(40));
  const std::string heading = file + ":2: \"first,second\" was taken for a heading";
  CHECK(dmd(file).words.find("note: " + heading) != std::string::npos);
  CHECK(nlohmann::json::parse(dmd(file + " --json").words)["notes"] == nlohmann::json{heading});
  const std::string page = (scratch.path / "known.html").string();
  CHECK(dmd(file + " -o " + page).code == 0);
  CHECK(read_file(page).find("was taken for a heading") != std::string::npos);
  CHECK(dmd(file + " --rank 9").words.find("rank 3 instead of 9: the other singular values are rounding") !=
        std::string::npos);
  CHECK(dmd(file + " --delays 30").words.find("13 delays instead of 30") != std::string::npos);
  CHECK(dmd(file + " --time-axis log-grid --bins 9").words.find("fitted to the last 70 % of the snapshots") !=
        std::string::npos);
  std::string five;
  for (int t = 0; t < 60; ++t)
    five += fmt::format("{:.17g}\n", first(t) + std::pow(0.9, t) * std::cos(0.5 * t) + 1e-3 * std::cos(t * t));
  CHECK(dmd(scratch.write("five.csv", five)).words.find("rank 3 instead of rank 5, which was not 100 times closer") !=
        std::string::npos);
  std::string steep;
  for (int t = 0; t < 60; ++t) steep += fmt::format("{:.17g}\n", std::pow(t + 1.0, 3));
  CHECK(
      dmd(scratch.write("steep.csv", steep) + " --time-axis logarithmic").words.find("power of number 1 is held at") !=
      std::string::npos);
}

TEST_CASE("options that do nothing beside others are refused") {
  const Scratch scratch;
  const std::string file = scratch.write("known.csv", table_text(40));
  for (const char* flags : {"--auto --rank 2", "--auto --delays 5", "--auto --time-axis log", "--bins 7", "--t0 3",
                            "--time-axis logarithmic --rank 2", "--time-axis logarithmic --policy raw",
                            "--rank 2 --energy 0.9", "--name h"}) {
    CAPTURE(flags);
    const Answer refused = dmd(file + " " + flags);
    CHECK(refused.code == 2);
    CHECK(refused.words.find("does nothing") != std::string::npos);
  }
  CHECK(dmd(file + " --time-axis log-grid --bins 7 --t0 3 --policy raw").code == 0);
}

TEST_CASE("an npz that holds what cannot be read: --name reads its own array, without it all are listed with why") {
  const Scratch scratch;
  const std::string path = (scratch.path / "h.npz").string();
  std::ofstream(path, std::ios::binary) << read_file(GLOCAL_SOURCE_DIR "/tests/npy/kinds.npz");
  CHECK(app::read_series(path, "u1 <C1").dim(1) == 4);
  CHECK(app::read_series(path, "i8 >F2").shape() == Shape{3, 4});
  const Answer listed = dmd(path);
  CHECK(listed.code == 3);
  CHECK(listed.words.find("holds f2 wanted, f2 <C1") != std::string::npos);
  CHECK(listed.words.find("choose one with --name") != std::string::npos);
  const Answer refused = dmd(path + " --name 'refused: text'");
  CHECK(refused.code == 3);
  CHECK(refused.words.find("found <U2: text") != std::string::npos);
  save_npz(path, {{"h", Tensor::from<std::int32_t>({1, 2, 3}, {3})}});
  CHECK(same_bits(app::read_series(path), Tensor::from<double>({1, 2, 3}, {3, 1})));
}

TEST_CASE("an error of many thousand letters keeps its end, which is the way out") {
  const Scratch scratch;
  std::map<std::string, Tensor> arrays;
  for (int i = 0; i < 900; ++i) arrays[fmt::format("trajectory {}", i)] = Tensor::ones({3});
  const std::string path = scratch / "h.npz";
  save_npz(path, arrays);
  const Answer answer = dmd(path);
  CHECK(answer.words.find("h.npz holds trajectory 0, trajectory 1") != std::string::npos);
  CHECK(answer.words.find("[...]") != std::string::npos);
  CHECK(answer.words.find("choose one with --name") != std::string::npos);
  CHECK(answer.words.size() < 4200);
}

TEST_CASE("every method, the log grid, observables and --auto forecast a known series") {
  const Scratch scratch;
  const std::string file = scratch.write("known.csv", table_text(60)) + " --horizon 100 --json ";
  for (const char* flags :
       {"--method total-least-squares", "--method forward-backward", "--method optimised", "--energy 1", "--auto"}) {
    const auto json = nlohmann::json::parse(dmd(file + flags).words);
    CHECK(std::abs(json["forecast"][0].get<double>() - first(100)) < 1e-8);
    CHECK(json["error_bar"].size() == 2);
  }
  const std::string loss = scratch.write("loss.csv", table_text(60));
  const auto json = nlohmann::json::parse(dmd(file + "--observables " + loss).words);
  CHECK(json["forecast"].size() == 2);
  CHECK(std::abs(json["forecast"][1].get<double>() - second(100)) < 1e-8);
  const std::string grid = "--time-axis log-grid --bins 12 --rank 1 --t0 5 --method optimised";
  CHECK(nlohmann::json::parse(dmd(file + grid).words)["time_axis"] == "log-grid");
  CHECK(dmd(file + "--method odd").code == 2);
  CHECK(dmd(file + "--t0 -1").code == 2);
}

TEST_CASE("exit codes and what is written") {
  const Scratch scratch;
  CHECK(dmd((scratch.path / "none.csv").string()).code == 4);
  CHECK(dmd(scratch.write("bad.csv", "1\n2\nx\n")).code == 3);
  const std::string good = scratch.write("good.csv", table_text(30));
  CHECK(dmd(scratch.write("short.csv", "1\n2\n")).code == 3);
  CHECK(dmd(good + " --policy odd").code == 2);
  CHECK(dmd(good + " --time-axis log --json").code == 0);
  for (const char* horizon : {"0", "-1", "nan", "1e99"}) {
    const Answer refused = dmd(good + " --horizon " + horizon);
    CHECK(refused.code == 2);
    CHECK(refused.words.size() < 120);  // not the 309 digits of the largest double
  }
  CHECK(dmd(good + " -o picture.gif").code == 2);
  const std::string svg = (scratch.path / "four.svg").string(), html = (scratch.path / "four.html").string();
  CHECK(dmd(good + " -o " + html).code == 0);
  CHECK(read_file(html).find("30 snapshots, rank 3") != std::string::npos);
  if (app::gnuplot_found()) {
    CHECK(dmd(good + " -o " + svg).code == 0);
    CHECK(read_file(svg).find("The amplitude of each mode") != std::string::npos);
  }
  const Answer all = dmd(good);
  CHECK(all.code == 0);
  CHECK(all.words.find("h[300] = ") != std::string::npos);
}

TEST_SUITE_END();
