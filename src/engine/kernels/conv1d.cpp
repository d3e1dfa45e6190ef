// Conv1D: the windows of a group as the columns of a matrix, then a product with the weights.

#include "conv_geometry.hpp"
#include "expression_kernel.hpp"
#include "factories.hpp"
#include "strided_copy.hpp"

#include <algorithm>
#include <cstring>

namespace tenon::detail::inline TENON_MODE {

namespace {

template <class T>
class ConvKernel final : public Kernel {
 public:
  // product: (O / group, C / group · K) · (C / group · K, J) + (O / group, 1), or without the sum.
  ConvKernel(const ConvGeometry& g, KernelPtr product) : g_(g), product_(std::move(product)) {
    if (!g.reads_in_place())
      windows_bytes_ =
          align_up(static_cast<std::size_t>(g.group_channels() * g.taps * g.places) * sizeof(T),
                   workspace_alignment);
  }

  [[nodiscard]] std::size_t workspace_bytes() const noexcept override {
    return windows_bytes_ + product_->workspace_bytes();
  }

  void run(const KernelCall& call) const noexcept override {
    const auto* x = static_cast<const T*>(call.inputs[0]);
    auto* y = static_cast<T*>(call.outputs[0]);
    const index_t x_step = g_.group_channels() * g_.length, y_step = g_.group_outputs() * g_.places;
    for (index_t n = 0; n < g_.batch; ++n)
      for (index_t group = 0; group < g_.group; ++group, x += x_step, y += y_step)
        run_group(call, x, group, y);
  }

 private:
  void run_group(const KernelCall& call, const T* x, index_t group, T* y) const noexcept {
    const index_t filters = g_.group_outputs();
    const T* const weights =
        static_cast<const T*>(call.inputs[1]) + group * filters * g_.group_channels() * g_.taps;
    const T* windows = x;
    if (windows_bytes_ > 0) {
      auto* const columns = reinterpret_cast<T*>(call.workspace);
      for (index_t tap = 0; tap < g_.taps; ++tap) copy_tap(x, tap, columns + tap * g_.places);
      windows = columns;
    }
    const void* const bias =
        g_.has_bias ? static_cast<const T*>(call.inputs[2]) + group * filters : nullptr;
    const void* const inputs[] = {weights, windows, bias};
    void* const output = y;
    product_->run({{inputs, g_.has_bias ? 3U : 2U},
                   {&output, 1},
                   call.workspace + windows_bytes_,
                   call.team});
  }

  // What one tap sees of each channel, place by place: zeros beyond the ends of the input.
  void copy_tap(const T* x, index_t tap, T* to) const noexcept {
    const index_t row = g_.taps * g_.places;
    const index_t at = tap * g_.dilation - g_.before;   // of place 0, in the input
    const auto places_before = [&](index_t position) {  // places whose element lies before position
      const index_t distance = position - at;
      return distance <= 0 ? 0 : std::min((distance - 1) / g_.stride + 1, g_.places);
    };
    const index_t first = places_before(0), last = places_before(g_.length);
    for (index_t c = 0; c < g_.group_channels(); ++c) {
      T* const places = to + c * row;
      std::fill(places, places + first, T{});
      std::fill(places + last, places + g_.places, T{});
    }
    if (last > first)
      copy_rows(to + first, row, x + at + first * g_.stride, g_.length, g_.stride,
                g_.group_channels(), last - first);
  }

  ConvGeometry g_;
  KernelPtr product_;
  std::size_t windows_bytes_ = 0;
};

}  // namespace

KernelPtr make_conv1d_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                             const KernelOptions& options) {
  const ConvGeometry g = conv_geometry(inputs, attributes);
  const DType dtype = inputs[0].dtype();
  const index_t depth = g.group_channels() * g.taps;
  const TensorType factors[] = {TensorType(dtype, {g.group_outputs(), depth}),
                                TensorType(dtype, {depth, g.places}),
                                TensorType(dtype, {g.group_outputs(), 1})};
  KernelPtr product =
      make_gemm_kernel(std::span(factors).first(g.has_bias ? 3 : 2), Attributes(), options);
  return with_element_type<float, double>(dtype, [&]<class T>(std::type_identity<T>) {
    return make_kernel<ConvKernel<T>>(options.resource, g, std::move(product));
  });
}

}  // namespace tenon::detail::inline TENON_MODE
