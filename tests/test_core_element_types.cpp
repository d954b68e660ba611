// The numbers of other programs' files, by numpy's own files and by the definitions of the formats.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>

#include <glocal/core/element_type.h>
#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/io/npy.h>
#include <glocal/core/tensor.h>

using namespace glocal;

namespace {

using Kind = ElementType::Kind;

const std::string kinds_file = GLOCAL_SOURCE_DIR "/tests/npy/kinds.npz";

// (-1)^s 2^e (1 + f), 2^e f below the smallest exponent, infinity and NaN at the largest: IEEE 754, 3.4.
double by_definition(std::uint32_t bits, int exponent_bits, int fraction_bits) {
  const int largest = (1 << exponent_bits) - 1, bias = largest / 2;
  const double sign = bits >> (exponent_bits + fraction_bits) != 0 ? -1 : 1;
  const int exponent = static_cast<int>(bits >> fraction_bits) & largest;
  const double fraction = std::ldexp(bits & ((1U << fraction_bits) - 1), -fraction_bits);
  if (exponent == largest) return fraction == 0 ? sign * INFINITY : NAN;
  return sign * (exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias));
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("element types: every kind of numpy in both byte orders, both layouts and three versions is read") {
    const std::string bytes = read_file(kinds_file);
    std::map<std::string, int> read;
    int refused = 0;
    for (const NpzMember& member : judge_npz(bytes, "kinds.npz")) {
      CAPTURE(member.name);
      CAPTURE(member.trouble);
      if (member.name.starts_with("refused: ")) {
        const std::string words = member.name.substr(9, member.name.find(" (") - 9);
        CHECK(member.trouble.find(words) != std::string::npos);
        CHECK(member.trouble.find(":" + member.name + ".npy: ") != std::string::npos);
        ++refused;
        continue;
      }
      REQUIRE(member.trouble.empty());
      const std::string kind = member.name.substr(0, member.name.find(' '));
      CHECK(same_bits(decode_npz_array(bytes, "kinds.npz", member.name),
                      decode_npz_array(bytes, "kinds.npz", kind + " wanted")));
      ++read[kind];
    }
    CHECK(refused == 13);
    for (const std::string kind : {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"})
      CHECK(read[kind] == 1 + 2 * 2 * 3);
    CHECK(read["cube"] == 2);
    CHECK(read["scalar"] == 2);
    const Tensor big = decode_npz_array(bytes, "kinds.npz", "u4 >F2");
    CHECK(big.at(0) == 0);
    CHECK(big.at(1) == 2147483647);
    CHECK(big.at(11) == 103);
  }

  TEST_CASE("element types: all halves and all bfloat16 are what the formats define") {
    std::string bytes;
    for (int i = 0; i < 65536; ++i) bytes += {static_cast<char>(i & 0xff), static_cast<char>(i >> 8)};
    for (const bool brain : {false, true}) {
      const Tensor all = decode_elements({brain ? Kind::brain : Kind::real, 2}, bytes, {65536}, false, "file");
      REQUIRE(all.dtype() == DType::f32);
      int wrong = 0;
      for (std::uint32_t i = 0; i < 65536; ++i) {
        const double wanted = brain ? by_definition(i, 8, 7) : by_definition(i, 5, 10);
        const float found = all.data<float>()[i];
        wrong += std::isnan(wanted)
                     ? !std::isnan(found)
                     : static_cast<double>(found) != wanted || std::signbit(found) != std::signbit(wanted);
      }
      CHECK(wrong == 0);
    }
  }

  TEST_CASE("element types: a length that does not fit the shape is refused before anything is made") {
    const auto decode = [](const std::string& bytes, const Shape& shape) {
      return decode_elements({Kind::natural, 2}, bytes, shape, false, "[npy] file: data");
    };
    CHECK(decode("abcd", {2}).at(1) == 0x6463);
    CHECK_THROWS_WITH_AS(decode("abc", {2}),
                         "[npy] file: data: expected 2 numbers of 2 bytes for shape (2,), found 3 bytes", DataError);
    CHECK_THROWS_AS(decode("abcd", {std::int64_t{1} << 50}), DataError);
    CHECK(decode("", {0, 3}).shape() == Shape{0, 3});
  }

  TEST_CASE("element types: booleans are 0 or 1, small integers keep their sign") {
    CHECK(same_bits(decode_elements({Kind::boolean, 1}, std::string("\0\1\2\xff", 4), {4}, false, "file"),
                    Tensor::from<std::int32_t>({0, 1, 1, 1}, {4})));
    CHECK(same_bits(decode_elements({Kind::integer, 1}, "\xff\x80\x7f", {3}, false, "file"),
                    Tensor::from<std::int32_t>({-1, -128, 127}, {3})));
    CHECK(same_bits(decode_elements({Kind::integer, 2, true}, std::string("\xff\xfe\0\x07", 4), {2}, false, "file"),
                    Tensor::from<std::int32_t>({-2, 7}, {2})));
  }
}
