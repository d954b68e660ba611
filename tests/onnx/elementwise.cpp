// Elementwise ops of ONNX in ours.
#include <limits>

#include <glocal/nn/layers/dropout.h>

#include "call.h"

namespace onnx {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// 1 where a > b, else 0.
Var above(const Var& a, const Var& b) { return relu(sign(a - b)); }
Tensor above_mask(const Var& a, const Var& b) {
  return above(stop_gradient(a), stop_gradient(b)).value().to(DType::i32);
}
Var equal(const Var& a, const Var& b) { return 1 - abs(sign(a - b)); }
Var either(const Var& a, const Var& b) { return maximum(a, b); }

Op unary(Var (*f)(const Var&)) {
  return same([f](const Call& c) { return f(c.x(0)); });
}
Op binary(Var (*f)(const Var&, const Var&)) {
  return same([f](const Call& c) { return f(c.any(0).x, c.any(1).x); });
}
Op truth(std::function<Var(const Var&, const Var&)> f) {
  return [f](const Call& c) {
    const Var &a = c.any(0).x, &b = c.any(c.in.size() - 1).x;
    return std::vector<Value>{{Type::boolean, Var(f(a, b).value().to(DType::f64))}};
  };
}
Op many(Var (*f)(const Var&, const Var&), bool average = false) {
  return same([=](const Call& c) {
    Var total = c.x(0);
    for (std::size_t i = 1; i < c.in.size(); ++i) total = f(total, c.x(i));
    return average ? total / static_cast<double>(c.in.size()) : total;
  });
}

Var divide(const Call& c) { return c.x(0) / c.x(1); }

Var power(const Call& c) {
  const Var &x = c.x(0), &e = c.any(1).x;
  if (e.level() == 0 && e.size() == 1) return pow(x, e.item());
  return pow(x, e.dtype() == x.dtype() ? e : Var(e.value().to(x.dtype())));
}

Var clip(const Call& c) {
  const double low = c.has(1) ? c.number(1) : -infinity, high = c.has(2) ? c.number(2) : infinity;
  return clamp(c.x(0), low, high);
}

Var hard_sigmoid(const Var& x, double alpha, double beta) { return clamp(alpha * x + beta, 0, 1); }

Var selu(const Call& c) {  // ONNX's defaults are those of Klambauer et al., rounded to f32
  return c.real("gamma", 1.05070102214813232421875) * elu(c.x(0), c.real("alpha", 1.67326319217681884765625));
}

Var celu(const Call& c) {
  const double alpha = c.real("alpha", 1);
  return alpha * elu(c.x(0) / alpha);
}

Var thresholded_relu(const Call& c) {
  const Var& x = c.x(0);
  return where(above_mask(x, c.full({}, c.real("alpha", 1))), x, zeros_like(x));
}

Var shrink(const Call& c) {
  const Var &x = c.x(0), edge = c.full({}, c.real("lambd", 0.5));
  const double bias = c.real("bias", 0);
  return where(above_mask(x, edge), x - bias, where(above_mask(-x, edge), x + bias, zeros_like(x)));
}

// Of a constant: f32 <-> f64 <-> whole numbers (towards zero). Of anything else: nothing to do, all is f64 then.
std::vector<Value> cast_to(const Call& c, Type to) {
  const Value& from = c.any(0);
  if (!is_real(to) && !is_whole(to)) refuse("dtype: cast to {}", name_of(to));
  if (to == Type::boolean) return {{to, abs(sign(from.x))}};
  if (is_whole(to)) return {{to, is_whole(from.type) ? from.x : Var(from.x.value().to(DType::i32).to(DType::f64))}};
  if (from.x.dtype() == c.dtype(to)) return {{to, from.x}};
  return {{to, Var(from.x.value().to(c.dtype(to)))}};
}

std::vector<Value> dropout(const Call& c) {
  const nn::Dropout layer(c.has(1) ? c.number(1) : c.real("ratio", 0.5));
  nn::Pass pass;
  pass.training = c.has(2) && c.number(2) != 0;
  if (pass.training && layer.rate != 0) refuse("random: drawn by another generator");
  if (c.wants(1)) refuse("the layer does not return its mask");
  return {{c.any(0).type, layer(c.x(0), pass)}};
}

}  // namespace

Table elementwise_ops() {
  return {
      {"Add", binary(add)},
      {"Sub", binary(sub)},
      {"Mul", binary(mul)},
      {"Div", same(divide)},
      {"Pow", same(power)},
      {"Max", many(maximum)},
      {"Min", many(minimum)},
      {"Sum", many(add)},
      {"Mean", many(add, true)},
      {"Abs", unary(abs)},
      {"Neg", same([](const Call& c) { return neg(c.any(0).x); })},
      {"Sign", unary(sign)},
      {"Exp", unary(exp)},
      {"Log", unary(log)},
      {"Sqrt", unary(sqrt)},
      {"Reciprocal", unary(reciprocal)},
      {"Sin", unary(sin)},
      {"Cos", unary(cos)},
      {"Erf", unary(erf)},
      {"Tanh", unary(tanh)},
      {"Sigmoid", unary(sigmoid)},
      {"Relu", unary(relu)},
      {"Softplus", unary(softplus)},
      {"Tan", same([](const Call& c) { return sin(c.x(0)) / cos(c.x(0)); })},
      {"Sinh", same([](const Call& c) { return 0.5 * (exp(c.x(0)) - exp(-c.x(0))); })},
      {"Cosh", same([](const Call& c) { return 0.5 * (exp(c.x(0)) + exp(-c.x(0))); })},
      {"Asinh", same([](const Call& c) { return log(c.x(0) + sqrt(square(c.x(0)) + 1)); })},
      {"Acosh", same([](const Call& c) { return log(c.x(0) + sqrt(square(c.x(0)) - 1)); })},
      {"Atanh", same([](const Call& c) { return 0.5 * (log1p(c.x(0)) - log1p(-c.x(0))); })},
      {"Softsign", same([](const Call& c) { return c.x(0) / (1 + abs(c.x(0))); })},
      {"LeakyRelu", same([](const Call& c) { return leaky_relu(c.x(0), c.real("alpha", 0.01)); })},
      {"PRelu", same([](const Call& c) { return relu(c.x(0)) - c.x(1) * relu(-c.x(0)); })},
      {"Elu", same([](const Call& c) { return elu(c.x(0), c.real("alpha", 1)); })},
      {"Selu", same(selu)},
      {"Celu", same(celu)},
      {"ThresholdedRelu", same(thresholded_relu)},
      {"Shrink", same(shrink)},
      {"HardSigmoid",
       same([](const Call& c) { return hard_sigmoid(c.x(0), c.real("alpha", 0.2), c.real("beta", 0.5)); })},
      {"HardSwish", same([](const Call& c) { return c.x(0) * hard_sigmoid(c.x(0), 1.0 / 6, 0.5); })},
      {"Clip", same(clip)},
      {"Where",
       [](const Call& c) {
         return std::vector<Value>{{c.any(1).type, where(c.mask(0), c.any(1).x, c.any(2).x)}};
       }},
      {"Greater", truth(above)},
      {"Less", truth([](const Var& a, const Var& b) { return above(b, a); })},
      {"GreaterOrEqual", truth([](const Var& a, const Var& b) { return 1 - above(b, a); })},
      {"LessOrEqual", truth([](const Var& a, const Var& b) { return 1 - above(a, b); })},
      {"Equal", truth(equal)},
      {"And", truth(mul)},
      {"Or", truth(either)},
      {"Not", truth([](const Var& a, const Var&) { return 1 - a; })},
      {"Identity", same([](const Call& c) { return c.any(0).x; })},
      {"Cast", [](const Call& c) { return cast_to(c, static_cast<Type>(c.integer("to", 0))); }},
      {"CastLike", [](const Call& c) { return cast_to(c, c.any(1).type); }},
      {"Dropout", dropout},
  };
}

}  // namespace onnx
