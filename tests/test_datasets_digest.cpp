#include <doctest/doctest.h>

#include <string>

#include <glocal/datasets/digest.h>

using glocal::datasets::sha256;

TEST_SUITE("fast") {
  TEST_CASE("digest: SHA-256 vectors of FIPS 180-4") {
    CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(sha256(std::string(1000000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }

  TEST_CASE("digest: every length around the padding boundary") {
    // sha256 of the concatenation of sha256("x" * n) for n = 50..70
    std::string sha;
    for (std::size_t n = 50; n <= 70; ++n) sha += sha256(std::string(n, 'x'));
    CHECK(sha256(sha) == "9ce15c45abd7dd9cb16ae1dcc638ffab9da06e3736bcf3e2eb14fd69e55206e3");
  }
}
