#pragma once
// The JSON header of a .safetensors file, event by event.

#include <tenon/io/safetensors.hpp>

#include <tenon/core/error.hpp>

#include <nlohmann/json.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace tenon::detail {

// A tensor as the header tells of it; nothing compared with the file yet.
struct HeaderEntry {
  StoredTensor tensor;
  std::size_t element_bytes = 0;
  std::array<std::uint64_t, 2> range{};  // of bytes, from the end of the header
  std::size_t where = 0;                 // the byte of the file where the entry starts
};

// Characters that tell how far the parser came, so that errors can name the byte.
class HeaderText {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  HeaderText(const char* at, const char** furthest) noexcept : at_(at), furthest_(furthest) {}
  reference operator*() const noexcept { return *at_; }
  HeaderText& operator++() noexcept {
    *furthest_ = ++at_;
    return *this;
  }
  HeaderText operator++(int) noexcept {
    HeaderText before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const HeaderText& a, const HeaderText& b) noexcept {
    return a.at_ == b.at_;
  }

 private:
  const char* at_;
  const char** furthest_;
};

// Takes the events of nlohmann's parser. The grammar is that of the format and nothing more:
//   {"<name>": {"dtype": "F32", "shape": [n…], "data_offsets": [begin, end]}…,
//    "__metadata__": {"<key>": "<value>"…}}
// Nothing nests deeper, so that neither does the parser.
class HeaderReader {
 public:
  HeaderReader(std::string_view text, std::size_t offset, std::pmr::memory_resource* resource)
      : text_(text), at_(text.data()), offset_(offset), entries(resource), metadata(resource) {}

  void read() {
    const char* end = text_.data() + text_.size();
    nlohmann::json::sax_parse(HeaderText(text_.data(), &at_), HeaderText(end, &at_), this);
  }

  // The events.
  bool start_object(std::size_t);
  bool key(std::string& text);
  bool string(std::string& text);
  bool number_unsigned(std::uint64_t number);
  bool start_array(std::size_t);
  bool end_array();
  bool end_object();
  bool null() { unexpected("null"); }
  bool boolean(bool) { unexpected("a bool"); }
  bool number_integer(std::int64_t) { unexpected("a negative number"); }
  bool number_float(double, const std::string&) {
    unexpected("a number that is no 64-bit integer");
  }
  bool binary(nlohmann::json::binary_t&) { unexpected("bytes"); }
  template <class Exception>
  bool parse_error(std::size_t, const std::string&, const Exception&) {
    refuse("the header is no JSON");
  }

 private:
  enum class In : unsigned char { nothing, header, metadata, tensor, shape, range, done };
  enum Field : unsigned { dtype = 1, shape = 2, data_offsets = 4, all_fields = 7 };

  [[nodiscard]] std::size_t where() const noexcept {
    return offset_ + static_cast<std::size_t>(at_ - text_.data());
  }
  [[noreturn]] void refuse(const char* why) const {
    raise<FormatError>("safetensors", "%s (byte %zu)", why, where());
  }
  [[noreturn]] void unexpected(const char* what) const {
    raise<FormatError>("safetensors", "%s does not belong there (byte %zu)", what, where());
  }
  void expect(bool here, const char* what) const {
    if (!here) unexpected(what);
  }

  std::string_view text_;
  const char* at_;
  std::size_t offset_;
  In in_ = In::nothing;
  std::string key_;  // of the header or of its metadata, before its value
  bool has_metadata_ = false;
  unsigned field_ = 0, fields_ = 0;  // the one at hand, and those of the tensor so far
  int count_ = 0;                    // of numbers in an array

 public:
  std::pmr::vector<HeaderEntry> entries;
  std::pmr::vector<MetadataEntry> metadata;
};

}  // namespace tenon::detail
