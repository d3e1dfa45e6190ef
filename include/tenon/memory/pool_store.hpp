#pragma once
// The blocks that a pool owns: made by upstream, free or not, and given back.

#include <tenon/memory/poison.hpp>
#include <tenon/memory/pool_blocks.hpp>
#include <tenon/memory/pool_rows.hpp>
#include <tenon/memory/pool_stats.hpp>
#include <tenon/memory/resource.hpp>
#include <tenon/memory/size_classes.hpp>
#include <tenon/memory/upstream.hpp>

#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace tenon::detail {

// Not thread-safe.
class PoolStore {
 public:
  static constexpr std::size_t exact_row = PoolLayout::exact_row;
  static constexpr std::size_t largest_bytes = largest_block_bytes - (block_alignment - 1);

  PoolStore(const SizeClasses& classes, std::pmr::memory_resource* upstream) noexcept
      : blocks_(upstream), layout_{classes}, upstream_(upstream) {}
  PoolStore(const PoolStore&) = delete;  // owns blocks
  PoolStore& operator=(const PoolStore&) = delete;
  ~PoolStore() {
    blocks_.for_each([&](const PoolBlock& b) { give_back(b); });
    for (const PoolRow& row : rows_) row.release(*upstream_);
  }

  [[nodiscard]] const PoolLayout& layout() const noexcept { return layout_; }
  [[nodiscard]] const PoolBlocks& blocks() const noexcept { return blocks_; }
  [[nodiscard]] PoolRow& row(std::size_t index) noexcept { return rows_[index]; }
  [[nodiscard]] std::uint64_t cleared_stamp() const noexcept { return cleared_stamp_; }

  // Whether a record (or null) is that of a block given out.
  [[nodiscard]] bool is_issued(const PoolBlock* b) const noexcept {
    return b != nullptr && b->stamp > cleared_stamp_ && !b->is_freed();
  }

  // A block of exact size keeps the size that it was made for, up to rounding.
  [[nodiscard]] std::size_t capacity(const PoolBlock& b) const noexcept {
    return layout_.capacity_of(b.row, b.requested());
  }

  // Removes a free block that fits from the store, or gives null.
  [[nodiscard]] const PoolPlace* take(std::size_t index, std::size_t bytes,
                                      std::size_t alignment) noexcept {
    if (index != exact_row) return rows_[index].take();
    const PoolRow& exact = rows_[exact_row];
    for (std::uint32_t i = 0; i < exact.count; ++i)
      if (serves(*exact.all()[i].record, bytes, alignment)) return &exact.all()[i];
    return nullptr;
  }

  // Takes a block that was given out. (Those of exact size are found by size; nobody lists free ones.)
  void push_free(PoolBlock& b) noexcept {
    b.mark_freed();
    if (b.row != exact_row) rows_[b.row].push(b);
  }

  // Every block is free from here on; `stamp` is the last one given.
  void clear(std::uint64_t stamp) noexcept {
    for (std::size_t word = 0; word < 2; ++word)
      for (std::uint64_t rest = used_[word]; rest != 0; rest &= rest - 1)
        rows_[64 * word + static_cast<std::size_t>(std::countr_zero(rest))].clear();
    cleared_stamp_ = stamp;
    if constexpr (poisons)
      blocks_.for_each([&](const PoolBlock& b) { poison(b.data, capacity(b)); });
  }

  // A new block for `bytes`, neither given out nor free, the last of its row. Unchanged on failure.
  [[nodiscard]] TENON_COLD PoolBlock& make(std::size_t bytes, std::size_t alignment,
                                           const char* owner) {
    if (bytes > largest_bytes)
      raise<OutOfMemory>(owner, "requested %zu B, more than any block can have (%zu B)", bytes,
                         largest_bytes);
    const std::size_t index = layout_.row_of(bytes, alignment);
    const std::size_t multiple = layout_.alignment_of(index, alignment);
    const std::size_t whole = layout_.capacity_of(index, bytes);
    PoolRow& row = rows_[index];
    blocks_.reserve_one(owner);
    row.reserve_one(*upstream_, owner);
    void* data = acquire(*upstream_, whole, multiple, owner, bytes, owned_bytes_);
    poison(data, whole);
    PoolBlock& b = blocks_.add({~bytes, row.count, static_cast<std::uint16_t>(index),
                                static_cast<std::uint16_t>(std::countr_zero(multiple)),
                                static_cast<std::byte*>(data), 0});
    row.all()[row.count++] = {b.data, &b};
    if (index != exact_row) used_[index / 64] |= std::uint64_t{1} << (index % 64);
    owned_bytes_ += whole;
    return b;
  }

  // Gives a block back upstream that is in no list of free ones.
  void drop(PoolBlock& b) noexcept {
    PoolRow& row = rows_[b.row];
    const PoolPlace last = row.all()[--row.count];
    row.all()[b.place] = last;
    last.record->place = b.place;
    owned_bytes_ -= capacity(b);
    give_back(b);
    blocks_.remove(b);
  }

  // Writes into the records of a row which blocks are free, for a pool that does not keep them so.
  void mark_row(std::size_t index) noexcept {
    const PoolRow& row = rows_[index];
    for (std::uint32_t i = 0; i < row.count; ++i) {
      PoolBlock& b = *row.all()[i].record;
      b.bytes_mark = i < row.fresh_count ? ~std::size_t{0} : 0;
      b.stamp = cleared_stamp_ + 1;
    }
    for (std::size_t i = 1; i <= row.free_count(); ++i) {
      row.places[i].record = blocks_.find(row.places[i].data);
      row.places[i].record->mark_freed();
    }
  }

  // Gives free blocks of a row back upstream until `kept` are left. Contract: the records are right.
  void trim_row(std::size_t index, std::size_t kept) noexcept {
    PoolRow& row = rows_[index];
    row.clear();
    row.fresh_count = 0;
    std::size_t free_count = 0;
    for (std::uint32_t i = row.count; i > 0; --i) {  // drop moves the last one here, seen already
      PoolBlock& b = *row.all()[i - 1].record;
      if (is_issued(&b)) continue;
      if (free_count++ < kept)
        push_free(b);
      else
        drop(b);
    }
  }

  // Free blocks made in advance: they stay once keep() is called, and otherwise go back upstream.
  class Reservation {
   public:
    explicit Reservation(PoolStore& store) noexcept : store_(store) {}
    Reservation(const Reservation&) = delete;  // settles its blocks in the destructor
    Reservation& operator=(const Reservation&) = delete;
    ~Reservation() {
      for (std::size_t i = 0; i <= exact_row; ++i) {
        const PoolRow& row = store_.rows_[i];
        for (; made_[i] > 0; --made_[i]) {
          PoolBlock& b = *row.all()[row.count - (keeps_ ? made_[i] : 1)].record;
          keeps_ ? store_.push_free(b) : store_.drop(b);
        }
      }
    }

    // Makes what is missing to `count` free blocks for `bytes`. Errors: OutOfMemory.
    // Contract: once for every row.
    void make(std::size_t bytes, std::size_t count, const char* owner) {
      const std::size_t index = store_.layout_.row_of(bytes, block_alignment);
      for (std::size_t free = store_.free_count(index, bytes); free < count; ++free) {
        static_cast<void>(store_.make(bytes, block_alignment, owner));
        ++made_[index];
      }
    }
    void keep() noexcept { keeps_ = true; }

   private:
    PoolStore& store_;
    std::uint32_t made_[exact_row + 1] = {};  // the last blocks of each row
    bool keeps_ = false;
  };

  // Adds counts and bytes of blocks. O(rows + blocks of exact size).
  void add_to(PoolStats& s) const noexcept {
    s.owned_bytes += owned_bytes_;
    for (std::size_t index = 0; index < exact_row; ++index) {
      const std::size_t pooled = rows_[index].pooled_count();
      if (rows_[index].count == 0) continue;
      s.pooled_count += pooled;
      s.live_count += rows_[index].count - pooled;
      s.pooled_bytes += pooled * layout_.capacity_of(index, 0);
    }
    const PoolRow& exact = rows_[exact_row];
    for (std::uint32_t i = 0; i < exact.count; ++i) {
      const PoolBlock& b = *exact.all()[i].record;
      const bool live = is_issued(&b);
      s.live_count += live;
      s.pooled_count += !live;
      s.pooled_bytes += live ? 0 : capacity(b);
    }
  }

 private:
  // Whether a block of exact size is free and fits.
  [[nodiscard]] bool serves(const PoolBlock& b, std::size_t bytes,
                            std::size_t alignment) const noexcept {
    return !is_issued(&b) && bytes <= largest_bytes &&
           capacity(b) == layout_.capacity_of(exact_row, bytes) &&
           (reinterpret_cast<std::uintptr_t>(b.data) & (alignment - 1)) == 0;
  }

  // Free blocks of a row that serve `bytes`, not counting those of a reservation under way.
  [[nodiscard]] std::size_t free_count(std::size_t index, std::size_t bytes) const noexcept {
    const PoolRow& row = rows_[index];
    if (index != exact_row) return row.pooled_count();
    std::size_t free = 0;
    for (std::uint32_t i = 0; i < row.count; ++i)
      free += serves(*row.all()[i].record, bytes, block_alignment);
    return free;
  }

  void give_back(const PoolBlock& b) noexcept {
    unpoison(b.data, capacity(b));
    upstream_->deallocate(b.data, capacity(b), std::size_t{1} << b.alignment_log2);
  }

  std::uint64_t cleared_stamp_ = 0;  // blocks with this stamp or an earlier one are free
  PoolBlocks blocks_;
  PoolRow rows_[exact_row + 1];
  std::uint64_t used_[2] = {};  // bit i: row i ever owned a block
  PoolLayout layout_;
  std::size_t owned_bytes_ = 0;
  std::pmr::memory_resource* upstream_;
};

}  // namespace tenon::detail
