#pragma once
// Kernels that are one expression of the library's own, planned once.

#include "team_call.hpp"

#include <tenon/eval/parallel.hpp>
#include <tenon/eval/prepare.hpp>

#include <tenon/engine/operator.hpp>

#include <concepts>
#include <cstddef>
#include <span>

namespace tenon::detail::inline TENON_MODE {

template <class T, index_t... E>
using InputView = TensorView<const T, Shape<E...>>;
template <class T, index_t... E>
using OutputView = TensorView<T, Shape<E...>>;
// Memory whose rows and columns may lie in any way: transposed, or broadcast by strides of 0.
template <class T>
using StridedMatrixView = TensorView<const T, Shape<dyn, dyn>, dyn_strides>;

// What an ExpressionKernel is made of: extents that are known, and operands that are not yet.
//   expression(inputs)   the node that reads them; the plan depends on extents alone
//   destination(output)  the view that it is evaluated into
//   uses_team            whether a team of threads pays
template <class B>
concept ExpressionBuilder =
    requires(const B& builder, std::span<const void* const> inputs, void* output) {
      { builder.expression(inputs) } -> ExpressionNode;
      builder.destination(output);
      { B::uses_team } -> std::convertible_to<bool>;
    };

// Evaluates the builder's expression: what prepare does, with operands that come with each run.
template <ExpressionBuilder B>
class ExpressionKernel final : public Kernel {
  using Node = decltype(std::declval<const B&>().expression({}));

 public:
  ExpressionKernel(const B& builder, int threads)
      : ExpressionKernel(builder, threads, no_operands(builder)) {}

  [[nodiscard]] std::size_t workspace_bytes() const noexcept override { return workspace_bytes_; }

  void run(const KernelCall& call) const noexcept override {
    const auto expression = builder_.expression(call.inputs);
    const auto destination = builder_.destination(call.outputs[0]);
    if constexpr (B::uses_team) {
      if (call.team != nullptr) {
        using Slots = std::remove_cvref_t<decltype(slots_.get())>;
        TeamCall team(*call.team, threads_);
        const ParallelSlots<Slots, TeamCall> slots{slots_.get(), team, threads_, workspace_bytes_};
        detail::run(expression, slots, destination, call.workspace);
        return;
      }
    }
    detail::run(expression, slots_.get(), destination, call.workspace);
  }

 private:
  ExpressionKernel(const B& builder, int threads, const Node& node)
      : builder_(builder), slots_(node), threads_(B::uses_team ? threads : 1) {
    workspace_bytes_ = slots_.get().workspace_bytes;
    if constexpr (B::uses_team)
      if (threads > 1) workspace_bytes_ = workspace_bytes_for(node, threads);
  }

  [[nodiscard]] static Node no_operands(const B& builder) {
    const void* nowhere[Operator::max_inputs] = {};
    return builder.expression(nowhere);
  }

  B builder_;
  [[no_unique_address]] HeldSlots<Node> slots_;
  int threads_;
  std::size_t workspace_bytes_ = 0;
};

template <ExpressionBuilder B>
[[nodiscard]] KernelPtr make_expression_kernel(const B& builder, const KernelOptions& options) {
  return make_kernel<ExpressionKernel<B>>(options.resource, builder, options.threads);
}

// f(std::type_identity<T>{}) for the one of T… whose name `dtype` is.
// Contract: infer refused the others.
template <class... T, class F>
[[nodiscard]] KernelPtr with_element_type(DType dtype, const F& f) {
  KernelPtr kernel(nullptr, {});
  static_cast<void>(((dtype == dtype_of<T> && (kernel = f(std::type_identity<T>{}), true)) || ...));
  return kernel;
}

}  // namespace tenon::detail::inline TENON_MODE
