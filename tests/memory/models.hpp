#pragma once
// The resources of the memory layer, alone and stacked, under one interface for the laws.

#include "upstream.hpp"

#include <tenon/memory.hpp>

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <optional>

namespace tenon::test {

inline constexpr std::size_t model_bytes = std::size_t{64} << 20;

// Memory that is not written before it is used: most of it never is.
inline std::unique_ptr<std::byte[]> make_buffer(std::size_t bytes) {
  return std::make_unique_for_overwrite<std::byte[]>(bytes);
}

// Pools check frees here as they do in checked builds, but for those of Trusting.
struct PoolModel {
  Upstream upstream;
  PoolAllocator resource{&upstream};
  PoolModel() { resource.check_frees(true); }
  void clear() { resource.clear(); }
};

struct BufferPoolModel {
  Upstream upstream;
  BufferPool resource{&upstream};
  BufferPoolModel() { resource.check_frees(true); }
  void clear() { resource.clear(); }
};

struct ClassedPoolModel {
  static constexpr SizeClass classes[] = {{100, 4}, {300, 0}, {1000, 2}, {9000, 1}};
  Upstream upstream;
  PoolAllocator resource{SizeClasses(classes), &upstream};
  ClassedPoolModel() {
    resource.check_frees(true);
    resource.reserve_classes();
  }
  void clear() { resource.clear(); }
};

struct LimitedPoolModel {
  Upstream upstream;
  PoolAllocator resource{&upstream};
  LimitedPoolModel() {
    resource.check_frees(true);
    resource.limit_per_bucket(2);
  }
  void clear() { resource.clear(); }
};

struct ArenaModel {
  Upstream upstream;
  Arena resource{&upstream};
  void clear() { resource.reset(); }
};

struct SmallArenaModel {
  Upstream upstream;
  Arena resource{1000, &upstream};
  void clear() { resource.reset(retain_limit(3000)); }
};

struct FixedBufferModel {
  std::unique_ptr<std::byte[]> buffer = make_buffer(model_bytes);
  FixedBufferAllocator resource{{buffer.get(), model_bytes}};
  void clear() { resource.reset(); }
};

struct UnalignedBufferModel {
  std::unique_ptr<std::byte[]> buffer = make_buffer(model_bytes);
  FixedBufferAllocator resource{{buffer.get() + 13, model_bytes - 16}};
  void clear() { resource.reset(); }
};

struct PoolOverPagesModel {
  PoolAllocator resource{page_resource()};
  PoolOverPagesModel() { resource.check_frees(true); }
  void clear() { resource.clear(); }
};

struct PoolOverArenaModel {
  Upstream upstream;
  Arena arena{&upstream};
  PoolAllocator resource{&arena};
  PoolOverArenaModel() { resource.check_frees(true); }
  void clear() { resource.clear(); }
};

struct ArenaOverPoolModel {
  Upstream upstream;
  PoolAllocator pool{&upstream};
  Arena resource{&pool};
  void clear() { resource.reset(); }
};

struct PoolOverBufferModel {
  std::unique_ptr<std::byte[]> buffer = make_buffer(4 * model_bytes);
  FixedBufferAllocator fixed{{buffer.get(), 4 * model_bytes}};
  PoolAllocator resource{&fixed};
  PoolOverBufferModel() { resource.check_frees(true); }
  void clear() { resource.clear(); }
};

struct StackFallbackModel {
  Upstream upstream;
  StackFallbackAllocator<16384> resource{&upstream};
  void clear() { resource.reset(); }
};

struct StackFallbackOverPoolModel {
  Upstream upstream;
  PoolAllocator pool{&upstream};
  StackFallbackAllocator<64> resource{&pool};
  StackFallbackOverPoolModel() { pool.check_frees(true); }
  void clear() { resource.reset(); }
};

struct TrackedPoolModel {
  Upstream upstream;
  PoolAllocator pool{&upstream};
  TrackingAllocator resource{&pool};
  TrackedPoolModel() { pool.check_frees(true); }
  void clear() { pool.clear(); }
};

struct BudgetedArenaModel {
  Upstream upstream;
  Arena arena{&upstream};
  Budget resource{&arena, std::size_t{1} << 40};
  void clear() { arena.reset(); }
};

// TrackingAllocator over budget over PoolAllocator over tracking over budget.
struct LayersModel {
  Upstream upstream;
  Budget system{&upstream, std::size_t{1} << 40};
  TrackingAllocator below{&system};
  PoolAllocator pool{&below};
  Budget limited{&pool, std::size_t{1} << 40};
  TrackingAllocator resource{&limited};
  LayersModel() { pool.check_frees(true); }
  void clear() { pool.clear(); }
};

struct PageCacheModel {
  Upstream upstream;
  PageCache resource{&upstream};
  void clear() { resource.clear(); }
};

// Raises where a free is at fault, without printing.
inline void raise_fault(const FaultReport& report, void*) {
  if (report.found == nullptr) return;
  if (report.fault == MemoryFault::stale_free)
    detail::raise<StaleTensorError>("DebugAllocator", "%s", report.summary().c_str());
  detail::raise<ContractError>("DebugAllocator", "%s", report.summary().c_str());
}

struct DebuggedPoolModel {
  Upstream upstream;
  PoolAllocator pool{&upstream};
  DebugAllocator resource{&pool};
  DebuggedPoolModel() {
    pool.check_frees(true);
    resource.set_handler(raise_fault);
  }
  void clear() { pool.clear(); }
};

// TrackingAllocator over DebugAllocator over Arena over PageCache.
struct DebuggedLayersModel {
  Upstream upstream;
  PageCache pages{&upstream};
  Arena arena{&pages};
  DebugAllocator debug{&arena};
  TrackingAllocator resource{&debug};
  DebuggedLayersModel() { debug.set_handler(raise_fault); }
  void clear() { arena.reset(); }
};

struct MemoryPoolModel {
  Upstream upstream;
  MemoryPool resource{&upstream};
  MemoryPoolModel() { resource.check_frees(true); }
  void clear() { resource.clear(); }
};

struct ReservedMemoryPoolModel {
  Upstream upstream;
  MemoryPool resource{std::size_t{1} << 20, &upstream};
  ReservedMemoryPoolModel() { resource.check_frees(true); }
  void clear() {
    resource.clear();
    resource.trim();
  }
};

struct TrackedMemoryPoolModel {
  MemoryPool pool{page_resource()};
  TrackingAllocator resource{&pool};
  TrackedMemoryPoolModel() { pool.check_frees(true); }
  void clear() { pool.clear(); }
};

// The same pool as unchecked builds make it.
template <class Model>
struct Trusting : Model {
  static constexpr bool trusts = true;
  Trusting() { this->resource.check_frees(false); }
};

// Whether a resource gives every block a name of its own and checks what is freed.
template <class Model>
inline constexpr bool checks_frees = !requires { Model::trusts; };

}  // namespace tenon::test

#define TENON_MEMORY_MODELS                                                                     \
  tenon::test::PoolModel, tenon::test::BufferPoolModel, tenon::test::ClassedPoolModel,          \
      tenon::test::LimitedPoolModel, tenon::test::ArenaModel, tenon::test::SmallArenaModel,     \
      tenon::test::FixedBufferModel, tenon::test::UnalignedBufferModel,                         \
      tenon::test::PoolOverPagesModel, tenon::test::PoolOverArenaModel,                         \
      tenon::test::ArenaOverPoolModel, tenon::test::PoolOverBufferModel,                        \
      tenon::test::StackFallbackModel, tenon::test::StackFallbackOverPoolModel,                 \
      tenon::test::TrackedPoolModel, tenon::test::BudgetedArenaModel, tenon::test::LayersModel, \
      tenon::test::PageCacheModel, tenon::test::DebuggedPoolModel,                              \
      tenon::test::DebuggedLayersModel, tenon::test::MemoryPoolModel,                           \
      tenon::test::ReservedMemoryPoolModel, tenon::test::TrackedMemoryPoolModel,                \
      tenon::test::Trusting<tenon::test::PoolModel>,                                            \
      tenon::test::Trusting<tenon::test::BufferPoolModel>,                                      \
      tenon::test::Trusting<tenon::test::ClassedPoolModel>,                                     \
      tenon::test::Trusting<tenon::test::LimitedPoolModel>,                                     \
      tenon::test::Trusting<tenon::test::PoolOverPagesModel>,                                   \
      tenon::test::Trusting<tenon::test::MemoryPoolModel>
