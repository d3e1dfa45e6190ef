#pragma once
// The first N bytes from the allocator itself, the rest from another resource.

#include <tenon/memory/block_table.hpp>
#include <tenon/memory/page_resource.hpp>
#include <tenon/memory/poison.hpp>
#include <tenon/memory/resource.hpp>
#include <tenon/memory/upstream.hpp>

#include <tenon/core/checked.hpp>
#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace tenon {

struct StackFallbackStats {
  std::size_t live_bytes;  // as requested, on both sides
  std::size_t live_count;
  std::size_t peak_bytes;      // the highest live_bytes ever
  std::size_t capacity_bytes;  // of the inline buffer
  std::size_t inline_bytes;    // below its top: blocks, gaps and holes
  std::size_t fallback_bytes;  // as requested, of live blocks on the fallback's side
  std::size_t fallback_count;
  std::uint64_t allocations;
  std::uint64_t deallocations;  // allocations - live_count
  std::uint64_t hits;           // allocations served inline
  std::uint64_t misses;         // allocations served by the fallback

  // hits / allocations, 0 before the first.
  [[nodiscard]] double hit_rate() const noexcept {
    return allocations > 0 ? static_cast<double>(hits) / static_cast<double>(allocations) : 0.0;
  }
  // Inline live bytes / bytes of the inline buffer.
  [[nodiscard]] double utilisation() const noexcept {
    return detail::share(live_bytes - fallback_bytes, capacity_bytes);
  }
  // The share of what lies below the top of the inline buffer that nobody asked for.
  [[nodiscard]] double fragmentation() const noexcept {
    return inline_bytes > 0 ? 1 - detail::share(live_bytes - fallback_bytes, inline_bytes) : 0.0;
  }
};

// Serves blocks one after the other from N bytes inside the object, and what does not fit there from
// the fallback. For small work on the stack that may turn out larger: no heap call while it fits.
// Blocks are 64-byte aligned unless more is asked. An inline block gives its bytes back once every
// inline block issued after it is freed too. At most 64 blocks are inline at a time.
// The object is N bytes and up to 2.5 KiB of records; fallback blocks are recorded in memory from the
// fallback. Destruction and reset give every fallback block back. If the fallback is cleared, its
// blocks here are dead and known to be; an Arena::rewind below must not take blocks issued here.
// Cost: 6 ns an inline pair (GCC 12, Zen 4); a free searches at most 64 records, the newest first. On
// the fallback's side its own cost and 17 ns for names and checks.
// Not thread-safe: one thread at a time.
template <std::size_t N>
class StackFallbackAllocator final : public StampedResource {
  static_assert(N >= block_alignment && N % block_alignment == 0,
                "StackFallbackAllocator<N>: N is a multiple of 64, because blocks are");

 public:
  static constexpr std::size_t inline_capacity_bytes = N;

  // Contract: the fallback is not null and outlives the allocator; the allocator outlives every
  // handle to its blocks, which one made in a checked build reports when it dies.
  template <bool Checked = checked_build>
  explicit StackFallbackAllocator(std::pmr::memory_resource* fallback = system_resource()) noexcept
      : StackFallbackAllocator(fallback, Checked) {}

  ~StackFallbackAllocator() override {
    if (reports_) report_handles();
    give_back_all();
    detail::unpoison_contents(buffer_, N);
  }

  // Errors: what the fallback throws; nothing is changed then.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = block_alignment) {
    const std::size_t multiple = std::max(alignment, block_alignment);
    const std::size_t padding = (0 - reinterpret_cast<std::uintptr_t>(top_)) & (multiple - 1);
    const auto room = static_cast<std::size_t>(buffer_ + N - top_);
    const bool fits =
        bytes > 0 ? padding <= room && bytes <= room - padding : multiple <= empty_spacing;
    if (!fits || slot_count_ == slot_capacity) [[unlikely]]
      return allocate_fallback(bytes, multiple);
    const std::uint64_t stamp = ++stamp_;
    std::byte* block = bytes > 0 ? top_ + padding : empty_block(stamp);
    slots_[slot_count_++] = {top_, block, bytes, stamp, false, false};
    if (bytes > 0) top_ = block + bytes;
    count_issue(bytes);
    detail::unpoison(block, bytes);
    return block;
  }

  // Gives a block back to the side that it came from.
  // Errors: ContractError (foreign pointer, double free, wrong size), StaleTensorError (a pointer
  // into the inline buffer that is no block now, after a reset); nothing is changed then.
  void deallocate(void* block, std::size_t bytes, std::size_t = block_alignment) {
    if (Slot* slot = find_slot(block); slot != nullptr) {
      if (slot->is_freed || slot->bytes != bytes) [[unlikely]]
        refuse(block, bytes, slot->bytes, slot->is_freed);
      slot->is_freed = true;
      detail::poison(block, bytes);
      while (slot_count_ > 0 && slots_[slot_count_ - 1].is_freed)
        top_ = slots_[--slot_count_].before;
    } else {
      forget_dead();
      const Entry* entry = table_.find(block);
      if (entry == nullptr) [[unlikely]]
        refuse_unknown(block, bytes);
      if (entry->bytes != bytes) [[unlikely]]
        refuse(block, bytes, entry->bytes, false);
      fallback_->deallocate(block, bytes, entry->alignment);
      table_.erase(entry);
      fallback_bytes_ -= bytes;
    }
    live_bytes_ -= bytes;
    --live_count_;
  }

  // Everything issued so far dies: the inline buffer is free, fallback blocks are given back; the
  // generation changes. Cost: O(fallback blocks).
  void reset() noexcept {
    give_back_all();
    slot_count_ = 0;
    top_ = buffer_;
    live_bytes_ = 0;
    live_count_ = 0;
    ++generation_;
    detail::poison(buffer_, N);
  }

  // Whether a block lies in the inline buffer.
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY bool is_inline(const void* block) const noexcept {
    const auto offset =
        reinterpret_cast<std::uintptr_t>(block) - reinterpret_cast<std::uintptr_t>(buffer_);
    return offset < N;
  }

  [[nodiscard]] std::pmr::memory_resource* fallback() const noexcept { return fallback_; }

  [[nodiscard]] std::uint64_t generation() const noexcept override { return generation_; }

  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY std::uint64_t stamp(
      const void* block) const noexcept override {
    if (Slot* slot = find_slot(block); slot != nullptr) {
      slot->has_handle = true;
      return slot->is_freed ? 0 : slot->stamp;
    }
    Entry* entry = find_entry(block);
    if (entry == nullptr) return 0;
    entry->has_handle = true;
    return entry->stamp;
  }

  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY bool is_live(
      const void* block, std::uint64_t stamp) const noexcept override {
    for (std::size_t i = slot_count_; i > 0 && slots_[i - 1].stamp >= stamp; --i)
      if (slots_[i - 1].stamp == stamp)
        return slots_[i - 1].block == block && !slots_[i - 1].is_freed;
    const Entry* entry = find_entry(block);
    return entry != nullptr && entry->stamp == stamp;
  }

  [[nodiscard]] StackFallbackStats stats() const noexcept {
    const bool dead = fallback_died();
    StackFallbackStats s{};
    s.live_bytes = live_bytes_ - (dead ? fallback_bytes_ : 0);
    s.live_count = live_count_ - (dead ? table_.count() : 0);
    s.peak_bytes = peak_bytes_;
    s.capacity_bytes = N;
    s.inline_bytes = static_cast<std::size_t>(top_ - buffer_);
    s.fallback_bytes = dead ? 0 : fallback_bytes_;
    s.fallback_count = dead ? 0 : table_.count();
    s.allocations = stamp_;
    s.deallocations = s.allocations - s.live_count;
    s.hits = stamp_ - miss_count_;
    s.misses = miss_count_;
    return s;
  }

 private:
  struct Slot {
    std::byte* before;  // the top before this block
    std::byte* block;
    std::size_t bytes;
    std::uint64_t stamp;
    bool is_freed;
    bool has_handle;  // its stamp was asked for
  };

  struct Entry {
    const void* block = nullptr;
    std::size_t bytes = 0;
    std::size_t alignment = 0;
    std::uint64_t stamp = 0;
    std::uint64_t fallback_stamp = 0;  // 0 where the fallback has none
    bool has_handle = false;
  };

  static constexpr std::size_t slot_capacity = std::min<std::size_t>(N / block_alignment, 64);
  static constexpr std::size_t empty_spacing = std::size_t{1} << 21;

  StackFallbackAllocator(std::pmr::memory_resource* fallback, bool reports) noexcept
      : table_(fallback),
        fallback_(fallback),
        stamped_(dynamic_cast<const StampedResource*>(fallback)),
        fallback_generation_(stamped_ != nullptr ? stamped_->generation() : 0),
        reports_(reports) {
    detail::poison(buffer_, N);
  }

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  // A block without bytes has an address that no other live block has, and nothing behind it.
  [[nodiscard]] static std::byte* empty_block(std::uint64_t stamp) noexcept {
    return reinterpret_cast<std::byte*>(static_cast<std::uintptr_t>(stamp) * empty_spacing);
  }

  void count_issue(std::size_t bytes) noexcept {
    live_bytes_ += bytes;
    ++live_count_;
    peak_bytes_ = std::max(peak_bytes_, live_bytes_);
  }

  TENON_COLD void* allocate_fallback(std::size_t bytes, std::size_t multiple) {
    constexpr const char* operation = "StackFallbackAllocator::allocate";
    forget_dead();
    table_.make_room(operation);
    void* block =
        detail::acquire(*fallback_, bytes, multiple, operation, bytes, N + fallback_bytes_);
    const std::uint64_t name = stamped_ != nullptr ? stamped_->stamp(block) : 0;
    table_.insert({block, bytes, multiple, ++stamp_, name, false});
    fallback_bytes_ += bytes;
    ++miss_count_;
    count_issue(bytes);
    return block;
  }

  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY Slot* find_slot(const void* block) const noexcept {
    for (std::size_t i = slot_count_; i > 0; --i)
      if (slots_[i - 1].block == block) return &slots_[i - 1];
    return nullptr;
  }
  // The entry of a live block.
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY Entry* find_entry(const void* block) const noexcept {
    if (fallback_died()) return nullptr;
    Entry* entry = table_.find(block);
    return entry != nullptr && is_alive(*entry) ? entry : nullptr;
  }
  [[nodiscard]] bool is_alive(const Entry& entry) const noexcept {
    return stamped_ == nullptr || stamped_->is_live(entry.block, entry.fallback_stamp);
  }

  [[nodiscard]] bool fallback_died() const noexcept {
    return stamped_ != nullptr && stamped_->generation() != fallback_generation_;
  }
  // If the fallback was cleared, its blocks and the table in its memory are gone.
  void forget_dead() noexcept {
    if (!fallback_died()) [[likely]]
      return;
    fallback_generation_ = stamped_->generation();
    live_bytes_ -= fallback_bytes_;
    live_count_ -= table_.count();
    fallback_bytes_ = 0;
    table_.abandon();
  }

  void give_back_all() noexcept {
    forget_dead();
    table_.for_each([this](const Entry& entry) {
      if (is_alive(entry))
        fallback_->deallocate(const_cast<void*>(entry.block), entry.bytes, entry.alignment);
    });
    table_.release();
    fallback_bytes_ = 0;
  }

  TENON_COLD void report_handles() const noexcept {
    std::size_t count = 0, bytes = 0;
    for (std::size_t i = 0; i < slot_count_; ++i) {
      if (slots_[i].is_freed || !slots_[i].has_handle) continue;
      ++count;
      bytes += slots_[i].bytes;
    }
    if (!fallback_died())
      table_.for_each([&](const Entry& entry) {
        if (!entry.has_handle || !is_alive(entry)) return;
        ++count;
        bytes += entry.bytes;
      });
    if (count > 0) detail::leak_handler()({"StackFallbackAllocator", count, bytes});
  }

  [[noreturn]] TENON_COLD static void refuse(void* block, std::size_t bytes, std::size_t issued,
                                             bool is_freed) {
    if (is_freed)
      detail::raise<ContractError>("StackFallbackAllocator::deallocate",
                                   "double free of %p, a block of %zu B", block, issued);
    detail::raise<ContractError>("StackFallbackAllocator::deallocate",
                                 "%p is freed with %zu B but was issued with %zu B", block, bytes,
                                 issued);
  }
  [[noreturn]] TENON_COLD void refuse_unknown(void* block, std::size_t bytes) const {
    if (is_inline(block))
      detail::raise<StaleTensorError>("StackFallbackAllocator::deallocate",
                                      "free of %p (%zu B), which was freed or reset since", block,
                                      bytes);
    detail::raise<ContractError>("StackFallbackAllocator::deallocate",
                                 "free of %p (%zu B), which is no block of this allocator", block,
                                 bytes);
  }

  alignas(block_alignment) std::byte buffer_[N];
  mutable Slot slots_[slot_capacity];
  std::byte* top_ = buffer_;
  std::size_t slot_count_ = 0;
  std::uint64_t stamp_ = 0;  // of the last issue: the number of allocations
  std::uint64_t miss_count_ = 0;
  std::uint64_t generation_ = 1;
  std::size_t live_bytes_ = 0;
  std::size_t live_count_ = 0;
  std::size_t peak_bytes_ = 0;
  std::size_t fallback_bytes_ = 0;
  detail::BlockTable<Entry> table_;
  std::pmr::memory_resource* fallback_;
  const StampedResource* stamped_;
  std::uint64_t fallback_generation_;
  bool reports_;
};

}  // namespace tenon
