#include <glocal/datasets/sampling.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include <glocal/core/error.h>
#include <glocal/core/random.h>
#include <glocal/core/tensor.h>

namespace glocal::datasets {

Split split_indices(std::int64_t count, std::int64_t validation, std::int64_t test, Key key) {
  if (validation < 0 || test < 0 || validation >= count || test >= count - validation)
    fail<ValueError>("[split] {} validation and {} test images do not leave one of {} to train on", validation, test,
                     count);
  const Tensor order = permutation(key, count);
  const auto shuffled = order.span<std::int32_t>();
  const auto take = [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::int64_t> indices(shuffled.begin() + begin, shuffled.begin() + end);
    std::sort(indices.begin(), indices.end());
    return indices;
  };
  return {take(validation + test, count), take(0, validation), take(validation, validation + test)};
}

Split split_fractions(std::int64_t count, double validation, double test, Key key) {
  if (!(validation >= 0 && test >= 0 && validation + test < 1))
    fail<ValueError>("[split] fractions must be >= 0 with a sum below 1, got {} and {}", validation, test);
  const auto part_of = [&](double fraction) {
    return static_cast<std::int64_t>(fraction * static_cast<double>(count));
  };
  return split_indices(count, part_of(validation), part_of(test), key);
}

struct BatchOrder::Memo {
  std::mutex mutex;
  std::int64_t epoch = -1;
  Tensor order;
};

BatchOrder::BatchOrder(std::int64_t count, std::int64_t batch, Key key)
    : count_(count), batch_(batch), key_(key), memo_(std::make_shared<Memo>()) {
  if (batch < 1 || batch > count)
    fail<ValueError>("[batches] batch size {} must be between 1 and the {} images there are", batch, count);
}

std::vector<std::int64_t> BatchOrder::operator()(std::int64_t step) const {
  if (step < 0) fail<ValueError>("[batches] step must be >= 0, got {}", step);
  const std::int64_t epoch = step / steps_per_epoch(), begin = step % steps_per_epoch() * batch_;
  Tensor order;
  {
    const std::lock_guard lock(memo_->mutex);
    if (memo_->epoch != epoch) {
      memo_->order = permutation(split(key_, static_cast<std::uint64_t>(epoch)), count_);
      memo_->epoch = epoch;
    }
    order = memo_->order;
  }
  const std::int32_t* first = order.data<std::int32_t>() + begin;
  return {first, first + batch_};
}

}  // namespace glocal::datasets
