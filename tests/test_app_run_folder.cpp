#include <glocal/app/record/run_folder.h>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "data_files.h"
#include "scratch.h"

#include <glocal/core/io/file.h>

using namespace glocal;
using namespace glocal::app;
using data_files::contains;
namespace fs = std::filesystem;

namespace {

RunFolder started(const fs::path& path, bool force = false) {
  const RunFolder folder = RunFolder::plan(path.string(), "x", force);
  folder.create();
  folder.write("config.json", {{"a", 1}});
  return folder;
}

// Another process: does `work`, says so, and waits to be killed.
class Other {
 public:
  template <class Work>
  explicit Other(Work work) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    number_ = ::fork();
    if (number_ == 0) {
      work();
      if (::write(ends[1], "x", 1) == 1) ::pause();
      ::_exit(1);
    }
    char byte = 0;
    REQUIRE(::read(ends[0], &byte, 1) == 1);
    ::close(ends[0]);
    ::close(ends[1]);
  }
  ~Other() { kill(); }
  Other(const Other&) = delete;
  Other& operator=(const Other&) = delete;
  pid_t number() const { return number_; }
  void kill() {
    if (number_ < 0) return;
    ::kill(number_, SIGKILL);
    ::waitpid(number_, nullptr, 0);
    number_ = -1;
  }

 private:
  pid_t number_ = -1;
};

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("run folder: a second run in the same folder is refused and names the first") {
    const Scratch folder;
    const fs::path path = folder.path / "run";
    {
      const RunFolder first = started(path);
      const RunFolder copy = first;
      const std::string message = message_of<ValueError>([&] { started(path, true); });
      CHECK(contains(message, fmt::format("in use by process {} on ", ::getpid())));
      CHECK_THROWS_AS(RunFolder::reopen(path.string()), ValueError);
      CHECK(fs::exists(path / "config.json"));
    }
    CHECK_FALSE(fs::exists(path / ".lock"));
    started(path, true);
    RunFolder::reopen(path.string());
    CHECK_FALSE(fs::exists(path / ".lock"));
  }

  TEST_CASE("run folder: no lock outlives a process that was killed") {
    const Scratch folder;
    const fs::path path = folder.path / "run";
    Other other([&] {
      const RunFolder held = started(path);
      new RunFolder(held);  // never released by its destructor
    });
    const std::string left = fmt::format("last.safetensors.tmp.{}.3", other.number());
    std::ofstream(path / left) << "half";
    const std::string message = message_of<ValueError>([&] { RunFolder::reopen(path.string()); });
    CHECK(contains(message, fmt::format("process {} on ", other.number())));
    CHECK(fs::exists(path / left));
    other.kill();
    CHECK(fs::exists(path / ".lock"));
    RunFolder::reopen(path.string());
    CHECK_FALSE(fs::exists(path / left));  // its half-written file goes with it
    CHECK(fs::exists(path / "config.json"));
    started(path, true);
  }

  TEST_CASE("run folder: programs that a run starts do not inherit its lock") {
    const Scratch folder;
    const fs::path path = folder.path / "run";
    pid_t sleeper = 0;
    {
      const RunFolder held = started(path);
      sleeper = ::fork();
      if (sleeper == 0) {
        ::execlp("sleep", "sleep", "30", nullptr);
        ::_exit(1);
      }
      const std::string name = fmt::format("/proc/{}/comm", sleeper);  // until it is another program
      std::string comm;
      while (comm != "sleep") std::getline(std::ifstream(name), comm);
    }
    CHECK_NOTHROW(RunFolder::reopen(path.string()));
    ::kill(sleeper, SIGKILL);
    ::waitpid(sleeper, nullptr, 0);
  }

  TEST_CASE("run folder: what a run killed at its start leaves is not in the way") {
    const Scratch folder;
    const fs::path path = folder.path / "run";
    fs::create_directory(path);
    std::ofstream(path / ".lock") << "process 1 on nowhere\n";
    std::ofstream(path / "config.json.tmp.999999999.0") << "{";
    started(path);
    CHECK_FALSE(fs::exists(path / "config.json.tmp.999999999.0"));
  }

  TEST_CASE("run folder: a run that came and ended since plan is not overwritten") {
    const Scratch folder;
    const std::string path = (folder.path / "run").string();
    const RunFolder planned = RunFolder::plan(path, "x", false);
    started(path);
    CHECK_THROWS_AS(planned.create(), ValueError);
    CHECK(fs::exists(fs::path(path) / "config.json"));
  }

  TEST_CASE("run folder: only a folder with config.json is reopened, and keeps its files") {
    const Scratch folder;
    CHECK_THROWS_AS(RunFolder::reopen((folder.path / "none").string()), ValueError);
    fs::create_directory(folder.path / "other");
    CHECK_THROWS_AS(RunFolder::reopen((folder.path / "other").string()), ValueError);
    CHECK(fs::is_empty(folder.path / "other"));
    const fs::path path = folder.path / "run";
    started(path);
    for (const char* name : {"last.safetensors", "best.safetensors", "model.safetensors", "metrics.jsonl"})
      std::ofstream(path / name) << "x";
    RunFolder::reopen(path.string());
    CHECK(fs::exists(path / "last.safetensors"));
    started(path, true);
    CHECK(std::distance(fs::directory_iterator(path), {}) == 1);  // config.json
  }

  TEST_CASE("run folder: lines go on where a checkpoint says and forget what came later") {
    const Scratch folder;
    const RunFolder run = started(folder.path / "run");
    std::int64_t length = 0;
    {
      JsonLines lines = run.lines("m.jsonl");
      CHECK(lines.length() == 0);
      lines.append({{"a", 1}});
      lines.append({{"b", "\u20ac"}});
      length = lines.length();
      lines.sync();
      lines.append({{"c", 3}});
    }
    const std::string path = (run.path() / "m.jsonl").string(), whole = read_file(path);
    {
      JsonLines lines = run.lines("m.jsonl", length);
      CHECK(lines.length() == length);
      lines.append({{"c", 3}});
    }
    CHECK(read_file(path) == whole);
    run.lines("m.jsonl", length);
    CHECK(read_file(path) == whole.substr(0, static_cast<std::size_t>(length)));
    CHECK_THROWS_AS(run.lines("m.jsonl", length + 1), DataError);
    CHECK_THROWS_AS(run.lines("m.jsonl", length - 1), DataError);
    CHECK_THROWS_AS(run.lines("m.jsonl", -1), DataError);
    CHECK_THROWS_AS(run.lines("none.jsonl", 0), IoError);
    CHECK(read_file(path).size() == static_cast<std::size_t>(length));
    run.lines("m.jsonl", 0);
    CHECK(read_file(path).empty());
  }

  TEST_CASE("run folder: a line that finds no room leaves the lines before it whole") {
    const Scratch folder;
    const RunFolder run = started(folder.path / "run");
    JsonLines lines = run.lines("m.jsonl");
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{1000, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
    int whole = 0;
    std::string message;
    try {
      for (; whole < 100; ++whole) lines.append({{"text", std::string(90, 'x')}});
    } catch (const IoError& error) {
      message = error.what();
    }
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    CHECK(contains(message, "cannot write"));
    CHECK(whole == 9);
    const std::string text = read_file((run.path() / "m.jsonl").string());
    CHECK(std::count(text.begin(), text.end(), '\n') == whole);
    CHECK(text.ends_with("\n"));
    lines.append({{"more", 1}});
    CHECK(read_file((run.path() / "m.jsonl").string()) == text + "{\"more\":1}\n");
  }
}
