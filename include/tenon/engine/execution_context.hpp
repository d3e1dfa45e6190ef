#pragma once
// ExecutionContext: what one thread needs to run operators: kernels that it has met, and a workspace.

#include <tenon/engine/any_view.hpp>
#include <tenon/engine/operator.hpp>

#include <tenon/core/config.hpp>
#include <tenon/core/shape.hpp>
#include <tenon/tensor/tensor.hpp>

#include <array>
#include <cstddef>
#include <memory_resource>
#include <span>
#include <string_view>

namespace tenon {

// Runs operators on memory of the caller's. The kernel of an operator for given types and attributes is made once
// and kept, up to most_kernels (one more and all are made anew); so is a workspace, as large as the largest needed.
// One thread at a time. Operators, resource and team outlive it.
class ExecutionContext {
 public:
  static constexpr std::size_t most_kernels = 512;

  // Contract: resource is not null. Without a team kernels run on the calling thread.
  explicit ExecutionContext(std::pmr::memory_resource* resource,
                            ThreadTeam* team = nullptr) noexcept
      : resource_(resource), team_(team) {}
  ExecutionContext(const ExecutionContext&) = delete;  // owns kernels
  ExecutionContext& operator=(const ExecutionContext&) = delete;
  ~ExecutionContext() { clear(); }

  // Computes the outputs of `op` from the inputs; `name` is what errors call it.
  // Errors, before anything is written: those of Operator::infer; ShapeError or DTypeError where an output is not of
  // the type inferred; ContractError for another number of outputs, and for an output that overlaps an input or
  // another output, but where the kernel works in place; what the resource raises.
  // Allocations: none where the same operator ran on the same types and attributes before.
  void execute(std::string_view name, const Operator& op, std::span<const ConstAnyView> inputs,
               std::span<const AnyView> outputs, const Attributes& attributes);

  [[nodiscard]] std::size_t kernel_count() const noexcept { return kernel_count_; }
  [[nodiscard]] std::size_t workspace_bytes() const noexcept {
    return static_cast<std::size_t>(workspace_.size());
  }
  // Forgets all kernels and gives the workspace back.
  void clear() noexcept;

 private:
  struct Compiled;  // a kernel and what it was made for
  struct Request;

  static constexpr std::size_t bucket_count = 128;

  [[nodiscard]] Compiled& compiled_for(const Request& request);
  void forget_kernels() noexcept;
  void grow_workspace(std::size_t bytes);

  std::pmr::memory_resource* resource_;
  ThreadTeam* team_;
  Tensor<std::byte, Shape<dyn>> workspace_;
  std::size_t kernel_count_ = 0;
  std::array<Compiled*, bucket_count> buckets_{};
};

}  // namespace tenon
