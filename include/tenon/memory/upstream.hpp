#pragma once
// How resources take memory from the resource below them: with numbers in every failure.

#include <tenon/core/checked.hpp>
#include <tenon/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory_resource>
#include <new>
#include <type_traits>

namespace tenon::detail {

// No block is larger: pointer differences must fit.
inline constexpr std::size_t largest_block_bytes =
    static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());

// Takes a block from upstream on behalf of `operation`, which was asked for `requested` bytes while
// it held `held` bytes. A std::bad_alloc without numbers becomes an OutOfMemory that has them;
// Tenon's own errors pass unchanged. Nothing is changed on failure.
inline void* acquire(std::pmr::memory_resource& upstream, std::size_t bytes, std::size_t alignment,
                     const char* operation, std::size_t requested, std::size_t held) {
  if (bytes > largest_block_bytes)
    raise<OutOfMemory>(operation, "requested %zu B, more than any block can have (%zu B)",
                       requested, largest_block_bytes);
#ifdef TENON_NO_EXCEPTIONS
  static_cast<void>(held);
  return upstream.allocate(bytes, alignment);
#else
  try {
    return upstream.allocate(bytes, alignment);
  } catch (const std::bad_alloc& error) {
    if (dynamic_cast<const Error*>(&error) != nullptr) throw;
    raise<OutOfMemory>(operation,
                       "requested %zu B, the upstream resource refused a block of %zu B "
                       "(%zu B held already)",
                       requested, bytes, held);
  }
#endif
}

// A growing array of plain records in upstream memory: what std::pmr::vector would be, without the
// header's compile time. The owner keeps the count.
template <class T>
  requires std::is_trivially_copyable_v<T>
class UpstreamArray {
 public:
  explicit UpstreamArray(std::pmr::memory_resource* upstream) noexcept : upstream_(upstream) {}
  UpstreamArray(const UpstreamArray&) = delete;  // owns upstream memory
  UpstreamArray& operator=(const UpstreamArray&) = delete;
  ~UpstreamArray() { release(); }

  [[nodiscard]] T* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] T& operator[](std::size_t i) const noexcept { return data_[i]; }

  // Makes room for more than `count` records and keeps the first `count`; unchanged on failure.
  TENON_COLD void grow(std::size_t count, const char* operation) {
    constexpr std::size_t first_bytes = 1024;
    const auto doubled = checked_mul(count, std::size_t{2});
    const std::size_t least = first_bytes / sizeof(T);
    const std::size_t wanted = doubled && *doubled > least ? *doubled : least;
    const auto bytes = checked_mul(wanted, sizeof(T));
    void* block = acquire(*upstream_, bytes.value_or(SIZE_MAX), alignof(T), operation, sizeof(T),
                          capacity_ * sizeof(T));
    if (count > 0) std::memcpy(block, data_, count * sizeof(T));
    release();
    data_ = static_cast<T*>(block);
    capacity_ = wanted;
  }

  void release() noexcept {
    if (data_ != nullptr) upstream_->deallocate(data_, capacity_ * sizeof(T), alignof(T));
    data_ = nullptr;
    capacity_ = 0;
  }

 private:
  T* data_ = nullptr;
  std::size_t capacity_ = 0;
  std::pmr::memory_resource* upstream_;
};

}  // namespace tenon::detail
