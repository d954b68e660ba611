#include <glocal/hpo/dmd/methods/optimised.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <glocal/core/dtype.h>
#include <glocal/core/linalg/lapack.h>
#include <glocal/hpo/dmd/methods/total_least_squares.h>
#include <glocal/hpo/dmd/methods/variable_projection.h>
#include <glocal/hpo/dmd/model/hankel.h>
#include <glocal/hpo/dmd/model/method.h>
#include <glocal/hpo/dmd/model/operator.h>

namespace glocal::hpo {
namespace {

using Complex = std::complex<double>;

// Eigenvalues enter by couples, as the roots of z^2 - s z + p, so that two real ones may meet and leave the axis as a
// pair without a singularity; a block of order 1 is one real eigenvalue s.
struct Block {
  int order;
  double s, p = 0;
  bool fix_s = false, fix_p = false;
};

std::vector<Block> couples(const std::vector<Complex>& values) {
  std::vector<Block> out;
  std::vector<double> real;
  for (const Complex v : values) {
    if (v.imag() == 0) real.push_back(v.real());
    if (v.imag() > 0) out.push_back({2, 2 * v.real(), std::norm(v)});
  }
  std::sort(real.rbegin(), real.rend());
  if (real.size() % 2 == 1) out.push_back({1, real[0]});
  for (std::size_t i = real.size() % 2; i < real.size(); i += 2)
    out.push_back({2, real[i] + real[i + 1], real[i] * real[i + 1]});
  return out;
}

std::vector<double> parameters(const std::vector<Block>& blocks, std::vector<bool>& fixed) {
  std::vector<double> out;
  fixed.clear();
  for (const Block& b : blocks) {
    out.push_back(b.s);
    fixed.push_back(b.fix_s);
    if (b.order == 1) continue;
    out.push_back(b.p);
    fixed.push_back(b.fix_p);
  }
  return out;
}

void set_parameters(std::vector<Block>& blocks, const std::vector<double>& values) {
  std::size_t i = 0;
  for (Block& b : blocks) {
    b.s = values[i++];
    if (b.order == 2) b.p = values[i++];
  }
}

// The columns of a block of order 2 are the solutions of y_{t+2} = s y_{t+1} - p y_t that start with (1, 0) and (0, 1);
// dy/ds and dy/dp obey the same recurrence, driven by y_{t+1} and -y_t.
SeparableBasis recurrences(const std::vector<Block>& blocks) {
  SeparableBasis basis;
  std::vector<int> orders;
  std::int64_t parameter = 0;
  for (const Block& b : blocks) {
    for (int i = 0; i < b.order; ++i)
      for (int j = 0; j < b.order; ++j) basis.derivatives.push_back({parameter + j, basis.columns + i});
    basis.columns += b.order;
    parameter += b.order;
    orders.push_back(b.order);
  }
  basis.fill = [orders, r = basis.columns](std::span<const double> a, std::int64_t rows, double* out,
                                           std::int64_t width) {
    double *y = out, *d = out + r;
    std::size_t at = 0;
    for (const int order : orders) {
      if (order == 1) {
        const double lambda = a[at];
        y[0] = 1;
        d[0] = 0;
        for (std::int64_t t = 1; t < rows; ++t) {
          y[t * width] = lambda * y[(t - 1) * width];
          d[t * width] = lambda * d[(t - 1) * width] + y[(t - 1) * width];
        }
        y += 1;
        d += 1;
      } else {
        const double s = a[at], p = a[at + 1];
        for (int i = 0; i < 2; ++i, ++y, d += 2) {
          y[0] = i == 0 ? 1 : 0;
          y[width] = 1 - y[0];
          std::fill_n(d, 2, 0.0);
          std::fill_n(d + width, 2, 0.0);
          for (std::int64_t t = 2; t < rows; ++t) {
            const std::int64_t now = t * width, last = now - width, before = last - width;
            y[now] = s * y[last] - p * y[before];
            d[now] = s * d[last] - p * d[before] + y[last];
            d[now + 1] = s * d[last + 1] - p * d[before + 1] - y[before];
          }
        }
      }
      at += static_cast<std::size_t>(order);
    }
  };
  return basis;
}

std::vector<Complex> roots(const std::vector<Block>& blocks) {
  std::vector<Complex> out;
  for (const Block& b : blocks) {
    if (b.order == 1) {
      out.emplace_back(b.s);
      continue;
    }
    const Complex half = b.s / 2, root = std::sqrt(half * half - b.p);
    out.push_back(half + root);
    out.push_back(half - root);
  }
  return out;
}

// Brings eigenvalues outside the unit circle to it and fixes them there. True when there were any.
bool bring_inside(std::vector<Block>& blocks) {
  constexpr double rounding = 1e-12;
  std::vector<Block> out;
  bool any = false;
  const auto real = [&](double lambda) {
    Block block{1, lambda};
    if (std::abs(lambda) > 1) {
      block.s = std::copysign(1.0, lambda);
      block.fix_s = true;
      const bool taken = std::any_of(out.begin(), out.end(),
                                     [&](const Block& other) { return other.order == 1 && other.s == block.s; });
      if (taken) block = {1, 0.9 * block.s};  // two modes at one place cannot be told apart
    }
    out.push_back(block);
  };
  for (const Block& b : blocks) {
    const double square = b.s * b.s / 4 - b.p, reach = std::abs(b.s) / 2 + std::sqrt(std::max(square, 0.0));
    const double size = b.order == 1 ? std::abs(b.s) : square < 0 ? std::sqrt(b.p) : reach;
    if (size <= 1 + rounding) {
      out.push_back(b);
      continue;
    }
    any = true;
    if (b.order == 1) {
      real(b.s);
    } else if (square < 0) {
      out.push_back({2, b.s / std::sqrt(b.p), 1, b.fix_s, true});
    } else {
      real(b.s / 2 + std::sqrt(square));
      real(b.s / 2 - std::sqrt(square));
    }
  }
  blocks = std::move(out);
  return any;
}

// Block diagonal with [0 -p; 1 s]; the start picks the first column of each block.
void set_step(DmdModel& model, const std::vector<Block>& blocks, std::int64_t r) {
  model.step = Tensor::zeros({r, r}, DType::f64);
  model.starts = {Tensor::zeros({r, 1}, DType::f64)};
  std::int64_t i = 0;
  for (const Block& b : blocks) {
    double* const a = model.step.data<double>() + i * r + i;
    model.starts[0].data<double>()[i] = 1;
    if (b.order == 1) {
      a[0] = b.s;
    } else {
      a[1] = -b.p;
      a[r] = 1;
      a[r + 1] = b.s;
    }
    i += b.order;
  }
}

bool optimise(DmdModel& model, const DmdSeries& series, bool bounded, std::vector<Complex>& fitted, std::string& note) {
  std::vector<Block> blocks = couples(lapack::eig(model.step).values);
  const auto least_square = [&] {
    std::vector<bool> fixed;
    std::vector<double> start = parameters(blocks, fixed);
    const SeparableFit best =
        variable_projection(recurrences(blocks), std::move(start), fixed, series.scaled, series.weights);
    set_parameters(blocks, best.parameters);
    return std::isfinite(best.residual);
  };
  const std::int64_t r = model.step.dim(0);
  bool solved = least_square();
  if (solved) fitted = roots(blocks);
  for (std::int64_t round = 0; solved && bounded && bring_inside(blocks); ++round) solved = round < r && least_square();
  if (!solved) {
    fitted.clear();
    note += fmt::format("{}modes nearly coincide: total least squares, not optimised", note.empty() ? "" : "; ");
    return false;
  }
  set_step(model, blocks, r);
  refit_readouts(model, series.scaled, series.weights);
  return true;
}

}  // namespace

DmdMethod optimised() {
  DmdMethod method = total_least_squares();
  method.start = std::exchange(method.name, "optimised");
  method.about = "exponentials fitted to the snapshots themselves (Askham and Kutz 2018)";
  method.refine = optimise;
  return method;
}

}  // namespace glocal::hpo
