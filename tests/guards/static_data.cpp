// A range of evaluations in one object file; static_data.py reads its symbols.

#include <tenon/eval/eval.hpp>

namespace tn = tenon;
using tn::dyn;

template <class T>
using Matrix = tn::TensorView<T, tn::Shape<dyn, dyn>>;
using Small = tn::TensorView<const float, tn::Shape<7, 13>>;

void evaluate(const Matrix<float>& out, const Matrix<const float>& a, const Matrix<const float>& b,
              const Matrix<double>& wide, const tn::TensorView<float, tn::Shape<7, 13>>& small_out,
              const Small& small, std::pmr::memory_resource& resource) {
  const auto work = tn::scratch(resource);
  tn::eval_into(out, a * b + 1.0f, work);
  tn::eval_into(out, tn::relu(tn::matmul(a, b) + a), work);
  tn::eval_into(out, tn::softmax<1>(tn::exp(a) + tn::transpose(b)), work);
  tn::eval_into(out, tn::log_softmax<0>(a), work);
  tn::eval_into(out, tn::sum<1>(tn::tanh(a), tn::keepdims) + tn::max<0>(b), work);
  tn::eval_into(out, tn::cast<float>(tn::argmax<1>(a, tn::keepdims)) * b, work);
  tn::eval_into(out, tn::let(tn::sigmoid(a), [](auto h) { return h * tn::transpose(h); }), work);
  tn::eval_into(out, tn::reshape(tn::transpose(a), b.shape()), work);
  tn::eval_into(wide, tn::pow(wide, 2.5) / tn::mean<0>(wide), work);
  tn::eval_into(small_out, tn::softmax<0>(small * 2.0f), work);
  out += tn::where(a > b, a, tn::sqrt(b));
}
