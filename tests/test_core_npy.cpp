#include <doctest/doctest.h>
#include <zlib.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <glocal/core/io/file.h>
#include <glocal/core/io/npy.h>
#include <glocal/core/random.h>

#include "data_files.h"
#include "scratch.h"

using namespace glocal;
using data_files::gzip;
namespace fs = std::filesystem;

namespace {

// A version 1.0 file as another program might write it.
std::string npy(const std::string& dict, const std::string& data, int major = 1) {
  std::string bytes = std::string("\x93NUMPY") + static_cast<char>(major) + '\0';
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i) bytes.push_back(static_cast<char>(dict.size() >> (8 * i) & 0xFF));
  return bytes + dict + data;
}

template <class T>
std::string raw(const std::vector<T>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T)};
}

std::string dict(const std::string& type, const std::string& shape, const std::string& fortran = "False") {
  return "{'descr': '" + type + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
}

// A zip file of one deflated member.
std::string zip_of(const std::string& name, const std::string& content) {
  const auto number = [](std::uint64_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
    return out;
  };
  std::string packed = gzip(content);
  packed = packed.substr(10, packed.size() - 18);  // deflated data without gzip's header and trailer
  const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
  const std::string record = number(20, 2) + number(0, 2) + number(8, 2) + number(0, 4) + number(crc, 4) +
                             number(packed.size(), 4) + number(content.size(), 4) + number(name.size(), 2) +
                             number(0, 2);
  const std::string local = "PK\3\4" + record + name + packed;
  const std::string entry = "PK\1\2" + number(20, 2) + record + std::string(10, '\0') + number(0, 4) + name;
  return local + entry + "PK\5\6" + number(0, 4) + number(1, 2) + number(1, 2) + number(entry.size(), 4) +
         number(local.size(), 4) + number(0, 2);
}

// decode_npy's complaint about the bytes; "read" when it accepts them.
std::string complaint(const std::string& bytes) {
  try {
    decode_npy(bytes, "file");
    return "read";
  } catch (const DataError& error) {
    return error.what();
  }
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::map<std::string, Tensor> samples() {
  return {{"a", normal(key(1), {3, 4})},
          {"b.c", normal(key(2), {0, 5}, 0, 1, DType::f64)},
          {"\xc3\xa9", permutation(key(3), 1000)},
          {"scalar", Tensor::scalar(3.25, DType::f64)},
          {"zeros", Tensor::zeros({100, 100})}};
}

void check_equal(const std::map<std::string, Tensor>& a, const std::map<std::string, Tensor>& b) {
  REQUIRE(a.size() == b.size());
  for (const auto& [name, tensor] : a) {
    REQUIRE(b.contains(name));
    CHECK(same_bits(tensor, b.at(name)));
  }
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("npy: tensors of every type and rank come back bit for bit") {
    const Scratch scratch;
    const std::string path = scratch / "a.npy";
    for (const DType dtype : {DType::f32, DType::f64, DType::i32})
      for (const Shape& shape :
           {Shape{}, Shape{7}, Shape{2, 3}, Shape{0}, Shape{3, 0, 2}, Shape{1, 2, 1, 2, 1, 2, 1, 2}}) {
        const Tensor t = normal(key(1), shape, 0, 100, DType::f64).to(dtype);
        save_npy(path, t);
        CHECK(same_bits(load_npy(path), t));
      }
    Tensor odd = Tensor::full({2}, std::nan(""));
    odd.data<float>()[1] = -0.0F;
    save_npy(path, odd);
    CHECK(same_bits(load_npy(path), odd));
    fs::remove(path);
    CHECK_THROWS_AS(load_npy(path), IoError);
    CHECK_THROWS_AS(save_npy(path, Tensor()), ShapeError);
  }

  TEST_CASE("npy: the bytes are what numpy writes") {
    const std::string bytes = encode_npy(Tensor::from<float>({1, 2}, {2}));
    const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
    CHECK(bytes.size() == 128 + 8);
    CHECK(bytes.substr(0, 10) == std::string("\x93NUMPY\x01\x00\x76\x00", 10));
    CHECK(bytes.substr(10, header.size()) == header);
    CHECK(bytes[127] == '\n');
    CHECK(bytes.substr(128) == raw<float>({1, 2}));
    CHECK(encode_npy(Tensor::zeros({40, 3, 28, 28})).size() % 64 == 0);
  }

  TEST_CASE("npy: foreign types are read into ours") {
    CHECK(same_bits(decode_npy(npy(dict("<i8", "(3,)"), raw<std::int64_t>({-5, 0, INT32_MAX})), "file"),
                    Tensor::from<std::int32_t>({-5, 0, INT32_MAX}, {3})));
    CHECK(
        same_bits(decode_npy(npy(dict("|u1", "(2,)"), "\xff\x01"), "file"), Tensor::from<std::int32_t>({255, 1}, {2})));
    CHECK(same_bits(decode_npy(npy(dict("|b1", "(2,)"), std::string("\x00\x01", 2)), "file"),
                    Tensor::from<std::int32_t>({0, 1}, {2})));
    CHECK(
        contains(complaint(npy(dict("<i8", "(1,)"), raw<std::int64_t>({std::int64_t{1} << 31}))), "found 2147483648"));
  }

  TEST_CASE("npy: Fortran order, versions 2 and 3, keys in any order") {
    const Tensor want = Tensor::from<float>({0, 1, 2, 3, 4, 5}, {2, 3});
    const std::string columns = raw<float>({0, 3, 1, 4, 2, 5});
    CHECK(same_bits(decode_npy(npy(dict("<f4", "(2, 3)", "True"), columns), "file"), want));
    std::vector<double> first_axis_fastest;
    for (int k = 0; k < 4; ++k)
      for (int j = 0; j < 3; ++j)
        for (int i = 0; i < 2; ++i) first_axis_fastest.push_back(100 * i + 10 * j + k);
    const Tensor cube = decode_npy(npy(dict("<f8", "(2, 3, 4)", "True"), raw(first_axis_fastest)), "file");
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < 3; ++j)
        for (int k = 0; k < 4; ++k) CHECK(cube.at((i * 3 + j) * 4 + k) == 100 * i + 10 * j + k);
    for (const int major : {2, 3})
      CHECK(same_bits(decode_npy(npy(dict("<f4", "(2, 3)", "True"), columns, major), "file"), want));
    const std::string shuffled = "{\"shape\":(2,3),'fortran_order':True,'descr':'<f4'}";
    CHECK(same_bits(decode_npy(npy(shuffled, columns), "file"), want));
  }

  TEST_CASE("npy: sizes as Python 2 writes them, the machine's byte order, types without an order") {
    const std::string numbers = raw<double>({1, 2, 3});
    const Tensor want = Tensor::from<double>({1, 2, 3}, {3});
    for (const std::string shape : {"(3L,)", "(3,)", "(3L ,)"})
      CHECK(same_bits(decode_npy(npy(dict("<f8", shape), numbers), "file"), want));
    CHECK(contains(complaint(npy(dict("<f8", "(3L)"), numbers)), "a single size without its comma"));
    CHECK(decode_npy(npy(dict("<f8", "(1L, 3L)"), numbers), "file").shape() == Shape{1, 3});
    for (const std::string type : {"=f8", "f8", "<f8", "|f8"})
      CHECK(same_bits(decode_npy(npy(dict(type, "(3,)"), numbers), "file"), want));
    CHECK(decode_npy(npy(dict("?", "(2,)"), "\x01\x01"), "file").dtype() == DType::i32);
  }

  TEST_CASE("npy: 47 million numbers of one byte are read, as the training images of MNIST have") {
    std::string bytes = npy(dict("|u1", "(60000, 28, 28)"), "");
    const std::size_t begin = bytes.size();
    bytes.resize(begin + 60000 * 784);
    bytes[begin + 12345678] = '\xfe';
    const Tensor images = decode_npy(bytes, "file");
    CHECK(images.shape() == Shape{60000, 28, 28});
    CHECK(images.data<std::int32_t>()[12345678] == 254);
    CHECK_THROWS_WITH_AS(decode_npy(bytes, "file", 1 << 20), doctest::Contains("shape: expected numbers for at most"),
                         DataError);
  }

  TEST_CASE("npy: every truncation and every extra byte is refused") {
    const std::string whole = encode_npy(normal(key(1), {3, 2}));
    for (std::size_t size = 0; size < whole.size(); ++size) REQUIRE(complaint(whole.substr(0, size)) != "read");
    CHECK(contains(complaint(whole + "x"), "data: expected 6 numbers of 4 bytes for shape (3, 2), found 25 bytes"));
    CHECK(complaint(whole) == "read");
  }

  TEST_CASE("npy: headers that lie or make no sense are refused by field") {
    const auto refused = [](const std::string& header, const std::string& why) {
      INFO(header);
      const std::string got = complaint(npy(header, "12345678"));
      INFO(got);
      CHECK(contains(got, why));
      CHECK(contains(got, "[npy] file: "));
    };
    refused(dict("<f4", "(1000000000000,)"), "data: expected 1000000000000 numbers");
    refused(dict("<f4", "(4611686018427387904, 4)"), "more than 2^59 numbers");
    refused(dict("<f8", "(2305843009213693952,)"), "more than 2^59 numbers");
    refused(dict("<f4", "(99999999999999999999,)"), "no size");
    refused(dict("<f4", "(-2,)"), "no size");
    refused(dict("<f4", "(2"), "no size");
    refused(dict("<f4", "(2)"), "without its comma");
    refused(dict("<f4", "(1,1,1,1,1,1,1,1,2)"), "rank 9");
    refused(dict("<c8", "(1,)"), "descr: expected f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 or b1, found <c8: complex numbers");
    refused(dict("|O", "(1,)"), "found |O: Python objects");
    refused(dict("<f16", "(1,)"), "found <f16: long doubles");
    refused(dict("<f3", "(1,)"), "found <f3");
    refused(dict("x", "(1,)"), "found x: no type of numpy's");
    refused("{'descr': [('t', '<f8')], 'fortran_order': False, 'shape': (1,)}", "found a structured array");
    refused(dict("<f4", "(2LL,)"), "a single size without its comma");
    refused(dict("<f4", "(2,)", "Maybe"), "no False");
    refused("{'descr': '<f4', 'shape': (2,)}", "no key fortran_order");
    refused("{'descr': '<f4', 'descr': '<f4', 'shape': (2,)}", "repeated key");
    refused("{'descr': '<f4', 'evil': (2,)}", "unknown or repeated key \"evil\"");
    refused(dict("<f4", "(2,)") + "x", "text after the dictionary");
    refused("", "no {");
    CHECK(contains(complaint(npy(dict("<f4", "(2,)"), "12345678", 4)), "version: expected 1.0, 2.0 or 3.0, found 4.0"));
    CHECK(contains(complaint("PK\3\4 not numpy"), "magic"));
    std::string long_header = npy(dict("<f4", "(2,)"), "12345678", 2);
    long_header[11] = '\x7f';
    CHECK(contains(complaint(long_header), "header length: expected at most"));
  }

  TEST_CASE("npy: every single-byte change of the header is read or refused, never worse") {
    const std::string whole = encode_npy(Tensor::ones({3, 2}));
    for (std::size_t i = 0; i < 128; ++i)
      for (int flip = 1; flip < 256; flip += 7) {
        std::string bytes = whole;
        bytes[i] = static_cast<char>(bytes[i] ^ flip);
        REQUIRE_FALSE(complaint(bytes).empty());
      }
  }

  TEST_CASE("npz: named tensors come back, stored and deflated, and equal content gives equal bytes") {
    for (const bool compress : {false, true}) {
      const Scratch scratch;
      const std::string path = scratch / "a.npz";
      save_npz(path, samples(), compress);
      check_equal(samples(), load_npz(path));
      CHECK(read_file(path) == encode_npz(samples(), compress));
    }
    CHECK(encode_npz(samples(), true).size() < encode_npz(samples(), false).size() / 2);
    CHECK(decode_npz(encode_npz({}), "file").empty());
  }

  TEST_CASE("npz: local records with zip64 marks, as numpy writes them, are read") {
    // numpy announces 0xFFFFFFFF in the local record and the sizes in a 20-byte extra field after the name.
    const std::map<std::string, Tensor> one{{"x", Tensor::ones({2})}};
    std::string bytes = encode_npz(one);
    const std::size_t extra = 30 + 5, end = bytes.size() - 22, directory = bytes.find("PK\1\2");
    bytes[28] = 20;
    for (std::size_t i = 18; i < 26; ++i) bytes[i] = '\xff';
    const auto moved = static_cast<std::uint32_t>(directory + 20);
    for (std::size_t i = 0; i < 4; ++i) bytes[end + 16 + i] = static_cast<char>(moved >> (8 * i) & 0xFF);
    bytes.insert(extra, std::string("\x01\x00\x10\x00", 4) + std::string(16, '\0'));
    check_equal(one, decode_npz(bytes, "file"));
  }

  TEST_CASE("npz: every truncation, extra byte and changed byte is refused or changes nothing") {
    const std::map<std::string, Tensor> small{{"x", normal(key(4), {5})}, {"y", permutation(key(5), 3)}};
    for (const bool compress : {false, true}) {
      const std::string whole = encode_npz(small, compress);
      for (std::size_t size = 0; size < whole.size(); ++size)
        REQUIRE_THROWS_AS(decode_npz(whole.substr(0, size), "file"), DataError);
      CHECK_THROWS_AS(decode_npz(whole + "x", "file"), DataError);
      for (std::size_t i = 0; i < whole.size(); ++i)
        for (const int flip : {1, 0x80, 0xff}) {
          std::string bytes = whole;
          bytes[i] = static_cast<char>(bytes[i] ^ flip);
          try {
            for (const auto& [name, tensor] : decode_npz(bytes, "file"))  // dates, attributes, names: not the numbers
              if (small.contains(name)) REQUIRE(same_bits(tensor, small.at(name)));
          } catch (const DataError&) {
          }
        }
    }
  }

  TEST_CASE("npz: a lie about the size of a deflated member allocates nothing") {
    std::string bytes = encode_npz({{"x", Tensor::ones({2})}}, true);
    const std::size_t directory = bytes.find("PK\1\2");
    for (std::size_t i = 0; i < 4; ++i) bytes[directory + 24 + i] = "\xf0\xff\xff\xfe"[i];
    CHECK_THROWS_WITH_AS(decode_npz(bytes, "file"), doctest::Contains("announced"), DataError);
  }

  TEST_CASE("npz: only what is asked for is judged, and the others are listed with their trouble") {
    const Tensor h = Tensor::from<double>({1, 2, 3}, {3});
    std::string bytes = encode_npz({{"README", h}, {"h", h}, {"other", h}, {"spoilt", h}});
    for (std::size_t at = 0; (at = bytes.find("README.npy", at)) != std::string::npos;)
      bytes.replace(at, 10, "README.txt");
    const auto spoil = [&](const std::string& name, const std::string& from, const std::string& to) {
      bytes.replace(bytes.find(from, bytes.find(name + ".npy")), to.size(), to);
    };
    spoil("spoilt", "False", "Fals3");
    CHECK(same_bits(decode_npz_array(bytes, "file", "h"), h));
    const auto members = judge_npz(bytes, "file");
    REQUIRE(members.size() == 4);
    CHECK(members[0].name == "README.txt");
    CHECK(contains(members[0].trouble, "expected a name that ends in .npy"));
    CHECK(members[1].trouble.empty());
    CHECK(members[2].trouble.empty());
    CHECK(contains(members[3].trouble, "crc"));
    CHECK_THROWS_AS(decode_npz(bytes, "file"), DataError);
    CHECK_THROWS_AS(decode_npz_array(bytes, "file", "spoilt"), DataError);
    CHECK_THROWS_WITH_AS(decode_npz_array(bytes, "file", "none"), doctest::Contains("found none of this name"),
                         DataError);
    std::string twice = encode_npz({{"a", h}, {"b", h}, {"h", h}});
    for (std::size_t at = 0; (at = twice.find("b.npy", at)) != std::string::npos;) twice.replace(at, 5, "a.npy");
    CHECK(same_bits(decode_npz_array(twice, "file", "h"), h));
    CHECK_THROWS_WITH_AS(decode_npz_array(twice, "file", "a"), doctest::Contains("expected each name once"), DataError);
    CHECK(contains(judge_npz(twice, "file")[1].trouble, "expected each name once"));
  }

  TEST_CASE("npz: deflated images of the size of MNIST are read, more than 24 MiB in tensors of nothing are not") {
    std::string pixels(60000 * 784, '\0');
    std::uint64_t state = 1;
    for (std::size_t i = 0; i < pixels.size(); i += 4)  // a fifth of them, as many as in digits
      pixels[i] = static_cast<char>((state = state * 6364136223846793005U + 1442695040888963407U) >> 56);
    const std::string file = zip_of("x_train.npy", npy(dict("|u1", "(60000, 28, 28)"), pixels));
    CHECK(file.size() < pixels.size() / 2);
    CHECK(decode_npz_array(file, "file", "x_train").data<std::int32_t>()[4] == static_cast<unsigned char>(pixels[4]));
    const std::string nothing = zip_of("x.npy", npy(dict("|u1", "(10000000,)"), std::string(10'000'000, '\0')));
    CHECK_THROWS_WITH_AS(decode_npz_array(nothing, "file", "x"), doctest::Contains("at most"), DataError);
  }

  TEST_CASE("npz: names that a zip file cannot hold are refused") {
    for (const std::string& name : {std::string(), std::string("a/b"), std::string("a\\b"), std::string("a\0b", 3)})
      CHECK_THROWS_AS(encode_npz({{name, Tensor::ones({1})}}), ValueError);
  }
}
