// What the library does not have, and why.
#include "call.h"

namespace onnx {

std::string missing(const std::string& op) {
  static const std::map<std::string, std::vector<std::string>> reasons{
      {"no rounding: its derivative is zero everywhere", {"Floor", "Ceil", "Round", "Mod"}},
      {"no inverse trigonometric op", {"Asin", "Acos", "Atan"}},
      {"no recurrent layer", {"RNN", "LSTM", "GRU"}},
      {"no resampling", {"Resize", "Upsample", "GridSample", "RoiAlign"}},
      {"no sorting", {"TopK", "Unique", "NonMaxSuppression"}},
      {"is_finite is of a whole tensor, not of each number", {"IsNaN", "IsInf"}},
      {"no determinant", {"Det"}},
      {"no Fourier transform", {"DFT", "STFT"}},
      {"no quantisation",
       {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul"}},
      {"no sub-graphs here", {"If", "Loop", "Scan"}},
      {"makes a constant: nothing to differentiate", {"Range", "EyeLike"}},
      {"random: drawn by another generator", {"Bernoulli", "RandomUniformLike"}},
      {"max_pool2d does not return its indices", {"MaxUnpool"}},
  };
  for (const auto& [reason, ops] : reasons)
    for (const std::string& name : ops)
      if (name == op) return reason;
  return "no op or composition";
}

}  // namespace onnx
