#pragma once
// What DebugAllocator does, under its lock.

#include "debug_faults.hpp"
#include "debug_records.hpp"

#include <tenon/memory/debug_allocator.hpp>
#include <tenon/memory/upstream.hpp>

#include <tenon/core/checked.hpp>
#include <tenon/core/error.hpp>

#include <map>
#include <mutex>
#include <new>
#include <utility>

namespace tenon {

using detail::BlockState;
using detail::Damage;
using detail::DebugBlock;

class DebugAllocator::State {
 public:
  State(std::pmr::memory_resource* upstream, const DebugOptions& options)
      : upstream_(upstream),
        stamped_(dynamic_cast<const StampedResource*>(upstream)),
        options_(options),
        blocks_(options.records),
        past_(options.records),
        generation_(generation()) {}

  // --- what the allocator does, under the lock -------------------------------------------------

  void* allocate(std::size_t bytes, std::size_t alignment) {
    const std::lock_guard guard(lock_);
    follow_upstream();
    DebugBlock block;
    block.bytes = bytes;
    block.alignment = alignment;
    block.back = options_.guard_bytes;
    const std::size_t multiple = alignment > block_alignment ? alignment : block_alignment;
    const auto front = checked_align(options_.guard_bytes, multiple);
    const auto guards = front ? checked_add(*front, block.back) : front;
    const auto taken = guards ? checked_add(*guards, bytes) : guards;
    block.front = front.value_or(0);
    block.data = take(taken.value_or(SIZE_MAX), multiple, bytes) + block.front;
    Return untaken(*this, block, multiple);
    if (stamped_ != nullptr) block.upstream_stamp = stamped_->stamp(block.base());
    if (options_.call_stacks) block.allocated = CallStack::here();
    enter(block);
    untaken.dismiss();
    block.prepare();
    stats_.live_bytes += bytes;
    ++stats_.live_count;
    if (stats_.live_bytes > stats_.peak_bytes) stats_.peak_bytes = stats_.live_bytes;
    return block.data;
  }

  void deallocate(void* pointer, std::size_t bytes, std::size_t alignment) {
    const std::lock_guard guard(lock_);
    follow_upstream();
    CallStack here;
    if (options_.call_stacks) here = CallStack::here();
    Attempt attempt{bytes, alignment, &here};
    DebugBlock* block = find(pointer);
    if (block == nullptr) {
      report_foreign(pointer, attempt);
    } else {
      if (block->state == BlockState::live && !upstream_has(*block)) grow_stale(*block);
      if (block->state == BlockState::stale)
        faults_.report(MemoryFault::stale_free, *block, attempt);
      else if (block->state != BlockState::live)
        faults_.report(MemoryFault::double_free, *block, attempt);
      else if (block->bytes != bytes)
        faults_.report(MemoryFault::size_mismatch, *block, attempt);
      else if (block->alignment != alignment)
        faults_.report(MemoryFault::alignment_mismatch, *block, attempt);
      else
        free(*block, attempt);
    }
    faults_.raise_pending("DebugAllocator::deallocate");
  }

  std::size_t check(bool all) {
    const std::lock_guard guard(lock_);
    const auto before = faults_.count();
    follow_upstream();
    for (auto& [address, block] : blocks_) inspect(block);
    if (all) drain(0);
    const auto found = static_cast<std::size_t>(faults_.count() - before);
    faults_.raise_pending(all ? "DebugAllocator::flush" : "DebugAllocator::check");
    return found;
  }

  // Tells what a stale handle referred to; raising is up to the handle.
  void report_stale(const void* pointer, std::uint64_t stamp) {
    const std::lock_guard guard(lock_);
    follow_upstream();
    CallStack here;
    if (options_.call_stacks) here = CallStack::here();
    const DebugBlock none;
    const DebugBlock* known = find(pointer);
    if (const auto past = past_.find(stamp); past != past_.end()) known = &past->second;
    const bool is_known = known != nullptr && known->stamp == stamp;
    FaultReport found =
        faults_.describe(MemoryFault::stale_handle, is_known ? *known : none, {0, 0, &here});
    found.block = pointer;
    if (!is_known) found.allocated = nullptr;
    faults_.tell(found);
    faults_.forget_pending();
  }

  // The last look: leaks are reported, and everything goes back upstream.
  void close() {
    const std::lock_guard guard(lock_);
    follow_upstream();
    for (auto& [address, block] : blocks_) {
      inspect(block);
      if (block.state == BlockState::live) faults_.report(MemoryFault::leak, block, {});
    }
    drain(0);
    for (auto& [address, block] : blocks_)
      if (block.state == BlockState::live) give_back(block);
  }

  void set_handler(FaultHandler handler, void* context) noexcept {
    const std::lock_guard guard(lock_);
    faults_.set_handler(handler, context);
  }

  [[nodiscard]] DebugStats stats() noexcept {
    const std::lock_guard guard(lock_);
    follow_upstream();
    DebugStats s = stats_;
    s.allocations = serial_;
    s.deallocations = serial_ - s.live_count;
    s.quarantined_count = quarantine_.count();
    s.fault_count = faults_.count();
    return s;
  }
  [[nodiscard]] std::pmr::memory_resource* upstream() const noexcept { return upstream_; }
  [[nodiscard]] const DebugOptions& options() const noexcept { return options_; }
  [[nodiscard]] std::uint64_t generation() const noexcept {
    return stamped_ != nullptr && stamped_->generation() != 0 ? stamped_->generation() : 1;
  }
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY std::uint64_t stamp(const void* pointer) const noexcept {
    const std::lock_guard guard(lock_);
    const auto block = blocks_.find(reinterpret_cast<std::uintptr_t>(pointer));
    return block != blocks_.end() && is_current(block->second) ? block->second.stamp : 0;
  }
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY bool is_live(const void* pointer,
                                                       std::uint64_t stamp) const noexcept {
    const std::lock_guard guard(lock_);
    const auto block = blocks_.find(reinterpret_cast<std::uintptr_t>(pointer));
    return block != blocks_.end() && block->second.stamp == stamp && is_current(block->second);
  }

 private:
  using Attempt = detail::FreeAttempt;
  using Blocks = std::pmr::map<std::uintptr_t, DebugBlock>;
  static_assert(sizeof(std::uintptr_t) == sizeof(std::uint64_t));  // one map type for both keys

  // Puts the record of an address back where no new one could be made.
  struct Restore {
    State& state;
    Blocks::node_type& past;
    Restore(State& s, Blocks::node_type& p) noexcept : state(s), past(p) {}
    Restore(const Restore&) = delete;  // restores once
    Restore& operator=(const Restore&) = delete;
    ~Restore() {
      if (!past.empty()) state.blocks_.insert(std::move(past));
    }
  };

  // Gives a block back upstream that no record could be made for.
  class Return {
   public:
    Return(State& state, const DebugBlock& block, std::size_t multiple) noexcept
        : state_(state), block_(block), multiple_(multiple) {}
    Return(const Return&) = delete;  // gives back once
    Return& operator=(const Return&) = delete;
    ~Return() {
      if (!dismissed_) state_.upstream_->deallocate(block_.base(), block_.taken_bytes(), multiple_);
    }
    void dismiss() noexcept { dismissed_ = true; }

   private:
    State& state_;
    const DebugBlock& block_;
    std::size_t multiple_;
    bool dismissed_ = false;
  };

  // --- upstream -----------------------------------------------------------------------------------

  std::byte* take(std::size_t bytes, std::size_t multiple, std::size_t requested) {
    const auto ask = [&] {
      return static_cast<std::byte*>(detail::acquire(*upstream_, bytes, multiple, "DebugAllocator",
                                                     requested, stats_.live_bytes));
    };
#ifdef TENON_NO_EXCEPTIONS
    return ask();
#else
    if (quarantine_.count() == 0) return ask();
    try {
      return ask();
    } catch (const std::bad_alloc&) {
      drain(0);
    }
    faults_.raise_pending("DebugAllocator::allocate");
    return ask();
#endif
  }

  void give_back(DebugBlock& block) noexcept {
    block.exhume();
    const std::size_t multiple =
        block.alignment > block_alignment ? block.alignment : block_alignment;
    upstream_->deallocate(block.base(), block.taken_bytes(), multiple);
  }

  [[nodiscard]] bool upstream_has(const DebugBlock& block) const noexcept {
    return stamped_ == nullptr || block.upstream_stamp == 0 ||
           stamped_->is_live(block.base(), block.upstream_stamp);
  }
  [[nodiscard]] bool is_current(const DebugBlock& block) const noexcept {
    return block.state == BlockState::live && upstream_has(block);
  }

  // Where upstream was cleared or reset, all its blocks are gone: ours are stale, and what lay in the
  // quarantine is no longer ours to look at.
  void follow_upstream() noexcept {
    if (generation() == generation_) return;
    generation_ = generation();
    for (auto& [address, block] : blocks_) drop_lost(block);
  }

  void drop_lost(DebugBlock& block) noexcept {
    if (upstream_has(block)) return;
    if (block.state == BlockState::live) grow_stale(block);
    if (block.state == BlockState::quarantined) {
      leave_quarantine(block);
      remember(block, BlockState::released);
    }
  }

  // --- the life of a block ------------------------------------------------------------------------

  // Makes the record of a new block. What the address was before is remembered by its stamp.
  void enter(DebugBlock& block) {
    const auto address = reinterpret_cast<std::uintptr_t>(block.data);
    Blocks::node_type past;
    if (const auto old = blocks_.find(address); old != blocks_.end()) {
      if (old->second.state == BlockState::live) grow_stale(old->second);  // it was rewound
      if (old->second.state == BlockState::quarantined) {
        leave_quarantine(old->second);
        remember(old->second, BlockState::released);
      }
      past = blocks_.extract(old);
    }
    const Restore restore{*this, past};
    DebugBlock& record = new_record(address, block.bytes);
    block.stamp = ++serial_;
    record = block;
    if (past.empty()) return;
    past.key() = past.mapped().stamp;
    past.mapped().is_past = true;
    past_.insert(std::move(past));
  }

  [[nodiscard]] DebugBlock& new_record(std::uintptr_t address, std::size_t bytes) {
#ifdef TENON_NO_EXCEPTIONS
    static_cast<void>(bytes);
    return blocks_[address];
#else
    try {
      return blocks_[address];
    } catch (const std::bad_alloc&) {
      detail::raise<OutOfMemory>("DebugAllocator",
                                 "requested %zu B, no memory for the block's record beside %zu "
                                 "others",
                                 bytes, blocks_.size());
    }
#endif
  }

  void end_life(const DebugBlock& block) noexcept {
    stats_.live_bytes -= block.bytes;
    --stats_.live_count;
  }

  void grow_stale(DebugBlock& block) noexcept {
    end_life(block);
    ++stats_.stale_count;
    remember(block, BlockState::stale);
  }

  void free(DebugBlock& block, const Attempt& attempt) {
    end_life(block);
    block.freed = *attempt.stack;
    const auto before = block.mend_front(), behind = block.mend_back();
    block.bury();
    block.state = BlockState::quarantined;
    quarantine_.push(block);
    stats_.quarantined_bytes += block.taken_bytes();
    if (before) faults_.report(MemoryFault::underrun, block, attempt, *before);
    if (behind) faults_.report(MemoryFault::overrun, block, attempt, *behind);
    drain(options_.quarantine_bytes);
  }

  void leave_quarantine(DebugBlock& block) noexcept {
    quarantine_.remove(block);
    stats_.quarantined_bytes -= block.taken_bytes();
  }

  // Gives the oldest freed blocks back until at most this many bytes are held.
  void drain(std::size_t kept_bytes) {
    while (quarantine_.count() > 0 && (stats_.quarantined_bytes > kept_bytes || kept_bytes == 0)) {
      DebugBlock& block = *quarantine_.first();
      if (!upstream_has(block)) {
        drop_lost(block);
        continue;
      }
      const auto damage = find_damage(block);
      leave_quarantine(block);
      give_back(block);
      remember(block, BlockState::released);
      if (damage) faults_.report(MemoryFault::use_after_free, block, {}, *damage);
    }
  }

  // Keeps the record of a block whose memory is gone for later reports, and forgets the oldest ones.
  void remember(DebugBlock& block, BlockState state) noexcept {
    block.state = state;
    remembered_.push(block);
    while (remembered_.count() > options_.remembered_frees && remembered_.first() != &block) {
      DebugBlock& oldest = *remembered_.first();
      remembered_.remove(oldest);
      if (oldest.is_past)
        past_.erase(oldest.stamp);
      else
        blocks_.erase(reinterpret_cast<std::uintptr_t>(oldest.data));
    }
  }

  // --- faults -------------------------------------------------------------------------------------

  static std::optional<Damage> find_damage(DebugBlock& block) noexcept {
    const auto before = block.mend_front(), inside = block.mend_freed(), behind = block.mend_back();
    return before ? before : inside ? inside : behind;
  }

  void inspect(DebugBlock& block) {
    drop_lost(block);
    if (block.state == BlockState::live) {
      if (const auto damage = block.mend_front())
        faults_.report(MemoryFault::underrun, block, {}, *damage);
      if (const auto damage = block.mend_back())
        faults_.report(MemoryFault::overrun, block, {}, *damage);
    } else if (block.state == BlockState::quarantined) {
      if (const auto damage = find_damage(block))
        faults_.report(MemoryFault::use_after_free, block, {}, *damage);
    }
  }

  [[nodiscard]] DebugBlock* find(const void* pointer) {
    const auto block = blocks_.find(reinterpret_cast<std::uintptr_t>(pointer));
    return block != blocks_.end() ? &block->second : nullptr;
  }

  void report_foreign(const void* pointer, const Attempt& attempt) {
    const auto address = reinterpret_cast<std::uintptr_t>(pointer);
    auto above = blocks_.upper_bound(address);
    DebugBlock none;
    if (above != blocks_.begin()) {
      --above;
      const DebugBlock& block = above->second;
      if (is_current(block) && address - above->first < block.bytes) {
        FaultReport found = faults_.describe(MemoryFault::foreign_free, block, attempt);
        found.block = pointer;
        found.offset = static_cast<std::ptrdiff_t>(address - above->first);
        faults_.tell(found);
        return;
      }
    }
    FaultReport found = faults_.describe(MemoryFault::foreign_free, none, attempt);
    found.block = pointer;
    found.allocated = nullptr;
    faults_.tell(found);
  }

  mutable std::mutex lock_;
  std::pmr::memory_resource* upstream_;
  const StampedResource* stamped_;
  DebugOptions options_;
  Blocks blocks_;  // by address
  Blocks past_;    // by stamp: of earlier blocks at the same addresses
  detail::DebugQueue quarantine_;
  detail::DebugQueue remembered_;
  std::uint64_t generation_;
  std::uint64_t serial_ = 0;
  DebugStats stats_{};
  detail::FaultSink faults_;
};

}  // namespace tenon
