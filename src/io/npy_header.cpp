#include "npy_header.hpp"

#include <tenon/io/npy.hpp>

#include <tenon/core/checked.hpp>

#include <charconv>
#include <limits>

namespace tenon::detail {

namespace {

constexpr std::string_view magic = "\x93NUMPY";

struct Type {
  const char* name;
  std::size_t bytes;
  std::optional<DType> dtype;
};

constexpr Type types[] = {
    {"<f4", 4, DType::float32},
    {"<f8", 8, DType::float64},
    {"|b1", 1, DType::boolean},
    {"|i1", 1, DType::int8},
    {"<i2", 2, DType::int16},
    {"<i4", 4, DType::int32},
    {"<i8", 8, DType::int64},
    {"|u1", 1, DType::uint8},
    {"<u2", 2, DType::uint16},
    {"<u4", 4, DType::uint32},
    {"<u8", 8, DType::uint64},
    {"<f2", 2, DType::float16},
    {"<c8", 8, {}},
    {"<c16", 16, {}},
};

// Reads the one dictionary literal that NumPy writes, and nothing else of Python:
//   {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class DictionaryReader {
 public:
  DictionaryReader(std::string_view text, std::size_t offset) : text_(text), offset_(offset) {}

  NpyHeader read() {
    NpyHeader header;
    std::size_t element_bytes = 0;
    bool has_type = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = string();
      expect(':');
      if (key == "descr" && !has_type) {
        element_bytes = type(header);
        has_type = true;
      } else if (key == "fortran_order" && !has_order) {
        header.column_major = boolean();
        has_order = true;
      } else if (key == "shape" && !has_shape) {
        shape(header);
        has_shape = true;
      } else {
        refuse("a key is unknown or comes twice");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_spaces();
    if (at_ != text_.size()) refuse("there is more than one dictionary");
    if (!has_type || !has_order || !has_shape) refuse("descr, fortran_order or shape is missing");
    header.data_bytes = data_bytes(header, element_bytes);
    return header;
  }

 private:
  [[noreturn]] void refuse(const char* why) const {
    raise<FormatError>("npy", "%s (byte %zu)", why, offset_ + at_);
  }
  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool accept(char c) {
    skip_spaces();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) refuse("the header is not the dictionary that NumPy writes");
  }

  std::string_view string() {
    const char quote = accept('"') ? '"' : '\'';
    if (quote == '\'') expect('\'');
    const std::size_t end = text_.find(quote, at_);
    if (end == text_.npos) refuse("a string has no end");
    const std::string_view value = text_.substr(at_, end - at_);
    at_ = end + 1;
    return value;
  }

  bool boolean() {
    skip_spaces();
    const std::string_view rest = text_.substr(at_);
    const bool value = rest.starts_with("True");
    if (!value && !rest.starts_with("False")) refuse("fortran_order is neither True nor False");
    at_ += value ? 4 : 5;
    return value;
  }

  std::size_t type(NpyHeader& header) {
    if (accept('[')) refuse("the elements are structured");
    const std::string_view name = string();
    for (const Type& t : types) {
      if (name != t.name) continue;
      header.type = t.name;
      header.dtype = t.dtype;
      return t.bytes;
    }
    raise<FormatError>("npy", "elements '%s' cannot be used in place%s (byte %zu)",
                       QuotedText(name).text,
                       name.starts_with('>')    ? ": they are big-endian"
                       : name.starts_with("|O") ? ": they are pickled objects"
                                                : "",
                       offset_ + at_);
  }

  void shape(NpyHeader& header) {
    expect('(');
    while (!accept(')')) {
      if (header.rank == max_rank) refuse("an array has more than 8 axes");
      header.extents[static_cast<std::size_t>(header.rank++)] = extent();
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
  }

  index_t extent() {
    skip_spaces();
    index_t value = 0;
    const char* const end = text_.data() + text_.size();
    const auto [stop, error] = std::from_chars(text_.data() + at_, end, value);
    if (error == std::errc::result_out_of_range)
      refuse("an extent is beyond what an index can count");
    if (error != std::errc{}) refuse("an extent is no number");
    if (value < 0) refuse("an extent is negative");
    at_ = static_cast<std::size_t>(stop - text_.data());
    return value;
  }

  std::size_t data_bytes(const NpyHeader& header, std::size_t element_bytes) const {
    std::optional<index_t> bytes = static_cast<index_t>(element_bytes);
    bool empty = false;
    for (int i = 0; i < header.rank; ++i) {
      const index_t e = header.extents[static_cast<std::size_t>(i)];
      empty = empty || e == 0;
      if (bytes) bytes = checked_mul(*bytes, e == 0 ? index_t{1} : e);
    }
    if (!bytes) refuse("the shape has more bytes than an index can count");
    return empty ? 0 : static_cast<std::size_t>(*bytes);
  }

  std::string_view text_;
  std::size_t offset_;
  std::size_t at_ = 0;
};

std::size_t byte_at(std::span<const std::byte> bytes, std::size_t i) {
  return std::to_integer<std::size_t>(bytes[i]);
}

}  // namespace

std::size_t npy_header_bytes(std::span<const std::byte> file, std::size_t offset) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (!text.starts_with(magic))
    raise<FormatError>("npy", "the bytes do not start as those of an array (byte %zu)", offset);
  if (file.size() < 10) raise<FormatError>("npy", "the header is cut off (byte %zu)", offset);
  const std::size_t version = byte_at(file, 6);
  if (version < 1 || version > 3 || byte_at(file, 7) != 0)
    raise<FormatError>("npy", "version %zu.%zu is unknown (byte %zu)", version, byte_at(file, 7),
                       offset + 6);
  const std::size_t prefix = version == 1 ? 10 : 12;
  if (file.size() < prefix) raise<FormatError>("npy", "the header is cut off (byte %zu)", offset);
  std::size_t length = 0;
  for (std::size_t i = prefix; i-- > 8;) length = length << 8 | byte_at(file, i);
  if (length > npy_header_limit)
    raise<FormatError>("npy", "a header of %zu B is beyond the limit of %zu B (byte %zu)", length,
                       npy_header_limit, offset + 8);
  return prefix + length;
}

NpyHeader read_npy_header(std::span<const std::byte> header, std::size_t offset) {
  const std::size_t prefix = byte_at(header, 6) == 1 ? 10 : 12;
  const auto text = header.subspan(prefix);
  return DictionaryReader({reinterpret_cast<const char*>(text.data()), text.size()},
                          offset + prefix)
      .read();
}

std::string npy_header_text(DType type, std::span<const index_t> shape) {
  if (type == DType::bfloat16) raise<DTypeError>("npy", "NumPy has no elements bfloat16");
  std::string dictionary = "{'descr': '";
  for (const Type& t : types)
    if (t.dtype == type) dictionary += t.name;
  dictionary += "', 'fortran_order': False, 'shape': (";
  for (const index_t e : shape) dictionary += std::to_string(e) + ", ";
  dictionary += "), }";
  constexpr std::size_t prefix = 10;
  dictionary.resize(align_up(prefix + dictionary.size() + 1, workspace_alignment) - prefix - 1,
                    ' ');
  dictionary += '\n';
  std::string text(magic);
  text += {'\1', '\0', static_cast<char>(dictionary.size() & 0xFF),
           static_cast<char>(dictionary.size() >> 8)};
  return text + dictionary;
}

}  // namespace tenon::detail
