// One trajectory or many? Blocks under several batch orders from the same start: their mean, and one fit to all.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <glocal/app/reproduce/bank_judge.h>
#include <glocal/app/reproduce/reproduce.h>
#include <glocal/app/reproduce/studies.h>
#include <glocal/core/tensor.h>
#include <glocal/hpo/dmd/dmd.h>
#include <glocal/hpo/dmd/model/options.h>

namespace glocal::embedded {
extern const std::span<const unsigned char> reproduce_orders;
}

namespace glocal::app {
namespace {

// The first tau rows of h under each batch order, that of the truth first.
std::vector<Tensor> blocks(const BankCase& one) {
  std::vector<Tensor> all{one.trajectory->block(one.tau)};
  for (const Tensor& other : one.trajectory->other_orders)
    if (other.dim(0) >= one.tau)
      all.push_back(Tensor::from(other.span<double>().first(static_cast<std::size_t>(one.tau * other.dim(1))),
                                 {one.tau, other.dim(1)}));
  return all;
}

Tensor mean(const std::vector<Tensor>& all) {
  Tensor sum = all.front().clone();
  for (std::size_t i = 1; i < all.size(); ++i)
    for (std::int64_t j = 0; j < sum.size(); ++j) sum.data<double>()[j] += all[i].data<double>()[j];
  for (double& v : sum.span<double>()) v /= static_cast<double>(all.size());
  return sum;
}

// The same case with h averaged over the orders; the loss stays that of the first.
struct Averaged {
  Trajectory trajectory;
  BankCase one;
  explicit Averaged(const BankCase& of) : trajectory(*of.trajectory), one(of) {
    const Tensor h = mean(blocks(of));
    std::copy_n(h.data<double>(), h.size(), (trajectory.h = trajectory.h.clone()).data<double>());
    one.trajectory = &trajectory;
  }
  Averaged(const Averaged&) = delete;
};

Findings run(const Lab& lab) {
  Findings findings;
  std::vector<Trajectory> bank = committed_bank(lab);
  std::erase_if(bank, [](const Trajectory& t) { return t.other_orders.empty(); });
  const auto taus = lab.sweep<std::vector<std::int64_t>>("tau"), Ts = lab.sweep<std::vector<std::int64_t>>("T");
  std::vector<BankCase> cases = bank_cases(bank, taus, Ts, false);
  for (BankCase& one : bank_cases(bank, taus, Ts, true)) cases.push_back(std::move(one));
  hpo::DmdOptions fit;
  fit.rank = 3;
  fit.policy = hpo::DmdOptions::Policy::clip;
  judge_all("Trajectories with four batch orders from one start", stable(cases),
            {{"h_tau", h_tau},
             {"mean of h_tau over the orders", [](const BankCase& one) { return h_tau(Averaged(one).one); }},
             {"DMD, one trajectory", [=](const BankCase& one) { return dmd_tells(one, fit); }},
             {"DMD, one operator for all",
              [=](const BankCase& one) {
                hpo::DmdData data;
                data.series = blocks(one);
                return hpo::fit_dmd(data, fit).forecast(static_cast<double>(one.T - 1));
              }},
             {"DMD of the mean",
              [=](const BankCase& one) {
                return hpo::fit_dmd(mean(blocks(one)), fit).forecast(static_cast<double>(one.T - 1));
              }},
             {"glocal, one trajectory", [](const BankCase& one) { return glocal_predicts(one, {}); }},
             {"glocal of the mean", [](const BankCase& one) { return glocal_predicts(Averaged(one).one, {}); }}},
            findings);
  return findings;
}

}  // namespace

Study orders() { return study_of("orders", embedded::reproduce_orders, run); }

}  // namespace glocal::app
