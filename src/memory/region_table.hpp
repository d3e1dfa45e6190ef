#pragma once
// Where a MemoryPool's blocks lie: regions, and the table that finds the region of an address.

#include <tenon/core/config.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tenon::detail {

// Size classes: 64 B * 2^i, i = 0 ... 21. Blocks of the first eight (to 8 KiB) share slabs; larger
// ones are regions of one block each. One class more stands for blocks of exact size.
inline constexpr std::uint32_t class_count = 22;
inline constexpr std::uint32_t slab_class_count = 8;
inline constexpr std::uint32_t exact_class = class_count;
inline constexpr std::size_t slab_bytes = std::size_t{64} << 10;
inline constexpr std::size_t largest_pooled_bytes = std::size_t{64} << (class_count - 1);
// Region starts, hence what alignment every block of a pooled class that is no slab can serve.
inline constexpr std::size_t region_alignment = 4096;

[[nodiscard]] constexpr std::size_t class_bytes(std::uint32_t cls) noexcept {
  return std::size_t{64} << cls;
}

// Consecutive blocks of one class, with a tag and a stamp for each. Blocks are never written.
// A descriptor keeps its class and its count for life; without blocks it waits in a spare list, so
// that a late question about a block long gone still reads valid memory.
struct alignas(64) Region {
  // Tags: the requested size plus one while issued, under `stamped` once a handle asked for the
  // stamp; 0 while free; `cleared` if the pool was cleared while it was issued.
  static constexpr std::uint64_t stamped = std::uint64_t{1} << 63;
  static constexpr std::uint64_t cleared = std::uint64_t{1} << 62;
  [[nodiscard]] static constexpr bool is_issued(std::uint64_t tag) noexcept {
    return tag != 0 && tag != cleared;
  }
  [[nodiscard]] static constexpr std::size_t requested(std::uint64_t tag) noexcept {
    return static_cast<std::size_t>((tag & ~stamped) - 1);
  }

  std::uintptr_t base;
  std::uint32_t cls;
  std::uint32_t count;
  std::size_t bytes;      // as taken upstream
  std::size_t alignment;  // as taken upstream
  Region* next;
  Region* previous;
  std::uint32_t idle;  // blocks in the depot, counted by trim

  using Word = std::atomic<std::uint64_t>;
  [[nodiscard]] Word* tags() noexcept { return reinterpret_cast<Word*>(this + 1); }
  [[nodiscard]] Word* stamps() noexcept { return tags() + count; }
  [[nodiscard]] void* block(std::size_t i) const noexcept {
    return reinterpret_cast<void*>(base + i * class_bytes(cls));
  }
  [[nodiscard]] static constexpr std::size_t descriptor_bytes(std::uint32_t count) noexcept {
    return sizeof(Region) + 2 * count * sizeof(Word);
  }
};
static_assert(sizeof(Region) == 64);

// Base address -> region. Open addressing, linear probing, at most half full (Knuth, The Art of
// Computer Programming 3, 6.4, with Fibonacci hashing). Any thread looks up without a lock while
// one, the holder of the pool's growth lock, inserts and erases. A grown table leaves its
// predecessors where they are until the pool dies; each is half its successor's size.
class RegionTable {
 public:
  struct Slot {
    std::atomic<std::uintptr_t> base;  // 0: never used, 1: erased
    std::atomic<Region*> region;
  };
  struct Storage {
    std::uint32_t shift;  // 64 - log2(slots)
    std::size_t mask;
    Storage* older;
    [[nodiscard]] TENON_INLINE Slot* slots() noexcept { return reinterpret_cast<Slot*>(this + 1); }
    [[nodiscard]] TENON_INLINE const Slot* slots() const noexcept {
      return reinterpret_cast<const Slot*>(this + 1);
    }
  };
  static constexpr std::size_t first_slot_count = 64;

  RegionTable() noexcept {
    first_.storage = {64 - 6, first_slot_count - 1, nullptr};
    storage_.store(&first_.storage, std::memory_order_relaxed);
  }

  // The region that begins at `base`, or null.
  [[nodiscard]] TENON_INLINE Region* find(std::uintptr_t base) const noexcept {
    const Storage& table = *storage_.load(std::memory_order_acquire);
    for (std::size_t i = place(table, base);; i = (i + 1) & table.mask) {
      const std::uintptr_t found = table.slots()[i].base.load(std::memory_order_acquire);
      if (found == base) return table.slots()[i].region.load(std::memory_order_relaxed);
      if (found == 0) return nullptr;
    }
  }

  // True if `more` regions fit without a larger table.
  [[nodiscard]] bool has_room(std::size_t more) const noexcept {
    return 2 * (used_ + more) <= storage_.load(std::memory_order_relaxed)->mask + 1;
  }
  [[nodiscard]] std::size_t used() const noexcept { return used_; }

  static constexpr std::size_t storage_bytes(std::size_t slot_count) noexcept {
    return sizeof(Storage) + slot_count * sizeof(Slot);
  }
  // Moves everything into a table of `slot_count` slots (a power of two) in zeroed memory of
  // storage_bytes(slot_count).
  void move_to(void* zeroed, std::size_t slot_count) noexcept {
    auto* larger = static_cast<Storage*>(zeroed);
    larger->shift = 64 - static_cast<std::uint32_t>(__builtin_ctzll(slot_count));
    larger->mask = slot_count - 1;
    Storage* old = storage_.load(std::memory_order_relaxed);
    larger->older = old;
    used_ = 0;
    for (std::size_t i = 0; i <= old->mask; ++i)
      if (const auto base = old->slots()[i].base.load(std::memory_order_relaxed); base > erased)
        put(*larger, base, old->slots()[i].region.load(std::memory_order_relaxed));
    storage_.store(larger, std::memory_order_release);
  }

  // Contract: has_room(1), and no region of this base is in the table.
  void insert(Region& region) noexcept {
    put(*storage_.load(std::memory_order_relaxed), region.base, &region);
  }

  // Contract: the region is in the table. An erased slot at the end of a run becomes unused again.
  void erase(std::uintptr_t base) noexcept {
    Storage& table = *storage_.load(std::memory_order_relaxed);
    std::size_t i = place(table, base);
    while (table.slots()[i].base.load(std::memory_order_relaxed) != base) i = (i + 1) & table.mask;
    table.slots()[i].base.store(erased, std::memory_order_release);
    table.slots()[i].region.store(nullptr, std::memory_order_relaxed);
    if (table.slots()[(i + 1) & table.mask].base.load(std::memory_order_relaxed) != 0) return;
    for (; table.slots()[i].base.load(std::memory_order_relaxed) == erased;
         i = (i - 1) & table.mask) {
      table.slots()[i].base.store(0, std::memory_order_release);
      --used_;
    }
  }

  // The newest table in memory of the pool, or null; what precedes it is in `older`, down to the
  // one inside this object, which `is_first` tells.
  [[nodiscard]] Storage* newest() const noexcept {
    return storage_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] bool is_first(const Storage* table) const noexcept {
    return table == &first_.storage;
  }

 private:
  static constexpr std::uintptr_t erased = 1;

  [[nodiscard]] static std::size_t place(const Storage& table, std::uintptr_t base) noexcept {
    return static_cast<std::size_t>((base * std::uint64_t{0x9E3779B97F4A7C15}) >> table.shift);
  }

  void put(Storage& table, std::uintptr_t base, Region* region) noexcept {
    std::size_t i = place(table, base);
    std::uintptr_t found = table.slots()[i].base.load(std::memory_order_relaxed);
    while (found > erased) {
      i = (i + 1) & table.mask;
      found = table.slots()[i].base.load(std::memory_order_relaxed);
    }
    if (found == 0) ++used_;
    table.slots()[i].region.store(region, std::memory_order_relaxed);
    table.slots()[i].base.store(base, std::memory_order_release);
  }

  std::atomic<Storage*> storage_;
  std::size_t used_ = 0;  // slots that are not 0
  struct First {
    Storage storage;
    Slot slots[first_slot_count];
  } first_{};
  static_assert(offsetof(First, slots) == sizeof(Storage));
};

}  // namespace tenon::detail
