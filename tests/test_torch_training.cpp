// Ten training losses, schedules and initial weights against PyTorch: tests/torch/training.npz.
#include <fmt/format.h>

#include <glocal/autodiff/transforms.h>
#include <glocal/nn/init.h>
#include <glocal/nn/loss.h>
#include <glocal/nn/models/model.h>
#include <glocal/nn/models/registry.h>
#include <glocal/optim/optimizer.h>
#include <glocal/optim/rules/registry.h>
#include <glocal/optim/schedule.h>

#include "torch_goldens.h"

using namespace torch_goldens;

namespace {

constexpr int steps = 10, classes = 10;

// The weights that both sides make: +-1 / sqrt(fan-in), vectors +-0.1, around 1 for the weight of a normalisation.
Vars initial(const nn::Model& model, DType dtype) {
  Vars params;
  for (std::size_t i = 0; i < model.parameters.size(); ++i) {
    const Shape shape = model.parameters[i].shape();
    const auto seed = static_cast<std::uint32_t>(1000 + i);
    const bool around_one = shape.rank() == 1 && model.names[i].ends_with("weight");
    const std::int64_t fan_in = shape.rank() == 4 ? shape.product(1, 4) : shape.rank() == 2 ? shape[0] : 1;
    const double factor = shape.rank() == 1 ? 0.1 : 1 / std::sqrt(static_cast<double>(fan_in));
    Tensor w = signed_numbers(seed, shape, DType::f64, factor);
    for (std::int64_t j = 0; around_one && j < w.size(); ++j) w.data<double>()[j] += 1;
    params.push_back(w.to(dtype));
  }
  return params;
}

Tensor labels_of(std::uint32_t seed, std::int64_t n) {
  Tensor labels({n}, DType::i32);
  for (std::int64_t i = 0; i < n; ++i)
    labels.data<std::int32_t>()[i] = static_cast<std::int32_t>(word(seed, static_cast<std::uint32_t>(i)) % classes);
  return labels;
}

Vars hyper_of(const optim::Optimizer& optimizer, const Call& c, DType dtype) {
  Vars hyper;
  for (const optim::HyperInfo& info : optimizer.hyper)
    hyper.push_back(Tensor::scalar(c.has(info.name) ? c.number(info.name) : 0, dtype));  // no eps_root in PyTorch
  return hyper;
}

// "model name rule n=... image=... lr=..."
Call parse(const std::string& line, std::string& rule) {
  Call c;
  std::istringstream in(line);
  in >> c.op >> c.name >> rule;
  for (std::string part; in >> part;) c.arguments[part.substr(0, part.find('='))] = part.substr(part.find('=') + 1);
  return c;
}

Tensor joined(const Vars& parts) {
  Vars flat;
  for (const Var& p : parts) flat.push_back(reshape(p, {p.size()}));
  return flat.empty() ? Tensor(Shape{0}, DType::f64) : concat(flat, 0).value().to(DType::f64);
}

struct Trained {
  std::vector<double> losses;
  Vars params, stats;
};

Trained train(const Call& c, const std::string& rule, DType dtype) {
  const Shape image = c.shape("image");
  const auto n = static_cast<std::int64_t>(c.number("n"));
  nn::ModelOptions options{.dtype = dtype};
  if (c.op == "mlp") options.hidden = {32, 24};
  const nn::Model model = nn::make_model(c.op, key(0), image, classes, options);
  const optim::Optimizer optimizer = optim::make_optimizer(rule);
  const Vars hyper = hyper_of(optimizer, c, dtype);
  Trained run{{}, initial(model, dtype), model.stats};
  Vars state = optimizer.init(run.params);
  for (std::uint32_t t = 0; t < steps; ++t) {
    const Tensor x = signed_numbers(5000 + t, Shape{n, image[0], image[1], image[2]}, dtype);
    const Tensor labels = labels_of(7000 + t, n);
    const auto [result, grads] = value_and_grad([&](const Vars& p) {
      nn::Pass pass;
      pass.stats = run.stats;
      const Var loss = nn::cross_entropy(model.forward(p, x, pass), labels);
      return std::pair(loss, pass.updated);
    })(run.params);
    run.losses.push_back(result.first.item());
    run.stats = result.second;
    optim::Step next = optimizer.step(hyper, run.params, grads, state, t + 1);
    run.params = next.params, state = next.state;
  }
  return run;
}

// The runs of one model, each within `bound` of PyTorch's in double precision, relative.
void compare_training(const std::string& model, DType dtype, double bound) {
  const std::map<std::string, Tensor> file = load("training.npz");
  Reader goldens(file.at("numbers"), Tensor(Shape{0}, DType::i32));
  std::istringstream lines(text(file.at("cases")));
  double worst_loss = 0, worst_params = 0, worst_stats = 0, theirs = 0;
  std::int64_t at = 0;
  int runs = 0;
  for (std::string line, rule; std::getline(lines, line); ++at) {
    const Call c = parse(line, rule);
    const bool has_stats = c.op == "resnet20";
    if (c.op != model) {
      for (int i = 0; i < steps + 7 + (has_stats ? 7 : 0); ++i) goldens.next();
      continue;
    }
    INFO(line);
    const Trained run = train(c, rule, dtype);
    ++runs;
    for (std::size_t t = 0; t < run.losses.size(); ++t) {
      const double golden = goldens.next(), error = std::abs(run.losses[t] - golden) / golden;
      CHECK(error <= (t == 0 ? std::min(bound, 5e-6) : bound));
      worst_loss = std::max(worst_loss, error);
    }
    worst_params = std::max(worst_params, goldens.gap(joined(run.params), 11));
    worst_stats = std::max(worst_stats, goldens.gap(joined(run.stats), 12));
    theirs = std::max(theirs, file.at("single").at(at));
  }
  CHECK(goldens.at_end());
  CHECK(runs == 7);
  CHECK(worst_params <= bound);
  CHECK(worst_stats <= bound);
  MESSAGE(
      fmt::format("{} in {}: {} optimisers, worst loss {:.1e}, final parameters {:.1e}, running statistics {:.1e}; "
                  "PyTorch's own f32 losses {:.1e}",
                  model, dtype, runs, worst_loss, worst_params, worst_stats, theirs));
}

}  // namespace

TEST_SUITE_BEGIN("golden");

TEST_CASE("PyTorch: ten training losses of an MLP by each optimiser") { compare_training("mlp", DType::f64, 1e-12); }
TEST_CASE("PyTorch: ten training losses of LeNet by each optimiser") { compare_training("lenet", DType::f64, 1e-12); }
TEST_CASE("PyTorch: ten training losses of resnet20 by each optimiser") {
  compare_training("resnet20", DType::f64, 1e-10);
}
TEST_CASE("PyTorch: ten training losses in single precision") {
  compare_training("mlp", DType::f32, 5e-6);
  compare_training("lenet", DType::f32, 5e-6);
}
TEST_CASE("PyTorch: ten training losses of resnet20 in single precision") {
  // Of 10^6 relus in ten steps about one is so close to 0 that rounding turns it, which moves the losses after it by
  // 10^-3: PyTorch's own single precision does as much.
  compare_training("resnet20", DType::f32, 1e-2);
}

TEST_CASE("PyTorch: learning-rate schedules") {
  const std::map<std::string, Tensor> file = load("training.npz");
  const auto number = [](double v) { return Var(Tensor::scalar(v, DType::f64)); };
  for (std::int64_t t = 0; t < 20; ++t) {
    INFO("step ", t);
    const Var lr = number(0.4);
    const auto near = [&](const char* name, const Var& mine) {
      CHECK(mine.item() == doctest::Approx(file.at(name).at(t)).epsilon(1e-13).scale(0.4));
    };
    near("schedule_step", optim::step_decay(lr, number(0.5), 3, t));
    near("schedule_cosine", optim::cosine(lr, number(0.01), 19, t));
    near("schedule_warm_up", optim::linear_warm_up(lr, 8, t));
    near("schedule_warm_cosine", optim::linear_warm_up(optim::cosine(lr, number(0), 19, t), 8, t));
  }
}

TEST_CASE("PyTorch: bounds and deviations of initial weights") {
  const Tensor golden = load("training.npz").at("initial");
  // (out, in) in PyTorch is (in, out) here.
  const Shape shapes[] = {{128, 96}, {48, 16, 5, 3}};
  for (int row = 0; row < 2; ++row) {
    const Shape& shape = shapes[row];
    const auto number = [&](int column) { return golden.at(row * 8 + column); };
    CHECK(static_cast<double>(nn::fans(shape).in) == number(0));
    CHECK(static_cast<double>(nn::fans(shape).out) == number(1));
    struct Moments {
      double mean = 0, deviation = 0, largest = 0;
    };
    const auto moments = [](const Tensor& w) {
      Moments m;
      for (std::int64_t i = 0; i < w.size(); ++i) {
        m.mean += w.at(i) / static_cast<double>(w.size());
        m.deviation += w.at(i) * w.at(i) / static_cast<double>(w.size());
        m.largest = std::max(m.largest, std::abs(w.at(i)));
      }
      m.deviation = std::sqrt(m.deviation);
      return m;
    };
    const auto normal = [&](const Tensor& w, double deviation) {
      const Moments m = moments(w);
      CHECK(m.deviation == doctest::Approx(deviation).epsilon(0.025));  // 11,520 numbers: 3.8 standard errors
      CHECK(std::abs(m.mean) < 4 * deviation / std::sqrt(static_cast<double>(w.size())));
      CHECK(m.largest > 3 * deviation);
    };
    const auto uniform = [&](const Tensor& w, double bound) {
      const Moments m = moments(w);
      CHECK(m.largest <= bound);
      CHECK(m.largest > 0.998 * bound);
      CHECK(m.deviation == doctest::Approx(bound / std::sqrt(3.0)).epsilon(0.02));
      CHECK(std::abs(m.mean) < 4 * bound / std::sqrt(3.0 * static_cast<double>(w.size())));
    };
    constexpr DType f64 = DType::f64;
    normal(nn::kaiming_normal(key(1), shape, nn::Fan::in, f64), number(2));
    normal(nn::kaiming_normal(key(2), shape, nn::Fan::out, f64), number(3));
    uniform(nn::kaiming_uniform(key(3), shape, nn::Fan::in, f64), number(4));
    normal(nn::xavier_normal(key(4), shape, f64), number(5));
    uniform(nn::xavier_uniform(key(5), shape, f64), number(6));
    uniform(nn::fan_in_uniform(key(6), shape, nn::fans(shape).in, f64), number(7));
  }
}

TEST_SUITE_END();
