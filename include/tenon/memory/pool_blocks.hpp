#pragma once
// What a pool knows of its blocks, beside the blocks: their records, and a table from address to record.

#include <tenon/memory/resource.hpp>
#include <tenon/memory/upstream.hpp>

#include <tenon/core/config.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>

namespace tenon::detail {

// Half a cache line: with 64 bytes, 10,000 records and what belongs to them left the L2 cache.
// The order of the members keeps compilers from joining two of them in one store or load of 16 bytes,
// which a load or store of 8 has to wait for (Clang 19 on Zen 4: a pair 8.4 ns).
struct alignas(32) PoolBlock {
  std::size_t bytes_mark = 0;  // bytes of the last issue; their complement when freed
  std::uint32_t place = 0;     // in the list of all blocks of its row
  std::uint16_t row = 0;
  std::uint16_t alignment_log2 = 0;
  std::byte* data = nullptr;  // null: a spare record
  std::uint64_t stamp = 0;    // of the last issue

  // No request has the top bit.
  [[nodiscard]] bool is_freed() const noexcept { return bytes_mark > largest_block_bytes; }
  // Bytes of the last issue, freed or not.
  [[nodiscard]] std::size_t requested() const noexcept {
    return is_freed() ? ~bytes_mark : bytes_mark;
  }
  void mark_freed() noexcept { bytes_mark = ~requested(); }
};

// Not thread-safe. Records stay where they are.
class PoolBlocks {
 public:
  explicit PoolBlocks(std::pmr::memory_resource* upstream) noexcept
      : slabs_(upstream), upstream_(upstream) {}
  PoolBlocks(const PoolBlocks&) = delete;  // owns slabs and table
  PoolBlocks& operator=(const PoolBlocks&) = delete;
  ~PoolBlocks() {
    for (std::size_t i = 0; i < slab_count_; ++i)
      upstream_->deallocate(slabs_[i], slab_bytes, slab_alignment);
    release_table();
  }

  // Makes room for one more block. Errors: OutOfMemory; unchanged then.
  void reserve_one(const char* operation) {
    if (spare_ == nullptr) add_slab(operation);
    if (block_count_ + 1 > 5 * group_count_) grow_table(operation);
  }

  // Enters a block; there is room. Contract: its address is that of no other.
  [[nodiscard]] PoolBlock& add(const PoolBlock& block) noexcept {
    PoolBlock& b = *spare_;
    spare_ = reinterpret_cast<PoolBlock*>(b.bytes_mark);
    b = block;
    ++block_count_;
    enter(b);
    return b;
  }

  void remove(PoolBlock& b) noexcept {
    erase(b);
    --block_count_;
    make_spare(b);
  }

  // The block at an address, or null. Reads no memory there.
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY PoolBlock* find(const void* block) const noexcept {
    if (group_count_ == 0) return nullptr;
    const Place home = place_of(block);
    for (std::size_t g = home.group;; g = next(g)) {
      const Group& group = groups_[g];
      for (std::uint64_t found = group.matches(home.tag); found != 0; found &= found - 1) {
        PoolBlock* b = group.blocks[std::countr_zero(found) / 8];
        if (b->data == block) [[likely]]
          return b;
      }
      if (group.passed_count() == 0) [[likely]]
        return nullptr;
    }
  }

  // The record as far from b as b is from a, on the other side; b itself where the slab ends before.
  [[nodiscard]] static PoolBlock* beyond(const PoolBlock& a, PoolBlock& b) noexcept {
    const auto from = reinterpret_cast<std::uintptr_t>(&a);
    const auto to = reinterpret_cast<std::uintptr_t>(&b);
    const std::uintptr_t next = to + (to - from);
    const bool in_slab = (next ^ to) < slab_alignment && (next & (slab_alignment - 1)) < slab_bytes;
    return in_slab ? reinterpret_cast<PoolBlock*>(next) : &b;
  }

  template <class F>
  void for_each(const F& f) const noexcept {
    for (std::size_t g = 0; g < group_count_; ++g)
      for (std::size_t i = 0; i < Group::places; ++i)
        if (groups_[g].tag(i) != 0) f(*groups_[g].blocks[i]);
  }

 private:
  // Slabs of records, aligned so that two records can tell whether they are neighbours. One record less
  // than fits leaves room for a general allocator's header: with 32, slabs would lie 2 KiB apart.
  static constexpr std::size_t slab_alignment = 1024;
  static constexpr std::size_t slab_block_count = slab_alignment / sizeof(PoolBlock) - 1;
  static constexpr std::size_t slab_bytes = slab_block_count * sizeof(PoolBlock);

  // The table: open addressing by groups of places, one cache line each, so that a look-up hardly ever
  // depends on how full the table is and its branches are predicted. As in folly's F14, a group counts
  // the blocks that found it full.
  struct alignas(64) Group {
    static constexpr std::size_t places = 7;
    static constexpr std::uint64_t low_bits = 0x0101010101010101U;
    static constexpr std::uint64_t high_bits = 0x80808080808080U;  // of the places' bytes

    // Byte i belongs to place i: 0 when it is empty, else 128 + 7 bits of the hash. The last byte counts
    // blocks that passed by; from 255 on it is stuck there.
    std::uint64_t control = 0;
    PoolBlock* blocks[places] = {};

    [[nodiscard]] std::uint64_t tag(std::size_t place) const noexcept {
      return control >> (8 * place) & 255;
    }
    void set_tag(std::size_t place, std::uint64_t tag) noexcept {
      control = (control & ~(std::uint64_t{255} << (8 * place))) | tag << (8 * place);
    }
    [[nodiscard]] std::uint64_t passed_count() const noexcept { return tag(places); }
    void add_passed(std::uint64_t difference) noexcept {
      if (passed_count() < 255) set_tag(places, passed_count() + difference);
    }
    // The high bit of each place that may have the tag: all that do, and rarely another above one.
    [[nodiscard]] std::uint64_t matches(std::uint64_t tag) const noexcept {
      const std::uint64_t difference = control ^ (tag * low_bits);
      return (difference - low_bits) & ~difference & high_bits;
    }
  };
  struct Place {
    std::size_t group;
    std::uint64_t tag;
  };

  // Fibonacci hashing: Knuth, The Art of Computer Programming 3, 6.4.
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY Place place_of(const void* block) const noexcept {
    const std::uint64_t key = reinterpret_cast<std::uintptr_t>(block) / block_alignment;
    const std::uint64_t hash = key * 0x9E3779B97F4A7C15U;
    return {static_cast<std::size_t>(hash >> 32) & (group_count_ - 1), (hash >> 25 & 127) | 128};
  }
  [[nodiscard]] std::size_t next(std::size_t group) const noexcept {
    return (group + 1) & (group_count_ - 1);
  }

  // The table is at most 5/7 full, so there is an empty place.
  void enter(PoolBlock& b) noexcept {
    const Place home = place_of(b.data);
    for (std::size_t g = home.group;; g = next(g)) {
      Group& group = groups_[g];
      for (std::size_t i = 0; i < Group::places; ++i) {
        if (group.tag(i) != 0) continue;
        group.set_tag(i, home.tag);
        group.blocks[i] = &b;
        return;
      }
      group.add_passed(1);
    }
  }

  void erase(PoolBlock& b) noexcept {
    for (std::size_t g = place_of(b.data).group;; g = next(g)) {
      Group& group = groups_[g];
      for (std::size_t i = 0; i < Group::places; ++i) {
        if (group.blocks[i] != &b || group.tag(i) == 0) continue;
        group.set_tag(i, 0);
        return;
      }
      group.add_passed(static_cast<std::uint64_t>(-1));
    }
  }

  // Spare records are linked through bytes_mark.
  void make_spare(PoolBlock& b) noexcept {
    b = PoolBlock{};
    b.bytes_mark = reinterpret_cast<std::uintptr_t>(spare_);
    spare_ = &b;
  }

  TENON_COLD void add_slab(const char* operation) {
    if (slab_count_ == slabs_.capacity()) slabs_.grow(slab_count_, operation);
    auto* slab = static_cast<PoolBlock*>(acquire(*upstream_, slab_bytes, slab_alignment, operation,
                                                 slab_bytes, slab_count_ * slab_bytes));
    for (std::size_t i = slab_block_count; i > 0; --i)
      make_spare(*::new (static_cast<void*>(slab + i - 1)) PoolBlock);
    slabs_[slab_count_++] = slab;
  }

  TENON_COLD void grow_table(const char* operation) {
    constexpr std::size_t first_count = 8;
    const std::size_t count = group_count_ > 0 ? 2 * group_count_ : first_count;
    auto* groups =
        static_cast<Group*>(acquire(*upstream_, count * sizeof(Group), alignof(Group), operation,
                                    count * sizeof(Group), slab_count_ * slab_bytes));
    for (std::size_t g = 0; g < count; ++g) ::new (static_cast<void*>(groups + g)) Group;
    const Group* old_groups = groups_;
    const std::size_t old_count = group_count_;
    groups_ = groups;
    group_count_ = count;
    for (std::size_t g = 0; g < old_count; ++g)
      for (std::size_t i = 0; i < Group::places; ++i)
        if (old_groups[g].tag(i) != 0) enter(*old_groups[g].blocks[i]);
    release(old_groups, old_count);
  }

  void release_table() noexcept { release(groups_, group_count_); }
  void release(const Group* groups, std::size_t count) noexcept {
    if (groups != nullptr)
      upstream_->deallocate(const_cast<Group*>(groups), count * sizeof(Group), alignof(Group));
  }

  UpstreamArray<PoolBlock*> slabs_;
  std::size_t slab_count_ = 0;
  PoolBlock* spare_ = nullptr;
  std::size_t block_count_ = 0;
  Group* groups_ = nullptr;
  std::size_t group_count_ = 0;  // 0 or a power of two
  std::pmr::memory_resource* upstream_;
};

}  // namespace tenon::detail
