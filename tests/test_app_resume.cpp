// Stopped runs that go on: the same bytes as in one go, and what --resume refuses.
#include <doctest/doctest.h>

#include <fmt/core.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include <glocal/core/io/npy.h>
#include <glocal/core/io/safetensors.h>

#include "command.h"
#include "sanitized.h"

namespace fs = std::filesystem;
using namespace glocal;

namespace {

const std::string small = "--hidden 8 --steps 40 --block 9 --batch 32 --tune lr,momentum --seed 2 --quiet ";
const std::string quietly = "PATH=/nowhere ";  // without gnuplot, which takes longer than all else

nlohmann::json json_of(const std::string& file) { return nlohmann::json::parse(read_file(file)); }

// Without times and memory, which are measured.
nlohmann::json numbers_of(nlohmann::json json) {
  if (json.is_array())
    for (auto& item : json) item = numbers_of(item);
  if (!json.is_object()) return json;
  for (const char* measured : {"seconds", "estimate_seconds", "hypergradient_seconds", "predicted_seconds",
                               "peak_bytes", "predicted_bytes", "ratio_time", "ratio_memory"})
    json.erase(measured);
  for (auto& item : json) item = numbers_of(item);
  return json;
}

// The bytes of all tensors with their names, types and shapes; the texts beside them hold times.
std::string tensors_of(const std::string& file) {
  SafeTensors read = load_safetensors(file);
  read.metadata.clear();
  return encode_safetensors(read);
}

void check_same(const std::string& a, const std::string& b) {
  for (const char* file : {"/params.npz", "/metrics.jsonl", "/hparams.jsonl"}) {
    CAPTURE(file);
    const bool same = read_file(a + file) == read_file(b + file);
    CHECK(same);
  }
  CHECK(numbers_of(json_of(a + "/summary.json")) == numbers_of(json_of(b + "/summary.json")));
  const bool same_best = tensors_of(a + "/best.safetensors") == tensors_of(b + "/best.safetensors") &&
                         tensors_of(a + "/model.safetensors") == tensors_of(b + "/model.safetensors");
  CHECK(same_best);
}

Result stopped_at(const Scratch& scratch, const std::string& arguments, int place) {
  return glocal_command(scratch, arguments, quietly + "GLOCAL_INTERRUPT_AT=" + std::to_string(place));
}

std::string arguments_to_go_on(const std::string& error) {
  const auto at = error.find("go on with: ");
  REQUIRE(at != std::string::npos);
  const std::string line = error.substr(at + 12, error.size() - at - 13);
  CHECK(line.starts_with(GLOCAL_COMMAND_PATH));
  return line.substr(line.find(' ') + 1) + " --quiet";
}

// Stops at `place`, then at the same number of calls of each continuation, until the run has come to its end.
void check_stopped(const std::string& arguments, const std::vector<int>& places) {
  CAPTURE(arguments);
  const Scratch scratch;
  const std::string whole = scratch / "whole", parts = scratch / "parts of a run";
  REQUIRE(glocal_command(scratch, arguments + "--out " + whole, quietly).code == 0);
  for (const int place : places) {
    CAPTURE(place);
    Result result = stopped_at(scratch, arguments + "--out '" + parts + "'", place);
    REQUIRE(result.code == 130);
    CHECK(json_of(parts + "/summary.json")["status"] == "interrupted");
    for (int again = 0; result.code == 130 && again < 100; ++again)
      result = stopped_at(scratch, arguments_to_go_on(result.error), place + again);
    CHECK_MESSAGE(result.code == 0, result.error);
    check_same(whole, parts);
    fs::remove_all(parts);
  }
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("resume: a run that was stopped ends with the bytes of a run in one go") {
    check_stopped("train --dropout 0.2 --optimizer adam --hidden 8 --steps 40 --batch 32 --quiet ", {1, 30, 75});
    check_stopped("tune --estimator glocal " + small, {2, 33, 70});
    check_stopped("tune --estimator local --augment crop=2,alternating-flip --average exponential " + small, {44});
    check_stopped("tune --estimator local-online --schedule cosine --dtype f64 " + small, {41});
    check_stopped("tune --estimator truncated --steps-back 4 " + small, {57});
  }

  TEST_CASE("resume: a run of runs that was stopped ends with the bytes of a run in one go") {
    check_stopped("tune --estimator global --updates 2 " + small, {150});
    check_stopped("tune --estimator global-forward --updates 3 --meta-lr 60 " + small, {110, 130, 165});
    check_stopped("tune --estimator pes --particles 2 " + small, {77});
    check_stopped("tune --estimator gp --budget 4 " + small, {101});
  }

  TEST_CASE("resume: runs from the start that go back to the best may be stopped anywhere") {
    for (const auto& [estimator, polls] : {std::pair("global", 38), std::pair("local-restart", 26)}) {
      std::vector<int> places;
      for (int place = 2; place < polls; place += sanitized ? 15 : 5)
        places.push_back(place);  // in every run and between two
      check_stopped(fmt::format("tune --hidden 8 --steps 9 --block 4 --batch 32 --tune lr,momentum --updates 3 "
                                "--meta-lr 60 --quiet --estimator {} ",
                                estimator),
                    places);
    }
  }

  TEST_CASE("resume: a comparison reads back what had come to its end and goes on with the rest") {
    const Scratch scratch;
    const std::string whole = scratch / "whole", parts = scratch / "parts";
    const std::string arguments = "compare --estimators glocal,truncated " + small + "--out ";
    REQUIRE(glocal_command(scratch, arguments + whole, quietly).code == 0);
    const Result stopped = stopped_at(scratch, arguments + parts, 110);
    REQUIRE(stopped.code == 130);
    CHECK(json_of(parts + "/fixed-seed2/summary.json")["status"] == "ok");
    CHECK(json_of(parts + "/glocal-seed2/summary.json")["status"] == "interrupted");
    CHECK(!fs::exists(parts + "/truncated-seed2"));
    const std::string finished = read_file(parts + "/fixed-seed2/summary.json");
    REQUIRE(glocal_command(scratch, arguments_to_go_on(stopped.error), quietly).code == 0);
    CHECK(read_file(parts + "/fixed-seed2/summary.json") == finished);
    for (const char* run : {"/fixed-seed2", "/glocal-seed2", "/truncated-seed2"}) check_same(whole + run, parts + run);
    CHECK(numbers_of(json_of(whole + "/summary.json")) == numbers_of(json_of(parts + "/summary.json")));
  }

  TEST_CASE("resume: a run without a checkpoint begins again and one that has ended stays as it is") {
    const Scratch scratch;
    const std::string whole = scratch / "whole", killed = scratch / "killed";
    REQUIRE(glocal_command(scratch, "tune " + small + "--out " + whole, quietly).code == 0);
    fs::create_directories(killed);
    fs::copy_file(whole + "/config.json", killed + "/config.json");
    REQUIRE(glocal_command(scratch, "tune --quiet --resume " + killed, quietly).code == 0);
    check_same(whole, killed);

    const auto time = fs::last_write_time(whole + "/params.npz");
    const Result again = glocal_command(scratch, "tune --resume " + whole, quietly);
    CHECK(again.code == 0);
    CHECK(has(again.out, "has come to its end"));
    CHECK(fs::last_write_time(whole + "/params.npz") == time);
  }

  TEST_CASE("resume: a run that was killed between its end and its report gets the report") {
    const Scratch scratch;
    const std::string run = scratch / "run", all = scratch / "all";
    REQUIRE(glocal_command(scratch, "tune " + small + "--out " + run, quietly).code == 0);
    REQUIRE(glocal_command(scratch, "compare --estimators local " + small + "--out " + all, quietly).code == 0);
    for (const std::string& folder : {run, all}) {
      const std::string page = read_file(folder + "/report.html");
      fs::remove(folder + "/report.html");
      const std::string command = folder == run ? "tune" : "compare";
      REQUIRE(glocal_command(scratch, command + " --resume " + folder, quietly).code == 0);
      CHECK(read_file(folder + "/report.html") == page);
    }
  }

  TEST_CASE("resume: what does not fit the run is refused with its name") {
    const Scratch scratch;
    const std::string run = scratch / "run";
    const auto refused = [&](const std::string& arguments, int code, const std::string& says) {
      const Result result = glocal_command(scratch, arguments, quietly);
      CAPTURE(result.error);
      CHECK(result.code == code);
      CHECK(has(result.error, says));
    };
    REQUIRE(stopped_at(scratch, "tune " + small + "--out " + run, 30).code == 130);
    refused("tune --resume " + run + " --lr 0.2", 2, "leave out --lr");
    refused("tune --resume " + run + " --out x", 2, "leave out --out");
    refused("train --resume " + run, 2, "is a run of glocal tune");
    refused("tune --resume " + (scratch / "nowhere"), 4, "nowhere");
    fs::create_directories(scratch / "empty");

    const std::string config = read_file(run + "/config.json");
    auto other = json_of(run + "/config.json");
    other["seed"] = 3;
    other["batch"] = 31;
    write_file_atomically(run + "/config.json", other.dump());
    refused("tune --quiet --resume " + run, 3, "seed 3 (the file: 2)");
    refused("tune --quiet --resume " + run, 3, "batch 31 (the file: 32)");
    write_file_atomically(run + "/config.json", config);

    SafeTensors file = load_safetensors(run + "/last.safetensors");
    const SafeTensors good = file;
    file.metadata["data_crc32"] = "00000000";
    save_safetensors(run + "/last.safetensors", file);
    refused("tune --quiet --resume " + run, 3, "data with CRC-32");
    file = good;
    file.tensors.erase("hyper/u");
    file.tensors["stranger"] = Tensor::scalar(1);
    save_safetensors(run + "/last.safetensors", file);
    refused("tune --quiet --resume " + run, 3, "hyper/u");
    refused("tune --quiet --resume " + run, 3, "stranger");
    std::string bytes = read_file(run + "/last.safetensors");
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    write_file_atomically(run + "/last.safetensors", bytes);
    refused("tune --quiet --resume " + run, 3, "last.safetensors");
    save_safetensors(run + "/last.safetensors", good);
    CHECK(glocal_command(scratch, "tune --quiet --threads 1 --resume " + run, quietly).code == 0);
  }

  TEST_CASE("resume: every truncation and every flipped byte of a run's checkpoint is refused") {
    const Scratch scratch;
    const std::string run = scratch / "run", path = run + "/last.safetensors";
    REQUIRE(stopped_at(scratch, "tune --hidden 4 --steps 40 --block 9 --quiet --out " + run, 30).code == 130);
    const std::string bytes = read_file(path);
    std::size_t silent = 0;
    const auto try_it = [&](const std::string& broken) {
      try {
        decode_safetensors(broken, path);
        ++silent;
      } catch (const DataError&) {
      }
    };
    for (std::size_t at = 0; at < bytes.size(); at += sanitized ? 7 : 1) {
      try_it(bytes.substr(0, at));
      std::string broken = bytes;
      broken[at] = static_cast<char>(broken[at] ^ (1 << (at % 8)));
      try_it(broken);
    }
    CHECK(silent == 0);
    const std::string metrics = read_file(run + "/metrics.jsonl");
    for (std::size_t at = 0; at < bytes.size();
         at += bytes.size() / 6) {  // the command itself: all in soak/save_faults
      std::string broken = bytes;
      broken[at] = static_cast<char>(broken[at] ^ 0x20);
      for (const std::string& damaged : {broken, bytes.substr(0, at)}) {
        write_file_atomically(path, damaged);
        CHECK(glocal_command(scratch, "tune --quiet --resume " + run, quietly).code == 3);
        CHECK(read_file(path) == damaged);
      }
    }
    CHECK(read_file(run + "/metrics.jsonl") == metrics);
  }

  TEST_CASE("resume: counts that a run does not write are refused before they are used") {
    const Scratch scratch;
    const std::string run = scratch / "run", path = run + "/last.safetensors";
    REQUIRE(stopped_at(scratch, "tune --estimator glocal " + small + "--out " + run, 60).code == 130);
    const SafeTensors good = load_safetensors(path);
    int asked = 0;
    const auto refused = [&](const char* where, const std::string& pointer, const nlohmann::json& value) {
      if (sanitized && asked++ % 4 != 0) return;
      CAPTURE(pointer);
      CAPTURE(value);
      SafeTensors file = good;
      auto json = nlohmann::json::parse(file.metadata.at(where));
      json[nlohmann::json::json_pointer(pointer)] = value;
      file.metadata[where] = json.dump();
      save_safetensors(path, file);
      const Result result = glocal_command(scratch, "tune --quiet --resume " + run, quietly);
      CHECK(result.code == 3);
      CHECK(has(result.error, "last.safetensors"));
    };
    for (const char* count : {"/t", "/T", "/updates", "/directions", "/particles", "/scores", "/block/t0", "/block/h",
                              "/block/trajectory", "/block/outers", "/block/squares/0"})
      for (const nlohmann::json& value : {nlohmann::json(1e300), nlohmann::json(0.5), nlohmann::json(-1),
                                          nlohmann::json(std::uint64_t{1} << 63), nlohmann::json("1")})
        if (value != 0.5 || std::string(count) == "/t") refused("progress", count, value);
    refused("progress", "/t", 1000);
    refused("progress", "/has_state", false);
    refused("progress", "/block/t0", 39);
    refused("progress", "/block/squares", nlohmann::json::array({1}));
    for (const char* key : {"/steps", "/updates", "/metrics_bytes", "/hparams_bytes"})
      for (const nlohmann::json& value : {nlohmann::json(1e300), nlohmann::json()}) refused("seen", key, value);
    refused("used", "/peak_bytes", -1e300);
    save_safetensors(path, good);
    auto meta = json_of(run + "/meta.json");
    const auto written = std::exchange(meta["predicted_bytes"], nullptr);
    write_file_atomically(run + "/meta.json", meta.dump());
    CHECK(has(glocal_command(scratch, "tune --quiet --resume " + run, quietly).error,
              "meta.json: predicted_bytes: expected a whole number of 64 bits, found null"));
    meta["predicted_bytes"] = written;
    write_file_atomically(run + "/meta.json", meta.dump());
    auto summary = json_of(run + "/summary.json");
    summary["status"] = "ok";
    summary.erase("error");
    summary["steps"] = 1e300;
    write_file_atomically(run + "/summary.json", summary.dump());
    CHECK(has(glocal_command(scratch, "tune --quiet --resume " + run, quietly).error,
              "summary.json: steps: expected 40 (steps of config.json), found 1e+300"));
  }

  TEST_CASE("resume: a second signal leaves the files whole") {
    const Scratch scratch;
    const std::string whole = scratch / "whole", run = scratch / "run";
    const std::string arguments = "train --hidden 32 --steps 12000 --batch 64 --threads 1 --seed 2 --quiet --out ";
    REQUIRE(glocal_command(scratch, arguments + whole, quietly).code == 0);
    // Both signals wait in a process that has stopped, and are handled one inside the other when it goes on.
    const std::string line = quietly + "'" GLOCAL_COMMAND_PATH "' " + arguments + run + " --save-every 0.01 2>'" +
                             (scratch / "error") + "' >/dev/null & pid=$!; until [ -s '" + run +
                             "/last.safetensors' ]; do kill -0 $pid || exit 1; sleep 0.01; done; kill -STOP $pid; "
                             "until grep -q '^State:.T' /proc/$pid/status; do kill -0 $pid || exit 1; done; "
                             "kill -INT $pid; kill -TERM $pid; kill -CONT $pid; wait $pid";
    const int status = std::system(line.c_str());
    REQUIRE(WIFEXITED(status));
    const bool left = WEXITSTATUS(status) == 130 || WEXITSTATUS(status) == 143;
    CHECK(left);
    CHECK(!fs::exists(run + "/summary.json"));
    CHECK_NOTHROW(load_safetensors(run + "/last.safetensors"));
    const std::string error = read_file(scratch / "error");
    CHECK(has(error, "in the middle of a long step"));
    REQUIRE(glocal_command(scratch, "train --quiet --resume " + run, quietly).code == 0);
    check_same(whole, run);
  }

  TEST_CASE("resume: a run or comparison that diverged says so again") {
    const Scratch scratch;
    const std::string diverging = " --lr 1e30 --hidden 8 --steps 40 --batch 32 --quiet --out ";
    for (const std::string command : {"train", "compare --estimators truncated --block 20"}) {
      INFO(command);
      const std::string name = command.substr(0, command.find(' ')), run = scratch / name;
      const Result first = glocal_command(scratch, command + diverging + run, quietly);
      REQUIRE(first.code == 5);
      const Result again = glocal_command(scratch, name + " --quiet --resume " + run, quietly);
      CHECK(again.code == 5);
      CHECK(again.error == first.error);
      const nlohmann::json summary = json_of(run + "/summary.json");
      CHECK(has(first.error, summary["error"].get<std::string>()));
    }
    write_file_atomically(scratch / "compare/summary.json", R"({"status": "diverged", "table": []})");
    const Result damaged = glocal_command(scratch, "compare --quiet --resume " + (scratch / "compare"), quietly);
    CHECK(damaged.code == 3);
    CHECK(has(damaged.error, "summary.json has status diverged and no error"));
  }

  TEST_CASE("resume: a checkpoint holds the parameters under their names and the block in progress") {
    const Scratch scratch;
    const std::string run = scratch / "run";
    REQUIRE(stopped_at(scratch, "tune --estimator glocal " + small + "--out " + run, 70).code == 130);
    const SafeTensors file = load_safetensors(run + "/last.safetensors");
    for (const auto& [name, parameter] : load_npz(run + "/params.npz")) {
      REQUIRE(file.tensors.contains("param/" + name));
      CHECK(same_bits(file.tensors.at("param/" + name), parameter));
    }
    const auto progress = nlohmann::json::parse(file.metadata.at("progress"));
    const std::int64_t t = progress["t"], t0 = progress["block"]["t0"];
    CHECK(t == json_of(run + "/summary.json")["steps"]);
    REQUIRE(t > t0);
    CHECK(file.tensors.at("block/trajectory").size() == 2 * (t - t0));
    CHECK(file.tensors.at("block/outers").size() == t - t0);
    CHECK(file.tensors.at("hyper/u").size() == 2);
    CHECK(file.tensors.at("tangent/param/layers.0.weight").dim(0) == 2);
  }

  TEST_CASE("resume: a checkpoint says what it was made from and opens in Python") {
    const Scratch scratch;
    const std::string run = scratch / "run";
    const std::string arguments = "tune --estimator glocal --optimizer nesterov --threads 1 " + small;
    REQUIRE(stopped_at(scratch, arguments + "--out " + run, 70).code == 130);
    const SafeTensors file = load_safetensors(run + "/last.safetensors");
    const auto machine = nlohmann::json::parse(file.metadata.at("machine"));
    for (const char* key : {"version", "compiler", "build_type", "flags", "blas", "instruction_set", "threads", "cpu"})
      CHECK(machine.contains(key));
    CHECK(machine["threads"] == 1);
    CHECK(file.metadata.at("seed") == "2");
    CHECK(nlohmann::json::parse(file.metadata.at("config"))["batch"] == 32);
    CHECK(nlohmann::json::parse(file.metadata.at("seen"))["metrics_bytes"] == fs::file_size(run + "/metrics.jsonl"));
    CHECK(file.tensors.contains("meta/m"));
    CHECK(file.tensors.contains("optimizer/0"));

    if (std::system("python3 -c '' 2>/dev/null") != 0) {
      fmt::print("[skipped] Python is not installed\n");
      return;
    }
    for (const std::string name : {"/last.safetensors", "/best.safetensors", "/model.safetensors"}) {
      if (!fs::exists(run + name)) continue;
      const SafeTensors ours = load_safetensors(run + name);
      const std::string printed = scratch / "printed";
      const std::string line =
          "python3 " GLOCAL_SOURCE_DIR "/tests/safetensors/read.py '" + run + name + "' >'" + printed + "'";
      REQUIRE(std::system(line.c_str()) == 0);
      const auto theirs = json_of(printed);
      REQUIRE(theirs["tensors"].size() == ours.tensors.size());
      for (const auto& [tensor_name, tensor] : ours.tensors) {
        CAPTURE(tensor_name);
        const auto& read = theirs["tensors"].at(tensor_name);
        REQUIRE(read["values"].size() == static_cast<std::size_t>(tensor.size()));
        CHECK(read["shape"].size() == static_cast<std::size_t>(tensor.rank()));
        bool same = true;
        for (std::int64_t i = 0; i < tensor.size(); ++i)
          same = same && read["values"].at(static_cast<std::size_t>(i)) == tensor.at(i);
        CHECK(same);
      }
      for (const auto& [key, text] : ours.metadata) CHECK(theirs["metadata"].at(key) == text);
    }
  }
}
