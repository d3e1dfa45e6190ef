// LayerNorm.

#include <tenon/expr/let.hpp>
#include <tenon/expr/operators.hpp>
#include <tenon/expr/reductions.hpp>

#include "axis_geometry.hpp"
#include "expression_kernel.hpp"
#include "factories.hpp"

namespace tenon::detail::inline TENON_MODE {

namespace {

// (x - mean) / sqrt(variance + epsilon) · scale + bias, row by row; of each row, mean and factor are kept. Where there
// is no bias, it is a zero.
template <class T>
struct NormalizedRows {
  static constexpr bool uses_team = true;
  static constexpr T zero{};
  LayerNormGeometry g;

  [[nodiscard]] auto expression(std::span<const void* const> inputs) const {
    const InputView<T, dyn, dyn> x(static_cast<const T*>(inputs[0]), shape(g.rows, g.elements));
    const InputView<T, dyn> scale(static_cast<const T*>(inputs[1]), shape(g.elements));
    const TensorView<const T, Shape<dyn>, dyn_strides> bias(
        g.has_bias ? static_cast<const T*>(inputs[2]) : &zero, shape(g.elements),
        {index_t{g.has_bias ? 1 : 0}});
    const auto epsilon = static_cast<T>(g.epsilon);
    return let(mean<1>(x, keepdims), [=](auto m) {
      return let(T{1} / sqrt(mean<1>(square(x - m), keepdims) + epsilon),
                 [=](auto factor) { return (x - m) * factor * scale + bias; });
    });
  }
  [[nodiscard]] auto destination(void* output) const {
    return OutputView<T, dyn, dyn>(static_cast<T*>(output), shape(g.rows, g.elements));
  }
};

}  // namespace

KernelPtr make_layer_norm_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                                 const KernelOptions& options) {
  const LayerNormGeometry g = layer_norm_geometry(inputs, attributes);
  return with_element_type<float, double>(inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    return make_expression_kernel(NormalizedRows<T>{g}, options);
  });
}

}  // namespace tenon::detail::inline TENON_MODE
