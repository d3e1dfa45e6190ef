#pragma once
// What is known of blocks, found by their addresses.

#include <tenon/memory/resource.hpp>
#include <tenon/memory/upstream.hpp>

#include <tenon/core/config.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace tenon::detail {

// A table of records with a member `const void* block` (null: no record), in upstream memory: open
// addressing with linear probing, at most half full. Fibonacci hashing: Knuth, The Art of Computer
// Programming 3, 6.4.
template <class Record>
class BlockTable {
 public:
  explicit BlockTable(std::pmr::memory_resource* upstream) noexcept : upstream_(upstream) {}
  BlockTable(const BlockTable&) = delete;  // owns upstream memory
  BlockTable& operator=(const BlockTable&) = delete;
  ~BlockTable() { release(); }

  [[nodiscard]] std::size_t count() const noexcept { return count_; }

  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY Record* find(const void* block) const noexcept {
    if (size_ == 0) return nullptr;
    for (std::size_t i = place_of(block); records_[i].block != nullptr; i = next(i))
      if (records_[i].block == block) return &records_[i];
    return nullptr;
  }

  // Makes room for one more record. Errors: OutOfMemory; unchanged then.
  void make_room(const char* operation) {
    if (2 * (count_ + 1) > size_) grow(operation);
  }

  // Contract: there is room, and no record of that block.
  void insert(const Record& record) noexcept {
    std::size_t i = place_of(record.block);
    while (records_[i].block != nullptr) i = next(i);
    records_[i] = record;
    ++count_;
  }

  // Removes a record that find gave, and moves later ones of its run up (Knuth, 6.4 R).
  void erase(const Record* record) noexcept {
    auto hole = static_cast<std::size_t>(record - records_);
    for (std::size_t i = next(hole); records_[i].block != nullptr; i = next(i)) {
      const std::size_t home = place_of(records_[i].block);
      if (((i - home) & (size_ - 1)) < ((i - hole) & (size_ - 1))) continue;
      records_[hole] = records_[i];
      hole = i;
    }
    records_[hole].block = nullptr;
    --count_;
  }

  template <class F>
  void for_each(F f) const {
    for (std::size_t i = 0; i < size_; ++i)
      if (records_[i].block != nullptr) f(records_[i]);
  }

  // Forgets all records and gives the memory back.
  void release() noexcept {
    if (records_ != nullptr)
      upstream_->deallocate(records_, size_ * sizeof(Record), alignof(Record));
    abandon();
  }

  // The same where upstream was cleared, and the table's memory with it.
  void abandon() noexcept {
    records_ = nullptr;
    size_ = 0;
    count_ = 0;
  }

 private:
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY std::size_t place_of(const void* block) const noexcept {
    const std::uint64_t key = reinterpret_cast<std::uintptr_t>(block) / block_alignment;
    return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15u) >> 32) & (size_ - 1);
  }
  [[nodiscard]] std::size_t next(std::size_t i) const noexcept { return (i + 1) & (size_ - 1); }

  TENON_COLD void grow(const char* operation) {
    constexpr std::size_t first_size = 16;
    const std::size_t size = size_ > 0 ? 2 * size_ : first_size;
    auto* records =
        static_cast<Record*>(acquire(*upstream_, size * sizeof(Record), alignof(Record), operation,
                                     size * sizeof(Record), size_ * sizeof(Record)));
    for (std::size_t i = 0; i < size; ++i) records[i] = Record{};
    Record* const old = records_;
    const std::size_t old_size = size_;
    records_ = records;
    size_ = size;
    count_ = 0;
    for (std::size_t i = 0; i < old_size; ++i)
      if (old[i].block != nullptr) insert(old[i]);
    if (old != nullptr) upstream_->deallocate(old, old_size * sizeof(Record), alignof(Record));
  }

  std::pmr::memory_resource* upstream_;
  Record* records_ = nullptr;
  std::size_t size_ = 0;  // 0 or a power of two
  std::size_t count_ = 0;
};

}  // namespace tenon::detail
