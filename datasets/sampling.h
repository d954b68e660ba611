// Which images, in which order: splits and batches that are pure functions of a random key.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include <glocal/core/random.h>

namespace glocal::datasets {

/// Three disjoint sets of indices that together cover [0, count); each is sorted.
struct Split {
  std::vector<std::int64_t> train, validation, test;
};

/// Draws `validation` and `test` indices by key, the rest is train; ValueError when they do not leave one for train.
Split split_indices(std::int64_t count, std::int64_t validation, std::int64_t test, Key key);
/// The same by fractions of count, each rounded down.
Split split_fractions(std::int64_t count, double validation, double test, Key key);

/// The batch of step t is a function of (count, batch, key, t) alone, so any step can be replayed in any order.
/// Each epoch of count / batch steps visits a fresh shuffle; the count % batch images left over sit that epoch out.
class BatchOrder {
 public:
  /// Throws ValueError unless 1 <= batch <= count.
  BatchOrder(std::int64_t count, std::int64_t batch, Key key);

  std::vector<std::int64_t> operator()(std::int64_t step) const;  ///< (batch,) distinct indices; step >= 0
  std::int64_t steps_per_epoch() const { return count_ / batch_; }
  std::int64_t batch() const { return batch_; }

 private:
  struct Memo;  // the latest epoch's shuffle: saves work, never changes a result
  std::int64_t count_, batch_;
  Key key_;
  std::shared_ptr<Memo> memo_;
};

}  // namespace glocal::datasets
