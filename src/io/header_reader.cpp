#include "header_reader.hpp"

#include <tenon/core/checked.hpp>

#include <limits>
#include <optional>

namespace tenon::detail {

namespace {

struct Type {
  const char* name;
  std::size_t bytes;
  std::optional<DType> dtype;
};

// The types of the format; those without a DType can be listed but not viewed.
constexpr Type types[] = {
    {"F32", 4, DType::float32},
    {"F64", 8, DType::float64},
    {"BOOL", 1, DType::boolean},
    {"I8", 1, DType::int8},
    {"I16", 2, DType::int16},
    {"I32", 4, DType::int32},
    {"I64", 8, DType::int64},
    {"U8", 1, DType::uint8},
    {"U16", 2, DType::uint16},
    {"U32", 4, DType::uint32},
    {"U64", 8, DType::uint64},
    {"F16", 2, DType::float16},
    {"BF16", 2, DType::bfloat16},
    {"F8_E4M3", 1, {}},
    {"F8_E5M2", 1, {}},
};

}  // namespace

bool HeaderReader::start_object(std::size_t) {
  if (in_ == In::nothing) {
    in_ = In::header;
  } else {
    expect(in_ == In::header, "an object");
    if (key_ == "__metadata__") {
      if (has_metadata_) refuse("__metadata__ comes twice");
      in_ = In::metadata;
      has_metadata_ = true;
    } else {
      in_ = In::tensor;
      auto* resource = entries.get_allocator().resource();
      entries.push_back({.tensor = {.name = std::pmr::string(key_, resource)}, .where = where()});
      fields_ = field_ = 0;
    }
  }
  return true;
}

bool HeaderReader::key(std::string& text) {
  if (in_ != In::tensor) {
    key_.swap(text);
    return true;
  }
  field_ = text == "dtype"          ? dtype
           : text == "shape"        ? shape
           : text == "data_offsets" ? data_offsets
                                    : 0U;
  if (field_ == 0) refuse("a tensor has dtype, shape and data_offsets, nothing else");
  if ((fields_ & field_) != 0) refuse("a key comes twice in a tensor");
  fields_ |= field_;
  return true;
}

bool HeaderReader::string(std::string& text) {
  if (in_ == In::metadata) {
    auto* resource = metadata.get_allocator().resource();
    metadata.push_back({std::pmr::string(key_, resource), std::pmr::string(text, resource)});
    return true;
  }
  expect(in_ == In::tensor && field_ == dtype, "a string");
  for (const Type& type : types) {
    if (text != type.name) continue;
    HeaderEntry& entry = entries.back();
    entry.tensor.type = type.name;
    entry.tensor.dtype = type.dtype;
    entry.element_bytes = type.bytes;
    return true;
  }
  raise<FormatError>("safetensors", "the dtype '%s' is unknown (byte %zu)", QuotedText(text).text,
                     where());
}

bool HeaderReader::start_array(std::size_t) {
  expect(in_ == In::tensor && (field_ == shape || field_ == data_offsets), "an array");
  in_ = field_ == shape ? In::shape : In::range;
  count_ = 0;
  return true;
}

bool HeaderReader::number_unsigned(std::uint64_t number) {
  expect(in_ == In::shape || in_ == In::range, "a number");
  HeaderEntry& entry = entries.back();
  if (in_ == In::range) {
    if (count_ == 2) refuse("data_offsets has more than two numbers");
    entry.range[static_cast<std::size_t>(count_++)] = number;
    return true;
  }
  if (count_ == max_rank) refuse("a tensor has more than 8 axes");
  if (number > static_cast<std::uint64_t>(std::numeric_limits<index_t>::max()))
    refuse("an extent is beyond what an index can count");
  entry.tensor.extents[static_cast<std::size_t>(count_++)] = static_cast<index_t>(number);
  return true;
}

bool HeaderReader::end_array() {
  if (in_ == In::range && count_ != 2) refuse("data_offsets has fewer than two numbers");
  if (in_ == In::shape) entries.back().tensor.rank = count_;
  in_ = In::tensor;
  return true;
}

bool HeaderReader::end_object() {
  if (in_ == In::tensor && fields_ != all_fields)
    refuse("a tensor lacks dtype, shape or data_offsets");
  in_ = in_ == In::header ? In::done : In::header;
  return true;
}

}  // namespace tenon::detail
