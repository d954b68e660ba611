// Hyperparameters of many numbers in the files of a run: one list by one name, and beside the text where it is long.
#include <doctest/doctest.h>

#include <fmt/core.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include <glocal/app/record/numbers.h>
#include <glocal/app/settings/config.h>
#include <glocal/core/io/npy.h>
#include <glocal/core/tensor.h>

#include "command.h"

namespace fs = std::filesystem;
using namespace glocal;

namespace {

const std::string quietly = "PATH=/nowhere ";  // without gnuplot, which takes longer than all else
const std::string tiny =
    "tune --dataset digits --hidden 2 --train-limit 60 --val-size 50 --val-batch 50 --batch 20 --steps 12 --block 4 "
    "--steps-back 2 --estimator truncated --threads 1 --quiet ";

nlohmann::json json_of(const std::string& file) { return nlohmann::json::parse(read_file(file)); }

std::vector<nlohmann::json> lines_of(const std::string& file) {
  std::vector<nlohmann::json> lines;
  std::istringstream text(read_file(file));
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

std::string numbers_file(const std::string& run, int line) { return fmt::format("{}/hparams-{}.npz", run, line); }

std::uintmax_t bytes_of_text(const fs::path& run) {
  std::uintmax_t bytes = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(run))
    if (entry.is_regular_file() && entry.path().extension() != ".npz" && entry.path().extension() != ".safetensors")
      bytes += entry.file_size();
  return bytes;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("vectors: a short one is one array by one name in every file, and knots are one") {
    const Scratch scratch;
    const std::string run = scratch / "run";
    const Result tuned = glocal_command(
        scratch, tiny + "--tune class_weights,lr --schedule piecewise --knots 3 --set lr=[0.1,0.2,0.3] --out " + run,
        quietly);
    REQUIRE_MESSAGE(tuned.code == 0, tuned.error);
    const nlohmann::json hyper = json_of(run + "/config.json")["hyper"];
    CHECK(hyper["class_weights"] == std::vector<double>(10, 1));
    CHECK(hyper["lr"] == std::vector<double>{0.1, 0.2, 0.3});
    CHECK(hyper["momentum"] == 0.9);
    for (const nlohmann::json& line : lines_of(run + "/hparams.jsonl"))
      for (const char* key : {"values", "u"}) {
        CHECK(line[key].size() == 2);
        CHECK(line[key]["class_weights"].size() == 10);
        CHECK(line[key]["lr"].size() == 3);
      }
    const nlohmann::json values = json_of(run + "/summary.json")["values"];
    CHECK(values == lines_of(run + "/hparams.jsonl").back()["values"]);
    CHECK_FALSE(fs::exists(numbers_file(run, 0)));
    for (const char* file : {"/config.json", "/summary.json", "/hparams.jsonl", "/report.html"})
      CHECK_FALSE(has(read_file(run + file), "class_weights[0]"));
    const Result shown = glocal_command(scratch, "runs show " + run);
    CHECK(shown.code == 0);
    const std::string spread = app::spread_text(app::spread_of(values["class_weights"].get<std::vector<double>>()), 6);
    CHECK(has(shown.out, "  " + spread + "\n"));
    CHECK(has(tuned.out, ", class_weights 0."));
    CHECK(has(read_file(run + "/report.html"), "class_weights at the end"));

    // What config.json holds comes back, from a file and from flags.
    const std::string again = scratch / "again";
    REQUIRE(glocal_command(scratch, "tune --quiet --config " + run + "/config.json --out " + again, quietly).code == 0);
    CHECK(read_file(run + "/hparams.jsonl") == read_file(again + "/hparams.jsonl"));
  }

  TEST_CASE("vectors: knots that are tuned one by one are numbers of their own") {
    const Scratch scratch;
    const std::string run = scratch / "run";
    REQUIRE(glocal_command(
                scratch, tiny + "--tune lr_2,lr_0 --schedule piecewise --knots 3 --lr 0.2 --set lr[1]=0.3 --out " + run,
                quietly)
                .code == 0);
    CHECK(json_of(run + "/config.json")["hyper"]["lr"] == std::vector<double>{0.2, 0.3, 0.2});
    const nlohmann::json values = lines_of(run + "/hparams.jsonl").back()["values"];
    CHECK(values.size() == 2);
    CHECK(values["lr_0"].is_number());
    CHECK(values["lr_2"].is_number());
  }

  TEST_CASE("vectors: a list of another length or for one number is refused with both counts") {
    const Scratch scratch;
    const auto said = [&](const std::string& set) {
      const Result result = glocal_command(scratch, tiny + "--tune lr --set " + set + " --out " + (scratch / "none"));
      CHECK(result.code == 2);
      return result.error;
    };
    CHECK(has(said("class_weights=[1,2]"), "class_weights has 10 numbers, 2 were given"));
    CHECK(has(said("momentum=[0.1,0.2]"), "momentum is one number and no list; write momentum=X"));
    CHECK(has(said("momentum=[0.1]"), "momentum is one number and no list"));
    CHECK(has(said("'class_weights[3]=[2]'"), "class_weights[3] is one number and no list"));
    CHECK(has(said("'lr[9]=1' --schedule piecewise --knots 4"), "lr has 4 components and no lr[9]"));
    CHECK(has(said("class_weights=[1,x]"), "x"));
    CHECK(has(said("class_weights=[]"), "empty"));
  }

  TEST_CASE("vectors: 50,002 numbers in a run folder, stopped and gone on with, are the same bits and little text") {
    const Scratch scratch;
    const std::string command = tiny + "--tune meta_weight_net,lr --set meta_weight_net=16667 ";
    const std::string whole = scratch / "whole", parts = scratch / "parts";
    const Result ended = glocal_command(scratch, command + "--out " + whole, quietly);
    REQUIRE_MESSAGE(ended.code == 0, ended.error);
    CHECK(has(ended.out, ", meta_weight_net -"));
    const Result stopped = glocal_command(scratch, command + "--out " + parts, quietly + "GLOCAL_INTERRUPT_AT=34 ");
    REQUIRE(stopped.code == 130);
    const std::string numbers = read_file(numbers_file(parts, 1));
    write_file_atomically(numbers_file(parts, 7), "left by a run that was killed");
    const Result gone_on = glocal_command(scratch, "tune --quiet --resume " + parts, quietly);
    REQUIRE_MESSAGE(gone_on.code == 0, gone_on.error);
    CHECK_FALSE(fs::exists(numbers_file(parts, 7)));
    CHECK(read_file(numbers_file(parts, 1)) == numbers);
    for (const char* file :
         {"/params.npz", "/metrics.jsonl", "/hparams.jsonl", "/hparams-0.npz", "/hparams-1.npz", "/hparams-2.npz"}) {
      CAPTURE(file);
      const bool same = read_file(whole + file) == read_file(parts + file);
      CHECK(same);
    }
    CHECK(json_of(whole + "/summary.json")["values"] == json_of(parts + "/summary.json")["values"]);
    CHECK(bytes_of_text(whole) < 100'000);

    const std::vector<nlohmann::json> lines = lines_of(whole + "/hparams.jsonl");
    REQUIRE(lines.size() == 3);
    const nlohmann::json value = lines[2]["values"]["meta_weight_net"];
    CHECK(value["count"] == 50002);
    CHECK(value["npz"] == "hparams-2.npz");
    CHECK(lines[2]["values"]["lr"].is_number());
    CHECK(json_of(whole + "/summary.json")["values"]["meta_weight_net"] == value);
    const Tensor held = load_npz_array(whole + "/hparams-2.npz", value["array"]);
    REQUIRE(held.size() == 50002);
    const app::Spread spread = app::spread_of(held.span<double>());
    CHECK(value["min"] == spread.least);
    CHECK(value["quartiles"] == std::vector<double>{spread.lower, spread.median, spread.upper});
    CHECK(value["max"] == spread.largest);
    CHECK(load_npz(whole + "/hparams-2.npz").at("hypergradient").size() == 50003);

    for (const std::string& show :
         {"runs show " + whole, "runs report " + whole, "runs list " + scratch.path.string()}) {
      const Result result = glocal_command(scratch, show, quietly);
      CHECK_MESSAGE(result.code == 0, result.error);
      CHECK(result.out.size() < 3000);
      CHECK_FALSE(has(result.out, "damaged"));
    }
    CHECK(has(read_file(whole + "/report.html"), "meta_weight_net"));
  }

  TEST_CASE("vectors: a comparison that was stopped reads back runs whose numbers lie beside their lines") {
    const Scratch scratch;
    const std::string settings =
        "compare --estimators truncated,one-step --seeds 1 --dataset digits --hidden 2 --train-limit 60 --val-size 50 "
        "--val-batch 50 --batch 20 --steps 12 --block 4 --steps-back 2 --threads 1 --quiet --tune meta_weight_net,lr "
        "--set meta_weight_net=30 --out ";
    const std::string whole = scratch / "whole", parts = scratch / "parts";
    const Result ended = glocal_command(scratch, settings + whole, quietly);
    REQUIRE_MESSAGE(ended.code == 0, ended.error);
    REQUIRE(glocal_command(scratch, settings + parts, quietly + "GLOCAL_INTERRUPT_AT=92 ").code == 130);
    REQUIRE(json_of(parts + "/truncated-seed0/summary.json")["status"] == "ok");  // one has ended
    const Result gone_on = glocal_command(scratch, "compare --quiet --resume " + parts, quietly);
    REQUIRE_MESSAGE(gone_on.code == 0, gone_on.error);
    const nlohmann::json row = json_of(parts + "/summary.json")["rows"][1];
    CHECK(row["estimator"] == "truncated");
    CHECK(row["values"]["meta_weight_net"]["npz"] == "hparams-2.npz");
    CHECK(glocal_command(scratch, "runs report " + parts, quietly).code == 0);
  }

  TEST_CASE("vectors: an .npz that is missing, cut, flipped or another's is refused by name, and no run goes on") {
    const Scratch scratch;
    const std::string run = scratch / "run", file = numbers_file(run, 1);
    const std::string command = tiny + "--tune meta_weight_net --set meta_weight_net=30 --out " + run;
    REQUIRE(glocal_command(scratch, command, quietly + "GLOCAL_INTERRUPT_AT=34 ").code == 130);
    const std::string good = read_file(file);
    const auto refused = [&](const std::string& words) {
      CAPTURE(words);
      const std::string before = read_file(run + "/hparams.jsonl");
      for (const std::string& how : {"runs report " + run, "tune --quiet --resume " + run}) {
        const Result result = glocal_command(scratch, how, quietly);
        CHECK_MESSAGE(result.code == 3, result.error);
        CHECK(has(result.error, "hparams-1.npz"));
        CHECK(has(result.error, words));
      }
      CHECK(read_file(run + "/hparams.jsonl") == before);
    };
    fs::remove(file);
    refused("is missing");
    write_file_atomically(file, good.substr(0, good.size() / 2));
    refused("hparams-1.npz");
    std::string flipped = good;
    flipped[good.size() / 3] = static_cast<char>(flipped[good.size() / 3] ^ 1);
    write_file_atomically(file, flipped);
    refused("hparams-1.npz");
    write_file_atomically(file, read_file(numbers_file(run, 0)));
    refused("that of values.meta_weight_net in");
    write_file_atomically(file, good);
    CHECK(glocal_command(scratch, "tune --quiet --resume " + run, quietly).code == 0);
  }

  TEST_CASE("vectors: a folder of version 0.1 is listed, shown and reported, and no run of it goes on") {
    const Scratch scratch;
    fs::copy(fs::path(GLOCAL_SOURCE_DIR) / "tests/runs_0.1", scratch.path / "runs", fs::copy_options::recursive);
    const Result list = glocal_command(scratch, "runs list " + (scratch / "runs"));
    CHECK(list.code == 0);
    CHECK_FALSE(has(list.out, "damaged"));
    for (const std::string name : {"ended", "stopped"}) {
      const std::string run = scratch / ("runs/" + name);
      const Result shown = glocal_command(scratch, "runs show " + run);
      CHECK_MESSAGE(shown.code == 0, shown.error);
      CHECK(has(shown.out, "class_weights[9]"));
      const Result report = glocal_command(scratch, "runs report " + run, quietly);
      CHECK_MESSAGE(report.code == 0, report.error);
      CHECK(has(read_file(run + "/report.html"), "class_weights[3]"));
      const std::string before = read_file(run + "/hparams.jsonl");
      const Result result = glocal_command(scratch, "tune --quiet --resume " + run, quietly);
      CHECK(result.code == 3);
      CHECK(has(result.error, "layout 1, of glocal 0.1.0; this is glocal "));
      CHECK(has(result.error, "goes on with layout 2"));
      CHECK(has(result.error, "--config " + run + "/config.json --out NEW"));
      CHECK(read_file(run + "/hparams.jsonl") == before);
    }
    // Its settings begin the same run anew.
    const std::string anew = scratch / "anew";
    const Result result = glocal_command(
        scratch, "tune --quiet --config " + (scratch / "runs/ended/config.json") + " --out " + anew, quietly);
    REQUIRE_MESSAGE(result.code == 0, result.error);
    const nlohmann::json values = json_of(anew + "/summary.json")["values"];
    const nlohmann::json before = json_of(scratch / "runs/ended/summary.json")["values"];
    for (std::size_t i = 0; i < 10; ++i)
      CHECK(values["class_weights"][i].get<double>() ==
            doctest::Approx(before[fmt::format("class_weights[{}]", i)].get<double>()).epsilon(1e-3));
    CHECK(values["lr"][1].get<double>() == doctest::Approx(before["lr_1"].get<double>()).epsilon(1e-3));
  }

  TEST_CASE("vectors: a folder of a later layout is refused with both versions by every reader") {
    const Scratch scratch;
    const std::string run = scratch / "runs/ended";
    fs::copy(fs::path(GLOCAL_SOURCE_DIR) / "tests/runs_0.1", scratch.path / "runs", fs::copy_options::recursive);
    nlohmann::ordered_json config = nlohmann::ordered_json::parse(read_file(run + "/config.json"));
    config["layout"] = app::folder_layout + 1;
    write_file_atomically(run + "/config.json", config.dump());
    for (const std::string& how : {"runs show " + run, "runs report " + run, "tune --resume " + run}) {
      const Result result = glocal_command(scratch, how, quietly);
      CHECK(result.code == 3);
      CHECK(has(result.error, "layout 3, of glocal 0.1.0; this is glocal "));
    }
    const Result list = glocal_command(scratch, "runs list " + (scratch / "runs"));
    CHECK(has(list.out, "damaged"));
    CHECK(has(list.error, "layout 3, of glocal 0.1.0"));
    const Result begun = glocal_command(scratch, "tune --config " + run + "/config.json --out " + (scratch / "new"));
    CHECK(begun.code == 3);
    CHECK(has(begun.error, "config.json has layout 3; this is glocal "));
  }

  TEST_CASE("vectors: quartiles interpolate, NaN spreads over all, one number is its own spread") {
    const app::Spread spread = app::spread_of(std::vector<double>{4, 1, 3, 2});
    CHECK(spread.least == 1);
    CHECK(spread.lower == 1.75);
    CHECK(spread.median == 2.5);
    CHECK(spread.upper == 3.25);
    CHECK(spread.largest == 4);
    CHECK(app::spread_text(spread, 3) == "1 [1.75 2.5 3.25] 4");
    CHECK(app::spread_text(app::spread_of(std::vector<double>{0.25}), 3) == "0.25");
    CHECK(app::spread_text(app::spread_of(std::vector<double>{1, NAN}), 3) == "nan");
  }
}
