#include <tenon/io/stored_tensor.hpp>

#include <algorithm>

namespace tenon::detail {

QuotedText::QuotedText(std::string_view raw) noexcept : text{} {
  constexpr std::size_t most = sizeof text - 4;
  std::size_t used = 0;
  for (const char c : raw.substr(0, most))
    text[used++] = static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  if (raw.size() > most) std::fill_n(text + used, 3, '.');
}

void check_stored_type(const StoredTensor& tensor, DType asked) {
  if (tensor.dtype != asked)
    raise<DTypeError>("view", "'%s' has elements %s, asked for as %s", QuotedText(tensor.name).text,
                      tensor.type, name(asked));
}

void check_stored_shape(const StoredTensor& tensor, std::span<const index_t> asked) {
  bool fits = asked.size() == tensor.shape().size();
  for (std::size_t i = 0; fits && i < asked.size(); ++i) {
    const index_t e = tensor.extents[i];
    fits =
        asked[i] == dyn || (is_static_extent(asked[i]) ? e == asked[i] : e <= bound_of(asked[i]));
  }
  if (!fits)
    raise<ShapeError>("view", "'%s' has the shape %s, asked for as %s",
                      QuotedText(tensor.name).text, ShapeText(tensor.shape()).text,
                      ShapeText(asked, ExtentsOf::type).text);
}

void check_stored_order(const StoredTensor& tensor, bool column_major) {
  if (tensor.column_major != column_major && tensor.rank > 1)
    raise<FormatError>("view", "'%s' (byte %zu) is stored %s: ask for the layout %s or dyn_strides",
                       QuotedText(tensor.name).text, tensor.offset,
                       tensor.column_major ? "in Fortran order" : "row by row",
                       tensor.column_major ? "column_major" : "row_major");
}

void check_stored_alignment(const StoredTensor& tensor, std::size_t alignment) {
  if (reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) % alignment != 0)
    raise<FormatError>("view", "'%s' (byte %zu) does not lie at a multiple of %zu B",
                       QuotedText(tensor.name).text, tensor.offset, alignment);
}

void check_stored_bools(const StoredTensor& tensor) {
  const auto wrong =
      std::ranges::find_if(tensor.bytes, [](std::byte b) { return b > std::byte{1}; });
  if (wrong != tensor.bytes.end())
    raise<FormatError>("view", "'%s' (byte %zu) is bool, but holds %d",
                       QuotedText(tensor.name).text,
                       tensor.offset + static_cast<std::size_t>(wrong - tensor.bytes.begin()),
                       static_cast<int>(*wrong));
}

}  // namespace tenon::detail
