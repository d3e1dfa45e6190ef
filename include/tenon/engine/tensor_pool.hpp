#pragma once
// TensorPool: tensors that were given back, by type, for the next one who asks.

#include <tenon/engine/any_tensor.hpp>

#include <tenon/core/config.hpp>
#include <tenon/memory/resource.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <mutex>

namespace tenon {

struct TensorPoolStats {
  std::size_t pooled_count;  // tensors that wait in the pool
  std::size_t pooled_bytes;
  std::size_t type_count;  // element types and shapes that the pool knows
  std::uint64_t hits;      // tensors that came from the pool
  std::uint64_t misses;    // tensors that could have, and were new
  std::uint64_t direct;    // new tensors that are too large for the pool, or empty

  // hits / (hits + misses), 0 before the first tensor.
  [[nodiscard]] double hit_rate() const noexcept { return detail::share(hits, hits + misses); }
};

// Keeps up to tensors_per_type tensors of each type that come back. Large ones, of pooled_below bytes and more, go
// straight to the resource and back.
// Memory: for each type seen, one block of some 100 B and 48 B for each tensor that may wait; trim() frees it.
// Thread-safe where the resource is.
class TensorPool {
 public:
  static constexpr std::size_t pooled_below = std::size_t{1} << 20U;

  // Contract: resource is not null and outlives the pool and its tensors.
  TensorPool(std::pmr::memory_resource* resource, std::size_t tensors_per_type) noexcept
      : resource_(resource), tensors_per_type_(tensors_per_type) {}
  TensorPool(const TensorPool&) = delete;  // owns its tensors
  TensorPool& operator=(const TensorPool&) = delete;
  ~TensorPool() { trim(); }

  // A tensor of this type: one that came back, with the elements that it had, or a new one.
  // Errors: what the resource raises; nothing is changed then. Allocations: none for one that came back; else the
  // tensor, and the type's block where the type is new.
  [[nodiscard]] AnyTensor get(const TensorType& type);
  // Keeps the tensor, or frees it: where it is large, the type's places are taken, the pool does not know the type,
  // or the tensor is of another resource. No allocation.
  void put(AnyTensor&& tensor) noexcept;
  // Has at least min(count, tensors_per_type) tensors of this type wait. Errors: what the resource raises; those made
  // so far stay.
  void reserve(const TensorType& type, std::size_t count);
  // Frees all tensors that wait, and forgets the types.
  void trim() noexcept;

  // Read while others use the pool, the numbers are of one moment.
  [[nodiscard]] TensorPoolStats stats() const;

 private:
  struct Shelf;  // the tensors of one type

  static constexpr std::size_t bucket_count = 128;

  [[nodiscard]] static bool is_pooled(const TensorType& type) noexcept {
    return type.bytes() > 0 && type.bytes() < pooled_below;
  }
  [[nodiscard]] Shelf*& bucket_of(const TensorType& type) noexcept;
  [[nodiscard]] Shelf* find(const TensorType& type) noexcept;
  [[nodiscard]] Shelf& find_or_make(const TensorType& type);
  [[nodiscard]] std::size_t shelf_bytes() const noexcept;

  std::pmr::memory_resource* resource_;
  std::size_t tensors_per_type_;
  mutable std::mutex mutex_;
  TensorPoolStats stats_{};
  std::array<Shelf*, bucket_count> buckets_{};
};

}  // namespace tenon
