#pragma once
// That a workspace is exact: its bytes suffice, one less is refused, the last is written, none beyond.

#include "catch.hpp"
#include "naive.hpp"
#include "naive_eval.hpp"

#include <tenon/tenon.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace exact {

namespace tn = tenon;

// Memory that is aligned as plans assume.
class Aligned {
 public:
  explicit Aligned(std::size_t bytes) : memory_(bytes + tn::workspace_alignment) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
    begin_ = memory_.data() + (0 - address) % tn::workspace_alignment;
  }
  [[nodiscard]] std::byte* begin() const { return begin_; }

 private:
  std::vector<std::byte> memory_;
  std::byte* begin_;
};

// Evaluates e in a workspace of `bytes` and compares it with plain loops in double.
template <class E>
void check(const E& e, std::size_t bytes, double tolerance) {
  constexpr std::size_t beyond = 64;
  const Aligned memory(bytes + beyond);
  std::byte* const begin = memory.begin();
  tn::Arena results;
  bool last_is_written = bytes == 0;
  std::size_t beyond_written = 0, wrong = 0;
  const naive::Values expected = naive::value_of<0>(e);
  for (const auto fill : {std::byte{0xA5}, std::byte{0x3C}}) {  // a value may equal one of them
    std::fill_n(begin, bytes + beyond, fill);
    const auto y = [&] {
      tn::FixedBufferAllocator whole(std::span(begin, bytes));
      return tn::eval(e, results, tn::scratch(whole));
    }();  // AddressSanitizer lets the bytes be read when the allocator is gone
    if (bytes > 0 && begin[bytes - 1] != fill) last_is_written = true;
    for (std::size_t i = bytes; i < bytes + beyond; ++i) beyond_written += begin[i] != fill;
    REQUIRE(static_cast<std::size_t>(y.size()) == expected.at.size());
    for (std::size_t i = 0; i < expected.at.size(); ++i)
      wrong +=
          !naive::close(static_cast<double>(y.data()[i]), expected.at[i], tolerance, tolerance);
  }
  CHECK(last_is_written);
  CHECK(beyond_written == 0);
  CHECK(wrong == 0);
  if (bytes > 0) {
    tn::FixedBufferAllocator short_of_one(std::span(begin, bytes - 1));
    CHECK_THROWS_AS(tn::eval(e, results, tn::scratch(short_of_one)), tn::OutOfMemory);
  }
}

}  // namespace exact
