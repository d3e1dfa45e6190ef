#include <tenon/io/safetensors.hpp>

#include <tenon/core/checked.hpp>
#include <tenon/core/error.hpp>

#include "new_file.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <vector>

namespace tenon {

namespace {

using detail::raise;

// The format's bytes are little-endian, and tensors are written as they lie in memory.
static_assert(std::endian::native == std::endian::little);

constexpr const char* type_name(DType type) noexcept {
  constexpr const char* names[] = {"F32", "F64", "BOOL", "I8",  "I16", "I32", "I64",
                                   "U8",  "U16", "U32",  "U64", "F16", "BF16"};
  return names[static_cast<unsigned char>(type)];
}

// Text in quotes, as JSON has it.
std::string quoted(std::string_view text) {
  using Handler = nlohmann::json::error_handler_t;
  const nlohmann::json value = std::string(text);
  auto json = value.dump(-1, ' ', false, Handler::replace);
  if (json != value.dump(-1, ' ', false, Handler::ignore))
    raise<ContractError>("save_safetensors", "'%s' is not UTF-8", detail::QuotedText(text).text);
  return json;
}

void check_names(std::span<const NamedTensor> tensors) {
  std::vector<std::string_view> names;
  for (const NamedTensor& t : tensors) names.push_back(t.name());
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice != names.end())
    raise<ContractError>("save_safetensors", "the name '%s' comes twice",
                         detail::QuotedText(*twice).text);
  if (std::ranges::binary_search(names, "__metadata__"))
    raise<ContractError>("save_safetensors", "no tensor can be named '__metadata__'");
}

std::string header(std::span<const NamedTensor* const> tensors,
                   std::span<const std::array<std::string_view, 2>> metadata) {
  std::string text = "{";
  const auto next = [&] { return text.size() > 1 ? "," : ""; };
  if (!metadata.empty()) {
    text += "\"__metadata__\":{";
    for (std::size_t i = 0; i < metadata.size(); ++i)
      text += (i > 0 ? "," : "") + quoted(metadata[i][0]) + ":" + quoted(metadata[i][1]);
    text += "}";
  }
  std::size_t offset = 0;
  for (const NamedTensor* t : tensors) {
    text +=
        next() + quoted(t->name()) + ":{\"dtype\":\"" + type_name(t->dtype()) + "\",\"shape\":[";
    for (std::size_t i = 0; i < t->shape().size(); ++i)
      text += (i > 0 ? "," : "") + std::to_string(t->shape()[i]);
    text += "],\"data_offsets\":[" + std::to_string(offset) + ",";
    offset += t->bytes().size();
    text += std::to_string(offset) + "]}";
  }
  text += "}";
  // The first tensor then lies at a multiple of 64 bytes.
  text.resize(align_up(text.size() + 8, workspace_alignment) - 8, ' ');
  return text;
}

}  // namespace

void save_safetensors(const std::string& path, std::span<const NamedTensor> tensors,
                      std::span<const std::array<std::string_view, 2>> metadata) {
  check_names(tensors);
  std::vector<const NamedTensor*> order;
  for (const int bytes : {8, 4, 2, 1})
    for (const NamedTensor& t : tensors)
      if (size_bytes(t.dtype()) == bytes) order.push_back(&t);
  const std::string text = header(order, metadata);
  const std::uint64_t length = text.size();

  detail::NewFile file("save_safetensors", path);
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(text);
  for (const NamedTensor* t : order) file.write(t->bytes());
  file.finish();
}

}  // namespace tenon
