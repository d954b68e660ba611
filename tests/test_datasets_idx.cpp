#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/datasets/readers/gzip.h>
#include <glocal/datasets/readers/idx.h>

#include "data_files.h"
#include "scratch.h"

// Every allocation of this program passes here, so that a test can see the largest one.
static std::atomic<std::size_t> largest_allocation = 0;
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  largest_allocation = std::max(largest_allocation.load(), bytes);
  if (void* block = std::malloc(std::max<std::size_t>(bytes, 1))) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept { std::free(block); }

using namespace data_files;
using glocal::DataError;
using glocal::IoError;
using namespace glocal::datasets;

namespace {

const std::string image_values = "abcdefghijkl";
const std::string images = idx({2, 2, 3}, image_values);
const std::string labels = idx({4}, std::string("\x00\x01\x09\x02", 4));

}  // namespace

TEST_SUITE("data") {
  TEST_CASE("idx: images and labels (plain and gzip)") {
    for (const std::string& bytes : {images, gzip(images)}) {
      const IdxArray read = parse_idx(bytes, 3, "file");
      CHECK(read.sizes == std::vector<std::int64_t>{2, 2, 3});
      CHECK(std::string(read.values.begin(), read.values.end()) == image_values);
    }
    CHECK(parse_idx(labels, 1, "file").values == std::vector<std::uint8_t>{0, 1, 9, 2});
    const Scratch folder;
    CHECK(read_idx(folder.write("labels.gz", gzip(labels)), 1).values == std::vector<std::uint8_t>{0, 1, 9, 2});
  }

  TEST_CASE("idx: every truncation and every extension is refused") {
    for (std::size_t length = 0; length < images.size(); ++length)
      CHECK_THROWS_AS(parse_idx(images.substr(0, length), 3, "cut"), DataError);
    const std::string packed = gzip(images);
    for (std::size_t length = 0; length < packed.size(); ++length)
      CHECK_THROWS_AS(parse_idx(packed.substr(0, length), 3, "cut"), DataError);
    for (const std::string& extra : {std::string(1, '\0'), std::string("x"), packed}) {
      CHECK_THROWS_AS(parse_idx(images + extra, 3, "long"), DataError);
      CHECK_THROWS_AS(parse_idx(gzip(images + extra), 3, "long"), DataError);
      CHECK_THROWS_AS(parse_idx(packed + extra, 3, "long"), DataError);
    }
  }

  TEST_CASE("idx: errors name file and field and what was expected and found") {
    CHECK(message_of<DataError>([] { parse_idx(images.substr(0, 27), 3, "cut"); }) ==
          "[idx] cut: length: expected 28 bytes by its header, found 27: the file is truncated");
    CHECK(message_of<DataError>([] { parse_idx(images + "xy", 3, "long"); }) ==
          "[idx] long: length: expected 28 bytes by its header, found 30: the file is too long");
    CHECK(contains(message_of<DataError>([] { parse_idx(labels, 3, "swapped"); }),
                   "magic: expected 2051 (images of unsigned bytes), found 2049: the file holds IDX labels"));
    CHECK(contains(message_of<DataError>([] { parse_idx("<!DOCTYPE html><html>403", 3, "page"); }),
                   "the file looks like a web page"));
    CHECK(contains(message_of<DataError>([] { parse_idx("version https://git-lfs.github.com/spec/v1", 1, "f"); }),
                   "Git LFS pointer"));
    CHECK(contains(message_of<DataError>([] { parse_idx(idx({2, 0, 3}, ""), 3, "empty"); }), "size 1"));
  }

  TEST_CASE("idx: a header that lies is refused without allocating what it promises") {
    constexpr std::uint32_t huge = 0xffffffffu;
    const std::string lie = idx({60000, 28, 28}, std::string(100, 'x')), packed_lie = gzip(lie);
    const std::string overflow = idx({huge, huge, huge}, "x"), packed_overflow = gzip(overflow);
    const std::string wraps = idx({65536, 65536, 65536}, "x"), bomb = gzip(idx({3}, std::string(1 << 24, 'x')));
    const std::string half_lie = gzip(idx({30000, 28, 28}, std::string(1 << 16, 'x') + std::string(40000, 'y')));
    largest_allocation = 0;
    CHECK_THROWS_AS(parse_idx(lie, 3, "lie"), DataError);
    CHECK(contains(message_of<DataError>([&] { parse_idx(packed_lie, 3, "lie"); }), "cannot hold"));
    CHECK_THROWS_AS(parse_idx(half_lie, 3, "lie"), DataError);
    CHECK_THROWS_AS(parse_idx(overflow, 3, "overflow"), DataError);
    CHECK_THROWS_AS(parse_idx(packed_overflow, 3, "overflow"), DataError);
    CHECK_THROWS_AS(parse_idx(wraps, 3, "wraps to zero"), DataError);
    CHECK_THROWS_AS(parse_idx(bomb, 1, "bomb"), DataError);
    CHECK(largest_allocation < (4 << 20));
    const std::string honest = idx({5 << 20}, std::string(5 << 20, 'x'));
    largest_allocation = 0;
    parse_idx(honest, 1, "honest");
    CHECK(largest_allocation >= (5 << 20));  // the meter sees what is allocated
  }

  TEST_CASE("idx: a folder or a missing or an empty file") {
    const Scratch folder;
    CHECK(contains(message_of<DataError>([&] { read_idx(folder.path.string(), 1); }), "found a folder"));
    CHECK_THROWS_AS(read_idx((folder.path / "none").string(), 1), IoError);
    CHECK_THROWS_AS(read_idx(folder.write("empty", ""), 1), DataError);
  }

  TEST_CASE("gzip: payloads of every size around the chunk") {
    for (const std::int64_t size : {0, 1, 1000, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20}) {
      std::string bytes(static_cast<std::size_t>(size), '\0');
      for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 2654435761u >> 13);
      CHECK(gunzip(gzip(bytes), "f", size) == bytes);
      CHECK(gunzip(gzip(bytes), "f", size + 5) == bytes);
      if (size > 0) CHECK_THROWS_AS(gunzip(gzip(bytes), "f", size - 1), DataError);
    }
  }

  TEST_CASE("gzip: wrong CRC or length or any flipped bit or bytes after the end") {
    const std::string packed = gzip(images);
    const auto broken_at = [&](std::size_t from_end) {
      std::string bytes = packed;
      bytes[bytes.size() - from_end] = static_cast<char>(bytes[bytes.size() - from_end] ^ 1);
      return message_of<DataError>([&] { gunzip(bytes, "f", 1000); });
    };
    CHECK(contains(broken_at(8), "incorrect data check"));
    CHECK(contains(broken_at(4), "incorrect length check"));
    for (std::size_t i = 10; i < packed.size() - 9; ++i)  // from the header to the last byte, which has padding bits
      for (int bit = 0; bit < 8; ++bit) {
        std::string bytes = packed;
        bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
        CHECK_THROWS_AS(gunzip(bytes, "f", 1000), DataError);
      }
    CHECK(contains(message_of<DataError>([&] { gunzip(packed + "junk", "f", 1000); }), "4 bytes follow"));
    CHECK(contains(message_of<DataError>([&] { gunzip(packed.substr(0, 20), "f", 1000); }), "truncated"));
    CHECK_THROWS_AS(gunzip("plain text", "f", 1000), DataError);
  }
}
