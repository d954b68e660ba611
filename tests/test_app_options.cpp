#include <doctest/doctest.h>

#include <CLI/CLI.hpp>

#include <glocal/app/settings/config.h>
#include <glocal/app/settings/flags.h>
#include <glocal/app/settings/options.h>
#include <glocal/app/terminal/progress.h>
#include <glocal/app/terminal/table.h>
#include <glocal/core/error.h>

using namespace glocal;
using namespace glocal::app;

namespace {

Options parsed(const std::string& arguments) {
  CLI::App app("", "glocal");
  Options options;
  add_options(app, options);
  app.parse(arguments);
  return options;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("options: flags reach their fields") {
    const Options o = parsed(
        "--dataset mnist --hidden 64,32 --tune lr,momentum --lr 0.5 --set eps=1e-6,beta1=0.8 --block 7 --policy unit "
        "--time-axis logarithmic --dtype f64 --meta-lr 0.2 --json");
    CHECK(o.experiment.dataset == "mnist");
    CHECK(o.experiment.model_options.hidden == std::vector<std::int64_t>{64, 32});
    CHECK(o.experiment.tune == std::vector<std::string>{"lr", "momentum"});
    CHECK(o.experiment.hyper == std::map<std::string, train::HyperValue>{{"lr", 0.5}, {"eps", 1e-6}, {"beta1", 0.8}});
    CHECK(o.tuning.estimator_options.tau == 7);
    CHECK(o.tuning.estimator_options.dmd.policy == hpo::DmdOptions::Policy::unit);
    CHECK(o.tuning.estimator_options.dmd.time == hpo::DmdOptions::TimeAxis::logarithmic);
    CHECK(o.experiment.model_options.dtype == DType::f64);
    CHECK(o.tuning.meta.lr == 0.2);
    CHECK(o.json);
    CHECK(!o.quiet);
    CHECK(to_json(o)["time_axis"] == "logarithmic");
    CHECK(to_json(o)["hyper"]["beta1"] == 0.8);
  }

  TEST_CASE("options: sizes in bytes") {
    CHECK(parse_bytes("500") == 500);
    CHECK(parse_bytes("2G") == 2'000'000'000);
    CHECK(parse_bytes("1.5GiB") == 1'610'612'736);
    CHECK(parse_bytes("512MB") == 512'000'000);
    CHECK(parse_bytes("64KiB") == 65536);
    for (const std::string bad : {"", "G", "-1", "0", "1X", "2GG", "nan", "1e30", "5 M"}) {
      CAPTURE(bad);
      CHECK_THROWS_AS(parse_bytes(bad), ValueError);
    }
  }

  TEST_CASE("table: columns line up, also after characters of two bytes") {
    CHECK(table({{"", "loss"}, {"fixed", "1 ± 2"}, {"a", "10"}}) == "        loss\nfixed  1 ± 2\na         10\n");
  }

  TEST_CASE("table: mean and sample standard deviation") {
    const Statistic s = statistic({1, 2, 3, 6});
    CHECK(s.mean == doctest::Approx(3));
    CHECK(s.sd == doctest::Approx(2.160246899));
    CHECK(text(s, 2) == "3.00 ± 2.16");
    CHECK(text(statistic({0.5}), 1, 100) == "50.0");
    CHECK(text(statistic({}), 1) == "-");
  }

  TEST_CASE("progress: rate and time left") {
    const ProgressLine line("local", 1000, ProgressLine::Style::plain);
    CHECK(line.text(250, 5, "loss 1") == "local  250/1000 steps  50/s  15 s left  loss 1");
    CHECK(duration(0.44) == "0.4 s");
    CHECK(duration(200) == "3 min 20 s");
    CHECK(duration(7500) == "2 h 5 min");
    CHECK(size_text(std::int64_t{12'345'678}) == "12.3 MB");
    CHECK(size_text(std::int64_t{1'230'000'000}) == "1.2 GB");
  }
}
