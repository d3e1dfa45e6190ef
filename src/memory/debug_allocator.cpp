#include <tenon/memory/debug_allocator.hpp>

#include "debug_state.hpp"

namespace tenon {

DebugAllocator::DebugAllocator(std::pmr::memory_resource* upstream, const DebugOptions& options) {
  void* memory = detail::acquire(*options.records, sizeof(State), alignof(State), "DebugAllocator",
                                 sizeof(State), 0);
  state_ = ::new (memory) State(upstream, options);
}

DebugAllocator::~DebugAllocator() {
  state_->close();
  std::pmr::memory_resource* records = state_->options().records;
  state_->~State();
  records->deallocate(state_, sizeof(State), alignof(State));
}

void* DebugAllocator::allocate(std::size_t bytes, std::size_t alignment) {
  return state_->allocate(bytes, alignment);
}
void DebugAllocator::deallocate(void* block, std::size_t bytes, std::size_t alignment) {
  state_->deallocate(block, bytes, alignment);
}
std::size_t DebugAllocator::check() { return state_->check(false); }
void DebugAllocator::flush() { state_->check(true); }
void DebugAllocator::set_handler(FaultHandler handler, void* context) noexcept {
  state_->set_handler(handler, context);
}
DebugStats DebugAllocator::stats() const noexcept { return state_->stats(); }
std::pmr::memory_resource* DebugAllocator::upstream() const noexcept { return state_->upstream(); }
void DebugAllocator::report_stale(const void* block, std::uint64_t stamp) const {
  state_->report_stale(block, stamp);
}
std::uint64_t DebugAllocator::generation() const noexcept { return state_->generation(); }
std::uint64_t DebugAllocator::stamp(const void* block) const noexcept {
  return state_->stamp(block);
}
bool DebugAllocator::is_live(const void* block, std::uint64_t stamp) const noexcept {
  return state_->is_live(block, stamp);
}

}  // namespace tenon
