#include <glocal/hpo/dmd_series.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <glocal/core/blas.h>
#include <glocal/core/simd/orthogonal.h>

namespace glocal::hpo {
namespace {

using Complex = std::complex<double>;
constexpr double eps = std::numeric_limits<double>::epsilon();

// C (m, n) := A (m, k) B (k, n), a row after the other, B contiguous: too small for blas to pay.
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, const double* a, std::int64_t lda, const double* b,
              double* c, std::int64_t ldc) {
  simd::orthogonal().product(m, n, k, a, lda, b, c, ldc);
}

double norm(const Tensor& a) { return std::sqrt(blas::dot(a.size(), a.data<double>(), a.data<double>())); }

double relative_difference(const Tensor& model, const Tensor& data) {
  Tensor difference = model.clone();
  blas::axpy(data.size(), -1.0, data.data<double>(), difference.data<double>());
  const double size = norm(data);
  return size > 0 ? norm(difference) / size : norm(difference);
}

Tensor rows(const Tensor& a, std::int64_t begin, std::int64_t end) {
  const std::int64_t width = a.dim(1);
  return Tensor::from(a.span<double>().subspan(static_cast<std::size_t>(begin * width),
                                               static_cast<std::size_t>((end - begin) * width)),
                      {end - begin, width});
}

void check(const Tensor& h, const DmdOptions& o) {
  if (!h || h.rank() != 2 || h.dim(1) < 1)
    fail<ShapeError>("[dmd] snapshots must be (tau, q) with q >= 1, got {}", h.shape());
  if (h.dtype() != DType::f64) fail<DTypeError>("[dmd] snapshots must be f64, got {}; use .to(DType::f64)", h.dtype());
  if (h.dim(0) < 3) fail<ValueError>("[dmd] {} snapshots are too few; give at least 3", h.dim(0));
  if (o.delays < 1 || o.rank < 0)
    fail<ValueError>("[dmd] needs delays >= 1 and rank >= 0, got {} and {}", o.delays, o.rank);
  if (!(o.snap_tolerance >= 0 && o.snap_tolerance < 1))
    fail<ValueError>("[dmd] snap tolerance must be in [0, 1), got {}", o.snap_tolerance);
  if (o.bins < 2 || !(o.bins_from >= 0 && o.bins_from < 1))
    fail<ValueError>("[dmd] needs bins >= 2 and bins_from in [0, 1), got {} and {}", o.bins, o.bins_from);
  const auto numbers = h.span<double>();
  const auto bad = std::find_if_not(numbers.begin(), numbers.end(), [](double v) { return std::isfinite(v); });
  if (bad != numbers.end())
    fail<NumericError>("[dmd] snapshot {} holds {}; extrapolate finite series only", (bad - numbers.begin()) / h.dim(1),
                       *bad);
}

double largest_entry(const Tensor& h) {
  double largest = 0;
  for (const double v : h.span<double>()) largest = std::max(largest, std::abs(v));
  return largest;
}

Tensor divided(const Tensor& h, double scale) {
  Tensor out = h.clone();
  for (double& v : out.span<double>()) v /= scale;
  return out;
}

// omega(beta) of Gavish and Donoho, "The optimal hard threshold for singular values is 4/sqrt(3)", 2014, eq. (4).
double noise_threshold(const std::vector<double>& s, double beta) {
  constexpr std::size_t enough_to_judge = 8;
  const std::size_t k = s.size();
  if (k < enough_to_judge || s[k * 3 / 4] < 0.1 * s[k / 2]) return 0;  // a falling tail is signal, a flat one noise
  const double omega = ((0.56 * beta - 0.95) * beta + 1.82) * beta + 1.43;
  return omega * s[k / 2];
}

int choose_rank(const std::vector<double>& s, std::int64_t m, std::int64_t n, int wanted) {
  const double beta = static_cast<double>(std::min(m, n)) / static_cast<double>(std::max(m, n));
  const double rounding = static_cast<double>(std::max(m, n)) * eps * s[0];
  const auto above = [&](double threshold) {
    return static_cast<int>(std::count_if(s.begin(), s.end(), [=](double v) { return v > threshold; }));
  };
  const int solid = above(rounding);
  return wanted > 0 ? std::min(wanted, solid) : std::min(solid, std::max(1, above(noise_threshold(s, beta))));
}

// The spectrum of an operator with u_k^H v_k, whose smallness measures how near to defective it is.
struct Modes {
  lapack::Eig eig;
  std::vector<Complex> overlap;

  explicit Modes(const Tensor& step) : eig(lapack::eig(step)) {
    const std::int64_t r = step.dim(0);
    for (std::int64_t k = 0; k < r; ++k) {
      Complex sum = 0;
      for (std::int64_t i = 0; i < r; ++i) sum += std::conj(eig.left(i, k)) * eig.vectors(i, k);
      overlap.push_back(sum);
    }
  }
  bool defective() const {
    return std::any_of(overlap.begin(), overlap.end(), [](Complex o) { return std::abs(o) < 1e-6; });
  }
};

// step + sum_k (wanted_k - lambda_k) v_k u_k^H / (u_k^H v_k): moves eigenvalues, keeps eigenvectors and all other
// modes, near-defective ones included. Conjugate pairs move together, so the sum is real.
Tensor moved(const Tensor& step, const Modes& modes, const std::vector<Complex>& wanted) {
  const std::int64_t r = step.dim(0);
  Tensor out = step.clone();
  double* const numbers = out.data<double>();
  for (std::int64_t k = 0; k < r; ++k) {
    const auto index = static_cast<std::size_t>(k);
    const Complex shift = wanted[index] - modes.eig.values[index];
    if (shift == Complex{} || modes.overlap[index] == Complex{}) continue;
    const Complex weight = shift / modes.overlap[index];
    for (std::int64_t i = 0; i < r; ++i)
      for (std::int64_t j = 0; j < r; ++j)
        numbers[i * r + j] += (weight * modes.eig.vectors(i, k) * std::conj(modes.eig.left(j, k))).real();
  }
  return out;
}

std::vector<Complex> clipped(std::vector<Complex> values) {
  for (Complex& v : values)
    if (const double size = std::abs(v); size > 1) v /= size;
  return values;
}

std::vector<Complex> snapped(std::vector<Complex> values, double tolerance) {
  for (Complex& v : values)
    if (std::abs(v - 1.0) <= tolerance) v = 1;
  return values;
}

// [readout * step^t, h_t] for t = 0 .. tau - 1, stacked: (tau q, r + 1).
Tensor observations(const Tensor& readout, const Tensor& step, const Tensor& scaled) {
  const std::int64_t q = readout.dim(0), r = readout.dim(1), tau = scaled.dim(0), width = r + 1;
  Tensor out({tau * q, width}, DType::f64);
  double* const rows = out.data<double>();
  for (std::int64_t i = 0; i < q; ++i) std::copy_n(readout.data<double>() + i * r, r, rows + i * width);
  multiply((tau - 1) * q, r, r, rows, width, step.data<double>(), rows + q * width, width);  // row by row, in order
  for (std::int64_t i = 0; i < tau * q; ++i) rows[i * width + r] = scaled.data<double>()[i];
  return out;
}

// Sets step, and start by least squares over all (scaled) snapshots; the residual is relative.
void refit(DmdFit& fit, const Tensor& step, const Tensor& scaled, double size) {
  constexpr double well_conditioned = 1e10;
  fit.step = step;
  Tensor model = observations(fit.readout, step, scaled);
  auto solved = orthogonal::least_squares(model, fit.rank);
  fit.start = solved.x;
  fit.residual = size > 0 ? solved.residual / size : solved.residual;
  if (solved.condition < well_conditioned) return;
  // Directions that the snapshots hardly see: the shortest start.
  const std::int64_t r = fit.rank, width = r + 1, n = scaled.size();
  model = observations(fit.readout, step, scaled);
  Tensor a({n, r}, DType::f64);
  for (std::int64_t i = 0; i < n; ++i) std::copy_n(model.data<double>() + i * width, r, a.data<double>() + i * r);
  fit.start = lapack::lstsq(a, scaled.reshape({n, 1})).x;
  Tensor fitted({n, 1}, DType::f64);
  multiply(n, 1, r, a.data<double>(), r, fit.start.data<double>(), fitted.data<double>(), 1);
  fit.residual = relative_difference(fitted, scaled.reshape({n, 1}));
}

// amplitudes(k, :) = scale (readout v_k) (u_k^H start) / (u_k^H v_k).
void set_amplitudes(DmdFit& fit, const Modes& modes) {
  const std::int64_t r = fit.step.dim(0), q = fit.readout.dim(0);
  const double *const start = fit.start.data<double>(), *const readout = fit.readout.data<double>();
  fit.amplitudes = lapack::CMatrix(r, q);
  for (std::int64_t k = 0; k < r; ++k) {
    Complex weight = 0;
    for (std::int64_t i = 0; i < r; ++i) weight += std::conj(modes.eig.left(i, k)) * start[i];
    const Complex overlap = modes.overlap[static_cast<std::size_t>(k)];
    if (overlap != Complex{}) weight *= fit.scale / overlap;
    for (std::int64_t j = 0; j < q; ++j) {
      Complex seen = 0;
      for (std::int64_t i = 0; i < r; ++i) seen += readout[j * r + i] * modes.eig.vectors(i, k);
      fit.amplitudes(k, j) = weight * seen;
    }
  }
}

// Moves eigenvalues as the policy says and refits the start; eigenvectors stay, so one decomposition serves all. A snap
// is kept only when the snapshots fit it about as well.
void apply_policy(DmdFit& fit, const Tensor& operator_, const Modes& modes, const Tensor& scaled) {
  using Policy = DmdOptions::Policy;
  constexpr double as_well = 1.05, rounding = 1e-12;
  const double size = norm(scaled);
  const auto& fitted = modes.eig.values;
  fit.fitted_eigenvalues = fit.eigenvalues = fitted;
  fit.defective = modes.defective();
  fit.unstable = std::any_of(fitted.begin(), fitted.end(), [](Complex v) { return std::abs(v) > 1 + 1e-9; });
  const Policy policy = fit.options.policy;
  if (policy == Policy::raw) {  // as fitted, the start too
    fit.step = operator_;
    const Tensor model = observations(fit.readout, operator_, scaled);
    const std::int64_t r = fit.rank;
    Tensor fitted_series({scaled.size(), 1}, DType::f64);
    multiply(scaled.size(), 1, r, model.data<double>(), r + 1, fit.start.data<double>(), fitted_series.data<double>(),
             1);
    fit.residual = relative_difference(fitted_series, scaled);
    return;
  }
  fit.eigenvalues = clipped(fitted);
  refit(fit, moved(operator_, modes, fit.eigenvalues), scaled, size);
  if (policy == Policy::clip) return;
  if (const auto settled = snapped(fit.eigenvalues, fit.options.snap_tolerance); settled != fit.eigenvalues) {
    DmdFit candidate = fit;
    candidate.eigenvalues = settled;
    candidate.snapped = true;
    refit(candidate, moved(operator_, modes, settled), scaled, size);
    if (policy == Policy::unit || candidate.residual <= as_well * fit.residual + rounding) fit = std::move(candidate);
  }
  if (policy == Policy::unit) {
    for (Complex& v : fit.eigenvalues)
      if (v != 1.0) v = 0;
    fit.step = moved(operator_, modes, fit.eigenvalues);
  }
}

void fit_linear(DmdFit& fit, const DmdSeries& series) {
  const Tensor& scaled = series.scaled;
  const std::int64_t tau = scaled.dim(0), q = scaled.dim(1), m = series.delays, columns = tau - m;
  fit.delays_used = static_cast<int>(m);
  if (m < fit.options.delays)
    fit.note =
        fmt::format("{} delays instead of {}: {} snapshots of {} entries carry no more", m, fit.options.delays, tau, q);
  fit.singular_values = series.svd.s;
  const std::int64_t r = fit.rank = choose_rank(fit.singular_values, m * q, columns, fit.options.rank);
  Tensor basis({m * q, r}, DType::f64);
  for (std::int64_t i = 0; i < m * q; ++i)
    for (std::int64_t j = 0; j < r; ++j) basis.data<double>()[i * r + j] = series.svd.ut.data<double>()[j * m * q + i];
  fit.readout = rows(basis, 0, q);  // the left inverse of the delay map: the first q entries of k_t are h_t
  // x_t = U_r^T k_t: step is the least-squares operator from each x_t to the next.
  Tensor pairs({columns, 2 * r}, DType::f64);
  fit.start = Tensor({r, 1}, DType::f64);
  multiply(columns, r, m * q, scaled.data<double>(), q, basis.data<double>(), pairs.data<double>(), 2 * r);
  std::copy_n(pairs.data<double>(), r, fit.start.data<double>());
  for (std::int64_t t = 0; t + 1 < columns; ++t)
    std::copy_n(pairs.data<double>() + (t + 1) * 2 * r, r, pairs.data<double>() + t * 2 * r + r);
  multiply(1, r, m * q, scaled.data<double>() + columns * q, q, basis.data<double>(),
           pairs.data<double>() + (columns - 1) * 2 * r + r, 2 * r);
  const Tensor transposed = orthogonal::least_squares(pairs, r).x;
  Tensor step({r, r}, DType::f64);
  for (std::int64_t i = 0; i < r * r; ++i) step.data<double>()[i] = transposed.data<double>()[i % r * r + i / r];
  const Modes modes(step);
  apply_policy(fit, step, modes, scaled);
  set_amplitudes(fit, modes);
}

// Re sum_k lambda_k^x amplitudes(k, :).
std::vector<double> sum_of_modes(const DmdFit& fit, double x) {
  std::vector<double> out(static_cast<std::size_t>(fit.amplitudes.cols));
  for (std::int64_t k = 0; k < fit.amplitudes.rows; ++k) {
    const Complex lambda = fit.eigenvalues[static_cast<std::size_t>(k)];
    const Complex power = x == 0 ? 1.0 : lambda == 0.0 ? 0.0 : std::pow(lambda, x);
    for (std::int64_t j = 0; j < fit.amplitudes.cols; ++j)
      out[static_cast<std::size_t>(j)] += (power * fit.amplitudes(k, j)).real();
  }
  return out;
}

// step^t start, by repeated squaring.
std::vector<double> state(const DmdFit& fit, std::int64_t t) {
  const std::int64_t r = fit.rank;
  std::vector<double> z(fit.start.span<double>().begin(), fit.start.span<double>().end()), moved_z(z.size());
  std::vector<double> power(fit.step.span<double>().begin(), fit.step.span<double>().end()), square(power.size());
  for (; t > 0; t /= 2) {
    if (t % 2) {
      multiply(r, 1, r, power.data(), r, z.data(), moved_z.data(), 1);
      z.swap(moved_z);
    }
    if (t > 1) {
      multiply(r, r, r, power.data(), r, power.data(), square.data(), r);
      power.swap(square);
    }
  }
  return z;
}

// h = scale * readout * z.
void observe(const DmdFit& fit, const std::vector<double>& z, double* h) {
  const std::int64_t q = fit.readout.dim(0);
  multiply(q, 1, fit.rank, fit.readout.data<double>(), fit.rank, z.data(), h, 1);
  for (std::int64_t i = 0; i < q; ++i) h[i] *= fit.scale;
}

}  // namespace

std::vector<double> DmdFit::forecast(double t) const {
  if (!(t >= 0 && t <= 0x1p53)) fail<ValueError>("[dmd] forecast index must be from 0 to 2^53, got {}", t);
  if (options.time == DmdOptions::TimeAxis::logarithmic) return sum_of_modes(*this, std::log(t + 1));
  if (t != std::floor(t)) return sum_of_modes(*this, t);
  std::vector<double> h(static_cast<std::size_t>(readout.dim(0)));
  observe(*this, state(*this, static_cast<std::int64_t>(t)), h.data());
  return h;
}

Tensor DmdFit::forecast_range(std::int64_t begin, std::int64_t end) const {
  if (begin < 0 || end < begin) fail<ValueError>("[dmd] cannot forecast the indices from {} to {}", begin, end);
  const std::int64_t q = amplitudes.cols;
  Tensor out({end - begin, q}, DType::f64);
  double* h = out.data<double>();
  if (options.time == DmdOptions::TimeAxis::logarithmic) {
    for (std::int64_t t = begin; t < end; ++t, h += q)
      std::ranges::copy(sum_of_modes(*this, std::log(static_cast<double>(t + 1))), h);
    return out;
  }
  std::vector<double> z = state(*this, begin), next(z.size());
  for (std::int64_t t = begin; t < end; ++t, h += q) {
    observe(*this, z, h);
    multiply(rank, 1, rank, step.data<double>(), rank, z.data(), next.data(), 1);
    z.swap(next);
  }
  return out;
}

Tensor DmdFit::reconstruct() const { return forecast_range(0, snapshots); }

DmdSeries::DmdSeries(const Tensor& h, const DmdOptions& options_in) : options(options_in) {
  check(h, options);
  scale = largest_entry(h);
  scaled = scale > 0 ? divided(h, scale) : h;
  if (options.time == DmdOptions::TimeAxis::logarithmic) return;
  const std::int64_t tau = h.dim(0), q = h.dim(1), most_delays = std::max<std::int64_t>(1, tau / (q + 1));
  delays = std::min<std::int64_t>(options.delays, most_delays);
  // Snapshot t and the m - 1 after it stand side by side: column t of the Hankel matrix, without a copy.
  svd = orthogonal::left_svd(scaled.data<double>(), tau - delays, delays * q, q);
}

DmdFit DmdSeries::fit(int rank) const {
  DmdFit fit;
  fit.options = options;
  fit.options.rank = rank;
  fit.snapshots = scaled.dim(0);
  fit.scale = scale;
  if (options.time == DmdOptions::TimeAxis::linear)
    fit_linear(fit, *this);
  else
    fit_logarithmic(fit, scaled);
  return fit;
}

DmdFit fit_dmd(const Tensor& h, const DmdOptions& options) { return DmdSeries(h, options).fit(options.rank); }

}  // namespace glocal::hpo
