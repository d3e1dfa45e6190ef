#pragma once
// The allocator for results and temporaries of one batch: typed blocks from a pool of its own.

#include <tenon/memory/buffer_pool.hpp>
#include <tenon/memory/page_resource.hpp>
#include <tenon/memory/resource.hpp>
#include <tenon/memory/size_classes.hpp>

#include <tenon/core/checked.hpp>
#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <type_traits>

namespace tenon {

// A BufferPool with a typed interface. Batch by batch: allocate, use, clear(); from the second
// batch of the same shapes on, every request is a hit and nothing reaches the heap or the system.
// What is said of BufferPool holds here: power-of-two capacities, 64-byte alignment, frees checked in
// pools made in checked builds (ContractError, StaleTensorError), the same cost.
// Not thread-safe: one thread at a time.
class PoolAllocator final : public StampedResource {
 public:
  template <bool Checked = checked_build>
  PoolAllocator() noexcept : pool_(system_resource(), "PoolAllocator", Checked) {}

  // Takes nothing from upstream before the first miss.
  // Contract: upstream outlives the allocator; the allocator outlives every tensor and block in it,
  // which one made in a checked build reports when it dies (set_leak_handler).
  template <bool Checked = checked_build>
  explicit PoolAllocator(std::pmr::memory_resource* upstream) noexcept
      : pool_(upstream, "PoolAllocator", Checked) {}

  // With blocks of these sizes instead of powers of two; see BufferPool.
  template <bool Checked = checked_build>
  explicit PoolAllocator(const SizeClasses& classes,
                         std::pmr::memory_resource* upstream = system_resource()) noexcept
      : pool_(classes, upstream, "PoolAllocator", Checked) {}

  // n elements of T, not initialised; n = 0 is fine and has to be freed too.
  // Errors: OutOfMemory; the allocator is as it was. Allocations: one block upstream on a miss.
  template <class T>
    requires std::is_trivially_copyable_v<T>
  [[nodiscard]] std::span<T> alloc(std::size_t n) {
    const auto bytes = checked_mul(n, sizeof(T));
    if (!bytes) [[unlikely]]
      detail::raise<OutOfMemory>("PoolAllocator::alloc",
                                 "requested %zu elements of %zu B, more than an address can count",
                                 n, sizeof(T));
    return {static_cast<T*>(pool_.allocate(*bytes, alignof(T))), n};
  }

  // Gives a block from alloc back; a span without data is ignored.
  // Errors: ContractError, StaleTensorError as BufferPool; nothing is changed then. No allocation.
  template <class T>
  void free(std::span<T> block) {
    if (block.data() != nullptr)
      pool_.deallocate(const_cast<std::remove_const_t<T>*>(block.data()), block.size_bytes(),
                       alignof(T));
  }

  // For pmr containers and everything else that takes an allocator.
  [[nodiscard]] std::pmr::polymorphic_allocator<> allocator() noexcept { return this; }

  // std::pmr::memory_resource without the virtual call.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = block_alignment) {
    return pool_.allocate(bytes, alignment);
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment = block_alignment) {
    pool_.deallocate(block, bytes, alignment);
  }

  // All active buffers are back in the pool, memory is kept, handles to them are stale.
  // No allocation, no system call; O(buckets), about 10 ns.
  void clear() noexcept { pool_.clear(); }

  // Makes sure that the next `count` requests of `bytes` are hits. Errors: OutOfMemory.
  void reserve(std::size_t bytes, std::size_t count = 1) { pool_.reserve(bytes, count); }

  // Makes sure that of every size class as many blocks are pooled as the class counts. Errors:
  // OutOfMemory; the allocator is as it was.
  void reserve_classes() { pool_.reserve_classes(); }

  // What a request of `bytes` really takes. Contract: bytes <= PTRDIFF_MAX - 63.
  [[nodiscard]] std::size_t footprint(std::size_t bytes,
                                      std::size_t alignment = block_alignment) const noexcept {
    return pool_.footprint(bytes, alignment);
  }
  [[nodiscard]] const SizeClasses& size_classes() const noexcept { return pool_.size_classes(); }

  // Gives all pooled memory back upstream; blocks in use stay.
  void trim() noexcept { pool_.trim(); }

  // At most this many free blocks stay in each bucket; see BufferPool.
  void limit_per_bucket(std::size_t free_blocks) noexcept { pool_.limit_per_bucket(free_blocks); }

  // Whether frees are checked; see BufferPool. Errors: ContractError while blocks are in use.
  void check_frees(bool on) { pool_.check_frees(on); }
  [[nodiscard]] bool checks_frees() const noexcept { return pool_.checks_frees(); }

  [[nodiscard]] PoolStats stats() const noexcept { return pool_.stats(); }

  [[nodiscard]] std::uint64_t generation() const noexcept override { return pool_.generation(); }
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY std::uint64_t stamp(
      const void* block) const noexcept override {
    return pool_.stamp(block);
  }
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY bool is_live(
      const void* block, std::uint64_t stamp) const noexcept override {
    return pool_.is_live(block, stamp);
  }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return pool_.allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    pool_.deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  BufferPool pool_;
};

}  // namespace tenon
