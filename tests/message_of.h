// What an exception says, for checks of its words.
#pragma once
#include <doctest/doctest.h>

#include <string>

/// Runs f, which must throw E, and gives the message.
template <class E, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  FAIL("expected an exception of another type, or any");
  return "";
}
