// Rules without a learning rate to choose, against reference values of plain loops in double precision, and against
// such loops written here.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <glocal/autodiff/ops.h>
#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/tensor.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/rules/mechanic.h>
#include <glocal/optim/rules/muon.h>
#include <glocal/optim/rules/registry.h>

#include "message_of.h"

using namespace glocal;
using namespace glocal::optim;

namespace {

constexpr DType f64 = DType::f64;
using Numbers = std::array<double, 3>;
using Named = std::map<std::string, double>;

constexpr Numbers even{2, 2, 2}, steep{1, 10, 100}, start{1, 2, 3};

// f = sum of a w^2 / 2
Var bowl(const Numbers& a, const Vars& w) {
  return 0.5 * dot(Tensor::from<double>({a[0], a[1], a[2]}, {3}), square(w[0]));
}

// What a rule sees of f at w, in one parameter of three numbers.
Evaluation seen(const Numbers& a, const Vars& w) {
  const Var slope = Var(Tensor::from<double>({a[0], a[1], a[2]}, {3})) * w[0];
  return {{slope}, bowl(a, w), [a](const Vars& there) { return seen(a, there); }};
}

Vars values(const Optimizer& optimizer, const Named& given) {
  Vars all;
  for (const HyperInfo& info : optimizer.hyper) {
    const double usual = info.name == "eps_root" || info.name == "weight_decay" ? 0 : info.initial;
    const auto found = given.find(info.name);
    all.push_back(Tensor::scalar(found == given.end() ? usual : found->second, f64));
  }
  for (const auto& [name, value] : given)
    REQUIRE(std::ranges::find(optimizer.hyper, name, &HyperInfo::name) != optimizer.hyper.end());
  return all;
}

struct Path {
  std::vector<double> f;       // at what is judged, after each step
  std::vector<double> number;  // the entry of the state that is asked for
  std::vector<Numbers> w;
};

// `steps` steps from (1, 2, 3); entry: of the state, counted from its end.
Path run(const std::string& name, const Numbers& a, const Named& given, int steps = 5, std::size_t entry = 1,
         const std::function<double(int t)>& lr = nullptr) {
  const Optimizer optimizer = make_optimizer(name);
  Step s{{Tensor::from<double>({start[0], start[1], start[2]}, {3})}, {}};
  s.state = optimizer.init(s.params);
  Path path;
  for (int t = 1; t <= steps; ++t) {
    Named now = given;
    if (lr) now["lr"] = lr(t);
    s = optimizer.step(values(optimizer, now), s.params, seen(a, s.params), s.state, t);
    const Vars judged = optimizer.judged ? optimizer.judged(s.params, s.state) : s.params;
    path.f.push_back(bowl(a, judged).item());
    if (s.state.size() >= entry) path.number.push_back(sum(s.state[s.state.size() - entry]).item());
    path.w.push_back({s.params[0].value().at(0), s.params[0].value().at(1), s.params[0].value().at(2)});
  }
  return path;
}

void check_equal(const std::vector<double>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() >= expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(found[i] - expected[i]) <= 1e-12 * std::abs(expected[i]) + 1e-15);
  }
}

// Against a loop over plain numbers: w after each step.
void check_path(const Path& path, const std::function<void(int t, Numbers& w)>& step) {
  Numbers w = start;
  for (std::size_t k = 0; k < path.w.size(); ++k) {
    step(static_cast<int>(k) + 1, w);
    for (std::size_t i = 0; i < 3; ++i) {
      CAPTURE(k);
      CHECK(path.w[k][i] == doctest::Approx(w[i]).epsilon(1e-12));
    }
  }
}

double inner(const Numbers& a, const Numbers& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
Numbers slope(const Numbers& a, const Numbers& w) { return {a[0] * w[0], a[1] * w[1], a[2] * w[2]}; }
double value(const Numbers& a, const Numbers& w) { return 0.5 * inner(slope(a, w), w); }

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("optim golden: schedule-free SGD") {
    check_equal(run("schedule_free_sgd", even, {{"lr", 1}}).f,
                {14, 0, 0.99555555555555575, 0.80640000000000045, 0.24098816000000015});
    check_equal(run("schedule_free_sgd", steep, {{"lr", 0.01}}).f,
                {16.690049999999999, 15.105661751250002, 13.655830243979713, 12.330447404555024, 11.12008721068581});
  }

  TEST_CASE("optim golden: schedule-free AdamW") {
    check_equal(run("schedule_free_adamw", even, {{"lr", 1}}).f,
                {5.0000000116666676, 3.0522752890729317, 1.7276049601418797, 0.89418610285555178, 0.41288493411173});
    check_equal(run("schedule_free_adamw", steep, {{"lr", 1}}).f,
                {205.00000001166666, 131.57718394615364, 78.569921126419487, 42.800128163670266, 20.52004178557749});
  }

  TEST_CASE("optim golden: DoG") {
    {
      std::vector<double> f;
      for (const Numbers& w : run("dog", even, {}).w) f.push_back(value(even, w));
      check_equal(f,
                  {13.99996451670771, 13.999939426274153, 13.999904454112567, 13.999856681372405, 13.999792587745787});
    }
    {
      std::vector<double> f;
      for (const Numbers& w : run("dog", steep, {}).w) f.push_back(value(steep, w));
      check_equal(f,
                  {470.49857433841805, 470.49756624558904, 470.49616112157241, 470.49424169249573, 470.49166651961684});
    }
  }

  TEST_CASE("optim golden: DoG, a larger first step") {
    {
      std::vector<double> f;
      for (const Numbers& w : run("dog", even, {{"first_step", 0.01}}).w) f.push_back(value(even, w));
      check_equal(f,
                  {13.647415183773155, 13.402384386020852, 13.066762447893495, 12.619980508794747, 12.042202713001277});
    }
    {
      std::vector<double> f;
      for (const Numbers& w : run("dog", steep, {{"first_step", 0.01}}).w) f.push_back(value(steep, w));
      check_equal(f,
                  {456.35534065471592, 446.56666837815249, 433.21593309572057, 415.55539051156723, 392.92264775382375});
    }
  }

  TEST_CASE("optim golden: DoWG") {
    check_equal(run("dowg", even, {}).f,
                {13.925366452085752, 13.872762818866127, 13.77543215025727, 13.596171713003967, 13.26883779250455});
    check_equal(run("dowg", steep, {}).f,
                {467.49840379400416, 465.38545518603593, 461.47421634544418, 454.28090601609176, 441.18180452746913});
  }

  TEST_CASE("optim golden: Prodigy and its d") {
    {
      const Path path = run("prodigy", even, {}, 5, 2);
      check_equal(path.f,
                  {13.999962052701077, 13.999911057742242, 13.999817918311717, 13.999547485321855, 13.998822700719909});
      check_equal(path.number, {9.9999999999999995e-07, 1.581532937554292e-06, 4.8224017035911914e-06,
                                1.349608139312234e-05, 3.4509664830343573e-05});
    }
    {
      const Path path = run("prodigy", steep, {}, 5, 2);
      check_equal(path.f,
                  {470.49898490942911, 470.49762079303468, 470.49512930791457, 470.4878951937194, 470.46850700726691});
      check_equal(path.number, {9.9999999999999995e-07, 1.5815334432985883e-06, 4.822404507667075e-06,
                                1.3496088425114118e-05, 3.4509685471125205e-05});
    }
  }

  TEST_CASE("optim golden: Prodigy from a larger d") {
    {
      const Path path = run("prodigy", even, {{"first_d", 0.01}}, 5, 2);
      check_equal(path.f,
                  {13.623526710200041, 13.127277914678633, 12.253266548369396, 9.9072444442102601, 5.0690289077587938});
      check_equal(path.number,
                  {0.01, 0.015689345572151046, 0.04749531974174246, 0.1333650689732179, 0.34036555753351128});
    }
    {
      const Path path = run("prodigy", steep, {{"first_d", 0.01}}, 5, 2);
      check_equal(path.f,
                  {460.40458874027973, 447.0168060412592, 423.16398218566525, 357.4357445645594, 207.20306147351891});
      check_equal(path.number,
                  {0.01, 0.015728419112476244, 0.047723637599726795, 0.13388107099667743, 0.34208779771990167});
    }
  }

  TEST_CASE("optim golden: D-Adaptation and its d") {
    {
      const Path path = run("d_adaptation", even, {}, 5, 2);
      check_equal(path.f,
                  {13.999962052701077, 13.999911057740581, 13.999526910105196, 13.998439885135618, 13.993486474809254});
      check_equal(path.number, {9.9999999999999995e-07, 1.5815329375257761e-05, 4.1478434745679972e-05,
                                0.00024012486325945931, 0.00079990739732385251});
    }
    {
      const Path path = run("d_adaptation", steep, {}, 5, 2);
      check_equal(path.f,
                  {470.49898490942911, 470.49762079303298, 470.48734479799248, 470.4582664131662, 470.32575402314887});
      check_equal(path.number, {9.9999999999999995e-07, 1.5815334433972222e-05, 4.1478440957324167e-05,
                                0.00024012534573786729, 0.00079991156529788082});
    }
  }

  TEST_CASE("optim golden: Mechanic and its scale") {
    {
      const Path path = run("mechanic_sgd", even, {{"momentum", 0}}, 5, 1);
      check_equal(path.f,
                  {13.999945037089944, 13.999888954401207, 13.99977630668721, 13.999582708548102, 13.999262787946254});
      check_equal(path.number, {9.8148150000000007e-07, 9.9148149982294954e-07, 1.331515764482019e-06,
                                1.8629286313590164e-06, 2.632950030716458e-06});
    }
    {
      const Path path = run("mechanic_sgd", steep, {{"momentum", 0}}, 5, 1);
      check_equal(path.f,
                  {470.41127742772227, 470.32076462458684, 470.13898943741344, 469.82669838475817, 469.31095708651554});
      check_equal(path.number, {9.8148150000000007e-07, 9.9148149999989049e-07, 1.3315410486758735e-06,
                                1.8630000251033361e-06, 2.6330779593925693e-06});
    }
  }

  TEST_CASE("optim golden: Polyak's step") {
    check_equal(run("polyak", even, {}).f, {3.5, 0.875, 0.21875, 0.0546875, 0.013671875});
    check_equal(run("polyak", steep, {}).f,
                {121.94902298533319, 34.768787672888799, 14.068774487127239, 8.0154976787633494, 3.8759124478020848});
  }

  TEST_CASE("optim golden: MoMo") {
    check_equal(run("momo", even, {}).f,
                {3.5, 3.3182132963988913, 3.14185869325157, 2.9713084115241459, 2.8068556685082457});
    check_equal(run("momo", steep, {}).f,
                {121.94902298533319, 115.84445641852669, 109.91690083228231, 104.1795964798745, 98.643126145917535});
  }

  TEST_CASE("optim golden: AdEMAMix") {
    check_equal(run("ademamix", even, {{"lr", 0.01}, {"mix", 5}}).f,
                {13.880240300373314, 13.761037765947933, 13.642403681914438, 13.524349112595273, 13.406884875439143});
    check_equal(run("ademamix", steep, {{"lr", 0.01}, {"mix", 2}}).f,
                {467.29491022052025, 464.10058013258265, 460.91720852754594, 457.74499139399302, 454.58412148043533});
  }

  TEST_CASE("optim golden: schedule-free with three steps of warm-up by the rate, and decay") {
    check_equal(run("schedule_free_sgd", even, {}, 5, 1, [](int t) { return 0.01 * std::min(1.0, t / 3.0); }).f,
                {13.813955555555555, 13.52082955820247, 13.129264611720838, 12.84103414697849, 12.572837471715685});
    check_equal(run("schedule_free_adamw", even, {{"weight_decay", 0.1}}, 5, 1,
                    [](int t) { return 0.0025 * std::min(1.0, t / 3.0); })
                    .f,
                {13.987669680580542, 13.967959343371401, 13.941070691674412, 13.920814339774939, 13.901610668546606});
    check_equal(run("schedule_free_sgd", steep, {}, 5, 1, [](int t) { return 0.01 * std::min(1.0, t / 3.0); }).f,
                {219.1855611111111, 60.79551098188643, 16.471936173761222, 13.368367211109769, 12.588342866579344});
    check_equal(run("schedule_free_adamw", steep, {{"weight_decay", 0.1}}, 5, 1,
                    [](int t) { return 0.0025 * std::min(1.0, t / 3.0); })
                    .f,
                {470.1541474340529, 469.60117547001329, 468.84657466656955, 468.27790362572165, 467.73863825457414});
  }

  TEST_CASE("optim golden: lion against a plain loop, with decay") {
    const double lr = 0.03, b1 = 0.9, b2 = 0.95, wd = 0.1;
    for (const Numbers& a : {even, steep}) {
      Numbers m{};
      check_path(run("lion", a, {{"lr", lr}, {"beta1", b1}, {"beta2", b2}, {"weight_decay", wd}}, 60),
                 [&](int, Numbers& w) {
                   const Numbers g = slope(a, w);
                   for (std::size_t i = 0; i < 3; ++i) {
                     const double c = b1 * m[i] + (1 - b1) * g[i];
                     w[i] -= lr * (static_cast<double>((c > 0) - (c < 0)) + wd * w[i]);
                     m[i] = b2 * m[i] + (1 - b2) * g[i];
                   }
                 });
    }
  }

  TEST_CASE("optim golden: hdm against a plain loop, with null steps and a learned momentum") {
    const double lr = 0.05, momentum_lr = 0.3, eps = 1e-12;
    for (const bool one : {true, false})
      for (const Numbers& a : {even, steep}) {
        Numbers P{}, G{}, before = start;
        double b = 0.95, B = 0;
        int null_steps = 0;
        check_path(run(one ? "hdm_one_rate" : "hdm", a, {{"lr", lr}, {"momentum_lr", momentum_lr}}, 40),
                   [&](int, Numbers& w) {
                     const Numbers g = slope(a, w);
                     Numbers moved{}, tried{};
                     for (std::size_t i = 0; i < 3; ++i) {
                       moved[i] = w[i] - before[i];
                       tried[i] = w[i] - P[i] * g[i] + b * moved[i];
                     }
                     const Numbers ahead = slope(a, tried);
                     const double size = inner(g, g) + eps;
                     for (std::size_t i = 0; i < 3; ++i) {
                       const double h = one ? -inner(ahead, g) / size : -ahead[i] * g[i] / size;
                       G[i] += h * h;
                       P[i] -= lr * h / (std::sqrt(G[i]) + eps);
                     }
                     const double k = inner(ahead, moved) / size;
                     B += k * k;
                     b = std::clamp(b - momentum_lr * k / (std::sqrt(B) + eps), 0.0, 0.9995);
                     before = w;
                     if (value(a, tried) < value(a, w))
                       w = tried;
                     else
                       ++null_steps;
                   });
        CHECK(null_steps >= 1);
        CHECK(null_steps < 30);
      }
  }

  TEST_CASE("optim golden: momo and dog with weight decay against plain loops") {
    const double wd = 0.2;
    for (const Numbers& a : {even, steep}) {
      const double lr = 0.07, b = 0.8, bound = 0.5;
      Numbers m{};
      double f = 0, c = 0;
      int capped = 0;
      check_path(run("momo", a, {{"lr", lr}, {"momentum", b}, {"lower_bound", bound}, {"weight_decay", wd}}, 30),
                 [&](int t, Numbers& w) {
                   const Numbers g = slope(a, w);
                   const double keep = t == 1 ? 0 : b;
                   f = keep * f + (1 - keep) * value(a, w);
                   c = keep * c + (1 - keep) * inner(g, w);
                   for (std::size_t i = 0; i < 3; ++i) m[i] = keep * m[i] + (1 - keep) * g[i];
                   const double far = std::max(0.0, (1 + lr * wd) * (f - bound - c) + inner(m, w)) / inner(m, m);
                   capped += far > lr;
                   for (std::size_t i = 0; i < 3; ++i) w[i] = (w[i] - std::min(lr, far) * m[i]) / (1 + lr * wd);
                 });
      CHECK(capped < 30);
      double distance = 0.01 * (1 + std::sqrt(inner(start, start))), squares = 1e-8;
      check_path(run("dog", a, {{"first_step", 0.01}, {"weight_decay", wd}}, 30), [&](int, Numbers& w) {
        Numbers g = slope(a, w), moved{};
        for (std::size_t i = 0; i < 3; ++i) {
          g[i] += wd * w[i];
          moved[i] = w[i] - start[i];
        }
        distance = std::max(distance, std::sqrt(inner(moved, moved)));
        squares += inner(g, g);
        for (std::size_t i = 0; i < 3; ++i) w[i] -= distance / std::sqrt(squares) * g[i];
      });
    }
  }

  TEST_CASE("optim golden: dog judges the mean of its iterates with weights that fall as a polynomial") {
    const Path path = run("dog", even, {{"first_step", 0.05}}, 12);
    Numbers mean{};
    for (std::size_t k = 0; k < path.w.size(); ++k) {
      const double share = 9 / (9 + static_cast<double>(k));
      for (std::size_t i = 0; i < 3; ++i) mean[i] += share * (path.w[k][i] - mean[i]);
      CHECK(path.f[k] == doctest::Approx(value(even, mean)).epsilon(1e-12));
    }
  }

  TEST_CASE("optim golden: mechanic over a rule with buffers leaves them to that rule") {
    const Optimizer base = make_optimizer("sgd"), wrapped = mechanic("around", base);
    CHECK(wrapped.hyper.size() == base.hyper.size() + 3);
    CHECK(wrapped.hyper[0].initial == 1);
    const Vars w{Tensor::from<double>({1, 2, 3}, {3})}, g{Tensor::from<double>({-1, 0.5, 2}, {3})};
    const Vars state = wrapped.init(w);
    const Step step = wrapped.step(values(wrapped, {{"lr", 0.5}, {"momentum", 0.7}}), w, g, state, 1);
    CHECK(same_bits(step.state[0].value(), g[0].value()));  // the velocity
    CHECK(same_bits(step.state[1].value(), w[0].value()));  // the start
    for (std::int64_t i = 0; i < 3; ++i)
      CHECK(step.state[2].value().at(i) == doctest::Approx(-0.5 * g[0].value().at(i)));
    CHECK_THROWS_WITH_AS(mechanic("around", make_optimizer("schedule_free_sgd")),
                         doctest::Contains("schedule_free_sgd, which judges other parameters"), ValueError);
  }

  TEST_CASE("optim golden: muon makes hidden matrices orthogonal in either layout, and leaves the rest to AdamW") {
    const Var u = orthogonalized(Tensor::from<double>({1, 2, 3, 4, 5, 6}, {2, 3}));
    const double expected[] = {-0.56829011014299,  0.057741943115600214, 0.6837739963741902,
                               0.5633546975067938, 0.40561283103309687,  0.24787096455939972};
    for (std::int64_t i = 0; i < 6; ++i) CHECK(u.value().at(i) == doctest::Approx(expected[i]).epsilon(1e-12));
    const Var tall = orthogonalized(Tensor::from<double>({1, 4, 2, 5, 3, 6}, {3, 2}));
    for (std::int64_t i = 0; i < 3; ++i)
      for (std::int64_t j = 0; j < 2; ++j)
        CHECK(tall.value().at(2 * i + j) == doctest::Approx(u.value().at(3 * j + i)).epsilon(1e-12));

    const Optimizer muon = make_optimizer("muon"), adamw = make_optimizer("adamw");
    const Vars w{normal(key(1), {2, 8}, 0, 1, f64), normal(key(2), {8}, 0, 1, f64),
                 normal(key(3), {6, 2, 1, 1}, 0, 1, f64), normal(key(4), {4, 3}, 0, 1, f64)};
    Vars g;
    for (const Var& x : w) g.push_back(normal(key(7 + g.size()), x.shape(), 0, 1, f64));
    const double lr = 0.1, wd = 0.3;
    const Step step = muon.step(values(muon, {{"lr", lr}, {"weight_decay", wd}}), w, g, muon.init(w), 1);
    const auto orthogonal = [](const Var& x) { return orthogonalized(reshape(x, {x.shape()[0], -1})).value(); };
    for (const std::size_t i : {std::size_t{0}, std::size_t{2}}) {  // (in, out) = (2, 8); (out, in) = (6, 2)
      // the first step: m = .05 g, and what is made orthogonal .95 m + .05 g = .0975 g
      const double stretch = i == 0 ? 2 : std::sqrt(3);
      for (std::int64_t k = 0; k < w[i].size(); ++k)
        CHECK(step.params[i].value().at(k) ==
              doctest::Approx((1 - lr * wd) * w[i].value().at(k) - lr * stretch * orthogonal(0.0975 * g[i]).at(k))
                  .epsilon(1e-9));
    }
    const Named shared{{"lr", lr * 0.015}, {"weight_decay", wd}, {"beta2", 0.95}, {"eps", 1e-10}};
    const Step rest = adamw.step(values(adamw, shared), {w[1], w[3]}, Vars{g[1], g[3]}, adamw.init({w[1], w[3]}), 1);
    CHECK(same_bits(step.params[1].value(), rest.params[0].value()));
    CHECK(same_bits(step.params[3].value(), rest.params[1].value()));
    CHECK(message_of<ValueError>([&] { muon.init({w[0], w[1]}); }).find("needs a hidden layer") != std::string::npos);
  }

  TEST_CASE(
      "optim golden: a rule that reads the loss says so where there is none, and no rule moves without gradient") {
    const Vars w{Tensor::from<double>({1, 2}, {2})}, none{Var()};
    for (const char* name : {"momo", "polyak", "hdm", "hdm_one_rate"}) {
      CAPTURE(name);
      const Optimizer optimizer = make_optimizer(name);
      CHECK_THROWS_AS(optimizer.step(values(optimizer, {}), w, none, optimizer.init(w), 1), ValueError);
    }
    for (const std::string& name : optimizer_names()) {
      CAPTURE(name);
      if (name == "muon") continue;  // its own message, above
      const Optimizer optimizer = make_optimizer(name);
      Step s{w, optimizer.init(w)};
      const std::function<Evaluation(const Vars&)> flat = [&](const Vars&) {
        return Evaluation{none, Var(Tensor::scalar(1, f64)), flat};
      };
      for (std::int64_t t = 1; t <= 3; ++t) s = optimizer.step(values(optimizer, {}), s.params, flat(w), s.state, t);
      CHECK(same_bits(s.params[0].value(), w[0].value()));
      for (const Var& buffer : s.state) CHECK(is_finite(buffer.value()));
    }
  }

  TEST_CASE("optim golden: without parameters there is nothing to step") {
    for (const std::string& name : optimizer_names()) {
      if (name == "muon") continue;
      const Optimizer optimizer = make_optimizer(name);
      const Vars state = optimizer.init({});
      CHECK(optimizer.step(values(optimizer, {}), {}, Vars{}, state, 1).params.empty());
    }
  }
}
