#pragma once
// A pool for all threads of a program. Compiled: link tenon::memory.

#include <tenon/memory/buffer_pool.hpp>
#include <tenon/memory/page_resource.hpp>
#include <tenon/memory/resource.hpp>

#include <tenon/core/config.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace tenon {

class MemoryPool;

namespace detail {
class PoolCore;
[[nodiscard]] MemoryPool& global_memory_pool(bool checks_frees) noexcept;
}  // namespace detail

// Keeps freed blocks for reuse by any thread. A request of n bytes is served from the class of the
// least 64 * 2^i >= max(n, alignment), i = 0 ... 21 (64 B ... 128 MiB). Blocks to 8 KiB are cut from
// slabs of 64 KiB, larger ones are blocks of upstream; requests above 128 MiB, or aligned to more
// than 4 KiB and larger than 8 KiB, go to upstream and back each time. 64-byte alignment at least.
//
// Threads: everything may be called by any thread at any time, except clear() and the destructor;
// a block may be freed by another thread than the one that asked for it. Each thread has a cache of
// at most 1 MiB per class (63 blocks, one block from 1 MiB on), which it uses without a lock or an
// atomic read-modify-write; caches exchange half their blocks at a time with a depot that has one
// spin lock per class. Calls of upstream are serialised under a lock of the pool's own, so that
// upstream need not be thread-safe. A thread that ends gives its cache back; a thread that frees
// after that (destructors of thread_local or static objects) shares one cache under a lock.
//
// A pool made in a checked build, or told so by check_frees, checks every free as far as the table of
// tags beside the blocks tells:
//   ContractError     foreign pointer, double free, wrong size, wrong alignment class
//   StaleTensorError  block issued before the last clear() and not since
// Nothing is changed then. From a noexcept function such an error ends the program with its text.
// Another pool trusts its callers, and a handle can tell only whether the pool was cleared since (blocks
// above 128 MiB are looked up all the same).
//
// A block's stamp is drawn when it is first asked for, so names are unique and increase in the
// order of asking. Bookkeeping comes from upstream: 16 B per block and 24 KiB per thread.
// Cost: see docs/memory.md; no system call and no heap call once warm.
class MemoryPool final : public StampedResource {
 public:
  static constexpr std::size_t max_block_bytes = BufferPool::max_block_bytes;
  // The sizes that an initial capacity and reserve are spread over: 64 B, 128 B ... 64 KiB.
  static constexpr std::size_t common_size_count = 11;

  // Takes its bookkeeping from upstream, and blocks from the first request on.
  // Errors: OutOfMemory. Contract: upstream outlives the pool; the pool outlives every block that
  // it gave out, which one made in a checked build reports when it dies (set_leak_handler).
  template <bool Checked = checked_build>
  MemoryPool() : MemoryPool(0, system_resource(), Checked) {}
  // (A template so that MemoryPool(0) means zero bytes.)
  template <bool Checked = checked_build, std::derived_from<std::pmr::memory_resource> Upstream>
  explicit MemoryPool(Upstream* upstream) : MemoryPool(0, upstream, Checked) {}

  // The same with reserve(initial_capacity_bytes) done: blocks of the common sizes are there.
  template <bool Checked = checked_build>
  explicit MemoryPool(std::size_t initial_capacity_bytes,
                      std::pmr::memory_resource* upstream = system_resource())
      : MemoryPool(initial_capacity_bytes, upstream, Checked) {}

  // Gives everything back upstream. Threads may still have caches of this pool and may end later.
  ~MemoryPool() override;

  // At least `bytes`, not initialised. Errors: OutOfMemory; the pool is as it was.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = block_alignment);
  // Takes a block back, with the size and alignment it was asked with. No allocation.
  void deallocate(void* block, std::size_t bytes, std::size_t alignment = block_alignment);

  // Takes blocks from upstream until the pool owns `total_capacity_bytes` or more, and touches
  // their pages: what is missing goes in equal parts to the eleven common sizes, each rounded up to
  // a slab or a block. Errors: OutOfMemory; the pool is as it was.
  void reserve(std::size_t total_capacity_bytes);

  // Makes sure that the next `count` requests of `bytes` find blocks, whichever threads make them,
  // and touches their pages. Errors: OutOfMemory; ContractError if bytes > max_block_bytes, which
  // is never pooled. The pool is as it was then.
  void reserve(std::size_t bytes, std::size_t count);

  // What a request of `bytes` really takes: the block of its class. Contract: as allocate.
  [[nodiscard]] std::size_t footprint(std::size_t bytes,
                                      std::size_t alignment = block_alignment) const noexcept;

  // Gives slabs and blocks upstream of which nothing is in use. Blocks in other threads' caches
  // count as used; the caller's cache is emptied first. O(free blocks).
  void trim() noexcept;

  // All blocks given out are back in the pool, memory is kept, handles to them are stale; blocks
  // above 128 MiB go back upstream. O(blocks).
  // Contract: no other thread is in a call of this pool, nor frees a cleared block later.
  void clear() noexcept;

  // Whether frees are checked from here on, see above. Errors: ContractError while blocks are in use.
  // Contract: no other thread is in a call of this pool. O(blocks), no allocation; a pair of calls takes
  // 1 ns more with checks.
  void check_frees(bool on);
  [[nodiscard]] bool checks_frees() const noexcept;

  // Requested bytes of live blocks; bytes taken from upstream for blocks; their quotient, 0 for an
  // empty pool; requests served; blocks freed or cleared. Exact once every call that other threads
  // made has returned and is visible here; while they run, a recent state of each thread.
  // No allocation; O(threads).
  [[nodiscard]] std::size_t get_total_allocated() const noexcept;
  [[nodiscard]] std::size_t get_total_capacity() const noexcept;
  [[nodiscard]] double get_utilization_ratio() const noexcept;
  [[nodiscard]] std::uint64_t get_allocation_count() const noexcept;
  [[nodiscard]] std::uint64_t get_deallocation_count() const noexcept;

  // All of the statistics; exact as above. peak_bytes is exact if one thread uses the pool; with
  // several it is the peak seen where caches and depot met, at least what is live now. misses are
  // the requests that asked upstream. O(threads).
  [[nodiscard]] PoolStats stats() const noexcept;

  [[nodiscard]] std::uint64_t generation() const noexcept override;
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY std::uint64_t stamp(
      const void* block) const noexcept override;
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY bool is_live(const void* block,
                                                       std::uint64_t stamp) const noexcept override;

 private:
  friend MemoryPool& detail::global_memory_pool(bool checks_frees) noexcept;

  explicit MemoryPool(detail::PoolCore& core) noexcept;
  MemoryPool(std::size_t initial_capacity_bytes, std::pmr::memory_resource* upstream, bool reports);

  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override;
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  // Of a thread that used another pool last.
  void* allocate_elsewhere(std::size_t bytes, std::size_t alignment);
  void deallocate_elsewhere(void* block, std::size_t bytes, std::size_t alignment);

  detail::PoolCore* core_;
  std::uint64_t id_;  // of core_, for the fast path
};

// The pool of the whole program, over system_resource(). Made on first use and never destroyed, so
// that static objects may use it from their constructors and destructors; the first use decides
// whether frees are checked. Thread-safe.
template <bool Checked = checked_build>
[[nodiscard]] MemoryPool& global_memory_pool() noexcept {
  return detail::global_memory_pool(Checked);
}

}  // namespace tenon
