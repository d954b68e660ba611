#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/datasets/readers/cifar.h>

#include "data_files.h"
#include "scratch.h"

using namespace data_files;
using glocal::DataError;
using namespace glocal::datasets;

namespace {

std::string record(const std::string& labels, char first_pixel) {
  std::string pixels(3072, '\0');
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<char>(static_cast<unsigned>(first_pixel) + i);
  return labels + pixels;
}

}  // namespace

TEST_SUITE("data") {
  TEST_CASE("cifar: CIFAR-10 records") {
    const Scratch folder;
    const CifarArray read =
        read_cifar(folder.write("b.bin", record("\x03", 10) + record("\x09", 20)), CifarLabels::cifar10);
    CHECK(read.labels == std::vector<std::int32_t>{3, 9});
    REQUIRE(read.pixels.size() == 2 * 3072);
    CHECK(read.pixels[0] == 10);
    CHECK(read.pixels[255] == 9);  // (10 + 255) mod 256
    CHECK(read.pixels[3072] == 20);
  }

  TEST_CASE("cifar: CIFAR-100 records with fine and coarse labels") {
    const std::string bytes = record("\x13\x63", 1) + record(std::string("\0\x07", 2), 2);
    CHECK(parse_cifar(bytes, CifarLabels::cifar100_fine, "f").labels == std::vector<std::int32_t>{99, 7});
    CHECK(parse_cifar(bytes, CifarLabels::cifar100_coarse, "f").labels == std::vector<std::int32_t>{19, 0});
    CHECK(parse_cifar(bytes, CifarLabels::cifar100_fine, "f").pixels[3072] == 2);
  }

  TEST_CASE("cifar: truncated or foreign or mistaken files are refused") {
    const std::string ten = record("\x01", 0), hundred = record("\x01\x02", 0);
    for (const std::size_t length : {std::size_t{0}, std::size_t{1}, std::size_t{3072}})
      CHECK_THROWS_AS(parse_cifar(ten.substr(0, length), CifarLabels::cifar10, "f"), DataError);
    CHECK_THROWS_AS(parse_cifar(ten + ten + "x", CifarLabels::cifar10, "f"), DataError);
    CHECK(message_of<DataError>([&] { parse_cifar(hundred, CifarLabels::cifar10, "f"); }) ==
          "[cifar] f: length: expected whole records of 3073 bytes, found 3074 bytes: this is the length of a "
          "CIFAR-100 file");
    CHECK(contains(message_of<DataError>([&] { parse_cifar(ten, CifarLabels::cifar100_fine, "f"); }),
                   "this is the length of a CIFAR-10 file"));
    CHECK_THROWS_AS(parse_cifar("<html></html>", CifarLabels::cifar10, "f"), DataError);
  }

  TEST_CASE("cifar: labels out of range are refused by record") {
    CHECK(message_of<DataError>([] {
            parse_cifar(record("\x01", 0) + record("\x0a", 0), CifarLabels::cifar10, "f");
          }) == "[cifar] f: label of record 1: expected 0..9, found 10");
    CHECK_THROWS_AS(parse_cifar(record("\x14\x01", 0), CifarLabels::cifar100_fine, "f"), DataError);
    CHECK_THROWS_AS(parse_cifar(record("\x01\x64", 0), CifarLabels::cifar100_coarse, "f"), DataError);
    CHECK_THROWS_AS(parse_cifar(record("\xff", 0), CifarLabels::cifar10, "f"), DataError);
  }
}
