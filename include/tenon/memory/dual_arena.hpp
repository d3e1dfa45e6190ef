#pragma once
// Two lifetimes, two arenas.

#include <tenon/memory/arena.hpp>
#include <tenon/memory/page_resource.hpp>
#include <tenon/memory/resource.hpp>

#include <tenon/core/checked.hpp>
#include <tenon/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <type_traits>

namespace tenon {

struct DualArenaStats {
  ArenaStats persistent;
  ArenaStats temp;
  std::uint64_t clears;  // calls of clear_temp
};

// Memory of a model: `persistent()` for what lives as long as it does (weights, tables), `temp()`
// for what one inference needs, given up as a whole by clear_temp().
//   DualArena memory(61'520, 80);                        // exactly what the plan says
//   auto y = eval(expr, results, scratch(memory.temp()));
//   memory.clear_temp();
// As a memory resource it is its persistent side: what nobody called temporary stays.
// Not thread-safe: one thread at a time.
class DualArena final : public StampedResource {
 public:
  // Takes nothing from upstream before the first allocation.
  DualArena() : DualArena(system_resource()) {}
  explicit DualArena(std::pmr::memory_resource* upstream)
      : persistent_(upstream), temp_(upstream) {}

  // Takes both sizes at once (none for 0); exactly as many bytes then fit without asking again.
  // Errors: OutOfMemory; nothing is kept then, whichever of the two was refused.
  DualArena(std::size_t persistent_bytes, std::size_t temp_bytes,
            std::pmr::memory_resource* upstream = system_resource())
      : persistent_(persistent_bytes, upstream), temp_(temp_bytes, upstream) {}

  [[nodiscard]] Arena& persistent() noexcept { return persistent_; }
  [[nodiscard]] Arena& temp() noexcept { return temp_; }

  // n elements of T that live as long as the arena; not initialised. Errors: OutOfMemory.
  template <class T>
    requires std::is_trivially_copyable_v<T>
  [[nodiscard]] std::span<T> alloc_tensor(std::size_t n) {
    return alloc<T>(persistent_, n, "DualArena::alloc_tensor");
  }
  // n elements of T until clear_temp; not initialised. Errors: OutOfMemory.
  template <class T>
    requires std::is_trivially_copyable_v<T>
  [[nodiscard]] std::span<T> alloc_temp(std::size_t n) {
    return alloc<T>(temp_, n, "DualArena::alloc_temp");
  }

  // Everything in temp() dies; its memory is kept as Arena::reset keeps it. persistent() is not
  // touched. No allocation but Arena::reset's.
  void clear_temp(Retention retention = retain_capacity) noexcept {
    temp_.reset(retention);
    ++clears_;
  }

  [[nodiscard]] DualArenaStats stats() const noexcept {
    return {persistent_.stats(), temp_.stats(), clears_};
  }

  // The persistent side as a memory resource.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = block_alignment) {
    return persistent_.allocate(bytes, alignment);
  }
  void deallocate(void* block, std::size_t bytes, std::size_t alignment = block_alignment) {
    persistent_.deallocate(block, bytes, alignment);
  }
  [[nodiscard]] std::uint64_t generation() const noexcept override {
    return persistent_.generation();
  }
  [[nodiscard]] Endings endings() const noexcept override { return persistent_.endings(); }
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY std::uint64_t stamp(
      const void* block) const noexcept override {
    return persistent_.stamp(block);
  }
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY bool is_live(
      const void* block, std::uint64_t stamp) const noexcept override {
    return persistent_.is_live(block, stamp);
  }

 private:
  template <class T>
  [[nodiscard]] static std::span<T> alloc(Arena& arena, std::size_t n, const char* operation) {
    const auto bytes = checked_mul(n, sizeof(T));
    if (!bytes) [[unlikely]]
      detail::raise<OutOfMemory>(operation,
                                 "requested %zu elements of %zu B, more than an address can count",
                                 n, sizeof(T));
    return {static_cast<T*>(arena.allocate(*bytes, alignof(T))), n};
  }

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  Arena persistent_;
  Arena temp_;
  std::uint64_t clears_ = 0;
};

}  // namespace tenon
