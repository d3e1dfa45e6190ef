#pragma once
// Blocks of a MemoryPool that give themselves back: raw bytes, and arrays. Link tenon::memory.

#include <tenon/memory/memory_pool.hpp>
#include <tenon/memory/upstream.hpp>

#include <tenon/core/checked.hpp>
#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace tenon {

// Owns one block of a pool: not initialised, back in the pool at the end of its life, or nothing
// happens then if the pool was cleared since. Move-only; a moved-from object owns nothing.
// Contract: the pool outlives it. One thread at a time, but any thread may destroy it.
class PooledAllocation {
 public:
  PooledAllocation() noexcept = default;
  // Errors: OutOfMemory. Allocations: one block of the pool.
  explicit PooledAllocation(std::size_t bytes, MemoryPool& pool = global_memory_pool(),
                            std::size_t alignment = block_alignment)
      : data_(pool.allocate(bytes, alignment)),
        bytes_(bytes),
        alignment_(alignment),
        generation_(pool.generation()),
        pool_(&pool) {}

  // By hand, because the source must forget its block.
  PooledAllocation(PooledAllocation&& other) noexcept { swap(other); }
  PooledAllocation& operator=(PooledAllocation&& other) noexcept {
    PooledAllocation(std::move(other)).swap(*this);
    return *this;
  }
  ~PooledAllocation() {
    if (data_ != nullptr && !is_stale()) pool_->deallocate(data_, bytes_, alignment_);
  }

  [[nodiscard]] void* get() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }  // as requested
  [[nodiscard]] std::span<std::byte> bytes() const noexcept {
    return {static_cast<std::byte*>(data_), bytes_};
  }
  [[nodiscard]] explicit operator bool() const noexcept { return data_ != nullptr; }
  // True if the pool was cleared since: the block is not ours any more.
  [[nodiscard]] bool is_stale() const noexcept {
    return pool_ != nullptr && pool_->generation() != generation_;
  }

  void swap(PooledAllocation& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    std::swap(alignment_, other.alignment_);
    std::swap(generation_, other.generation_);
    std::swap(pool_, other.pool_);
  }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t alignment_ = block_alignment;
  std::uint64_t generation_ = 0;
  MemoryPool* pool_ = nullptr;
};

// n elements of T in a pool, value-initialised (numbers are 0). Move-only, of fixed size; a
// moved-from array is empty. If the pool was cleared since, the elements are abandoned.
// Contract: as PooledAllocation; T does not throw in its destructor.
template <class T>
  requires std::is_default_constructible_v<T> && std::is_nothrow_destructible_v<T>
class PooledArray {
 public:
  using value_type = T;

  PooledArray() noexcept = default;
  // Errors: OutOfMemory, and what T's constructor throws; nothing leaks then. Cost: O(n).
  explicit PooledArray(std::size_t n, MemoryPool& pool = global_memory_pool())
      : block_(bytes_of(n), pool, std::max(alignof(T), block_alignment)), size_(n) {
    std::uninitialized_value_construct_n(data(), n);
  }

  PooledArray(PooledArray&& other) noexcept
      : block_(std::move(other.block_)), size_(std::exchange(other.size_, 0)) {}
  PooledArray& operator=(PooledArray&& other) noexcept {
    PooledArray moved(std::move(other));
    block_.swap(moved.block_);
    std::swap(size_, moved.size_);
    return *this;
  }
  ~PooledArray() {
    if (!block_.is_stale()) std::destroy_n(data(), size_);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] T* data() noexcept { return static_cast<T*>(block_.get()); }
  [[nodiscard]] const T* data() const noexcept { return static_cast<const T*>(block_.get()); }
  [[nodiscard]] std::span<T> span() noexcept { return {data(), size_}; }
  [[nodiscard]] std::span<const T> span() const noexcept { return {data(), size_}; }
  [[nodiscard]] bool is_stale() const noexcept { return block_.is_stale(); }

  [[nodiscard]] T* begin() noexcept { return data(); }
  [[nodiscard]] T* end() noexcept { return data() + size_; }
  [[nodiscard]] const T* begin() const noexcept { return data(); }
  [[nodiscard]] const T* end() const noexcept { return data() + size_; }

  // Checked builds raise ContractError for i >= size().
  template <bool Checked = checked_build>
  [[nodiscard]] T& operator[](std::size_t i) {
    check<Checked>(i);
    return data()[i];
  }
  template <bool Checked = checked_build>
  [[nodiscard]] const T& operator[](std::size_t i) const {
    check<Checked>(i);
    return data()[i];
  }

 private:
  template <bool Checked>
  void check(std::size_t i) const {
    if constexpr (Checked) {
      if (i >= size_) [[unlikely]]
        detail::raise<ContractError>("PooledArray", "index %zu of an array of %zu elements", i,
                                     size_);
    }
  }

  [[nodiscard]] static std::size_t bytes_of(std::size_t n) {
    const auto bytes = checked_mul(n, sizeof(T));
    if (!bytes) [[unlikely]]
      detail::raise<OutOfMemory>("PooledArray",
                                 "requested %zu elements of %zu B, more than an address can count",
                                 n, sizeof(T));
    return *bytes;
  }

  PooledAllocation block_;
  std::size_t size_ = 0;
};

}  // namespace tenon
