#pragma once
// OperatorRegistry: operators by name.

#include <tenon/engine/operator.hpp>

#include <tenon/core/config.hpp>
#include <tenon/memory/page_resource.hpp>
#include <tenon/memory/resource.hpp>

#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <memory_resource>
#include <mutex>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tenon {

// Names and what they mean. An operator stays as long as the registry; names are never given anew.
// Thread rules: any thread may find and add at any time.
class OperatorRegistry {
 public:
  // With the names of `parent` (may be null), which outlives it. Names and operators of its own lie in `resource`.
  explicit OperatorRegistry(std::pmr::memory_resource* resource = system_resource(),
                            const OperatorRegistry* parent = &built_in()) noexcept
      : resource_(resource), parent_(parent) {}
  OperatorRegistry(const OperatorRegistry&) = delete;  // operators know where they lie
  OperatorRegistry& operator=(const OperatorRegistry&) = delete;
  ~OperatorRegistry();

  // Tenon's own operators; docs/engine.md has the list. In static storage, made at the first call. No allocation.
  [[nodiscard]] static const OperatorRegistry& built_in();

  // Takes the operator in under this name, which is copied.
  // Errors: ContractError for a name that is there already, the parent's included, or is empty; what the resource
  // raises. Nothing is changed then. Allocations: one.
  template <class Op>
    requires std::derived_from<std::remove_cvref_t<Op>, Operator>
  void add(std::string_view name, Op&& op) {
    using Kept = std::remove_cvref_t<Op>;
    static_assert(alignof(Kept) <= block_alignment, "An operator is aligned to 64 bytes at most.");
    add_entry(name, sizeof(Kept), nullptr, [&](void* memory) -> const Operator* {
      return ::new (memory) Kept(std::forward<Op>(op));
    });
  }
  // The same for an operator of yours that outlives the registry.
  void add(std::string_view name, const Operator* op) {
    add_entry(name, 0, op, [&](void*) { return op; });
  }

  // Null where there is none of this name. O(1), no allocation.
  [[nodiscard]] const Operator* find(std::string_view name) const noexcept;
  // Errors: ContractError with the closest name that there is.
  [[nodiscard]] const Operator& at(std::string_view name) const;
  // The name that needs the fewest letters changed to become `name`; empty where nothing is registered.
  [[nodiscard]] std::string_view closest(std::string_view name) const noexcept;
  // How many names there are, the parent's included.
  [[nodiscard]] std::size_t size() const noexcept;
  // Calls f(name) for all of them, in no order.
  template <class F>
  void for_each(F&& f) const {
    for (const auto& bucket : buckets_)
      for (const Entry* e = bucket.load(std::memory_order_acquire); e != nullptr; e = e->next)
        f(e->name);
    if (parent_ != nullptr) parent_->for_each(f);
  }

 private:
  struct Entry {
    Entry* next;
    const Operator* op;
    std::string_view name;
    std::size_t bytes;  // of the block that holds the entry, its operator and its name
    bool owns_operator;
  };
  // An entry that is not yet in the table: gives its memory back unless it gets there.
  struct NewEntry {
    OperatorRegistry& registry;
    std::byte* block;
    std::size_t bytes;
    void* operator_place;
    ~NewEntry();
  };

  template <class Construct>
  void add_entry(std::string_view name, std::size_t operator_bytes, const Operator* known,
                 const Construct& construct) {
    const std::lock_guard lock(mutex_);
    NewEntry entry = make_entry(name, operator_bytes);
    const Operator* const op = construct(entry.operator_place);
    publish(entry, name, op, known == nullptr);
  }
  [[nodiscard]] NewEntry make_entry(std::string_view name, std::size_t operator_bytes);
  void publish(NewEntry& entry, std::string_view name, const Operator* op, bool owned) noexcept;

  static constexpr std::size_t bucket_count = 128;

  std::pmr::memory_resource* resource_;
  const OperatorRegistry* parent_;
  std::mutex mutex_;  // of those who add
  std::atomic<std::size_t> count_{0};
  std::array<std::atomic<Entry*>, bucket_count> buckets_{};
};

}  // namespace tenon
