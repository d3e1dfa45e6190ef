#include <tenon/engine/execution_context.hpp>

#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>
#include <tenon/core/thread_team.hpp>

#include "hash.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

namespace tenon {

namespace {

int length(std::string_view text) noexcept {
  return static_cast<int>(std::min<std::size_t>(text.size(), 80));
}

// An operator has room for some inputs and outputs only.
void check_counts(std::string_view name, std::size_t inputs, std::size_t outputs) {
  const auto refuse = [&](const char* what, std::size_t count, int most) {
    detail::raise<ContractError>("execute_operator", "%.*s with %zu %s; at most %d are supported",
                                 length(name), name.data(), count, what, most);
  };
  if (inputs > Operator::max_inputs) refuse("inputs", inputs, Operator::max_inputs);
  if (outputs > Operator::max_outputs) refuse("outputs", outputs, Operator::max_outputs);
}

bool overlap(std::span<const std::byte> a, std::span<const std::byte> b) noexcept {
  return !a.empty() && !b.empty() && a.data() < b.data() + b.size() &&
         b.data() < a.data() + a.size();
}

}  // namespace

// What is to be run, and its hash.
struct ExecutionContext::Request {
  std::string_view name;
  const Operator& op;
  std::span<const ConstAnyView> inputs;
  std::span<const AnyView> outputs;
  const Attributes& attributes;
  std::uint64_t hash = 0;

  void compute_hash() noexcept {
    hash = detail::mix(reinterpret_cast<std::uintptr_t>(&op), inputs.size());
    for (const ConstAnyView& input : inputs)
      hash = detail::mix(hash, detail::hash_of(input.type()));
    for (const Attribute& attribute : attributes.all()) {
      hash = detail::mix(hash, std::bit_cast<std::uint64_t>(attribute.number()));
      for (const index_t value : attribute.integers())
        hash = detail::mix(hash, static_cast<std::uint64_t>(value));
    }
  }
};

// In one block: the head, and behind it the types of inputs and outputs.
struct ExecutionContext::Compiled {
  Compiled* next;
  std::uint64_t hash;
  const Operator* op;
  std::size_t input_count;
  std::size_t output_count;
  KernelPtr kernel;
  Attributes attributes;

  static std::size_t bytes(std::size_t types) noexcept {
    return sizeof(Compiled) + types * sizeof(TensorType);
  }
  [[nodiscard]] TensorType* types() noexcept { return reinterpret_cast<TensorType*>(this + 1); }
  [[nodiscard]] std::span<const TensorType> inputs() noexcept { return {types(), input_count}; }
  [[nodiscard]] std::span<TensorType> outputs() noexcept {
    return {types() + input_count, output_count};
  }
  [[nodiscard]] bool serves(const Request& request) noexcept {
    return hash == request.hash && op == &request.op &&
           std::ranges::equal(inputs(), request.inputs, {}, {}, &ConstAnyView::type) &&
           attributes == request.attributes;
  }

  // Frees the block of what was made in it.
  struct Free {
    std::pmr::memory_resource* resource;
    void operator()(Compiled* compiled) const noexcept {
      const std::size_t size = bytes(compiled->input_count + compiled->output_count);
      compiled->~Compiled();
      resource->deallocate(compiled, size, alignof(Compiled));
    }
  };
};

namespace {

// The outputs are what the operator makes of such inputs.
void check_outputs(std::string_view name, std::span<const TensorType> inferred,
                   std::span<const AnyView> outputs) {
  if (inferred.size() != outputs.size())
    detail::raise<ContractError>("execute_operator", "%.*s has %zu outputs; %zu were given",
                                 length(name), name.data(), inferred.size(), outputs.size());
  for (std::size_t i = 0; i < inferred.size(); ++i) {
    const TensorType& given = outputs[i].type();
    if (given == inferred[i]) continue;
    const auto refuse = [&]<class E>(std::type_identity<E>) {
      detail::raise<E>("execute_operator", "%.*s: output %zu is %s; it has to be %s", length(name),
                       name.data(), i, TensorTypeText(given).text,
                       TensorTypeText(inferred[i]).text);
    };
    if (given.dtype() != inferred[i].dtype()) refuse(std::type_identity<DTypeError>{});
    refuse(std::type_identity<ShapeError>{});
  }
}

// No output lies where an input or another output lies, but for a kernel that works in place.
void check_overlap(std::string_view name, const Kernel& kernel,
                   std::span<const ConstAnyView> inputs, std::span<const AnyView> outputs) {
  const auto refuse = [&](std::size_t output, const char* what, std::size_t other) {
    detail::raise<ContractError>("execute_operator", "%.*s: output %zu overlaps %s %zu",
                                 length(name), name.data(), output, what, other);
  };
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    const auto out = outputs[o].bytes();
    for (std::size_t other = 0; other < o; ++other)
      if (overlap(out, outputs[other].bytes())) refuse(o, "output", other);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const auto in = inputs[i].bytes();
      if (!overlap(in, out)) continue;
      const bool same = in.data() == out.data() && in.size() == out.size();
      if (o != 0 || !same || !kernel.in_place(static_cast<int>(i))) refuse(o, "input", i);
    }
  }
}

}  // namespace

ExecutionContext::Compiled& ExecutionContext::compiled_for(const Request& request) {
  for (Compiled* known = buckets_[request.hash % bucket_count]; known != nullptr;
       known = known->next)
    if (known->serves(request)) return *known;

  const auto outputs = static_cast<std::size_t>(request.op.output_count());
  check_counts(request.name, request.inputs.size(), outputs);
  const std::size_t bytes = Compiled::bytes(request.inputs.size() + outputs);
  void* const block = resource_->allocate(bytes, alignof(Compiled));
  auto* const head = ::new (block)
      Compiled{nullptr, request.hash,           &request.op,       request.inputs.size(),
               outputs, KernelPtr(nullptr, {}), request.attributes};
  std::unique_ptr<Compiled, Compiled::Free> compiled(head, {resource_});
  TensorType* type = compiled->types();
  for (const ConstAnyView& input : request.inputs) ::new (type++) TensorType(input.type());
  for (std::size_t i = 0; i < outputs; ++i) ::new (type++) TensorType();

  const int threads = team_ != nullptr ? team_->thread_count() : 1;
  request.op.infer(compiled->inputs(), request.attributes, compiled->outputs());
  check_outputs(request.name, compiled->outputs(), request.outputs);
  compiled->kernel =
      request.op.compile(compiled->inputs(), request.attributes, {resource_, threads});
  if (kernel_count_ == most_kernels) forget_kernels();
  Compiled*& first = buckets_[request.hash % bucket_count];
  compiled->next = first;
  first = compiled.release();
  ++kernel_count_;
  return *first;
}

void ExecutionContext::execute(std::string_view name, const Operator& op,
                               std::span<const ConstAnyView> inputs,
                               std::span<const AnyView> outputs, const Attributes& attributes) {
  Request request{name, op, inputs, outputs, attributes};
  request.compute_hash();
  Compiled& compiled = compiled_for(request);
  const Kernel& kernel = *compiled.kernel;
  check_outputs(name, compiled.outputs(), outputs);
  check_overlap(name, kernel, inputs, outputs);
  grow_workspace(kernel.workspace_bytes());

  const void* from[Operator::max_inputs];
  void* to[Operator::max_outputs];
  std::ranges::transform(inputs, from, &ConstAnyView::data);
  std::ranges::transform(outputs, to, &AnyView::data);
  kernel.run({{from, inputs.size()}, {to, outputs.size()}, workspace_.data(), team_});
}

void ExecutionContext::grow_workspace(std::size_t bytes) {
  if (bytes <= workspace_bytes()) return;
  workspace_ = {};  // before the larger one is taken, so that the two are never alive together
  workspace_ = Tensor<std::byte, Shape<dyn>>(shape(static_cast<index_t>(bytes)), resource_);
}

void ExecutionContext::forget_kernels() noexcept {
  for (Compiled*& first : buckets_)
    while (first != nullptr) {
      const std::unique_ptr<Compiled, Compiled::Free> freed(first, {resource_});
      first = first->next;
    }
  kernel_count_ = 0;
}

void ExecutionContext::clear() noexcept {
  forget_kernels();
  workspace_ = {};
}

}  // namespace tenon
