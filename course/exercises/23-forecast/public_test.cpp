#include EXERCISE
#include "check.h"
#include "picture.h"

using course::close;

namespace {
std::vector<double> block(int tau) {  // h after t steps: 0.2 - 0.97^t
  std::vector<double> h;
  for (int t = 1; t <= tau; ++t) h.push_back(0.2 - std::pow(0.97, t));
  return h;
}
}  // namespace

TEST_CASE("the index of a horizon [2 points]") {
  close("one step after the start", index_of(1), 0, 0,
        {{1.0, "The first snapshot, index 0, is one step after the start."}});
  close("100 steps after the start", index_of(100), 99, 0);
}

TEST_CASE("skill on an exact series [2 points]") { CHECK(skill(block(40), 2) < 1e-6); }

TEST_CASE("the forecast, drawn [3 points]") {
  const auto h = block(40);
  course::Picture picture{"A block, its forecast, and the truth",
                          "step",
                          "h",
                          {{"truth", {}, false, /*under=*/true}, {"block", {}, true}, {"forecast", {}}}};
  for (int t = 1; t <= 200; ++t) {
    picture.lines[0].points.emplace_back(t, 0.2 - std::pow(0.97, t));
    if (t <= 40) picture.lines[1].points.emplace_back(t, h[std::size_t(t) - 1]);
    if (t > 40) picture.lines[2].points.emplace_back(t, glocal_estimate(h, 2, t));
  }
  MESSAGE("look at ", course::draw(picture, "forecast.svg"));
  close("h_200", glocal_estimate(h, 2, 200), 0.2 - std::pow(0.97, 200), 1e-6,
        {{0.2 - std::pow(0.97, 201), "One step too far."},
         {0.2 - std::pow(0.97, 40), "It fell back to the last snapshot."}});
}
