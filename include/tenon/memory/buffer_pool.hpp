#pragma once
// Pooled blocks by size class: the engine under PoolAllocator, usable by itself.

#include <tenon/memory/page_resource.hpp>
#include <tenon/memory/poison.hpp>
#include <tenon/memory/pool_blocks.hpp>
#include <tenon/memory/pool_stats.hpp>
#include <tenon/memory/pool_store.hpp>
#include <tenon/memory/resource.hpp>
#include <tenon/memory/size_classes.hpp>

#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory_resource>
#include <span>

namespace tenon {

// Keeps freed blocks for reuse. A request of n bytes is served from the bucket of the least
// 64 * 2^i >= n, i = 0 ... 21 (64 B ... 128 MiB), or of the least class >= n where the pool was given
// SizeClasses; every block of a bucket has the bucket's full capacity, so a smaller block never serves
// a larger request. Larger blocks are kept by exact size (a multiple of 64) until trim(). Blocks are
// 64-byte aligned; those asked with more (up to 4096) are kept in a row of powers of two of their own,
// beyond that by exact size.
// All bookkeeping lies beside the blocks, in memory from upstream: free blocks are never touched,
// and a pointer that is no live block of this pool is recognised without being read. A pool made in a
// checked build, or told so by check_frees, looks every free up there:
//   ContractError     foreign pointer, double free, wrong size
//   StaleTensorError  block issued before the last clear()
// Nothing is changed then. From a noexcept function such an error ends the program with its text.
// Another pool trusts its callers: it looks nothing up, and a handle can tell only whether the pool was
// cleared since (put and blocks of exact size are looked up all the same).
// Cost: docs/memory.md; the same at any size once pooled; no system call and no heap call then. A
// miss asks upstream. Not thread-safe: one thread at a time.
class BufferPool final : public StampedResource {
 public:
  static constexpr std::size_t bucket_count = detail::PoolLayout::power_count;
  static constexpr std::size_t min_block_bytes = block_alignment;
  static constexpr std::size_t max_block_bytes = detail::PoolLayout::largest_power;
  static constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

  // The bucket that serves `bytes` in a pool without a profile. Contract: bytes <= max_block_bytes.
  [[nodiscard]] static constexpr std::size_t bucket_of(std::size_t bytes) noexcept {
    return detail::PoolLayout::power_of(bytes);
  }
  [[nodiscard]] static constexpr std::size_t bucket_bytes(std::size_t bucket) noexcept {
    return min_block_bytes << bucket;
  }

  template <bool Checked = checked_build>
  BufferPool() noexcept : BufferPool(powers, system_resource(), "BufferPool", Checked) {}

  // Takes nothing from upstream before the first miss.
  // Contract: upstream outlives the pool; the pool outlives every block that it gave out, which a
  // pool made in a checked build reports when it dies (set_leak_handler).
  template <bool Checked = checked_build>
  explicit BufferPool(std::pmr::memory_resource* upstream) noexcept
      : BufferPool(powers, upstream, "BufferPool", Checked) {}

  // With blocks of these sizes instead of powers of two (learn_size_classes finds good ones for a
  // recorded run). Takes nothing from upstream; reserve_classes() then makes the counts that they name.
  // A request costs 1 to 3 ns more than with powers of two, for the search among the classes.
  template <bool Checked = checked_build>
  explicit BufferPool(const SizeClasses& classes,
                      std::pmr::memory_resource* upstream = system_resource()) noexcept
      : BufferPool(classes, upstream, "BufferPool", Checked) {}

  // As above, with the name of the class that errors and reports speak of (a string literal).
  BufferPool(const SizeClasses& classes, std::pmr::memory_resource* upstream, const char* owner,
             bool reports) noexcept
      : store_(classes, upstream),
        power_bytes_(classes == powers ? max_block_bytes : 0),
        owner_(owner),
        reports_(reports),
        checks_frees_(reports) {
    choose_path();
  }

  // The same without a profile.
  BufferPool(std::pmr::memory_resource* upstream, const char* owner, bool reports) noexcept
      : BufferPool(powers, upstream, owner, reports) {}

  ~BufferPool() override {
    if (const PoolStats s = stats(); reports_ && s.live_count > 0)
      detail::leak_handler()({owner_, s.live_count, s.live_bytes});
  }

  // What a request of `bytes` really takes. Contract: bytes <= PTRDIFF_MAX - 63.
  [[nodiscard]] std::size_t footprint(std::size_t bytes,
                                      std::size_t alignment = block_alignment) const noexcept {
    return store_.layout().capacity_of(store_.layout().row_of(bytes, alignment), bytes);
  }
  [[nodiscard]] const SizeClasses& size_classes() const noexcept { return store_.layout().classes; }

  // Whether frees are checked from here on, see above; pools made in a checked build begin with it on.
  // Cost: a pair of calls takes 4 ns more with checks, a free in random order 12 ns.
  // Errors: ContractError while blocks are in use. O(owned blocks), no allocation.
  void check_frees(bool on) {
    if (const PoolStats s = stats(); s.live_count > 0)
      detail::raise<ContractError>(owner_, "check_frees with %zu blocks in use", s.live_count);
    if (!checks_frees_) mark_rows();
    checks_frees_ = on;
    guess_ = hint_ = &none_;
    freed_ = &none_;
    choose_path();
  }
  [[nodiscard]] bool checks_frees() const noexcept { return checks_frees_; }

  // A pooled block of at least `bytes`, its whole capacity; empty if none is pooled.
  // No allocation. Give it back with put.
  [[nodiscard]] std::span<std::byte> get(std::size_t bytes) noexcept {
    return get_aligned(bytes, block_alignment);
  }

  // The same at a multiple of `alignment`. Contract: a power of two.
  [[nodiscard]] std::span<std::byte> get_aligned(std::size_t bytes,
                                                 std::size_t alignment) noexcept {
    const std::size_t row = store_.layout().row_of(bytes, alignment);
    if (const Place* p = store_.take(row, bytes, alignment); p != nullptr)
      return issue_whole(*p, row, bytes);
    ++empty_count_;
    return {};
  }

  // A pooled block, or a fresh one from upstream. Errors: OutOfMemory; the pool is as it was.
  [[nodiscard]] std::span<std::byte> get_or_alloc(std::size_t bytes,
                                                  std::size_t alignment = block_alignment) {
    const std::size_t row = store_.layout().row_of(bytes, alignment);
    return issue_whole(take_or_make(row, bytes, alignment), row, bytes);
  }

  // Takes a block back. Contract: the span begins where a get did; a shorter span is fine, because
  // the pool knows the block's capacity. Empty spans without data are ignored. No allocation.
  void put(std::span<std::byte> block) {
    if (block.data() == nullptr) return;
    Block* b = find(block.data());
    if (b == nullptr || (keeps_record(b->row) && !store_.is_issued(b)) ||
        block.size() > store_.capacity(*b)) [[unlikely]]
      refuse(block.data(), block.size(), b);
    if (keeps_record(b->row)) return recycle(*b);
    take_back(b->row, b->data, store_.capacity(*b));
  }

  // The same; also checks that the block has the alignment.
  void put_aligned(std::span<std::byte> block, std::size_t alignment) {
    if ((reinterpret_cast<std::uintptr_t>(block.data()) & (alignment - 1)) != 0)
      detail::raise<ContractError>(owner_, "%p (%zu B) is not aligned to %zu",
                                   static_cast<void*>(block.data()), block.size(), alignment);
    put(block);
  }

  // std::pmr::memory_resource without the virtual call.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = block_alignment) {
    const std::size_t last = bytes - 1;  // wraps for an empty request, which is rare
    if (last < fast_bytes_ && alignment <= block_alignment) [[likely]] {
      if (std::byte* data = store_.row(row_of_power(last)).take_data(); data != nullptr) [[likely]]
        return count_issue(data, bytes);
    }
    return allocate_slowly(bytes, alignment);
  }

  void deallocate(void* block, std::size_t bytes, std::size_t alignment = block_alignment) {
    const std::size_t last = bytes - 1;
    if (last < fast_bytes_ && alignment <= block_alignment) [[likely]] {
      count_return(block, bytes);
      return store_.row(row_of_power(last)).push_data(static_cast<std::byte*>(block));
    }
    deallocate_slowly(block, bytes, alignment);
  }

  // Every block given out is back in the pool; memory is kept (above a limit per bucket it goes
  // upstream), handles to the blocks are stale. Cost: O(buckets in use), about 10 ns; no allocation.
  void clear() noexcept {
    store_.clear(stamp_);
    settle();
    live_bytes_ = 0;
    guess_ = &none_;
    ++generation_;
    if (limit_ != unlimited) apply_limit();
  }

  // Gives all pooled memory back upstream; blocks in use stay. O(owned blocks), no allocation.
  void trim() noexcept {
    if (!checks_frees_) mark_rows();
    for (std::size_t row = 0; row <= Store::exact_row; ++row) store_.trim_row(row, 0);
    guess_ = &none_;
  }

  // Makes sure that the next `count` requests of `bytes` are hits.
  // Errors: OutOfMemory; the pool is as it was. Allocations: the missing blocks.
  void reserve(std::size_t bytes, std::size_t count = 1) {
    Store::Reservation made(store_);
    made.make(bytes, count, owner_);
    made.keep();
  }

  // Makes sure that of every size class as many blocks are pooled as the class counts.
  // Errors: OutOfMemory; the pool is as it was. Allocations: the missing blocks.
  void reserve_classes() {
    Store::Reservation made(store_);
    for (const SizeClass& c : size_classes()) made.make(c.bytes, c.count, owner_);
    made.keep();
  }

  // At most this many free blocks stay in each bucket; more go back upstream, now and at every put,
  // deallocate and clear. Blocks beyond the buckets are not limited. Default: unlimited. A request
  // costs some ns more with a limit.
  void limit_per_bucket(std::size_t free_blocks) noexcept {
    limit_ = free_blocks;
    choose_path();
    apply_limit();
  }

  [[nodiscard]] std::uint64_t generation() const noexcept override { return generation_; }

  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY std::uint64_t stamp(
      const void* block) const noexcept override {
    if (!checks_frees_) return generation_;
    const Block* b = find(block);
    return store_.is_issued(b) ? b->stamp : 0;
  }

  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY bool is_live(
      const void* block, std::uint64_t stamp) const noexcept override {
    if (!checks_frees_) return stamp == generation_;
    if (stamp <= store_.cleared_stamp()) return false;
    const Block* b = find(block);
    return b != nullptr && b->stamp == stamp && !b->is_freed();
  }

  // Cost: O(buckets + blocks of exact size), so that allocation need not count.
  [[nodiscard]] PoolStats stats() const noexcept {
    PoolStats s{};
    s.live_bytes = live_bytes_;
    s.peak_bytes = live_bytes_ > peak_bytes_ ? live_bytes_ : peak_bytes_;
    store_.add_to(s);
    s.allocations = stamp_;
    s.deallocations = s.allocations - s.live_count;
    s.hits = stamp_ - made_count_;
    s.misses = made_count_ + empty_count_;
    return s;
  }

 private:
  using Block = detail::PoolBlock;
  using Place = detail::PoolPlace;
  using Store = detail::PoolStore;

  static constexpr SizeClasses powers = SizeClasses::powers_of_two();

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  // The row of last + 1 bytes in a pool without a profile.
  [[nodiscard]] static std::size_t row_of_power(std::size_t last) noexcept {
    return static_cast<std::size_t>(std::bit_width(last | (min_block_bytes - 1))) - 6;
  }

  // The inline path serves up to so many bytes: nothing where there is a profile, a limit or a check.
  void choose_path() noexcept {
    fast_bytes_ = limit_ == unlimited && !checks_frees_ ? power_bytes_ : 0;
  }

  // Whether the records of a row say which blocks are free.
  [[nodiscard]] bool keeps_record(std::size_t row) const noexcept {
    return checks_frees_ || row == Store::exact_row;
  }

  // A free block of the row, or a new one: the last of all.
  [[nodiscard]] const Place& take_or_make(std::size_t row, std::size_t bytes,
                                          std::size_t alignment) {
    if (const Place* p = store_.take(row, bytes, alignment); p != nullptr) return *p;
    const Block& b = store_.make(bytes, alignment, owner_);
    ++made_count_;
    return store_.row(row).all()[b.place];
  }

  [[nodiscard]] std::byte* count_issue(std::byte* data, std::size_t bytes) noexcept {
    ++stamp_;
    live_bytes_ += bytes;
    detail::unpoison(data, bytes);
    return data;
  }

  [[nodiscard]] std::byte* issue(const Place& p, std::size_t row, std::size_t bytes) noexcept {
    std::byte* data = count_issue(p.data, bytes);
    if (keeps_record(row)) {
      guess_ = p.record;
      p.record->stamp = stamp_;
      p.record->bytes_mark = bytes;
    }
    return data;
  }

  [[nodiscard]] std::span<std::byte> issue_whole(const Place& p, std::size_t row,
                                                 std::size_t bytes) noexcept {
    const std::size_t whole = store_.layout().capacity_of(row, bytes);
    return {issue(p, row, whole), whole};
  }

  // The peak is looked at where live bytes go down, so that an allocation need not.
  void settle() noexcept {
    if (live_bytes_ > peak_bytes_) peak_bytes_ = live_bytes_;
  }

  void count_return(void* data, std::size_t bytes) noexcept {
    detail::poison(data, bytes);
    settle();
    live_bytes_ -= bytes;
  }

  [[nodiscard]] std::size_t row_for(std::size_t bytes, std::size_t alignment) const noexcept {
    if (bytes - 1 < power_bytes_ && alignment <= block_alignment) [[likely]]
      return row_of_power(bytes - 1);
    return store_.layout().row_of(bytes, alignment);
  }

  [[gnu::noinline]] void* allocate_slowly(std::size_t bytes, std::size_t alignment) {
    const std::size_t row = row_for(bytes, alignment);
    return issue(take_or_make(row, bytes, alignment), row, bytes);
  }

  [[gnu::noinline]] void deallocate_slowly(void* block, std::size_t bytes, std::size_t alignment) {
    if (!checks_frees_) {
      const std::size_t row = row_for(bytes, alignment);
      if (row != Store::exact_row) return take_back(row, static_cast<std::byte*>(block), bytes);
    }
    // Mostly it is the block issued last; else frees go through the blocks in their order or backwards. A
    // guess is live, or it has another size.
    if (Block& b = *guess_; b.data == block && b.bytes_mark == bytes) [[likely]]
      return recycle(b);
    if (Block& b = *hint_; b.data == block && b.bytes_mark == bytes && store_.is_issued(&b))
      return recycle(b);
    deallocate_found(block, bytes);
  }

  // Takes a block back whose record nobody keeps.
  void take_back(std::size_t row, std::byte* data, std::size_t bytes) noexcept {
    count_return(data, bytes);
    if (limit_ != unlimited && store_.row(row).pooled_count() >= limit_) [[unlikely]]
      store_.drop(*store_.blocks().find(data));
    else
      store_.row(row).push_data(data);
  }

  void mark_rows() noexcept {
    for (std::size_t row = 0; row < Store::exact_row; ++row) store_.mark_row(row);
  }

  [[gnu::noinline]] void deallocate_found(void* block, std::size_t bytes) {
    Block* b = store_.blocks().find(block);
    if (!store_.is_issued(b) || b->bytes_mark != bytes) [[unlikely]]
      refuse(block, bytes, b);
    recycle(*b);
  }

  // Ends the issue of a live block.
  void recycle(Block& b) noexcept {
    count_return(b.data, b.bytes_mark);
    hint_ = detail::PoolBlocks::beyond(*freed_, b);
    freed_ = &b;
    if (limit_ != unlimited || b.row == Store::exact_row) [[unlikely]]
      return recycle_rare(b);
    b.bytes_mark = ~b.bytes_mark;
    store_.row(b.row).push(b);
  }

  [[gnu::noinline]] void recycle_rare(Block& b) noexcept {
    if (b.row != Store::exact_row && store_.row(b.row).pooled_count() >= limit_)
      store_.drop(b);
    else
      store_.push_free(b);
  }

  TENON_COLD void apply_limit() noexcept {
    if (!checks_frees_) mark_rows();
    for (std::size_t row = 0; row < Store::exact_row; ++row) store_.trim_row(row, limit_);
    guess_ = &none_;
  }

  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY Block* find(const void* block) const noexcept {
    return guess_->data == block && block != nullptr ? guess_ : store_.blocks().find(block);
  }

  [[noreturn]] TENON_COLD void refuse(void* block, std::size_t bytes, const Block* b) const {
    if (b == nullptr)
      detail::raise<ContractError>(owner_, "free of %p (%zu B), which is no block of this pool",
                                   block, bytes);
    if (b->is_freed())
      detail::raise<ContractError>(owner_, "double free of %p, a block of %zu B", block,
                                   store_.capacity(*b));
    if (b->stamp <= store_.cleared_stamp())
      detail::raise<StaleTensorError>(
          owner_, "free of %p (%zu B) after clear: allocation %llu, cleared after allocation %llu",
          block, bytes, static_cast<unsigned long long>(b->stamp),
          static_cast<unsigned long long>(store_.cleared_stamp()));
    detail::raise<ContractError>(
        owner_, "%p is freed with %zu B but was issued with %zu B (capacity %zu B)", block, bytes,
        b->requested(), store_.capacity(*b));
  }

  // Neighbours here are not written together: a compiler would join the writes, and the next read of one
  // of them would wait (Clang 19 on Zen 4: a pair 8.4 ns).
  std::size_t fast_bytes_ = 0;  // what the inline path serves up to
  std::uint64_t stamp_ = 0;     // of the last issue: the number of allocations
  Block* guess_ = &none_;       // the block that was issued last
  std::size_t live_bytes_ = 0;  // as requested
  Block* hint_ = &none_;        // the block that is probably freed next
  std::size_t peak_bytes_ = 0;  // of live bytes, up to the last settle
  std::size_t limit_ = unlimited;
  const Block* freed_ = &none_;  // the block freed last
  Store store_;
  std::size_t power_bytes_;        // what a row of a power of two serves: nothing with a profile
  std::uint64_t made_count_ = 0;   // requests served by upstream
  std::uint64_t empty_count_ = 0;  // requests answered with empty
  std::uint64_t generation_ = 1;
  const char* owner_;
  bool reports_;
  bool checks_frees_;
  Block none_{~std::size_t{0}, 0, 0, 0, nullptr, 0};  // stands for no block
};

}  // namespace tenon
