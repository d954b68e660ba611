#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <glocal/datasets/digest.h>
#include <glocal/datasets/registry.h>

#include "data_files.h"
#include "scratch.h"

using namespace data_files;
using namespace glocal::datasets;
namespace fs = std::filesystem;

namespace {

const std::string script = std::string(GLOCAL_SOURCE_DIR) + "/datasets/fetch.cmake";

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Run {
  int code = 0;
  std::string output;
};

Run cmake(const std::string& arguments) {
  FILE* pipe = popen(("cmake " + arguments + " -P " + script + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  Run run;
  std::array<char, 4096> buffer;
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe))
    run.output.append(buffer.data(), got);
  run.code = pclose(pipe);
  return run;
}

const std::string payload(100000, 'p');

// A dataset "tiny" of one file, whose mirrors are folders of this machine.
struct Tiny {
  Scratch folder;
  fs::path target = folder.path / "out" / "tiny" / "a.gz";

  explicit Tiny(const std::string& mirrors) {
    std::string urls;
    for (std::size_t at = 0; at < mirrors.size(); at += 2)
      urls += " \"file://" + (folder.path / mirrors.substr(at, 1)).string() + "/\"";
    folder.write("table.cmake", "set(licence \"MIT\")\nset(mirrors" + urls + ")\nset(archives \"a.gz|" +
                                    std::to_string(payload.size()) + "|" + sha256(payload) + "\")\n");
  }
  Run fetch(const std::string& more = "") const {
    return cmake("-DDATASET=tiny -DTABLE=" + (folder.path / "table.cmake").string() +
                 " -DDESTINATION=" + (folder.path / "out").string() + " " + more);
  }
};

}  // namespace

TEST_SUITE("data") {
  TEST_CASE("fetch: the script and the registry hold the same table") {
    const std::string text = read(script);
    for (const SetInfo& set : data_sets().entries()) {
      for (const Archive& archive : set.archives)
        CHECK_MESSAGE(contains(text, archive.name + "|" + std::to_string(archive.bytes) + "|" + archive.sha256),
                      set.name, " ", archive.name);
      for (const std::string& mirror : set.mirrors) CHECK_MESSAGE(contains(text, '"' + mirror + '"'), mirror);
      if (!set.archives.empty()) CHECK(contains(text, "\"" + set.name + "\""));
    }
  }

  TEST_CASE("fetch: a file arrives and a second run leaves it alone") {
    const Tiny tiny("m");
    tiny.folder.write("m/a.gz", payload);
    const Run first = tiny.fetch();
    CHECK_MESSAGE(first.code == 0, first.output);
    CHECK((read(tiny.target) == payload));
    CHECK(!fs::exists(tiny.target.string() + ".part"));
    CHECK(contains(first.output, "licence MIT"));
    CHECK(contains(tiny.fetch().output, "already there"));
  }

  TEST_CASE("fetch: a missing or wrong mirror is passed over and the wrong file deleted") {
    const Tiny tiny("a,b,c,d");
    tiny.folder.write("b/a.gz", payload.substr(1));
    tiny.folder.write("c/a.gz", payload.substr(1) + "q");
    tiny.folder.write("d/a.gz", payload);
    const Run run = tiny.fetch();
    CHECK_MESSAGE(run.code == 0, run.output);
    CHECK(contains(run.output, "expected 100000 bytes, found 99999"));
    CHECK(contains(run.output, "expected SHA-256 " + sha256(payload)));
    CHECK((read(tiny.target) == payload));
  }

  TEST_CASE("fetch: when every mirror fails nothing is left and every reason is given") {
    const Tiny tiny("a,b");
    tiny.folder.write("b/a.gz", "<html>moved</html>");
    const Run run = tiny.fetch();
    CHECK(run.code != 0);
    CHECK(contains(run.output, "could not be fetched"));
    CHECK(contains(run.output, "a/a.gz"));
    CHECK(contains(run.output, "found 18"));
    CHECK(fs::is_empty(tiny.target.parent_path()));
  }

  TEST_CASE("fetch: a broken-off download is continued and a corrupt one replaced") {
    const Tiny tiny("m");
    tiny.folder.write("m/a.gz", payload);
    tiny.folder.write("out/tiny/a.gz.part", payload.substr(0, 60000));
    const Run run = tiny.fetch();
    CHECK_MESSAGE(run.code == 0, run.output);
    CHECK((read(tiny.target) == payload));
    std::ofstream(tiny.target, std::ios::binary) << payload.substr(0, 99999) << "x";
    CHECK(tiny.fetch().code == 0);
    CHECK((read(tiny.target) == payload));
  }

  TEST_CASE("fetch: MIRROR comes first and an unknown name is refused") {
    const Tiny tiny("none");
    tiny.folder.write("mine/a.gz", payload);
    const Run run = tiny.fetch("-DMIRROR=file://" + (tiny.folder.path / "mine").string());
    CHECK_MESSAGE(run.code == 0, run.output);
    CHECK((read(tiny.target) == payload));
    const Run unknown = cmake("-DDATASET=mnits");
    CHECK(unknown.code != 0);
    CHECK(contains(unknown.output, "mnist, fashion-mnist, kmnist, cifar10, cifar100"));
  }

  TEST_CASE("fetch: an archive is unpacked whole") {
    const Scratch folder;
    folder.write("m/cifar/test_batch.bin", "data");
    const std::string tar = (folder.path / "m" / "c.tar.gz").string();
    REQUIRE(std::system(("cd " + (folder.path / "m").string() + " && cmake -E tar czf " + tar + " cifar").c_str()) ==
            0);
    const std::string bytes = read(tar);
    folder.write("table.cmake", "set(licence none)\nset(folder cifar)\nset(mirrors \"file://" +
                                    (folder.path / "m").string() + "/\")\nset(archives \"c.tar.gz|" +
                                    std::to_string(bytes.size()) + "|" + sha256(bytes) + "\")\n");
    const std::string arguments = "-DDATASET=tiny -DTABLE=" + (folder.path / "table.cmake").string() +
                                  " -DDESTINATION=" + (folder.path / "out").string();
    const Run run = cmake(arguments);
    CHECK_MESSAGE(run.code == 0, run.output);
    CHECK(read(folder.path / "out" / "cifar" / "test_batch.bin") == "data");
    CHECK(std::distance(fs::directory_iterator(folder.path / "out"), fs::directory_iterator()) == 1);
    CHECK(contains(cmake(arguments).output, "already unpacked"));
  }
}
