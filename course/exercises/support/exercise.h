// What every exercise includes.
#pragma once
#include <stdexcept>
#include <string>

/// Thrown where your code goes.
struct NotImplemented : std::logic_error {
  explicit NotImplemented(const std::string& function) : std::logic_error(function + " is still to be written") {}
};
