#include EXERCISE
#include "check.h"

using course::close;

TEST_CASE("a node that is used a thousand times [1 points]") {
  Tape tape;
  const auto x = tape.input(0.5);
  auto sum = tape.mul(x, x);
  for (int i = 1; i < 1000; ++i) sum = tape.add(sum, tape.mul(x, x));
  close("slope of 1000 x^2 at 0.5", tape.backward(sum).at(x), 1000.0);
}

TEST_CASE("what comes after the output, or does not reach it, has slope zero [1 points]") {
  Tape tape;
  const auto x = tape.input(2), y = tape.input(7), z = tape.mul(x, x), later = tape.mul(z, y);
  const auto slopes = tape.backward(z);
  REQUIRE(slopes.size() == tape.nodes.size());
  close("slopes of z = x^2", {slopes[x], slopes[y], slopes[later]}, {4, 0, 0});
}

TEST_CASE("a chain of a million nodes [2 points]") {
  Tape tape;
  const auto x = tape.input(1);
  auto y = x;
  for (int i = 0; i < 1'000'000; ++i) y = tape.add(y, x);
  close("slope", tape.backward(y).at(x), 1'000'001.0);
}
