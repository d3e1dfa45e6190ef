#pragma once
// Operator: what a name such as "MatMul" means. Kernel: an operator for tensors of given types, ready to run.

#include <tenon/engine/attributes.hpp>
#include <tenon/engine/elementwise.hpp>
#include <tenon/engine/tensor_type.hpp>

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <new>
#include <span>
#include <utility>

namespace tenon {

class ThreadTeam;

// The memory of one run.
// Contract: inputs and outputs are dense row-major tensors of the types that the kernel was made for; an
// output meets an input only as in_place allows; workspace has workspace_bytes(), aligned to
// workspace_alignment.
struct KernelCall {
  std::span<const void* const> inputs;
  std::span<void* const> outputs;
  std::byte* workspace = nullptr;
  ThreadTeam* team = nullptr;  // of KernelOptions::threads; null where that is 1
};

// An operator whose types and attributes have been decided: what is left to do is arithmetic.
// Immutable: one kernel may run on several threads at once, each with its own memory.
class Kernel {
 public:
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  virtual ~Kernel() = default;

  // Bytes that run needs beside inputs and outputs.
  [[nodiscard]] virtual std::size_t workspace_bytes() const noexcept { return 0; }
  // True where output 0 may lie exactly where this input does (same first byte, same bytes).
  [[nodiscard]] virtual bool in_place(int input) const noexcept {
    static_cast<void>(input);
    return false;
  }
  // Computes the outputs. No allocation.
  virtual void run(const KernelCall& call) const noexcept = 0;

 protected:
  Kernel() = default;
};

namespace detail {

// Ends a kernel and gives its memory back.
struct KernelDeleter {
  std::pmr::memory_resource* resource = nullptr;
  void* memory = nullptr;
  std::size_t bytes = 0;
  std::size_t alignment = 1;
  void operator()(Kernel* kernel) const noexcept {
    kernel->~Kernel();
    resource->deallocate(memory, bytes, alignment);
  }
};

}  // namespace detail

using KernelPtr = std::unique_ptr<Kernel, detail::KernelDeleter>;

// A kernel of class K in memory of `resource`, which outlives it.
// Errors: what the resource and the constructor raise. Allocations: one, sizeof(K).
template <class K, class... Arguments>
[[nodiscard]] KernelPtr make_kernel(std::pmr::memory_resource* resource, Arguments&&... arguments) {
  struct Memory {  // gives the block back where the constructor raises
    std::pmr::memory_resource* resource;
    void* block = resource->allocate(sizeof(K), alignof(K));
    ~Memory() {
      if (block != nullptr) resource->deallocate(block, sizeof(K), alignof(K));
    }
  } memory{resource};
  K* const kernel = ::new (memory.block) K(std::forward<Arguments>(arguments)...);
  return KernelPtr(kernel, {resource, std::exchange(memory.block, nullptr), sizeof(K), alignof(K)});
}

// What kernels are made with.
struct KernelOptions {
  std::pmr::memory_resource* resource;  // of the kernels themselves
  int threads = 1;                      // that a run may use, the caller's included
};

// What a name in a graph means. Stateless or immutable: one object serves all threads.
class Operator {
 public:
  static constexpr int max_inputs = 8;
  static constexpr int max_outputs = 4;

  virtual ~Operator() = default;

  // Types of the outputs, as many as outputs has; nothing is computed.
  // Errors: ShapeError, DTypeError or ContractError with the numbers, where inputs or attributes do not fit.
  virtual void infer(std::span<const TensorType> inputs, const Attributes& attributes,
                     std::span<TensorType> outputs) const = 0;
  // The kernel for tensors of these types. Contract: infer accepted them.
  // Errors: what the resource raises. Allocations: the kernel, from the resource.
  [[nodiscard]] virtual KernelPtr compile(std::span<const TensorType> inputs,
                                          const Attributes& attributes,
                                          const KernelOptions& options) const = 0;
  [[nodiscard]] virtual int output_count() const noexcept { return 1; }
  // What it computes element by element, its inputs being the operands, stretched as NumPy does; code none
  // where it is no such operator. Graphs run chains of them in one pass.
  [[nodiscard]] virtual Elementwise elementwise(const Attributes& attributes) const noexcept {
    static_cast<void>(attributes);
    return {};
  }

 protected:
  Operator() = default;
  Operator(const Operator&) = default;
  Operator& operator=(const Operator&) = default;
};

}  // namespace tenon
