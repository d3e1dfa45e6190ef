#include <tenon/engine/operator_registry.hpp>

#include <tenon/core/config.hpp>
#include <tenon/core/error.hpp>
#include <tenon/memory/fixed_buffer_allocator.hpp>

#include "built_in_operators.hpp"
#include "closest_name.hpp"
#include "hash.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace tenon {

namespace {

// Memory and table of the built-in names; never destroyed, for engines may outlive any order.
struct BuiltIns {
  alignas(block_alignment) std::byte memory[std::size_t{48} << 10U];
  FixedBufferAllocator resource{memory};
  OperatorRegistry registry{&resource, nullptr};

  BuiltIns() { detail::register_built_in_operators(registry); }
};

int length(std::string_view text) noexcept { return static_cast<int>(text.size()); }

}  // namespace

const OperatorRegistry& OperatorRegistry::built_in() {
  static detail::Immortal<BuiltIns> all;
  return all.get().registry;
}

OperatorRegistry::~OperatorRegistry() {
  for (auto& bucket : buckets_) {
    for (Entry* entry = bucket.load(std::memory_order_relaxed); entry != nullptr;) {
      if (entry->owns_operator) entry->op->~Operator();
      void* const block = entry;
      const std::size_t bytes = entry->bytes;
      entry = entry->next;
      resource_->deallocate(block, bytes, block_alignment);
    }
  }
}

OperatorRegistry::NewEntry::~NewEntry() {
  if (block != nullptr) registry.resource_->deallocate(block, bytes, block_alignment);
}

OperatorRegistry::NewEntry OperatorRegistry::make_entry(std::string_view name,
                                                        std::size_t operator_bytes) {
  if (name.empty()) detail::raise<ContractError>("OperatorRegistry", "an operator needs a name");
  if (find(name) != nullptr)
    detail::raise<ContractError>("OperatorRegistry", "there is an operator %.*s already",
                                 length(name), name.data());
  const std::size_t operator_at = align_up(sizeof(Entry), block_alignment);
  const std::size_t bytes = operator_at + operator_bytes + name.size();
  auto* const block = static_cast<std::byte*>(resource_->allocate(bytes, block_alignment));
  return {*this, block, bytes, block + operator_at};
}

void OperatorRegistry::publish(NewEntry& entry, std::string_view name, const Operator* op,
                               bool owned) noexcept {
  auto* const text = reinterpret_cast<char*>(entry.block + entry.bytes - name.size());
  std::memcpy(text, name.data(), name.size());
  auto& bucket = buckets_[detail::hash_of(name) % bucket_count];
  auto* const made = ::new (static_cast<void*>(entry.block))
      Entry{bucket.load(std::memory_order_relaxed), op, {text, name.size()}, entry.bytes, owned};
  entry.block = nullptr;
  bucket.store(made, std::memory_order_release);
  count_.fetch_add(1, std::memory_order_relaxed);
}

const Operator* OperatorRegistry::find(std::string_view name) const noexcept {
  const std::size_t bucket = detail::hash_of(name) % bucket_count;
  for (const OperatorRegistry* registry = this; registry != nullptr; registry = registry->parent_)
    for (const Entry* entry = registry->buckets_[bucket].load(std::memory_order_acquire);
         entry != nullptr; entry = entry->next)
      if (entry->name == name) return entry->op;
  return nullptr;
}

const Operator& OperatorRegistry::at(std::string_view name) const {
  const Operator* const found = find(name);
  if (found == nullptr) {
    const std::string_view other = closest(name);
    detail::raise<ContractError>("OperatorRegistry", "there is no operator %.*s among %zu%s%.*s",
                                 std::min(length(name), 80), name.data(), size(),
                                 other.empty() ? "" : "; the closest name is ", length(other),
                                 other.data());
  }
  return *found;
}

std::string_view OperatorRegistry::closest(std::string_view name) const noexcept {
  std::string_view best;
  std::size_t least = 0;
  for_each([&](std::string_view other) {
    const std::size_t distance = detail::edit_distance(name, other);
    // Of several the first in the alphabet, so that messages are the same every time.
    if (best.empty() || distance < least || (distance == least && other < best)) {
      best = other;
      least = distance;
    }
  });
  return best;
}

std::size_t OperatorRegistry::size() const noexcept {
  return count_.load(std::memory_order_relaxed) + (parent_ != nullptr ? parent_->size() : 0);
}

}  // namespace tenon
