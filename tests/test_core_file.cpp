#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include <glocal/core/error.h>
#include <glocal/core/io/file.h>

#include "scratch.h"

using namespace glocal;
namespace fs = std::filesystem;

namespace {

struct Folder : Scratch {
  auto entries() const { return std::distance(fs::directory_iterator(path), fs::directory_iterator()); }
};

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("a test's folder is its own and empty, though a killed test of the same number left one") {
    const Folder first, second;
    CHECK(first.path != second.path);
    CHECK(first.entries() == 0);
  }

  TEST_CASE("file: what is written is read back, and replaces what was there") {
    const Folder folder;
    const std::string path = folder / "a.bin", every_byte = [] {
      std::string s;
      for (int i = 0; i < 100000; ++i) s.push_back(static_cast<char>(i * 7));
      return s;
    }();
    write_file_atomically(path, "");
    CHECK(read_file(path).empty());
    write_file_atomically(path, every_byte);
    CHECK(read_file(path) == every_byte);
    CHECK(folder.entries() == 1);
    const fs::path here = fs::current_path();
    fs::current_path(folder.path);
    write_file_atomically("relative", "x");
    fs::current_path(here);
    CHECK(read_file(folder / "relative") == "x");
  }

  TEST_CASE("file: new files follow the umask") {
    const Folder folder;
    const mode_t before = ::umask(027);
    write_file_atomically(folder / "a", "x");
    ::umask(before);
    CHECK(fs::status(folder / "a").permissions() == fs::perms(0640));
  }

  TEST_CASE("file: a file above the limit is refused before it is read") {
    const Folder folder;
    std::ofstream(folder / "sparse").put('x');
    fs::resize_file(folder / "sparse", std::uintmax_t{1} << 40);
    CHECK_THROWS_WITH_AS(read_file(folder / "sparse"), doctest::Contains("1099511627776 bytes"), DataError);
    write_file_atomically(folder / "ten", "0123456789");
    CHECK(read_file(folder / "ten", 10).size() == 10);
    CHECK_THROWS_AS(read_file(folder / "ten", 9), DataError);
  }

  TEST_CASE("file: missing files, folders and pipes are IoErrors that name the path") {
    const Folder folder;
    CHECK_THROWS_WITH_AS(read_file(folder / "none"), doctest::Contains("none: No such file"), IoError);
    CHECK_THROWS_WITH_AS(read_file(folder.path.string()), doctest::Contains("not a regular file"), IoError);
    REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
    CHECK_THROWS_AS(read_file(folder / "pipe"), IoError);  // and does not wait for a writer
  }

  TEST_CASE("file: a failed write leaves the old file and nothing else") {
    const Folder folder;
    fs::create_directory(folder / "target");
    std::ofstream(folder / "target/keep") << "kept";
    CHECK_THROWS_WITH_AS(write_file_atomically(folder / "target", "x"), doctest::Contains("cannot replace"), IoError);
    CHECK(folder.entries() == 1);
    CHECK(read_file(folder / "target/keep") == "kept");
    CHECK_THROWS_WITH_AS(write_file_atomically(folder / "no/such/a", "x"), doctest::Contains("cannot create"), IoError);
  }

  TEST_CASE("file: a write cut short leaves the old file and no temporary one") {
    const Folder folder;
    write_file_atomically(folder / "a", "old");
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{1000, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
    CHECK_THROWS_WITH_AS(write_file_atomically(folder / "a", std::string(5000, 'x')), doctest::Contains("cannot write"),
                         IoError);
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    CHECK(read_file(folder / "a") == "old");
    CHECK(folder.entries() == 1);
  }

  TEST_CASE("file: a check that refuses the new file keeps the old one") {
    const Folder folder;
    write_file_atomically(folder / "a", "old");
    std::string seen;
    const auto refuse = [&](const std::string& temporary) {
      seen = read_file(temporary);
      throw DataError("refused");
    };
    CHECK_THROWS_WITH_AS(write_file_atomically(folder / "a", "new", refuse), "refused", DataError);
    CHECK(seen == "new");
    CHECK(read_file(folder / "a") == "old");
    CHECK(folder.entries() == 1);
    write_file_atomically(folder / "a", "new",
                          [&](const std::string& temporary) { CHECK(read_file(temporary) == "new"); });
    CHECK(read_file(folder / "a") == "new");
  }

  TEST_CASE("file: a file that changed between writing and reading back is noticed") {
    const Folder folder;
    const std::string bytes((std::size_t{2} << 20) + 17, 'x');
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1} << 20, bytes.size()}) {
      const std::string_view part = std::string_view(bytes).substr(0, size);
      write_file_atomically(folder / "a", part, [&](const std::string& path) { check_written(path, part); });
      for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
        if (size == 0) continue;
        std::string other(part);
        other[at] = 'y';
        CHECK_THROWS_WITH_AS(check_written(folder / "a", other), doctest::Contains("failing"), IoError);
      }
      CHECK_THROWS_AS(check_written(folder / "a", std::string(part) + "x"), IoError);
      if (size > 0) CHECK_THROWS_AS(check_written(folder / "a", part.substr(1)), IoError);
    }
    CHECK_THROWS_AS(check_written(folder / "none", ""), IoError);
  }

  TEST_CASE("file: temporary files of dead processes are removed, and nothing else") {
    const Folder folder;
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    REQUIRE(::waitpid(child, nullptr, 0) == child);  // its number is nobody's now
    const std::string of_child = fmt::format("a.tmp.{}.0", child), of_parent = fmt::format("a.tmp.{}.0", ::getppid());
    for (const std::string& name : {of_child, of_parent, fmt::format("b.tmp.{}.77", ::getpid()), std::string("a"),
                                    std::string("a.tmp"), std::string("a.tmp.1"), std::string(".tmp.999999999.1")})
      std::ofstream(folder / name) << "x";
    remove_stale_temporaries(folder.path.string());
    CHECK_FALSE(fs::exists(folder / of_child));
    CHECK_FALSE(fs::exists(folder / fmt::format("b.tmp.{}.77", ::getpid())));
    CHECK(fs::exists(folder / of_parent));  // a process that lives
    CHECK(folder.entries() == 5);
    CHECK_THROWS_AS(remove_stale_temporaries(folder / "none"), IoError);
    for (const char* name : {"a.tmp.1.2", "x.json.tmp.33.0"}) CHECK(is_temporary_name(name));
    for (const char* name : {"", "a", "a.tmp", "a.tmp.1", "a.tmp.1.", "a.tmp..1", "a.tmp.x.1", "a.1.2", ".tmp.1.2"})
      CHECK_FALSE(is_temporary_name(name));
  }

  TEST_CASE("file: a temporary file that a killed process of the same number left is in nobody's way") {
    const Folder folder;
    for (int i = 0; i < 64; ++i) std::ofstream(folder / fmt::format("a.tmp.{}.{}", ::getpid(), i)) << "left";
    for (int i = 0; i < 3; ++i) write_file_atomically(folder / "a", fmt::format("{}", i));
    CHECK(read_file(folder / "a") == "2");
    CHECK(folder.entries() == 65);
  }
}
