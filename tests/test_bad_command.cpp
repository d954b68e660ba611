// The command `glocal` on bad files and arguments: its exit code, one line of words, nothing written, at most 2 s and
// 64 MiB and three times the file above what it needs to say its version.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <glocal/core/io/file.h>
#include <glocal/core/io/npy.h>
#include <glocal/core/memory.h>
#include <glocal/core/text/printable.h>

#include "data_files.h"
#include "sanitized.h"
#include "scratch.h"

using namespace data_files;
using namespace glocal;
namespace fs = std::filesystem;

namespace {

struct Result {
  int code = -1;
  double seconds = 0;  // of the processor, which a busy machine does not change
  long peak_kib = 0;
  std::string out, error;
};

// Runs `glocal` in `folder`/work, an empty folder that it must leave empty.
Result run(const Scratch& folder, std::vector<std::string> arguments) {
  const fs::path work = folder.path / "work";
  fs::create_directories(work);
  const std::string out = (folder.path / "stdout").string(), error = (folder.path / "stderr").string();
  arguments.insert(arguments.begin(), "glocal");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  release_cached_memory();  // a child's peak begins at what its parent holds
  ::malloc_trim(0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const int to = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int to_error = ::open(error.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (::chdir(work.c_str()) == 0 && ::dup2(to, 1) >= 0 && ::dup2(to_error, 2) >= 0)
      ::execv(GLOCAL_COMMAND_PATH, argv.data());
    ::_exit(99);
  }
  int status = 0;
  rusage use{};
  REQUIRE(::wait4(child, &status, 0, &use) == child);
  const auto seconds = [](const timeval& time) { return double(time.tv_sec) + 1e-6 * double(time.tv_usec); };
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, seconds(use.ru_utime) + seconds(use.ru_stime), use.ru_maxrss,
          read_file(out), read_file(error)};
}

long plain_peak_kib() {
  static const long peak = [] {
    const Scratch folder;
    return run(folder, {"--version"}).peak_kib;
  }();
  return peak;
}

void check_refused(const Scratch& folder, const std::vector<std::string>& arguments, int code, const std::string& words,
                   std::size_t file_bytes = 0) {
  std::string line;
  for (const std::string& argument : arguments) line += " " + printable(argument.substr(0, 60));
  CAPTURE(line);
  const Result result = run(folder, arguments);
  CAPTURE(result.error.substr(0, 500));
  CHECK(result.code == code);
  CHECK(result.error.starts_with("glocal: error: "));
  CHECK(contains(result.error, words));
  CHECK(std::count(result.error.begin(), result.error.end(), '\n') == 1);
  CHECK(printable(result.error, /*keep_lines=*/true) == result.error);
  CHECK(result.out.empty());
  CHECK(fs::is_empty(folder.path / "work"));
  if (!sanitized) {  // they take time and memory of their own
    CHECK(result.seconds < 2);
    CHECK(result.peak_kib - plain_peak_kib() <= 64 * 1024 + 3 * static_cast<long>(file_bytes / 1024));
  }
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("bad command: files that are none are exit code 3 or 4 and one line") {
    const Scratch folder;
    const std::string pipe = (folder.path / "pipe").string(), here = folder.path.string();
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const std::string page = folder.write("page", "<html>403</html>"), empty = folder.write("empty", "");
    for (const std::vector<std::string>& before : std::vector<std::vector<std::string>>{
             {"dmd"}, {"tune", "--config"}, {"train", "--config"}, {"compare", "--config"}}) {
      const auto with = [&](const std::string& path) {
        std::vector<std::string> all = before;
        all.push_back(path);
        return all;
      };
      check_refused(folder, with(pipe), 4, "is not a regular file");
      check_refused(folder, with("/dev/zero"), 4, "is not a regular file");
      check_refused(folder, with(here), 4, "is not a regular file");
      check_refused(folder, with(here + "/none"), 4, "No such file");
      check_refused(folder, with(page), 3, page);
      check_refused(folder, with(empty), 3, empty);
    }
    for (const std::string verb : {"show", "report"}) {
      check_refused(folder, {"runs", verb, here}, 3, "is missing");
      check_refused(folder, {"runs", verb, pipe}, 3, "is missing");
    }
    check_refused(folder, {"runs", "list", pipe}, 3, "there is no folder");
    check_refused(folder, {"train", "--dataset", "mnist", "--data-dir", page}, 3, "expected a folder, found a file");
    for (const std::string ending : {".npy", ".npz"})
      check_refused(folder, {"dmd", folder.write("page" + ending, "<html>")}, 3, "page" + ending);
  }

  TEST_CASE("bad command: data sets that lie are exit code 3 and one line") {
    const Scratch folder;
    std::size_t bytes = 0;
    const auto put = [&](const char* kind, const std::string& content) {
      for (const char* part : {"train", "t10k"}) folder.write(std::string("set/") + part + kind, content);
      bytes = std::max(bytes, content.size());
    };
    const auto images = [&](const std::string& content) { put("-images-idx3-ubyte", content); };
    const auto labels = [&](const std::string& content) { put("-labels-idx1-ubyte", content); };
    const auto refused = [&](const std::string& words) {
      check_refused(folder, {"data", "info", "mnist", "--data-dir", (folder.path / "set").string()}, 3, words, bytes);
    };
    labels(idx({60000}, std::string(60000, '\0')));
    images("<html>");
    refused("web page");
    images(idx({0xffffffffu, 28, 28}, "x"));
    refused("sizes: expected at most");
    images(gzip(idx({60001, 28, 28}, std::string(60001 * 784, '\0'))));
    refused("sizes: expected at most 47040000");
    const auto cut = [](std::string packed) { return packed.substr(0, packed.size() - 50); };
    images(cut(gzip(idx({60000, 28, 28}, std::string(60000 * 784, '\0')))));
    bytes = 47040016;  // the official size, which the header gives
    refused("truncated");
    images(idx({60000, 28, 28}, std::string(60000 * 784, '\0')));
    labels(idx({59999}, std::string(59999, '\0')));
    refused("found 60000 images and 59999 labels");
    labels(idx({60000}, std::string(60000, '\x0a')));
    refused("label of image 0: expected 0..9, found 10");
    std::string batch(3074 * 10, '\0');
    for (const char* file : {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                             "data_batch_5.bin", "test_batch.bin"})
      folder.write(std::string("cifar/") + file, batch);
    check_refused(folder, {"data", "info", "cifar10", "--data-dir", (folder.path / "cifar").string()}, 3,
                  "this is the length of a CIFAR-100 file", batch.size());
  }

  TEST_CASE("bad command: text from files reaches no terminal as it is") {
    const Scratch folder;
    const std::string evil = "\x1b]0;title\x07\x1b[2J\xff";
    check_refused(folder, {"dmd", folder.write("table.csv", "1\n2\n" + evil + "\n")}, 3, "\\x1b]0");
    check_refused(folder, {"tune", "--config", folder.write("c.json", "{\"\\u001b[2J\":1}")}, 2, "\\x1b[2J");
    check_refused(folder, {"tune", "--policy", evil}, 2, "\\x1b]0;");
    check_refused(folder, {evil}, 2, "\\x1b]0;");
    check_refused(folder, {"dmd", evil}, 4, "\\x1b]0;");
    const std::string arrays = encode_npz({{"a" + evil, Tensor::ones({3})}, {"b", Tensor::ones({3})}});
    check_refused(folder, {"dmd", folder.write("two.npz", arrays)}, 3, "a\\x1b]0;");

    folder.write("runs/one/config.json",
                 R"({"command":"\u001b[2J\n\u0007\u009b31m","model":"../x","dataset":"\u202e"})");
    folder.write("runs/one/meta.json", "{}");
    folder.write("runs/one/summary.json", R"({"status":"ok","values":{"\u001b[0m":1}})");
    for (const std::vector<std::string>& arguments :
         std::vector<std::vector<std::string>>{{"runs", "list", (folder.path / "runs").string()},
                                               {"runs", "show", (folder.path / "runs/one").string()}}) {
      const Result result = run(folder, arguments);
      CHECK(result.code == 0);
      CHECK(contains(result.out, "\\x1b[2J"));
      CHECK(printable(result.out, /*keep_lines=*/true) == result.out);
    }
  }

  TEST_CASE("bad command: files that ask for too much are refused in time and memory") {
    const Scratch folder;
    std::string deep(100000, '['), wide = "{\"a\":[";
    for (int i = 0; i < 300000; ++i) wide += "[],";
    check_refused(folder, {"tune", "--config", folder.write("deep.json", deep)}, 3, "64 levels");
    check_refused(folder, {"tune", "--config", folder.write("wide.json", wide)}, 3, "262144 lists", wide.size());
    folder.write("run/config.json", deep);
    check_refused(folder, {"runs", "show", (folder.path / "run").string()}, 3, "64 levels");
    save_npz((folder.path / "bomb.npz").string(), {{"x", Tensor::zeros({std::int64_t{20} << 20})}}, true);
    check_refused(folder, {"dmd", (folder.path / "bomb.npz").string()}, 3, "unpacked bytes");
    std::string row = "1";
    for (int i = 1; i < 1000000; ++i) row += ",1";
    check_refused(folder, {"dmd", folder.write("wide.csv", row + "\n" + row + "\n")}, 3, "2 snapshots", 2 * row.size());
    check_refused(folder, {"dmd", folder.write("long.csv", std::string(20 << 20, 'x'))}, 3, "no numbers", 20 << 20);
    check_refused(folder, {"tune", "--steps", std::string(100000, '9')}, 2, "steps");
    check_refused(folder, {"tune", "--set", std::string(100000, '=')}, 2, "--set");
    check_refused(folder, {"tune", "--set", "lr"}, 2, "--set");
    check_refused(folder, {"tune", "--tune", std::string(100000, ',')}, 2, "");
  }

  TEST_CASE("bad command: a comparison cannot point out of its folder") {
    const Scratch folder;
    folder.write("run/config.json", "{}");
    folder.write("run/meta.json", "{}");
    folder.write("run/summary.json", R"({"table":[],"rows":[{"status":"ok","estimator":"../../x","seed":0}]})");
    check_refused(folder, {"runs", "report", (folder.path / "run").string()}, 3, "the name of an estimator");
    CHECK(!fs::exists(folder.path / "run/report.html"));
  }
}
