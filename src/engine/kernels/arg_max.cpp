// ArgMax.

#include <tenon/expr/reductions.hpp>

#include "axis_geometry.hpp"
#include "expression_kernel.hpp"
#include "factories.hpp"

namespace tenon::detail::inline TENON_MODE {

namespace {

template <class T>
struct ArgMaxOfMiddle {
  static constexpr bool uses_team = false;
  AxisGeometry g;
  [[nodiscard]] auto expression(std::span<const void* const> inputs) const {
    return argmax<1>(InputView<T, dyn, dyn, dyn>(static_cast<const T*>(inputs[0]),
                                                 shape(g.outer, g.axis, g.inner)));
  }
  [[nodiscard]] auto destination(void* output) const {
    return OutputView<std::int64_t, dyn, dyn>(static_cast<std::int64_t*>(output),
                                              shape(g.outer, g.inner));
  }
};

}  // namespace

KernelPtr make_arg_max_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                              const KernelOptions& options) {
  const AxisGeometry g = arg_geometry("ArgMax", inputs[0], attributes).axes;
  return with_element_type<float, double, std::int32_t, std::int64_t>(
      inputs[0].dtype(), [&]<class T>(std::type_identity<T>) {
        return make_expression_kernel(ArgMaxOfMiddle<T>{g}, options);
      });
}

}  // namespace tenon::detail::inline TENON_MODE
