// MATLAB files: our reader against libmatio, where that is there, and SVHN's layout.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/datasets/load.h>
#include <glocal/datasets/readers/mat.h>

#include "data_files.h"
#include "scratch.h"

#ifdef GLOCAL_MATIO
#include <matio.h>
#endif

using namespace data_files;
using namespace glocal;
using namespace glocal::datasets;

namespace {

std::string little(std::uint32_t number) {
  std::string bytes(4, '\0');
  std::memcpy(bytes.data(), &number, 4);
  return bytes;
}
std::string element(std::uint32_t type, const std::string& data) {
  return little(type) + little(static_cast<std::uint32_t>(data.size())) + data +
         std::string((8 - data.size() % 8) % 8, '\0');
}
std::string header() { return std::string("MATLAB 5.0 MAT-file") + std::string(105, ' ') + std::string("\0\1IM", 4); }
/// An array of bytes, as MATLAB writes it.
std::string bytes_array(const std::string& name, const std::vector<std::uint32_t>& sizes, const std::string& data,
                        std::uint32_t kind = 9) {
  std::string dims;
  for (const std::uint32_t size : sizes) dims += little(size);
  return element(14, element(6, little(kind) + little(0)) + element(5, dims) + element(1, name) + element(2, data));
}

}  // namespace

TEST_SUITE("data") {
  TEST_CASE("mat: an array is found by its name, with sizes and bytes as they stand") {
    const std::string file = header() + bytes_array("other", {1, 1}, "z") + bytes_array("X", {2, 1, 3}, "abcdef");
    const MatArray array = parse_mat_array(file, "X", "a.mat");
    CHECK(array.sizes == std::vector<std::int64_t>{2, 1, 3});
    CHECK(array.data == "abcdef");
    CHECK(array.type.width == 1);
    CHECK(message_of<DataError>([&] { parse_mat_array(file, "y", "a.mat"); }) ==
          "[mat] a.mat: expected an array y, found other, X");
  }

  TEST_CASE("mat: files and arrays of other kinds are refused by name") {
    const auto said = [](const std::string& bytes) {
      return message_of<DataError>([&] { parse_mat_array(bytes, "X", "a.mat"); });
    };
    CHECK(contains(said("\x89HDF\r\n"), "7.3 (HDF5)"));
    CHECK(contains(said("<html>"), "web page"));
    std::string big = header();
    big[126] = 'M', big[127] = 'I';
    CHECK(contains(said(big), "big-endian"));
    CHECK(contains(said(header() + bytes_array("X", {1, 2}, "hi", 4)), "found text"));
    CHECK(contains(said(header() + bytes_array("X", {1, 2}, "hi", 5)), "a sparse array"));
    CHECK(contains(said(header() + bytes_array("X", {1, 2}, "hi", 2)), "a cell, structure or object"));
    CHECK(contains(said(header() + bytes_array("X", {1, 2}, "hi", 0x809)), "complex"));
    CHECK(contains(said(header() + bytes_array("X", {1, 3}, "hi")), "expected numbers for sizes 1 x 3"));
    CHECK(contains(said(header() + bytes_array("X", {1, 1}, "hi")), "expected 1 bytes for sizes 1 x 1, found 2"));
    CHECK(contains(said(header() + bytes_array("X", {0x7fffffff, 0x7fffffff}, "hi")), "expected numbers for sizes"));
    const std::string whole = header() + bytes_array("X", {1, 2}, "hi");
    CHECK(contains(said(whole.substr(0, whole.size() - 1)), "truncated"));
  }

  TEST_CASE("mat: SVHN's axes and labels become images and digits") {
    const Scratch folder;
    const std::size_t count = 26032;
    std::string pixels(3072 * count, '\0'), labels(count, '\x0a');
    // Pixel (row 1, column 2, blue) of image 3, with the first axis the fastest.
    pixels[1 + 32 * (2 + 32 * (2 + 3 * 3))] = '\x63';
    labels[3] = '\x07';
    folder.write("svhn/test_32x32.mat",
                 header() + bytes_array("X", {32, 32, 3, count}, pixels) + bytes_array("y", {count, 1}, labels));
    const Dataset test = load("svhn", Part::test, {.data_dir = folder.path});
    CHECK(test.size() == 26032);
    CHECK(test.labels[0] == 0);
    CHECK(test.labels[3] == 7);
    CHECK(test.image(3)[2 * 1024 + 1 * 32 + 2] == 0x63);
    CHECK(test.class_names[0] == "0");
    labels[5] = '\0';
    folder.write("svhn/test_32x32.mat",
                 header() + bytes_array("X", {32, 32, 3, count}, pixels) + bytes_array("y", {count, 1}, labels));
    CHECK(contains(message_of<DataError>([&] { load("svhn", Part::test, {.data_dir = folder.path}); }),
                   "label of image 5: expected 1 to 10 (the digit 0), found 0"));
  }

#ifdef GLOCAL_MATIO
  TEST_CASE("mat: what libmatio writes, plain and compressed, is read to the number") {
    const Scratch folder;
    const std::string path = folder / "a.mat";
    std::vector<std::uint8_t> pixels(32 * 32 * 3 * 5);
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 37 % 251);
    std::vector<double> labels{1, 10, 3, 4, 5};
    for (const matio_compression packing : {MAT_COMPRESSION_NONE, MAT_COMPRESSION_ZLIB}) {
      mat_t* file = Mat_CreateVer(path.c_str(), nullptr, MAT_FT_MAT5);
      REQUIRE(file != nullptr);
      std::size_t x_sizes[] = {32, 32, 3, 5}, y_sizes[] = {5, 1};
      matvar_t* x = Mat_VarCreate("X", MAT_C_UINT8, MAT_T_UINT8, 4, x_sizes, pixels.data(), 0);
      matvar_t* y = Mat_VarCreate("y", MAT_C_DOUBLE, MAT_T_DOUBLE, 2, y_sizes, labels.data(), 0);
      for (matvar_t* array : {x, y}) {
        CHECK(Mat_VarWrite(file, array, packing) == 0);
        Mat_VarFree(array);
      }
      Mat_Close(file);
      const std::string bytes = read_file(path);
      const MatArray read = parse_mat_array(bytes, "X", path), of_labels = parse_mat_array(bytes, "y", path);
      CHECK(read.sizes == std::vector<std::int64_t>{32, 32, 3, 5});
      CHECK(std::vector<std::uint8_t>(read.data.begin(), read.data.end()) == pixels);
      CHECK(of_labels.sizes == std::vector<std::int64_t>{5, 1});
      REQUIRE(of_labels.data.size() == 5 * 8);
      CHECK(std::memcmp(of_labels.data.data(), labels.data(), 5 * 8) == 0);
    }
  }
#endif
}
