#pragma once
// Where the faults go that DebugAllocator finds.

#include "debug_records.hpp"

#include <tenon/memory/debug_allocator.hpp>

#include <tenon/core/error.hpp>

#include <cstdint>
#include <cstdio>

namespace tenon::detail {

// The call at fault.
struct FreeAttempt {
  std::size_t bytes = 0;
  std::size_t alignment = 0;
  const CallStack* stack = nullptr;
};

// Tells the handler; where there is none, prints and keeps the first fault of a call as an error.
class FaultSink {
 public:
  void set_handler(FaultHandler handler, void* context) noexcept {
    handler_ = handler;
    context_ = context;
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

  static FaultReport describe(MemoryFault fault, const DebugBlock& block,
                              const FreeAttempt& attempt) {
    const bool was_freed =
        block.state == BlockState::quarantined || block.state == BlockState::released;
    return {fault,
            block.data,
            block.bytes,
            block.alignment,
            block.stamp,
            attempt.bytes,
            attempt.alignment,
            0,
            0,
            &block.allocated,
            was_freed ? &block.freed : nullptr,
            attempt.stack};
  }

  void report(MemoryFault fault, const DebugBlock& block, const FreeAttempt& attempt,
              const Damage& damage = {0, 0}) {
    FaultReport found = describe(fault, block, attempt);
    found.offset = damage.offset;
    found.damaged_bytes = damage.bytes;
    tell(found);
  }

  void tell(const FaultReport& found) {
    ++count_;
    if (handler_ != nullptr) {
      handler_(found, context_);
      return;
    }
    std::fputs(found.text().c_str(), stderr);
    if (is_pending_) return;
    is_pending_ = true;
    pending_fault_ = found.fault;
    std::snprintf(pending_text_, sizeof pending_text_, "%s%s%s", found.summary().c_str(),
                  found.allocated != nullptr ? "; allocated in " : "",
                  found.allocated != nullptr ? found.allocated->top().c_str() : "");
  }

  // The first handler's second half: the first fault of this call becomes an error.
  void raise_pending(const char* operation) {
    if (!is_pending_) return;
    is_pending_ = false;
    if (pending_fault_ == MemoryFault::stale_free)
      raise<StaleTensorError>(operation, "%s", pending_text_);
    raise<ContractError>(operation, "%s", pending_text_);
  }

  // For calls that leave raising to others.
  void forget_pending() noexcept { is_pending_ = false; }

 private:
  FaultHandler handler_ = nullptr;
  void* context_ = nullptr;
  std::uint64_t count_ = 0;
  bool is_pending_ = false;
  MemoryFault pending_fault_{};
  char pending_text_[256] = {};
};

}  // namespace tenon::detail
