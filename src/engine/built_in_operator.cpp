#include "built_in_operator.hpp"

#include <tenon/core/error.hpp>

#include <algorithm>
#include <cstdio>

namespace tenon::detail {

void BuiltInOperator::infer(std::span<const TensorType> inputs, const Attributes& attributes,
                            std::span<TensorType> outputs) const {
  const int count = static_cast<int>(inputs.size());
  if (count < spec_.min_inputs || count > spec_.max_inputs)
    raise<ContractError>(spec_.name, "%d inputs; it takes %d to %d", count, spec_.min_inputs,
                         spec_.max_inputs);
  if (outputs.size() != 1)
    raise<ContractError>(spec_.name, "%zu outputs; it has one", outputs.size());
  for (const Attribute& attribute : attributes.all())
    if (std::ranges::find(spec_.attributes, attribute.name()) == spec_.attributes.end())
      raise<ContractError>(spec_.name, "it has no attribute %.*s",
                           static_cast<int>(std::min<std::size_t>(attribute.name().size(), 80)),
                           attribute.name().data());
  outputs[0] = spec_.infer(inputs, attributes);
}

KernelPtr BuiltInOperator::compile(std::span<const TensorType> inputs, const Attributes& attributes,
                                   const KernelOptions& options) const {
  return (engine_kernels().*spec_.kernel)(inputs, attributes, options);
}

void require_dtype(const char* operation, const TensorType& type, std::span<const DType> allowed) {
  if (std::ranges::find(allowed, type.dtype()) != allowed.end()) return;
  char text[160] = "";
  int used = 0;
  for (const DType dtype : allowed)
    used += std::snprintf(text + used, sizeof(text) - static_cast<std::size_t>(used), "%s%s",
                          used == 0 ? "" : ", ", name(dtype));
  raise<DTypeError>(operation, "no kernel for %s; there are some for %s", TensorTypeText(type).text,
                    text);
}

}  // namespace tenon::detail
