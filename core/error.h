// Typed errors. Every message reads "[where] what was wrong, with the shapes or the file and field; what to do".
#pragma once
#include <fmt/core.h>

#include <stdexcept>
#include <utility>

namespace glocal {

/// Base of every exception the library throws.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct ShapeError : Error {
  using Error::Error;
};  ///< shapes, axes or sizes do not fit together
struct DTypeError : Error {
  using Error::Error;
};  ///< mixed or unsupported element types
struct ValueError : Error {
  using Error::Error;
};  ///< an argument, flag or configuration out of range
struct DataError : Error {
  using Error::Error;
};  ///< a data file is missing, truncated, corrupt or foreign
struct IoError : Error {
  using Error::Error;
};  ///< the operating system refused to read or write
struct NumericError : Error {
  using Error::Error;
};  ///< NaN or Inf, or a factorisation that did not converge
struct DivergedError : Error {
  using Error::Error;
};  ///< a training run left the finite numbers
struct MemoryError : Error {
  using Error::Error;
};  ///< an allocation, or a run's estimate, above the limit
struct TraceError : Error {
  using Error::Error;
};  ///< a traced value used outside the function being differentiated

/// Throws E with a formatted message: fail<ShapeError>("[conv2d] weight {} expects {} channels", shape, n).
template <class E, class... A>
[[noreturn]] void fail(fmt::format_string<A...> format, A&&... args) {
  throw E(fmt::format(format, std::forward<A>(args)...));
}

}  // namespace glocal
