#include EXERCISE
#include "check.h"

using course::close;

TEST_CASE("training twice gives the same bits, in two halves too [2 points]") {
  const auto digits = datasets::load("digits", datasets::Part::train);
  const datasets::BatchOrder order(digits.size(), 32, key(4));
  const Trained a = train(digits, order, initial_weights(8), 0.1, 20),
                b = train(digits, order, initial_weights(8), 0.1, 20);
  for (std::size_t i = 0; i < 4; ++i) close("weights " + std::to_string(i), a.w[i], b.w[i], 0);
}

TEST_CASE("no steps change nothing [2 points]") {
  const auto digits = datasets::load("digits", datasets::Part::train);
  const datasets::BatchOrder order(digits.size(), 32, key(4));
  const Trained none = train(digits, order, initial_weights(8), 0.1, 0);
  CHECK(none.losses.empty());
  close("w1", none.w.at(0), initial_weights(8)[0], 0);
}
