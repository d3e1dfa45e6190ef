// Reductions over any axes: passes over one axis, each on what the one before left.

#include <tenon/expr/operators.hpp>
#include <tenon/expr/reductions.hpp>

#include "axis_geometry.hpp"
#include "expression_kernel.hpp"
#include "factories.hpp"

#include <array>
#include <utility>

namespace tenon::detail::inline TENON_MODE {

namespace {

struct SumOf {
  template <class T, class X>
  [[nodiscard]] static auto fold(const X& x, index_t count) {
    if constexpr (std::floating_point<T>)
      return sum<1>(x) / static_cast<T>(count);  // a division by 1 changes nothing
    else
      return cast<T>(sum<1>(x));
  }
};
struct ProductOf {
  template <class T, class X>
  [[nodiscard]] static auto fold(const X& x, index_t) {
    if constexpr (std::floating_point<T>)
      return prod<1>(x);
    else
      return cast<T>(prod<1>(x));
  }
};
struct MaximumOf {
  template <class T, class X>
  [[nodiscard]] static auto fold(const X& x, index_t) {
    return max<1>(x);
  }
};
struct MinimumOf {
  template <class T, class X>
  [[nodiscard]] static auto fold(const X& x, index_t) {
    return min<1>(x);
  }
};

template <class F, class T>
struct FoldOfRows {
  static constexpr bool uses_team = false;
  AxisGeometry g;
  index_t count;  // what the sum is divided by
  [[nodiscard]] auto expression(std::span<const void* const> inputs) const {
    return F::template fold<T>(
        InputView<T, dyn, dyn>(static_cast<const T*>(inputs[0]), shape(g.outer, g.axis)), count);
  }
  [[nodiscard]] auto destination(void* output) const {
    return OutputView<T, dyn>(static_cast<T*>(output), shape(g.outer));
  }
};

template <class F, class T>
struct FoldOfMiddle {
  static constexpr bool uses_team = false;
  AxisGeometry g;
  index_t count;
  [[nodiscard]] auto expression(std::span<const void* const> inputs) const {
    return F::template fold<T>(InputView<T, dyn, dyn, dyn>(static_cast<const T*>(inputs[0]),
                                                           shape(g.outer, g.axis, g.inner)),
                               count);
  }
  [[nodiscard]] auto destination(void* output) const {
    return OutputView<T, dyn, dyn>(static_cast<T*>(output), shape(g.outer, g.inner));
  }
};

// Kernels one after the other, each on the output of the one before.
class PassesKernel final : public Kernel {
 public:
  using Passes = std::array<KernelPtr, static_cast<std::size_t>(max_rank)>;
  // bytes[i]: what pass i leaves.
  PassesKernel(Passes passes, std::size_t count, const std::array<std::size_t, max_rank>& bytes)
      : passes_(std::move(passes)), count_(count) {
    std::size_t scratch = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      scratch = std::max(scratch, passes_[i]->workspace_bytes());
      if (i + 1 == count_) break;
      places_[i] = between_bytes_;
      between_bytes_ += align_up(bytes[i], workspace_alignment);
    }
    workspace_bytes_ = between_bytes_ + scratch;
  }

  [[nodiscard]] std::size_t workspace_bytes() const noexcept override { return workspace_bytes_; }

  void run(const KernelCall& call) const noexcept override {
    const void* from = call.inputs[0];
    for (std::size_t i = 0; i < count_; ++i) {
      void* to = i + 1 == count_ ? call.outputs[0] : call.workspace + places_[i];
      passes_[i]->run({{&from, 1}, {&to, 1}, call.workspace + between_bytes_, call.team});
      from = to;
    }
  }

 private:
  Passes passes_;
  std::size_t count_;
  std::array<std::size_t, max_rank> places_{};
  std::size_t between_bytes_ = 0;
  std::size_t workspace_bytes_ = 0;
};

// Rows have kernels of their own where that matters most; a row is a middle of one column, too.
template <class F, class T>
KernelPtr make_pass(const AxisGeometry& g, index_t count, const KernelOptions& options) {
  if constexpr (std::floating_point<T> && !std::same_as<F, ProductOf>)
    if (g.inner == 1) return make_expression_kernel(FoldOfRows<F, T>{g, count}, options);
  return make_expression_kernel(FoldOfMiddle<F, T>{g, count}, options);
}

template <class F, class T>
KernelPtr make_passes(const ReduceGeometry& g, bool is_mean, const KernelOptions& options) {
  const auto count = static_cast<std::size_t>(g.pass_count);
  if (count == 1) return make_pass<F, T>(g.passes[0], is_mean ? g.folded : 1, options);
  PassesKernel::Passes passes;
  std::array<std::size_t, max_rank> bytes{};
  for (std::size_t i = 0; i < count; ++i) {
    const AxisGeometry& pass = g.passes[i];
    passes[i] = make_pass<F, T>(pass, is_mean && i + 1 == count ? g.folded : 1, options);
    bytes[i] = static_cast<std::size_t>(pass.outer * pass.inner) * sizeof(T);
  }
  return make_kernel<PassesKernel>(options.resource, std::move(passes), count, bytes);
}

template <class F>
KernelPtr make_reduce(const char* operation, std::span<const TensorType> inputs,
                      const Attributes& attributes, const KernelOptions& options,
                      bool is_mean = false) {
  const ReduceGeometry g = reduce_geometry(operation, inputs[0], attributes);
  return with_element_type<float, double, std::int32_t, std::int64_t>(
      inputs[0].dtype(),
      [&]<class T>(std::type_identity<T>) { return make_passes<F, T>(g, is_mean, options); });
}

}  // namespace

KernelPtr make_reduce_sum_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                                 const KernelOptions& options) {
  return make_reduce<SumOf>("ReduceSum", inputs, attributes, options);
}
KernelPtr make_reduce_mean_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                                  const KernelOptions& options) {
  return make_reduce<SumOf>("ReduceMean", inputs, attributes, options, true);
}
KernelPtr make_reduce_max_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                                 const KernelOptions& options) {
  return make_reduce<MaximumOf>("ReduceMax", inputs, attributes, options);
}
KernelPtr make_reduce_min_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                                 const KernelOptions& options) {
  return make_reduce<MinimumOf>("ReduceMin", inputs, attributes, options);
}
KernelPtr make_reduce_prod_kernel(std::span<const TensorType> inputs, const Attributes& attributes,
                                  const KernelOptions& options) {
  return make_reduce<ProductOf>("ReduceProd", inputs, attributes, options);
}

}  // namespace tenon::detail::inline TENON_MODE
