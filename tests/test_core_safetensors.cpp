#include <glocal/core/io/safetensors.h>

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "data_files.h"
#include "scratch.h"

#include <glocal/core/io/file.h>

using namespace glocal;
using data_files::contains;

namespace {

const std::string odd_name = "layer.0/\"w\" \\ caf\xC3\xA9 \xF0\x9F\x99\x82\n", zero_name("a\0b", 3);

// Every element type, a scalar, no numbers, odd names, NaN with a payload, -0.
SafeTensors checkpoint() {
  SafeTensors file;
  file.tensors["weight"] = Tensor::from<float>({1.5F, -0.0F, 3e-45F, INFINITY, -2, 7}, {2, 3});
  file.tensors["bias"] = Tensor::from<double>({0.1, std::nan("123")}, {2});
  file.tensors[odd_name] = Tensor::from<std::int32_t>({-2147483647 - 1, 5, 2147483647}, {3, 1});
  file.tensors[zero_name] = Tensor::scalar(42, DType::f32);
  file.tensors["none"] = Tensor(Shape{3, 0, 2}, DType::f64);
  file.metadata = {{"step", "17"}, {"", "an empty key"}, {"text", "\"quoted\" \\ \n \xE2\x82\xAC"}};
  return file;
}

bool same(const SafeTensors& a, const SafeTensors& b) {
  return a.metadata == b.metadata &&
         std::equal(a.tensors.begin(), a.tensors.end(), b.tensors.begin(), b.tensors.end(),
                    [](const auto& x, const auto& y) { return x.first == y.first && same_bits(x.second, y.second); });
}

// A file by hand: its header's text, then its data.
std::string raw(const std::string& header, const std::string& data = "") {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

std::string entry(const std::string& shape, const std::string& offsets, const std::string& type = "F32") {
  return R"({"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

std::string refusal(const std::string& bytes) {
  const std::string message = message_of<DataError>([&] { decode_safetensors(bytes, "x.safetensors"); });
  CHECK(contains(message, "x.safetensors"));
  return message;
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("safetensors: what is saved is loaded, bit for bit") {
    const Scratch folder;
    const std::string path = (folder.path / "a.safetensors").string();
    const SafeTensors file = checkpoint();
    save_safetensors(path, file);
    CHECK(same(load_safetensors(path), file));
    CHECK(read_file(path) == encode_safetensors(file));
    save_safetensors(path, {});
    CHECK(same(load_safetensors(path), {}));
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
    CHECK_THROWS_AS(load_safetensors(path + ".no"), IoError);
  }

  TEST_CASE("safetensors: the bytes are those the published format asks for") {
    const std::string bytes = encode_safetensors(checkpoint());
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    REQUIRE(length % 8 == 0);
    const auto header = nlohmann::json::parse(bytes.substr(8, length));
    CHECK(bytes[8] == '{');
    CHECK(header.at("__metadata__").at("step") == "17");
    CHECK(header.at("weight").at("dtype") == "F32");
    CHECK(header.at("weight").at("shape") == nlohmann::json({2, 3}));
    CHECK(header.at(zero_name).at("shape") == nlohmann::json::array());
    CHECK(header.size() == 6);
    std::uint64_t total = 0;
    for (const auto& [name, tensor] : checkpoint().tensors) {
      const auto offsets = header.at(name).at("data_offsets").get<std::vector<std::uint64_t>>();
      const auto size = static_cast<std::uint64_t>(tensor.bytes());
      CHECK(offsets[1] - offsets[0] == size);
      CHECK(offsets[0] % static_cast<std::uint64_t>(size_of(tensor.dtype())) == 0);
      CHECK(bytes.compare(8 + length + offsets[0], size, static_cast<const char*>(tensor.raw()), size) == 0);
      total += size;
    }
    CHECK(bytes.size() == 8 + length + total);
  }

  TEST_CASE("safetensors: a file by another writer loads") {
    const SafeTensors file = load_safetensors(GLOCAL_SOURCE_DIR "/tests/safetensors/foreign.safetensors");
    const auto is = [&](const std::string& name, const Tensor& wanted) {
      REQUIRE(file.tensors.contains(name));
      CHECK(same_bits(file.tensors.at(name), wanted));
    };
    CHECK(file.tensors.size() == 10);
    is("wide", Tensor::from<double>({0.1, -2.5, 1e300, -0.0}, {2, 2}));
    is("ids", Tensor::from<std::int32_t>({-2147483647 - 1, 0, 2147483647}, {3}));
    is("caf\xC3\xA9 \"q\" \\ \xF0\x9F\x99\x82", Tensor::from<float>({1.5F, -0.25F, 3}, {1, 3}));
    is("empty", Tensor(Shape{0, 7}));
    is("scalar", Tensor::scalar(-7, DType::i32));
    is("half", Tensor::from<float>({1, -2, 65504, std::ldexp(1.0F, -24), INFINITY}, {5}));
    is("brain", Tensor::from<float>({1, -5}, {2}));
    is("bytes", Tensor::from<std::int32_t>({0, 1, 128, 255}, {4}));
    is("flags", Tensor::from<std::int32_t>({1, 0}, {2}));
    is("small", Tensor::from<std::int32_t>({-128, 127}, {2}));
    CHECK(file.metadata ==
          std::map<std::string, std::string>{{"format", "pt"}, {"by", "somebody \xE2\x80\x94 else"}, {"\n", ""}});
  }

  TEST_CASE("safetensors: every truncation of a checkpoint is refused") {
    const std::string bytes = encode_safetensors(checkpoint());
    std::size_t silent = 0;
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      try {
        decode_safetensors(bytes.substr(0, length), "x");
        ++silent;
      } catch (const DataError&) {
      }
    }
    CHECK(silent == 0);
    CHECK(contains(refusal(bytes + '\0'), "data: expected"));
  }

  TEST_CASE("safetensors: every flipped byte of a checkpoint is refused") {
    const std::string bytes = encode_safetensors(checkpoint());
    std::size_t silent = 0, unnamed = 0, tried = 0;
    for (std::size_t at = 0; at < bytes.size(); ++at)
      for (const int flip : {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF}) {
        std::string broken = bytes;
        broken[at] = static_cast<char>(broken[at] ^ flip);
        ++tried;
        try {
          decode_safetensors(broken, "x.safetensors");
          ++silent;
        } catch (const DataError& error) {
          unnamed += !contains(error.what(), "x.safetensors: ");
        }
      }
    CHECK(tried == 9 * bytes.size());
    CHECK(silent == 0);
    CHECK(unnamed == 0);
    std::string broken = bytes;
    broken.back() ^= 1;  // the last tensor of the data, in the order of widths and names
    CHECK(contains(refusal(broken), "weight\": data: expected checksum"));
  }

  TEST_CASE("safetensors: a checkpoint that another program wrote anew is refused, one without checksums is not") {
    const std::string bytes = encode_safetensors(checkpoint());
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    auto header = nlohmann::json::parse(bytes.substr(8, length));
    const std::string data = bytes.substr(8 + length);
    CHECK(contains(refusal(raw(header.dump() + " ", data)), "header"));
    header.at("__metadata__").erase("glocal.crc32");
    CHECK(contains(refusal(raw(header.dump(), data)), "glocal.crc32"));
    header.at("__metadata__").erase("glocal.crc32.tensors");
    CHECK(same(decode_safetensors(raw(header.dump(), data), "x"), checkpoint()));
  }

  TEST_CASE("safetensors: headers that lie about sizes are refused before memory is asked for") {
    const std::string four(4, '\0'), max = "18446744073709551615";
    const auto one = [&](const std::string& shape, const std::string& offsets, const std::string& type = "F32") {
      return refusal(raw(R"({"a":)" + entry(shape, offsets, type) + "}", four));
    };
    decode_safetensors(raw(R"({"a":)" + entry("[1]", "[0,4]") + "}   ", four), "good");
    CHECK(contains(one("[2]", "[0,4]"), "expected 2 numbers of 4 bytes for shape (2,), found 4 bytes"));
    CHECK(contains(one("[4294967295]", "[0,4]"), "\"a\": data_offsets"));
    CHECK(contains(one("[4294967295]", "[0,17179869180]"), "expected at most 4 bytes of data"));
    CHECK(contains(one("[4611686018427387905]", "[0,4]"), "shape"));    // times 4 it wraps to 4
    CHECK(contains(one("[4294967296,4294967296]", "[0,0]"), "shape"));  // wraps to 0
    CHECK(contains(one("[4294967295,4294967295,4294967295]", "[0,4]"), "shape"));
    CHECK(contains(one("[" + max + "]", "[0,4]"), "shape"));
    CHECK(contains(one("[18446744073709551616]", "[0,4]"), "shape"));
    CHECK(contains(one("[1]", "[0," + max + "]"), "data_offsets"));
    CHECK(contains(one("[1]", "[" + max + ",3]"), "data_offsets"));
    CHECK(contains(one("[1]", "[18446744073709551612,18446744073709551616]"), "data_offsets"));
    CHECK(contains(one("[1]", "[4,0]"), "data_offsets"));
    CHECK(contains(one("[1]", "[0]"), "data_offsets"));
    CHECK(contains(one("[1]", "[0,4,4]"), "data_offsets"));
    CHECK(contains(one("[-1]", "[0,4]"), "shape"));
    CHECK(contains(one("[1.0]", "[0,4]"), "shape"));
    CHECK(contains(one("[1,1,1,1,1,1,1,1,1]", "[0,4]"), "at most 8 sizes"));
    CHECK(contains(one("[4]", "[0,4]", "F8_E4M3"), "F8_E4M3"));
    for (const std::uint64_t length :
         {std::uint64_t{5}, std::uint64_t{100'000'001}, std::uint64_t{0xFFFFFFFF},
          std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::uint64_t>::max() - 7}) {
      std::string bytes = raw("{} ");
      std::memcpy(bytes.data(), &length, 8);
      CHECK(contains(refusal(bytes), "header length"));
    }
    CHECK(contains(refusal(raw("", "{}")), "header"));
  }

  TEST_CASE("safetensors: holes, overlaps and repeated names are refused") {
    const auto two = [&](const std::string& a, const std::string& b, std::size_t data, const std::string& name = "b") {
      return refusal(
          raw(R"({"a":)" + entry("[1]", a) + ",\"" + name + "\":" + entry("[1]", b) + "}", std::string(data, 'x')));
    };
    CHECK(contains(two("[0,4]", "[5,9]", 9), "\"b\": data_offsets: expected to begin at 4, found 5, after a hole"));
    CHECK(contains(two("[0,4]", "[0,4]", 4), "inside another tensor"));
    CHECK(contains(two("[0,4]", "[3,7]", 7), "inside another tensor"));
    CHECK(contains(two("[1,5]", "[5,9]", 9), "\"a\": data_offsets: expected to begin at 0"));
    CHECK(contains(two("[0,4]", "[4,8]", 9), "data: expected 8 bytes in all, found 9"));
    CHECK(contains(two("[0,4]", "[4,8]", 7), "\"b\": data_offsets"));
    CHECK(contains(two("[0,4]", "[4,8]", 8, "a"), "found a second \"a\""));
    CHECK(contains(two("[0,4]", "[4,8]", 8, "\\u0061"), "found a second \"a\""));  // the same name by an escape
    CHECK(contains(refusal(raw(R"({"__metadata__":{},"__metadata__":{}})")), "second \"__metadata__\""));
    CHECK(contains(refusal(raw(R"({"__metadata__":{"k":"1","k":"2"}})")), "second \"k\""));
    CHECK(contains(refusal(raw(R"({"a":{"dtype":"F32","dtype":"F32","shape":[0],"data_offsets":[0,0]}})")), "dtype"));
  }

  TEST_CASE("safetensors: headers of another structure are refused by name") {
    for (const std::string& header :
         std::vector<std::string>{"",
                                  " {}",
                                  "[]",
                                  "null",
                                  "{",
                                  "{}x",
                                  "{} {}",
                                  "{\"a\"}",
                                  "{\"a\":1}",
                                  "{\"a\":[]}",
                                  "{\"a\":\"F32\"}",
                                  "{\"a\":{}}",
                                  R"({"a":{"dtype":"F32","shape":[0]}})",
                                  R"({"a":{"dtype":1,"shape":[0],"data_offsets":[0,0]}})",
                                  R"({"a":{"dtype":"F32","shape":0,"data_offsets":[0,0]}})",
                                  R"({"a":{"dtype":"F32","shape":[[0]],"data_offsets":[0,0]}})",
                                  R"({"a":{"dtype":"F32","shape":[{}],"data_offsets":[0,0]}})",
                                  R"({"a":{"dtype":["F32"],"shape":[0],"data_offsets":[0,0]}})",
                                  R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0],"more":1}})",
                                  R"({"a":{"dtype":"F32","shape":[true],"data_offsets":[0,0]}})",
                                  R"({"a":{"dtype":"F32","shape":[null],"data_offsets":[0,0]}})",
                                  R"({"__metadata__":{"k":1}})",
                                  R"({"__metadata__":{"k":{}}})",
                                  R"({"__metadata__":{"k":["v"]}})",
                                  R"({"__metadata__":"k"})",
                                  R"({"__metadata__":{"k":"\ud800"}})",
                                  "{\"__metadata__\":{\"k\":\"\xFF\"}}",
                                  R"({"__metadata__":{"k":"v",}})",
                                  std::string("{}\0{}", 5),
                                  std::string("{}\0", 3),
                                  "\xEF\xBB\xBF{}",
                                  "{/**/}",
                                  "\x80\x02}q\x00.",
                                  "<!DOCTYPE html>"})
      CHECK(contains(refusal(raw(header)), "header"));
    CHECK(contains(refusal(""), "header length: expected 8 bytes, found 0"));
    CHECK(decode_safetensors(raw("{}"), "x").tensors.empty());
    CHECK(decode_safetensors(raw(R"({"__metadata__":{"\u0000\ud83d\ude42":""}})"), "x").metadata.size() == 1);
  }

  TEST_CASE("safetensors: nesting 100000 deep is refused") {
    const std::string open(100000, '['), objects = [] {
      std::string text;
      for (int i = 0; i < 100000; ++i) text += "{\"a\":";
      return text;
    }();
    CHECK(contains(refusal(raw(open)), "header"));
    CHECK(contains(refusal(raw("{\"a\":" + open)), "expected an object"));
    CHECK(contains(refusal(raw(objects)), "header"));
    CHECK(contains(refusal(raw(R"({"a":{"shape":)" + open)), "shape"));
    CHECK(contains(refusal(raw(R"({"__metadata__":{"k":)" + objects)), "\"k\""));
  }

  TEST_CASE("safetensors: names in messages are short and cannot drive a terminal") {
    const std::string message = refusal(raw("{\"" + std::string(100000, 'n') + "\":1}"));
    CHECK(message.size() < 300);
    CHECK(!contains(refusal(raw("{\"\\u001b[2J\xC2\x9B\":1}")), "\x1b"));
    CHECK(refusal(raw("{\"" + std::string(100000, 'n'))).size() < 300);
  }

  TEST_CASE("safetensors: integers that do not fit are refused, many of one byte are read") {
    std::string numbers(16, '\0');
    numbers[12] = 1;  // the second is 2^32
    CHECK(contains(refusal(raw(R"({"a":)" + entry("[2]", "[0,16]", "I64") + "}", numbers)), "found 4294967296"));
    CHECK(contains(refusal(raw(R"({"a":)" + entry("[2]", "[0,8]", "U32") + "}", std::string(8, '\xFF'))), "number 0"));
    const std::string over = std::to_string((16 << 20) + 1);
    const SafeTensors read = decode_safetensors(
        raw(R"({"a":)" + entry("[" + over + "]", "[0," + over + "]", "U8") + "}", std::string((16 << 20) + 1, '\x80')),
        "x");
    CHECK(read.tensors.at("a").data<std::int32_t>()[16 << 20] == 128);
    for (const std::string type : {"F8_E4M3", "C64", "f32", ""})
      CHECK(contains(refusal(raw(R"({"a":)" + entry("[1]", "[0,4]", type) + "}", "1234")),
                     "dtype: expected F64 F32 F16"));
  }

  TEST_CASE("safetensors: what cannot be a file is refused before it is written") {
    const Tensor x = Tensor::ones({1});
    CHECK_THROWS_AS(encode_safetensors({{{"a", Tensor()}}, {}}), ShapeError);
    CHECK_THROWS_AS(encode_safetensors({{{"__metadata__", x}}, {}}), ValueError);
    CHECK_THROWS_AS(encode_safetensors({{{"\xFF", x}}, {}}), ValueError);
    CHECK_THROWS_AS(encode_safetensors({{}, {{"\xC0\x80", ""}}}), ValueError);
    CHECK_THROWS_AS(encode_safetensors({{}, {{"k", "\xED\xA0\x80"}}}), ValueError);
    CHECK_THROWS_AS(encode_safetensors({{}, {{"glocal.crc32", "00000000"}}}), ValueError);
    const std::string most((16 << 20) - 2, 'x');  // with its quotes 16 MiB
    CHECK(decode_safetensors(encode_safetensors({{}, {{"k", most}}}), "x").metadata.at("k") == most);
    CHECK_THROWS_AS(encode_safetensors({{}, {{"k", most + "x"}}}), ValueError);
    CHECK_THROWS_AS(encode_safetensors({{}, {{"k", std::string(3 << 20, '\1')}}}), ValueError);  // six bytes each
    CHECK(contains(refusal(raw(R"({"__metadata__":{"k":")" + most + "xxx\"}}")), "16777216 bytes of text"));
  }

  TEST_CASE("safetensors: one error lists every missing, unexpected and different tensor") {
    const SafeTensors file = checkpoint();
    std::map<std::string, TensorKind> expected;
    for (const auto& [name, tensor] : file.tensors) expected[name] = {tensor.shape(), tensor.dtype()};
    require_tensors(file, expected, "a.safetensors");
    expected.erase("bias");
    expected.erase("none");
    expected["gone"] = expected["lost"] = {{2}, DType::f32};
    expected["weight"].shape = {3, 2};
    expected[zero_name].dtype = DType::f64;
    const std::string message = message_of<DataError>([&] { require_tensors(file, expected, "a.safetensors"); });
    CHECK(contains(message, "a.safetensors"));
    CHECK(contains(message, "missing: \"gone\" \"lost\""));
    CHECK(contains(message, "unexpected: \"bias\" \"none\""));
    CHECK(contains(message, "\"weight\" is f32 (2, 3), not f32 (3, 2)"));
    CHECK(contains(message, "\"a\\u0000b\" is f32 (), not f64 ()"));
  }
}
