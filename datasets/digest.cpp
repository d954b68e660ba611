#include <glocal/datasets/digest.h>

#include <fmt/core.h>
#include <openssl/evp.h>

#include <array>
#include <string>
#include <string_view>

#include <glocal/core/error.h>

namespace glocal::datasets {

std::string sha256(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    fail<MemoryError>("[data] libcrypto could not compute the SHA-256 of {} bytes", bytes.size());
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

}  // namespace glocal::datasets
