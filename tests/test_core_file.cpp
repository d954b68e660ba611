#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include <glocal/core/error.h>
#include <glocal/core/file.h>

using namespace glocal;
namespace fs = std::filesystem;

namespace {

struct Folder {  // a fresh folder, removed at the end
  fs::path path = fs::temp_directory_path() / fmt::format("glocal_file_test_{}", ::getpid());
  Folder() { fs::remove_all(path), fs::create_directory(path); }
  ~Folder() { fs::remove_all(path); }
  std::string operator/(const std::string& name) const { return (path / name).string(); }
  auto entries() const { return std::distance(fs::directory_iterator(path), fs::directory_iterator()); }
};

}  // namespace

TEST_SUITE("fast") {
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
}
