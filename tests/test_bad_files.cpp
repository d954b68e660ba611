// What is no data at all, and what lies: every reader answers with the same kind of error, within 2 s and within
// 64 MiB and three times the file. Seeds with every truncation and flip are in test_bad_corpus.
#include <doctest/doctest.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <glocal/app/dmd/series_file.h>
#include <glocal/app/dmd/series_text.h>
#include <glocal/app/record/read_run.h>
#include <glocal/app/reproduce/bank.h>
#include <glocal/app/settings/config.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/options.h>
#include <glocal/core/io/npy.h>
#include <glocal/core/io/safetensors.h>
#include <glocal/core/memory.h>
#include <glocal/core/text/printable.h>
#include <glocal/datasets/own/npz.h>
#include <glocal/datasets/readers/cifar.h>
#include <glocal/datasets/readers/gzip.h>
#include <glocal/datasets/readers/idx.h>
#include <glocal/datasets/readers/mat.h>
#include <glocal/datasets/readers/payload.h>
#include <glocal/datasets/readers/picture.h>

#include "data_files.h"
#include "sanitized.h"
#include "scratch.h"

using namespace data_files;
using namespace glocal;
using datasets::CifarLabels;
namespace fs = std::filesystem;

namespace {

using Read = std::function<void(const std::string& path)>;

// Every reader of a file. Some of them look at the ending of the name first.
const std::vector<std::pair<std::string, Read>> readers = {
    {"idx", [](const std::string& path) { datasets::read_idx(path, 3); }},
    {"cifar10", [](const std::string& path) { datasets::read_cifar(path, CifarLabels::cifar10); }},
    {"cifar100", [](const std::string& path) { datasets::read_cifar(path, CifarLabels::cifar100_fine); }},
    {"own npz", [](const std::string& path) { datasets::read_npz_data(path, {}); }},
    {"picture",
     [](const std::string& path) { datasets::parse_picture(datasets::read_data_file(path), printable(path)); }},
    {"mat", [](const std::string& path) { datasets::parse_mat_array(datasets::read_data_file(path), "X", path); }},
    {"npy", [](const std::string& path) { load_npy(path); }},
    {"npz", [](const std::string& path) { load_npz(path); }},
    {"safetensors", [](const std::string& path) { load_safetensors(path); }},
    {"csv", [](const std::string& path) { app::read_series(path); }},
    {"json", [](const std::string& path) { app::read_json(path); }},
    {"config",
     [](const std::string& path) {
       app::Options options;
       app::read_config(options, path);
     }},
    {"bank", [](const std::string& path) { app::load_bank(path, {app::Recipe{}}); }}};

// The kind of error and its words: "data: ...", "io: ...", "value: ...", or "read" when there is none.
constexpr std::clock_t bound_seconds = sanitized ? 40 : 2;

std::string answer(const std::function<void()>& read) {
  const std::clock_t start = std::clock();  // of the processor, which a busy machine does not change
  std::string said = "read";
  try {
    read();
  } catch (const DataError& error) {
    said = std::string("data: ") + error.what();
  } catch (const IoError& error) {
    said = std::string("io: ") + error.what();
  } catch (const ValueError& error) {
    said = std::string("value: ") + error.what();
  }
  CHECK(std::clock() - start < bound_seconds * CLOCKS_PER_SEC);
  CHECK(printable(said) == said);
  return said;
}

void check_answer(const std::function<void()>& read, const std::string& kind, const std::string& words) {
  const std::string said = answer(read);
  CAPTURE(said);
  CAPTURE(words);
  CHECK(said.starts_with(kind));
  CHECK(contains(said, words));
}

// The growth of this program's peak memory, in a child so that what came before does not count. KiB. Not asked for
// under sanitizers, which take memory of their own.
[[maybe_unused]] long peak_growth(const std::function<void()>& read) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  release_cached_memory();  // what is free but held here would not count as growth
  ::malloc_trim(0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  const auto peak = [] {
    rusage use{};
    ::getrusage(RUSAGE_SELF, &use);
    return use.ru_maxrss;
  };
  if (child == 0) {
    const long before = peak();
    try {
      read();
    } catch (const Error&) {
    }
    const long growth = peak() - before;
    ::_exit(::write(ends[1], &growth, sizeof growth) == sizeof growth ? 0 : 1);
  }
  ::close(ends[1]);
  long growth = -1;
  const ssize_t got = ::read(ends[0], &growth, sizeof growth);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(got == sizeof growth);
  return growth;
}

std::string npy(const std::string& descr, const std::string& shape, const std::string& data) {
  const std::string dict = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
  return std::string("\x93NUMPY\1\0", 8) + static_cast<char>(dict.size()) + '\0' + dict + data;
}

std::string safetensors(const std::string& header, const std::string& data = "") {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(header.size() >> (8 * i) & 0xff);
  return bytes + header + data;
}

std::string repeated(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

TEST_SUITE("data") {
  TEST_CASE("bad files: folder, missing, pipe, device, empty and foreign files are refused by every reader") {
    const Scratch folder;
    const std::string pipe = (folder.path / "pipe").string(), loop = (folder.path / "loop").string();
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    fs::create_symlink(loop, loop);
    const std::vector<std::string> foreign = {
        folder.write("empty", ""),
        folder.write("page", "<!DOCTYPE html><html><body>403</body></html>"),
        folder.write("pickle", std::string("\x80\4\x95\x0b\0\0\0\0\0\0\0\x8c\7os.exec\x94.", 20)),
        folder.write("zeros", std::string(5000, '\0')),
        folder.write("archive.zip", std::string("PK\5\6") + "short"),
        folder.write("escape", "\x1b]0;title\x07 \x1b[2J")};
    for (const auto& [name, read] : readers) {
      CAPTURE(name);
      const auto refused = [&, &reader = read](const std::string& path) {
        CAPTURE(path);
        const std::string said = answer([&] { reader(path); });
        CAPTURE(said);
        CHECK((said.starts_with("data: [") || said.starts_with("io: [")));
        CHECK(contains(said, path));
      };
      for (const std::string& path : foreign)
        if (!(name == "bank" && path.ends_with("none"))) refused(path);
      for (const std::string& path : {folder.path.string(), pipe, loop, std::string("/dev/zero"),
                                      (folder.path / "none").string(), std::string("/proc/self/mem")})
        refused(path);
    }
    CHECK(fs::exists(pipe));
  }

  TEST_CASE("bad files: idx and gzip that lie are named by file and field") {
    const auto idx_says = [](const std::string& bytes, int rank, const std::string& words) {
      check_answer([&] { datasets::parse_idx(bytes, rank, "file"); }, "data: [", words);
    };
    constexpr std::uint32_t huge = 0xffffffffu;
    idx_says(idx({huge}, "x"), 1, "expected 4294967303 bytes by its header, found 9");
    idx_says(idx({huge, huge, huge}, "x"), 3, "sizes: expected at most");
    idx_says(gzip(idx({2}, "ab")) + gzip(idx({2}, "ab")), 1, "follow the end of the compressed stream");
    idx_says(gzip(idx({2}, std::string(1 << 24, '\0'))), 1, "unpacks to more than the 10 bytes expected");
    idx_says(gzip(idx({1000, 28, 28}, "x")), 3, "cannot hold");
    check_answer([&] { datasets::parse_idx(gzip(idx({1 << 24}, std::string(1 << 24, '\0'))), 1, "file", 10000); },
                 "data: [", "expected at most 10000 values, found 16777216 promised");
  }

  TEST_CASE("bad files: cifar of the other kind, and labels out of range") {
    const auto says = [](const std::string& bytes, CifarLabels labels, const std::string& words) {
      check_answer([&] { datasets::parse_cifar(bytes, labels, "file"); }, "data: [cifar] file: ", words);
    };
    says(std::string(3074 * 2, '\0'), CifarLabels::cifar10, "this is the length of a CIFAR-100 file");
    says(std::string(3073 * 2, '\0'), CifarLabels::cifar100_fine, "this is the length of a CIFAR-10 file");
    // 3073 x 3074 bytes are whole records of both kinds: the labels tell.
    std::string both(3073 * 3074, '\x63');
    says(both, CifarLabels::cifar10, "label of record 0: expected 0..9, found 99");
    says(both, CifarLabels::cifar100_coarse, "coarse label of record 0: expected 0..19, found 99");
    both.assign(3073 * 2, '\0')[3073] = '\x0a';
    says(both, CifarLabels::cifar10, "label of record 1: expected 0..9, found 10");
  }

  TEST_CASE("bad files: npy of types and orders that are not ours") {
    const auto says = [](const std::string& bytes, const std::string& words) {
      check_answer([&] { decode_npy(bytes, "file"); }, "data: [npy] file: ", words);
    };
    for (const std::string type : {"|O", ">c16", "<U2", "|S3", "|V3", "<f16", "<M8[ns]", "<m8[s]", "x8", ""})
      says(npy(type, "(2,)", "12345678"), "found " + type);
    says(npy("\x1b[31m", "(2,)", "12345678"), "found \\x1b[31m");
    const std::string fields = "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }";
    says(std::string("\x93NUMPY\1\0", 8) + static_cast<char>(fields.size()) + '\0' + fields,
         "found a structured array");
  }

  TEST_CASE("bad files: npz with shared bytes, bombs and names that are none") {
    const Tensor x = Tensor::ones({2});
    std::string bytes = encode_npz({{"a", x}, {"b", x}});
    const std::size_t first = bytes.find("PK\1\2"), second = bytes.find("PK\1\2", first + 4);
    bytes.replace(second, 46 + 5, bytes.substr(first, 46 + 5));  // both entries point to a.npy
    const auto says = [](const std::string& file, const std::string& words) {
      check_answer([&] { decode_npz(file, "file"); }, "data: [npz] file: ", words);
    };
    says(bytes, "expected its own bytes, found those of another member");
    says(encode_npz({{"x", Tensor::zeros({std::int64_t{7} << 20})}}, true), "expected at most");
    CHECK(decode_npz(encode_npz({{"x", Tensor::zeros({std::int64_t{7} << 20})}}, true), "file", 1U << 30).size() == 1);
    CHECK_THROWS_AS(decode_npz_array(encode_npz({{"x", Tensor::zeros({std::int64_t{7} << 20})}}, true), "file", "x"),
                    DataError);
    bytes = encode_npz({{"\x1b[2J", x}});
    bytes[bytes.find("PK\1\2") + 16] ^= 1;  // the CRC, so that the name is spoken of
    says(bytes, "\\x1b[2J.npy: crc");
  }

  TEST_CASE("bad files: safetensors with holes, overlaps, repeats and headers that wrap") {
    const auto says = [](const std::string& header, const std::string& data, const std::string& words) {
      check_answer([&] { decode_safetensors(safetensors(header, data), "file"); }, "data: [safetensors] file: ", words);
    };
    const auto entry = [](const std::string& name, const std::string& shape, const std::string& offsets) {
      return "\"" + name + R"(":{"dtype":"F32","shape":[)" + shape + R"(],"data_offsets":[)" + offsets + "]}";
    };
    says("{" + entry("a", "2", "0,8") + "," + entry("b", "2", "4,12") + "}", std::string(12, 'x'), "inside another");
    says("{" + entry("a", "1", "0,4") + "," + entry("b", "1", "8,12") + "}", std::string(12, 'x'), "after a hole");
    says("{" + entry("a", "1", "0,4") + "," + entry("a", "1", "0,4") + "}", "xxxx", "a second \"a\"");
    says("{" + entry("a", "4611686018427387904,4", "0,0") + "}", "", "more than 2^59 numbers");
    says("{" + entry("a", "1", "0,18446744073709551615") + "}", "xxxx", "data_offsets");
    says("{" + entry("\\u001b[31m", "2", "0,4") + "}", "xxxx", "\\u001b[31m");
    says(repeated("[", 100000), "", "header");
    check_answer([] { decode_safetensors(std::string(8, '\xff') + "{}", "file"); }, "data: ", "header length");
  }

  TEST_CASE("bad files: json that is deep, repeats itself, or is no UTF-8") {
    const auto says = [](const std::string& text, const std::string& words) {
      check_answer([&] { app::parse_json(text, "file"); }, "data: [json] file: ", words);
    };
    says(repeated("[", 100000), "64 levels of nesting");
    says(repeated("[", 100000) + repeated("]", 100000), "64 levels of nesting");
    says(repeated("{\"a\":", 100000), "64 levels of nesting");
    says(R"({"a":1,"b":{"a":2,"a":3}})", "a second \"a\"");
    says(R"({"\u001b[2J":1,"\u001b[2J":2})", "\\x1b[2J");
    says("{\"a\":\"\xff\xfe\"}", "UTF-8");
    says("{\"a\":1e999}", "number overflow");
    says("{\"a\":1}}", "JSON");
    says("", "JSON");
    says(std::string(17 << 20, ' '), "at most 16777216 bytes");
    says("[" + repeated("0,", 1100000), "at most 1048576 values");
    says("[" + repeated("[],", 300000), "and 262144 lists");
    std::string wide = "{";
    for (int i = 0; i < 100000; ++i) wide += fmt::format("\"{}\":0,", i);
    says(wide, "at most 4096 keys");
  }

  TEST_CASE("bad files: a config of the wrong kind is refused by key") {
    const auto says = [](const std::string& text, const std::string& kind, const std::string& words) {
      app::Options options;
      check_answer([&] { app::read_settings(options, app::parse_json(text, "file"), "file"); }, kind, words);
    };
    says("[]", "data: ", "not a JSON object");
    says(R"({"steps":"many"})", "value: ", "is no whole number from 1 to 1000000000000");
    says(R"({"steps":18446744073709551615})", "value: ", "steps");
    says(R"({"hidden":[1e99]})", "value: ", "hidden");
    says(R"({"seed":-5e99})", "value: ", "seed");
    says(R"({"hyper":[1]})", "value: ", "hyper");
    says("{\"dtype\":\"f3\x7f\"}", "value: ", "f3\\x7f");
    says(R"({"hyper":{"lr":"x"}})", "value: ", "hyper");
    says(R"({"\u001b[2J":1})", "value: ", "\"\\x1b[2J\" is no setting");
  }

  TEST_CASE("bad files: tables of numbers") {
    const auto says = [](const std::string& text, const std::string& words) {
      check_answer([&] { app::parse_series(text, "file"); }, "data: [dmd] file", words);
    };
    says("1,2\n3\n", "file:2: 1 fields, the lines before have 2");
    says("1\n2\nnan\n", "field 1 is \"nan\"; every number must be finite");
    says("1\n-inf\n", "must be finite");
    says("1\n1e999\n", "not a number");
    says("1\n\x1b[31m\n", "\\x1b[31m");
    says("1,,2\n", "field 2 is \"\"");
    says("a,b\n", "holds no numbers");
    says(std::string(1 << 22, 'x'), "holds no numbers");
    says("1\n" + std::string(1 << 22, 'x'), "..\", not a number");
    says("1" + repeated(",1", 9000) + "\n" + repeated("1\n", 9000), "at most 8388608 numbers");
    const std::string row = "1" + repeated(",1", 999999) + "\n";
    CHECK(app::parse_series(row + row, "wide").shape() == Shape{2, 1000000});
    CHECK(app::parse_series("\xEF\xBB\xBFt,x\r\n1,2\r\n3,4\r\n", "spreadsheet").shape() == Shape{2, 2});
  }

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  TEST_CASE("bad files: memory stays below 64 MiB and three times the file, five times where one byte becomes four") {
    const Scratch folder;
    std::string members = encode_npz({{"x", Tensor::zeros({std::int64_t{5} << 20})}}, true);
    std::string row = "1" + repeated(",1", 2000000) + "\n";
    struct Growing {
      std::string name, bytes;
      long times = 3;
    };
    const std::vector<Growing> files = {
        {"json", "[" + repeated("[],", 262000) + "0]"},
        {"json", "[" + repeated("0,", 1040000) + "0]"},
        {"json", "{\"a\":[" + repeated("{},", 262000) + "0]}"},
        {"config", "[" + repeated("[],", 349000) + "0]"},
        {"idx", gzip(idx({3, 1000, 1000}, std::string(100'000'000, '\0')))},
        {"npz", members},
        {"csv", row + row + row},
        {"safetensors", safetensors("{\"__metadata__\":{" + repeated("\"\":\"\",", 100000) + "}}")},
        {"safetensors", safetensors(repeated("[", 5000000))},
        {"cifar10", std::string(3073 * 1000, '\0')},
        {"npy", encode_npy(Tensor::zeros({std::int64_t{4} << 20}))},
        {"npy", npy("|u1", "(60000,784)", std::string(60000 * 784, '\1')), 5},
        {"npy", npy(">f2", "(20000000,)", std::string(40'000'000, '\1'))},
        {"safetensors",
         safetensors(R"({"a":{"dtype":"U8","shape":[40000000],"data_offsets":[0,40000000]}})",
                     std::string(40'000'000, '\1')),
         5}};
    const std::map<std::string, Read> by_name(readers.begin(), readers.end());
    for (const auto& [name, bytes, times] : files) {
      CAPTURE(name);
      const std::string path = folder.write("file." + name, bytes);
      const long growth = peak_growth([&, &reader = by_name.at(name)] { reader(path); });
      CHECK(growth >= 0);
      CHECK(growth <= 64 * 1024 + times * static_cast<long>(bytes.size() / 1024));
      MESSAGE(name << ": " << bytes.size() / 1024 << " KiB read within " << growth << " KiB");
    }
  }
#endif
}
