#include <tenon/engine/tensor_pool.hpp>

#include <tenon/core/config.hpp>

#include "hash.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace tenon {

// In one block: the head, and behind it the places of tensors_per_type tensors, of which `count` are taken.
struct TensorPool::Shelf {
  TensorType type;
  Shelf* next;
  std::size_t count = 0;

  [[nodiscard]] AnyTensor::Block* places() noexcept {
    return reinterpret_cast<AnyTensor::Block*>(this + 1);
  }
  [[nodiscard]] AnyTensor take() noexcept {
    AnyTensor::Block& last = places()[--count];
    AnyTensor tensor(type, std::move(last));
    last.~Tensor();
    return tensor;
  }
  void push(AnyTensor&& tensor) noexcept {
    ::new (static_cast<void*>(places() + count)) AnyTensor::Block(std::move(tensor).release());
    ++count;
  }
};

std::size_t TensorPool::shelf_bytes() const noexcept {
  return sizeof(Shelf) + tensors_per_type_ * sizeof(AnyTensor::Block);
}

TensorPool::Shelf*& TensorPool::bucket_of(const TensorType& type) noexcept {
  return buckets_[detail::hash_of(type) % bucket_count];
}

TensorPool::Shelf* TensorPool::find(const TensorType& type) noexcept {
  Shelf* shelf = bucket_of(type);
  while (shelf != nullptr && !(shelf->type == type)) shelf = shelf->next;
  return shelf;
}

TensorPool::Shelf& TensorPool::find_or_make(const TensorType& type) {
  if (Shelf* const known = find(type)) return *known;
  void* const memory = resource_->allocate(shelf_bytes(), block_alignment);
  Shelf*& first = bucket_of(type);
  first = ::new (memory) Shelf{type, first};
  ++stats_.type_count;
  return *first;
}

AnyTensor TensorPool::get(const TensorType& type) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_pooled(type)) {
      ++stats_.direct;
    } else {
      Shelf& shelf = find_or_make(type);
      if (shelf.count > 0) {
        ++stats_.hits;
        --stats_.pooled_count;
        stats_.pooled_bytes -= type.bytes();
        return shelf.take();
      }
      ++stats_.misses;
    }
  }
  return {type, resource_};
}

void TensorPool::put(AnyTensor&& tensor) noexcept {
  const AnyTensor freed = [&]() -> AnyTensor {  // after the lock, where it is freed at all
    const std::lock_guard lock(mutex_);
    if (!is_pooled(tensor.type()) || tensor.resource() != resource_) return std::move(tensor);
    Shelf* const shelf = find(tensor.type());
    if (shelf == nullptr || shelf->count == tensors_per_type_) return std::move(tensor);
    ++stats_.pooled_count;
    stats_.pooled_bytes += tensor.bytes();
    shelf->push(std::move(tensor));
    return {};
  }();
}

void TensorPool::reserve(const TensorType& type, std::size_t count) {
  if (!is_pooled(type)) return;
  const std::lock_guard lock(mutex_);
  Shelf& shelf = find_or_make(type);
  while (shelf.count < std::min(count, tensors_per_type_)) {
    shelf.push(AnyTensor(type, resource_));
    ++stats_.pooled_count;
    stats_.pooled_bytes += type.bytes();
  }
}

void TensorPool::trim() noexcept {
  const std::lock_guard lock(mutex_);
  for (Shelf*& first : buckets_) {
    while (first != nullptr) {
      while (first->count > 0) static_cast<void>(first->take());
      Shelf* const next = first->next;
      resource_->deallocate(first, shelf_bytes(), block_alignment);
      first = next;
    }
  }
  stats_.pooled_count = stats_.pooled_bytes = stats_.type_count = 0;
}

TensorPoolStats TensorPool::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace tenon
