#pragma once
// A kernel for each of several batches.

#include "product_geometry.hpp"
#include "team_call.hpp"

#include <tenon/core/checked.hpp>
#include <tenon/core/config.hpp>
#include <tenon/engine/operator.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <utility>

namespace tenon::detail::inline TENON_MODE {

// Runs `kernel`, which knows one batch, for all of them; outputs of batches lie one behind the other.
class RepeatedKernel final : public Kernel {
 public:
  // Strides and bytes of an output are in bytes. parts: how many threads take batches at a time; with one, the
  // kernel itself may use the team.
  RepeatedKernel(KernelPtr kernel, const Batches& batches, std::size_t output_bytes, int parts)
      : kernel_(std::move(kernel)), batches_(batches), output_bytes_(output_bytes), parts_(parts) {}

  [[nodiscard]] std::size_t workspace_bytes() const noexcept override {
    const std::size_t one = kernel_->workspace_bytes();
    return static_cast<std::size_t>(parts_ - 1) * align_up(one, workspace_alignment) + one;
  }

  void run(const KernelCall& call) const noexcept override {
    const index_t count = batches_.count();
    if (parts_ == 1) {
      run_batches(call, 0, count);
      return;
    }
    const std::size_t step = align_up(kernel_->workspace_bytes(), workspace_alignment);
    TeamCall(*call.team, parts_).parallel_for(parts_, [&](index_t part) noexcept {
      const KernelCall own{call.inputs, call.outputs,
                           call.workspace + static_cast<std::size_t>(part) * step, nullptr};
      run_batches(own, count * part / parts_, count * (part + 1) / parts_);
    });
  }

 private:
  void run_batches(const KernelCall& call, index_t begin, index_t end) const noexcept {
    for (index_t batch = begin; batch < end; ++batch) {
      std::array<const void*, Batches::most_operands> inputs{};
      for (std::size_t i = 0; i < call.inputs.size(); ++i)
        inputs[i] = static_cast<const std::byte*>(call.inputs[i]) + offset(batch, i);
      void* const output = static_cast<std::byte*>(call.outputs[0]) +
                           static_cast<std::size_t>(batch) * output_bytes_;
      kernel_->run({{inputs.data(), call.inputs.size()}, {&output, 1}, call.workspace, call.team});
    }
  }

  // Where the batch's part of an operand begins.
  [[nodiscard]] index_t offset(index_t batch, std::size_t operand) const noexcept {
    index_t bytes = 0;
    for (auto axis = static_cast<std::size_t>(batches_.rank); axis-- > 0;) {
      bytes += batch % batches_.extents[axis] * batches_.strides[operand][axis];
      batch /= batches_.extents[axis];
    }
    return bytes;
  }

  KernelPtr kernel_;
  Batches batches_;
  std::size_t output_bytes_;
  int parts_;
};

// The kernel that make(options) gives for one batch, for all of them; `batches` has strides in elements. Threads take
// whole batches where there is one for each, and work on one together where there are fewer.
template <class Make>
[[nodiscard]] KernelPtr make_repeated(Batches batches, std::size_t element_bytes,
                                      index_t output_size, bool worth_threads,
                                      const KernelOptions& options, const Make& make) {
  if (batches.rank == 0) return make(options);
  const bool by_batches =
      options.threads > 1 && worth_threads && batches.count() >= options.threads;
  KernelPtr one = make({options.resource, by_batches ? 1 : options.threads});
  for (auto& strides : batches.strides)
    for (index_t& stride : strides) stride *= static_cast<index_t>(element_bytes);
  return make_kernel<RepeatedKernel>(options.resource, std::move(one), batches,
                                     static_cast<std::size_t>(output_size) * element_bytes,
                                     by_batches ? options.threads : 1);
}

}  // namespace tenon::detail::inline TENON_MODE
