#include <glocal/hpo/dmd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <glocal/core/blas.h>

namespace glocal::hpo {
namespace {

using Complex = std::complex<double>;
constexpr double eps = std::numeric_limits<double>::epsilon();

Tensor multiply(const Tensor& a, const Tensor& b, bool ta = false) {
  const std::int64_t m = a.dim(ta ? 1 : 0), k = a.dim(ta ? 0 : 1), n = b.dim(1);
  Tensor c({m, n}, DType::f64);
  blas::gemm<double>(ta, false, m, n, k, 1, a.data<double>(), a.dim(1), b.data<double>(), n, 0, c.data<double>(), n);
  return c;
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

// Columns k_t = [h_t; ...; h_{t+m-1}] for t in [first, first + count): (m q, count).
Tensor hankel(const Tensor& h, std::int64_t m, std::int64_t first, std::int64_t count) {
  const std::int64_t q = h.dim(1);
  Tensor out({m * q, count}, DType::f64);
  for (std::int64_t i = 0; i < m * q; ++i)
    for (std::int64_t t = 0; t < count; ++t) out.data<double>()[i * count + t] = h.data<double>()[(first + t) * q + i];
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
  for (std::int64_t k = 0; k < r; ++k) {
    const auto index = static_cast<std::size_t>(k);
    const Complex shift = wanted[index] - modes.eig.values[index];
    if (shift == Complex{} || modes.overlap[index] == Complex{}) continue;
    const Complex weight = shift / modes.overlap[index];
    for (std::int64_t i = 0; i < r; ++i)
      for (std::int64_t j = 0; j < r; ++j)
        out.data<double>()[i * r + j] += (weight * modes.eig.vectors(i, k) * std::conj(modes.eig.left(j, k))).real();
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

// readout * step^t for t = 0 .. tau - 1, stacked: (tau q, r).
Tensor observations(const Tensor& readout, const Tensor& step, std::int64_t tau) {
  const std::int64_t q = readout.dim(0), r = readout.dim(1);
  Tensor out({tau * q, r}, DType::f64), now = readout;
  for (std::int64_t t = 0; t < tau; ++t) {
    std::copy_n(now.data<double>(), q * r, out.data<double>() + t * q * r);
    now = multiply(now, step);
  }
  return out;
}

// Sets step, and start by least squares over all (scaled) snapshots; returns the relative residual.
double refit(DmdFit& fit, const Tensor& step, const Tensor& scaled) {
  fit.step = step;
  const Tensor model = observations(fit.readout, step, scaled.dim(0));
  const Tensor data = scaled.reshape({scaled.size(), 1});
  fit.start = lapack::lstsq(model, data).x;
  return relative_difference(multiply(model, fit.start), data);
}

// amplitudes(k, :) = scale (readout v_k) (u_k^H start) / (u_k^H v_k).
void set_modes(DmdFit& fit) {
  const Modes modes(fit.step);
  const std::int64_t r = fit.step.dim(0), q = fit.readout.dim(0);
  fit.eigenvalues = modes.eig.values;
  fit.amplitudes = lapack::CMatrix(r, q);
  for (std::int64_t k = 0; k < r; ++k) {
    Complex weight = 0;
    for (std::int64_t i = 0; i < r; ++i) weight += std::conj(modes.eig.left(i, k)) * fit.start.at(i);
    const Complex overlap = modes.overlap[static_cast<std::size_t>(k)];
    if (overlap != Complex{}) weight *= fit.scale / overlap;
    for (std::int64_t j = 0; j < q; ++j)
      for (std::int64_t i = 0; i < r; ++i)
        fit.amplitudes(k, j) += weight * fit.readout.at(j * r + i) * modes.eig.vectors(i, k);
  }
}

// Moves eigenvalues as the policy says and refits the start. A snap is kept only when the snapshots fit it about as
// well.
void apply_policy(DmdFit& fit, const Tensor& operator_, const Tensor& scaled) {
  using Policy = DmdOptions::Policy;
  constexpr double as_well = 1.05, rounding = 1e-12;
  const Modes modes(operator_);
  const auto& fitted = modes.eig.values;
  fit.fitted_eigenvalues = fitted;
  fit.defective = modes.defective();
  fit.unstable = std::any_of(fitted.begin(), fitted.end(), [](Complex v) { return std::abs(v) > 1 + 1e-9; });
  const Policy policy = fit.options.policy;
  if (policy == Policy::raw) {  // as fitted, the start too
    fit.step = operator_;
    const Tensor model = multiply(observations(fit.readout, operator_, scaled.dim(0)), fit.start);
    fit.residual = relative_difference(model, scaled);
    return;
  }
  const auto stable = clipped(fitted);
  fit.residual = refit(fit, moved(operator_, modes, stable), scaled);
  if (policy == Policy::clip) return;
  const auto settled = snapped(stable, fit.options.snap_tolerance);
  if (settled != stable) {
    DmdFit candidate = fit;
    candidate.residual = refit(candidate, moved(operator_, modes, settled), scaled);
    candidate.snapped = true;
    if (policy == Policy::unit || candidate.residual <= as_well * fit.residual + rounding) fit = std::move(candidate);
  }
  if (policy == Policy::unit) {
    std::vector<Complex> kept = fit.snapped ? settled : stable;
    for (Complex& v : kept)
      if (v != 1.0) v = 0;
    fit.step = moved(operator_, modes, kept);
  }
}

void fit_linear(DmdFit& fit, const Tensor& scaled) {
  const std::int64_t tau = scaled.dim(0), q = scaled.dim(1);
  const std::int64_t most_delays = std::max<std::int64_t>(1, tau / (q + 1));
  const std::int64_t m = std::min<std::int64_t>(fit.options.delays, most_delays), columns = tau - m;
  fit.delays_used = static_cast<int>(m);
  if (m < fit.options.delays)
    fit.note =
        fmt::format("{} delays instead of {}: {} snapshots of {} entries carry no more", m, fit.options.delays, tau, q);
  const Tensor x = hankel(scaled, m, 0, columns), y = hankel(scaled, m, 1, columns);
  const auto [u, s, vt] = lapack::svd(x);
  fit.singular_values.assign(s.span<double>().begin(), s.span<double>().end());
  const std::int64_t r = fit.rank = choose_rank(fit.singular_values, m * q, columns, fit.options.rank);
  // step = U_r^T Y V_r S_r^{-1}, the least-squares operator on the leading singular vectors.
  Tensor basis({m * q, r}, DType::f64), right({columns, r}, DType::f64);
  const std::int64_t k = s.size();
  for (std::int64_t j = 0; j < r; ++j) {
    for (std::int64_t i = 0; i < m * q; ++i) basis.data<double>()[i * r + j] = u.data<double>()[i * k + j];
    for (std::int64_t t = 0; t < columns; ++t)
      right.data<double>()[t * r + j] = vt.data<double>()[j * columns + t] / s.data<double>()[j];
  }
  fit.readout = rows(basis, 0, q);  // the left inverse of the delay map: the first q entries of k_t are h_t
  fit.start = multiply(basis, hankel(scaled, m, 0, 1), true);
  apply_policy(fit, multiply(multiply(basis, y, true), right), scaled);
  set_modes(fit);
}

// Mean of (t + 1)^p over the snapshots of one bin [begin, end).
double mean_power(std::int64_t begin, std::int64_t end, double p) {
  double sum = 0;
  for (std::int64_t t = begin; t < end; ++t) sum += std::pow(static_cast<double>(t + 1), p);
  return sum / static_cast<double>(end - begin);
}

struct PowerLaw {
  double exponent = 0, factor = 0, error = std::numeric_limits<double>::infinity();
};

// The best factor for an exponent, by least squares over bin means g.
PowerLaw with_exponent(double p, const std::vector<std::int64_t>& edges, const std::vector<double>& g) {
  double gb = 0, bb = 0, error = 0;
  std::vector<double> b(g.size());
  for (std::size_t j = 0; j < g.size(); ++j) {
    b[j] = mean_power(edges[j], edges[j + 1], p);
    gb += g[j] * b[j];
    bb += b[j] * b[j];
  }
  for (std::size_t j = 0; j < g.size(); ++j) error += std::pow(g[j] - gb / bb * b[j], 2);
  return {p, gb / bb, error};
}

// Least squares in both unknowns: the exponent by a scan of [-1.5, 0.5], then golden sections around the best.
PowerLaw fit_power_law(const std::vector<std::int64_t>& edges, const std::vector<double>& g) {
  constexpr double lowest = -1.5, highest = 0.5, spacing = 0.05, golden = 0.6180339887498949;
  PowerLaw best;
  for (int i = 0; i <= 40; ++i)
    if (const PowerLaw law = with_exponent(lowest + i * spacing, edges, g); law.error < best.error) best = law;
  double a = std::max(lowest, best.exponent - spacing), b = std::min(highest, best.exponent + spacing);
  for (int i = 0; i < 60; ++i) {
    const double left = b - golden * (b - a), right = a + golden * (b - a);
    const bool keep_left = with_exponent(left, edges, g).error < with_exponent(right, edges, g).error;
    (keep_left ? b : a) = keep_left ? right : left;
  }
  const PowerLaw refined = with_exponent((a + b) / 2, edges, g);
  return refined.error < best.error ? refined : best;
}

// Bin edges in t, log-spaced in t + 1; bins that hold no snapshot are dropped.
std::vector<std::int64_t> log_spaced(std::int64_t first, std::int64_t tau, int bins) {
  std::vector<std::int64_t> edges{first};
  const double ratio = static_cast<double>(tau + 1) / static_cast<double>(first + 1);
  for (int i = 1; i <= bins; ++i) {
    const double edge = static_cast<double>(first + 1) * std::pow(ratio, static_cast<double>(i) / bins) - 1;
    const std::int64_t rounded = i == bins ? tau : std::llround(edge);
    if (rounded > edges.back()) edges.push_back(rounded);
  }
  return edges;
}

void fit_logarithmic(DmdFit& fit, const Tensor& scaled) {
  const std::int64_t tau = scaled.dim(0), q = scaled.dim(1);
  const auto first =
      std::min<std::int64_t>(static_cast<std::int64_t>(fit.options.bins_from * static_cast<double>(tau)), tau - 2);
  const auto edges = log_spaced(first, tau, fit.options.bins);
  if (edges.size() < static_cast<std::size_t>(fit.options.bins) + 1)
    fit.note = fmt::format("{} bins instead of {}: the others hold no snapshot", edges.size() - 1, fit.options.bins);
  fit.delays_used = 1;
  fit.rank = static_cast<int>(q);
  fit.amplitudes = lapack::CMatrix(q, q);
  for (std::int64_t i = 0; i < q; ++i) {
    std::vector<double> means;
    for (std::size_t j = 0; j + 1 < edges.size(); ++j) {
      double sum = 0;
      for (std::int64_t t = edges[j]; t < edges[j + 1]; ++t) sum += scaled.at(t * q + i);
      means.push_back(sum / static_cast<double>(edges[j + 1] - edges[j]));
    }
    const PowerLaw law = fit_power_law(edges, means);
    fit.eigenvalues.emplace_back(std::exp(law.exponent));
    fit.amplitudes(i, i) = law.factor * fit.scale;
  }
  fit.fitted_eigenvalues = fit.eigenvalues;
  fit.residual = relative_difference(divided(rows(fit.reconstruct(), first, tau), fit.scale), rows(scaled, first, tau));
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

}  // namespace

std::vector<double> DmdFit::forecast(double t) const {
  if (!(t >= 0 && t <= 0x1p53)) fail<ValueError>("[dmd] forecast index must be from 0 to 2^53, got {}", t);
  if (options.time == DmdOptions::TimeAxis::logarithmic) return sum_of_modes(*this, std::log(t + 1));
  if (t != std::floor(t)) return sum_of_modes(*this, t);
  Tensor z = start, power = step;
  for (auto left = static_cast<std::int64_t>(t); left > 0; left /= 2) {
    if (left % 2) z = multiply(power, z);
    if (left > 1) power = multiply(power, power);
  }
  const Tensor h = multiply(readout, z);
  std::vector<double> out(h.span<double>().begin(), h.span<double>().end());
  for (double& v : out) v *= scale;
  return out;
}

Tensor DmdFit::reconstruct() const {
  Tensor out({snapshots, amplitudes.cols}, DType::f64);
  for (std::int64_t t = 0; t < snapshots; ++t) {
    const auto h = forecast(static_cast<double>(t));
    std::copy(h.begin(), h.end(), out.data<double>() + t * amplitudes.cols);
  }
  return out;
}

DmdFit fit_dmd(const Tensor& h, const DmdOptions& options) {
  check(h, options);
  DmdFit fit;
  fit.options = options;
  fit.snapshots = h.dim(0);
  fit.scale = largest_entry(h);
  const Tensor scaled = fit.scale > 0 ? divided(h, fit.scale) : h;
  if (options.time == DmdOptions::TimeAxis::linear)
    fit_linear(fit, scaled);
  else
    fit_logarithmic(fit, scaled);
  return fit;
}

}  // namespace glocal::hpo
