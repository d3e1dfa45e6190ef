// Softmax.

#include <tenon/expr/reductions.hpp>

#include "axis_geometry.hpp"
#include "expression_kernel.hpp"
#include "factories.hpp"

namespace tenon::detail::inline TENON_MODE {

namespace {

template <class T>
struct SoftmaxOfRows {
  static constexpr bool uses_team = true;
  AxisGeometry g;
  [[nodiscard]] auto expression(std::span<const void* const> inputs) const {
    return softmax<1>(
        InputView<T, dyn, dyn>(static_cast<const T*>(inputs[0]), shape(g.outer, g.axis)));
  }
  [[nodiscard]] auto destination(void* output) const {
    return OutputView<T, dyn, dyn>(static_cast<T*>(output), shape(g.outer, g.axis));
  }
};

template <class T>
struct SoftmaxOfMiddle {
  static constexpr bool uses_team = true;
  AxisGeometry g;
  [[nodiscard]] auto expression(std::span<const void* const> inputs) const {
    return softmax<1>(InputView<T, dyn, dyn, dyn>(static_cast<const T*>(inputs[0]),
                                                  shape(g.outer, g.axis, g.inner)));
  }
  [[nodiscard]] auto destination(void* output) const {
    return OutputView<T, dyn, dyn, dyn>(static_cast<T*>(output), shape(g.outer, g.axis, g.inner));
  }
};

}  // namespace

KernelPtr make_softmax_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                              const KernelOptions& options) {
  const AxisGeometry g = softmax_geometry(inputs[0], attributes);
  return with_element_type<float, double>(inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
    return g.inner == 1 ? make_expression_kernel(SoftmaxOfRows<T>{g}, options)
                        : make_expression_kernel(SoftmaxOfMiddle<T>{g}, options);
  });
}

}  // namespace tenon::detail::inline TENON_MODE
