#include <doctest/doctest.h>
#include <zlib.h>

#include <CLI/CLI.hpp>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <glocal/app/command/command.h>
#include <glocal/app/command/picture.h>
#include <glocal/app/command/png.h>
#include <glocal/core/error.h>
#include <glocal/datasets/load.h>

#include "data_files.h"
#include "scratch.h"

using namespace data_files;
using namespace glocal;
using namespace glocal::app;
using datasets::Part;
namespace fs = std::filesystem;

namespace {

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void run(std::vector<std::string> arguments) {
  CLI::App app;
  add_commands(app);
  std::vector<std::string> reversed = {arguments.rbegin(), arguments.rend()};  // the order CLI11 wants
  reversed.push_back("data");
  app.parse(reversed);
}

struct Png {
  std::uint32_t width = 0, height = 0;
  int channels = 0;
  std::string pixels;
};

std::uint32_t number(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// Reads what encode_png writes (8 bits, unfiltered rows), checking every chunk's CRC-32.
Png decode(const std::string& file) {
  REQUIRE(file.substr(0, 8) == "\x89PNG\r\n\x1a\n");
  Png png;
  std::vector<std::string> types;
  for (std::size_t at = 8; at < file.size();) {
    const std::uint32_t length = number(file, at);
    const std::string type = file.substr(at + 4, 4), content = file.substr(at + 8, length);
    CHECK(number(file, at + 8 + length) ==
          crc32(0, reinterpret_cast<const Bytef*>(file.data()) + at + 4, static_cast<uInt>(length + 4)));
    types.push_back(type);
    if (type == "IHDR") {
      png.width = number(content, 0), png.height = number(content, 4);
      png.channels = content[9] == 2 ? 3 : 1;
      CHECK(content.substr(8, 1) == "\x08");
    } else if (type == "IDAT") {
      const std::size_t row = png.width * static_cast<std::size_t>(png.channels) + 1;
      std::string raw(row * png.height, '\0');
      uLongf size = static_cast<uLongf>(raw.size());
      REQUIRE(uncompress(reinterpret_cast<Bytef*>(raw.data()), &size, reinterpret_cast<const Bytef*>(content.data()),
                         static_cast<uLong>(content.size())) == Z_OK);
      REQUIRE(size == raw.size());
      for (std::size_t y = 0; y < png.height; ++y) {
        CHECK(raw[y * row] == 0);
        png.pixels += raw.substr(y * row + 1, row - 1);
      }
    }
    at += length + 12;
  }
  CHECK(types == std::vector<std::string>{"IHDR", "IDAT", "IEND"});
  return png;
}

}  // namespace

TEST_SUITE("data") {
  TEST_CASE("png: grey and colour come back as they were") {
    for (const int channels : {1, 3}) {
      std::vector<std::uint8_t> pixels(static_cast<std::size_t>(7 * 5 * channels));
      for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 37);
      const Png png = decode(encode_png(7, 5, channels, pixels));
      CHECK(png.width == 7);
      CHECK(png.height == 5);
      CHECK(png.channels == channels);
      CHECK(png.pixels == std::string(pixels.begin(), pixels.end()));
    }
    CHECK_THROWS_AS(encode_png(2, 2, 1, std::vector<std::uint8_t>(5)), ValueError);
    CHECK_THROWS_AS(encode_png(2, 1, 2, std::vector<std::uint8_t>(4)), ValueError);
    CHECK_THROWS_AS(encode_png(0, 1, 1, {}), ValueError);
  }

  TEST_CASE("data show: a contact sheet of digits") {
    const Scratch folder;
    const fs::path sheet = folder.path / "grid.png";
    run({"show", "digits", "-n", "5", "-o", sheet.string()});
    const Png png = decode(read(sheet));
    CHECK(png.width == 3 * 58 + 2);  // 3 columns of 8 pixels 7 times enlarged, gaps of 2
    CHECK(png.height == 2 * 58 + 2);
    const datasets::Dataset data = datasets::load("digits", Part::train);
    const auto pixel = [&](std::size_t x, std::size_t y) {
      return static_cast<int>(static_cast<unsigned char>(png.pixels[y * png.width + x]));
    };
    CHECK(pixel(0, 0) == 128);
    for (std::size_t y = 0; y < 8; ++y)
      for (std::size_t x = 0; x < 8; ++x)  // image 4 stands in row 1, column 1
        CHECK(pixel(60 + 7 * x + 3, 60 + 7 * y + 3) == data.image(4)[8 * y + x] * 255 / 16);
  }

  TEST_CASE("data show: characters follow the pixels") {
    datasets::Dataset data = datasets::load("digits", Part::train).subset(std::vector<std::int64_t>{0});
    std::fill(data.pixels.begin(), data.pixels.end(), std::uint8_t{0});
    data.pixels[8 * 2 + 3] = data.pixels[8 * 3 + 3] = 16;
    const std::string text = text_picture(data, 16);
    CHECK(text.substr(0, 15) == "0             \n");
    CHECK(text.find('@') == 15 + 15 + 3);
    CHECK(std::count(text.begin(), text.end(), '@') == 1);
  }

  TEST_CASE("data: bad requests are typed errors") {
    const Scratch folder;
    const Environment home("XDG_CACHE_HOME", folder.path.string());
    const Environment data("GLOCAL_DATA", "");
    CHECK_THROWS_AS(run({"info", "kmnist"}), DataError);
    CHECK_THROWS_AS(run({"info", "nonsense"}), ValueError);
    CHECK_THROWS_AS(run({"fetch", "digits"}), ValueError);
    CHECK_THROWS_AS(run({"verify", "synthetic"}), ValueError);
    CHECK_THROWS_AS(run({"show", "digits", "-n", "0"}), ValueError);
    CHECK_THROWS_AS(run({"show", "digits", "-o", (folder.path / "none" / "x.png").string()}), IoError);
    CHECK_THROWS_AS(run({}), CLI::ParseError);
  }

  TEST_CASE("data verify: files that are not official are an error") {
    const Scratch folder;
    for (const char* file :
         {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"})
      folder.write(file, "not these");
    CHECK(contains(message_of<DataError>([&] {
                     run({"verify", "mnist", "--data-dir", folder.path.string()});
                   }),
                   "4 of 4 files of mnist are not the official ones"));
  }

  TEST_CASE("data fetch: from a mirror to a folder that load and verify accept") {
    const fs::path debian = "/usr/share/datasets/fashion-mnist";
    if (!fs::exists(debian / "train-images-idx3-ubyte.gz")) {
      MESSAGE("skipped: the package dataset-fashion-mnist is not installed");
      return;
    }
    const Scratch folder;
    // Debian took file name and time out of the gzip header; with both put back these are the official archives.
    const std::string times[] = {"\xde\xe9\xa7\x59", "\xf3\xe9\xa7\x59"};
    for (const std::string prefix : {"train", "t10k"})
      for (const std::string kind : {"-images-idx3-ubyte", "-labels-idx1-ubyte"}) {
        const std::string bytes = read(debian / (prefix + kind + ".gz"));
        folder.write("mirror/" + prefix + kind + ".gz", bytes.substr(0, 3) + '\x08' + times[prefix == "t10k"] +
                                                            bytes.substr(8, 2) + prefix + kind + '\0' +
                                                            bytes.substr(10));
      }
    const std::string target = (folder.path / "data").string();
    run({"fetch", "fashion-mnist", "--data-dir", target, "--mirror", "file://" + (folder.path / "mirror").string()});
    CHECK(fs::file_size(fs::path(target) / "fashion-mnist" / "train-images-idx3-ubyte.gz") == 26421880);
    run({"verify", "fashion-mnist", "--data-dir", target});
    CHECK(datasets::load("fashion-mnist", Part::test, {.data_dir = target}).source == target + "/fashion-mnist");
  }
}
