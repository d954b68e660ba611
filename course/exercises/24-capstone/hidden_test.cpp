#include EXERCISE
#include <glocal/autodiff/transforms.h>

#include "check.h"

using course::close;

TEST_CASE("the layer's derivatives in every tensor [2 points]") {
  const Gated layer(key(1), 3, 2, DType::f64);
  const Var x = normal(key(2), {4, 3}, 0, 1, DType::f64);
  const auto total = [&](const Gated& g) { return sum(square(g(x))); };
  const Gated gradient = grad(total)(layer);
  const double h = 1e-6;
  Gated up = layer, down = layer;
  up.B = layer.B + h, down.B = layer.B - h;
  close("sum of the gradient of B", sum(gradient.B).item(), (total(up) - total(down)).item() / (2 * h), 1e-6);
  close("shape of the gradient of a", gradient.a, grad([&](const Var& a) {
          Gated moved = layer;
          moved.a = a;
          return total(moved);
        })(layer.a));
}

TEST_CASE("two blocks: tangents begin again, a short block averages one entry [2 points]") {
  hpo::FlatProblem run;
  run.init = [](const Vars&) { return Vars{Tensor::scalar(1, DType::f64)}; };
  run.step = [](const Vars& s, const Vars& phi, std::int64_t) { return Vars{s[0] + phi[0]}; };
  run.outer = [](const Vars& s, const Vars&, std::int64_t) { return s[0] * 1.0; };
  Averaged averaged(3);
  hpo::Progress progress{run.init({}), {}, 0, 100};
  const Vars phi{Tensor::scalar(0.5, DType::f64)};
  close("first block", averaged.advance(run, phi, progress).h.at(0), 3.0);
  close("second block", averaged.advance(run, phi, progress).h.at(0), 3.0, 1e-12,
        {{6.0, "The tangents of the first block were carried into the second."}});
}
