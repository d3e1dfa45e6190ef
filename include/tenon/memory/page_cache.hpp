#pragma once
// Keeps mapped pages for the next request, and can give their physical memory back alone.

#include <tenon/memory/page_resource.hpp>
#include <tenon/memory/poison.hpp>
#include <tenon/memory/resource.hpp>
#include <tenon/memory/upstream.hpp>

#include <tenon/core/checked.hpp>
#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <mutex>

namespace tenon {

struct PageCacheStats {
  std::size_t live_bytes;  // as requested
  std::size_t live_count;
  std::size_t peak_bytes;    // the highest live_bytes ever
  std::size_t cached_bytes;  // whole pages of free blocks, resident or trimmed
  std::size_t cached_count;
  std::size_t owned_bytes;    // whole pages of all blocks
  std::size_t trimmed_bytes;  // given back to the system by trim(), since the beginning
  std::uint64_t allocations;
  std::uint64_t deallocations;  // allocations - live_count: freed or cleared
  std::uint64_t hits;           // requests served from the cache
  std::uint64_t misses;
};

// Blocks of whole pages that stay mapped when they are freed: the next request of about that size
// (a cached block is at most 1/8 larger) costs no system call and no page fault. trim() gives the
// physical memory of the free blocks back and keeps their addresses, so an idle program is small and
// maps nothing when work comes back; release() gives the addresses back too.
// For big blocks, or as the upstream of a pool: PageCache pages; PoolAllocator pool(&pages); then
// pool.trim(); pages.trim();
// Free blocks are poisoned under AddressSanitizer and Valgrind. Frees are checked as in a pool.
// Cost: O(blocks) for each call. Memory of records: 40 B a block from upstream. Thread-safe where
// upstream is: one lock.
class PageCache final : public StampedResource {
 public:
  // Contract: upstream gives anonymous private memory (page_resource(), numa_page_resource(node),
  // the heap) and outlives the cache; the cache outlives its blocks, which one made in a checked
  // build reports when it dies (set_leak_handler).
  template <bool Checked = checked_build>
  explicit PageCache(std::pmr::memory_resource* upstream = page_resource()) noexcept
      : records_(upstream), upstream_(upstream), reports_(Checked) {}

  ~PageCache() override {
    if (reports_) report_leaks();
    for (std::size_t i = 0; i < count_; ++i) give_back(records_[i]);
  }

  // A block of `bytes` (0 is fine) at a multiple of max(page, alignment). Not initialised.
  // Contract: alignment is a power of two. Errors: OutOfMemory; the cache is as it was.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = block_alignment) {
    const std::lock_guard guard(lock_);
    Record* record = find_free(bytes, alignment);
    const bool hit = record != nullptr;
    if (!hit) record = &make(bytes, alignment);
    hits_ += hit;
    return issue(*record, bytes);
  }

  // Errors: ContractError (foreign pointer, double free, wrong size), StaleTensorError (issued before
  // the last clear); nothing is changed then. No system call.
  void deallocate(void* block, std::size_t bytes, std::size_t = block_alignment) {
    const std::lock_guard guard(lock_);
    Record* record = find(block);
    if (record == nullptr || !is_issued(*record) || record->requested != bytes) [[unlikely]]
      refuse(block, bytes, record);
    end(*record);
  }

  // All blocks are back in the cache, handles to them are stale. No system call.
  void clear() noexcept {
    const std::lock_guard guard(lock_);
    for (std::size_t i = 0; i < count_; ++i)
      if (is_issued(records_[i])) retire(records_[i]);
    cleared_stamp_ = stamp_;
    ++generation_;
  }

  // Gives the physical memory of all free blocks back to the system and keeps their addresses: a
  // block issued again is zero and costs page faults, but no mapping. Returns the bytes of the pages
  // told to the system. One system call for each free block (madvise, MADV_DONTNEED).
  std::size_t trim() noexcept {
    const std::lock_guard guard(lock_);
    std::size_t given_bytes = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      Record& record = records_[i];
      if (is_issued(record) || record.is_trimmed) continue;
      if (::madvise(record.data, record.capacity, MADV_DONTNEED) != 0) continue;
      record.is_trimmed = true;
      given_bytes += record.capacity;
    }
    trimmed_bytes_ += given_bytes;
    return given_bytes;
  }

  // Gives all free blocks back upstream, addresses too.
  void release() noexcept {
    const std::lock_guard guard(lock_);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      if (is_issued(records_[i]))
        records_[kept++] = records_[i];
      else
        give_back(records_[i]);
    }
    count_ = kept;
  }

  // Makes sure that the next `count` requests of `bytes` are hits without a page fault: maps what is
  // missing and has the system fill all of it. Errors: OutOfMemory; blocks made until then stay cached.
  void reserve(std::size_t bytes, std::size_t count = 1) {
    const std::lock_guard guard(lock_);
    std::size_t ready = 0;
    for (std::size_t i = 0; i < count_ && ready < count; ++i)
      if (serves(records_[i], bytes, block_alignment)) {
        populate(records_[i]);
        ++ready;
      }
    for (; ready < count; ++ready) populate(make(bytes, block_alignment));
  }

  // Bytes of all blocks, free ones included, that lie in physical memory now (mincore).
  // Allocations: none. Cost: a system call for each 16 MiB.
  [[nodiscard]] std::size_t resident_bytes() const noexcept {
    const std::lock_guard guard(lock_);
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count_; ++i)
      bytes += detail::resident_bytes(records_[i].data, records_[i].capacity);
    return bytes;
  }

  [[nodiscard]] PageCacheStats stats() const noexcept {
    const std::lock_guard guard(lock_);
    PageCacheStats s{};
    for (std::size_t i = 0; i < count_; ++i) {
      const bool live = is_issued(records_[i]);
      s.live_count += live;
      s.cached_count += !live;
      s.cached_bytes += live ? 0 : records_[i].capacity;
      s.owned_bytes += records_[i].capacity;
    }
    s.live_bytes = live_bytes_;
    s.peak_bytes = peak_bytes_;
    s.trimmed_bytes = trimmed_bytes_;
    s.allocations = stamp_;
    s.deallocations = stamp_ - s.live_count;
    s.hits = hits_;
    s.misses = stamp_ - hits_;
    return s;
  }

  [[nodiscard]] std::uint64_t generation() const noexcept override {
    const std::lock_guard guard(lock_);
    return generation_;
  }
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY std::uint64_t stamp(
      const void* block) const noexcept override {
    const std::lock_guard guard(lock_);
    const Record* record = find(block);
    return record != nullptr && is_issued(*record) ? record->stamp : 0;
  }
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY bool is_live(
      const void* block, std::uint64_t stamp) const noexcept override {
    const std::lock_guard guard(lock_);
    const Record* record = find(block);
    return record != nullptr && record->stamp == stamp && is_issued(*record);
  }

 private:
  struct Record {
    std::byte* data;
    std::size_t capacity;  // whole pages
    std::size_t alignment;
    std::size_t requested;     // by the last issue
    std::uint64_t stamp : 63;  // of the current or last issue; 0 once freed
    std::uint64_t is_trimmed : 1;
  };

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  [[nodiscard]] bool is_issued(const Record& record) const noexcept {
    return record.stamp > cleared_stamp_;
  }

  [[nodiscard]] bool serves(const Record& record, std::size_t bytes,
                            std::size_t alignment) const noexcept {
    return !is_issued(record) && record.capacity >= bytes &&
           record.capacity - bytes <= bytes / 8 + detail::page_bytes() &&
           (reinterpret_cast<std::uintptr_t>(record.data) & (alignment - 1)) == 0;
  }

  // The smallest free block that fits; among equals one whose pages are there.
  [[nodiscard]] Record* find_free(std::size_t bytes, std::size_t alignment) const noexcept {
    Record* best = nullptr;
    for (std::size_t i = 0; i < count_; ++i) {
      Record& record = records_[i];
      if (!serves(record, bytes, alignment)) continue;
      if (best == nullptr || record.capacity < best->capacity ||
          (record.capacity == best->capacity && best->is_trimmed && !record.is_trimmed))
        best = &record;
    }
    return best;
  }

  // A new free block; unchanged on failure.
  [[nodiscard]] Record& make(std::size_t bytes, std::size_t alignment) {
    const std::size_t page = detail::page_bytes();
    const std::size_t multiple = alignment > page ? alignment : page;
    const std::size_t capacity = checked_align(bytes > 0 ? bytes : 1, page).value_or(SIZE_MAX);
    if (count_ == records_.capacity()) records_.grow(count_, "PageCache");
    void* data = detail::acquire(*upstream_, capacity, multiple, "PageCache", bytes, owned_bytes());
    detail::poison(data, capacity);
    std::size_t place = count_;  // the records are sorted by address
    for (; place > 0 && records_[place - 1].data > data; --place)
      records_[place] = records_[place - 1];
    ++count_;
    records_[place] = {static_cast<std::byte*>(data), capacity, multiple, 0, 0, 0};
    return records_[place];
  }

  void* issue(Record& record, std::size_t bytes) noexcept {
    record.stamp = ++stamp_ & (~std::uint64_t{0} >> 1);
    record.requested = bytes;
    record.is_trimmed = false;
    live_bytes_ += bytes;
    if (live_bytes_ > peak_bytes_) peak_bytes_ = live_bytes_;
    detail::unpoison(record.data, bytes);
    return record.data;
  }

  void retire(Record& record) noexcept {
    live_bytes_ -= record.requested;
    detail::poison(record.data, record.requested);
  }
  void end(Record& record) noexcept {
    retire(record);
    record.stamp = 0;
  }

  void give_back(const Record& record) noexcept {
    detail::unpoison(record.data, record.capacity);
    upstream_->deallocate(record.data, record.capacity, record.alignment);
  }

  static void populate(Record& record) noexcept {
    detail::unpoison(record.data, record.capacity);
    detail::populate(record.data, record.capacity);
    detail::poison(record.data, record.capacity);
    record.is_trimmed = false;
  }

  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY Record* find(const void* block) const noexcept {
    std::size_t first = 0, last = count_;
    while (first < last) {
      const std::size_t middle = first + (last - first) / 2;
      if (records_[middle].data < block)
        first = middle + 1;
      else
        last = middle;
    }
    return first < count_ && records_[first].data == block ? &records_[first] : nullptr;
  }

  [[nodiscard]] std::size_t owned_bytes() const noexcept {
    std::size_t bytes = 0;  // cannot overflow: all of it is mapped
    for (std::size_t i = 0; i < count_; ++i) bytes += records_[i].capacity;
    return bytes;
  }

  [[noreturn]] TENON_COLD void refuse(void* block, std::size_t bytes, const Record* record) const {
    if (record == nullptr)
      detail::raise<ContractError>(
          "PageCache", "free of %p (%zu B), which is no block of this cache", block, bytes);
    if (record->stamp == 0)
      detail::raise<ContractError>("PageCache", "double free of %p, a block of %zu B", block,
                                   record->requested);
    if (!is_issued(*record))
      detail::raise<StaleTensorError>("PageCache", "free of %p (%zu B) after clear", block, bytes);
    detail::raise<ContractError>("PageCache", "%p is freed with %zu B but was issued with %zu B",
                                 block, bytes, record->requested);
  }

  TENON_COLD void report_leaks() const noexcept {
    const PageCacheStats s = stats();
    if (s.live_count > 0)
      detail::leak_handler()(LeakReport{"PageCache", s.live_count, s.live_bytes});
  }

  mutable std::mutex lock_;
  detail::UpstreamArray<Record> records_;
  std::size_t count_ = 0;
  std::uint64_t stamp_ = 0;  // of the last issue: the number of allocations
  std::uint64_t cleared_stamp_ = 0;
  std::uint64_t generation_ = 1;
  std::uint64_t hits_ = 0;
  std::size_t live_bytes_ = 0;
  std::size_t peak_bytes_ = 0;
  std::size_t trimmed_bytes_ = 0;
  std::pmr::memory_resource* upstream_;
  bool reports_;
};

}  // namespace tenon
