// Which cache is the calling thread's, and what becomes of it when the thread ends.

#include "thread_caches.hpp"

#include <new>

namespace tenon::detail {

namespace {

// Gives the caches back when the thread ends. Apart from the slots, because a thread-local object
// with a destructor costs a check on every access.
class Ending {
 public:
  void arm() noexcept { armed_ = true; }
  ~Ending() {
    if (!armed_) return;
    const std::lock_guard lock(cache_registry());
    for (Cache *cache = thread_caches.first, *next = nullptr; cache != nullptr; cache = next) {
      next = cache->next_of_thread;
      cache->core->retire(*cache);
    }
    thread_caches = {};
    thread_caches.ended = true;
  }

 private:
  bool armed_ = false;
};

thread_local Ending ending;

}  // namespace

constinit thread_local ThreadCaches thread_caches;

std::mutex& cache_registry() noexcept {
  constinit static std::mutex mutex;  // trivially destroyed: static destructors may still lock it
  return mutex;
}

Cache* find_cache(PoolCore& core) noexcept {
  ThreadCaches& mine = thread_caches;
  if (mine.ended) return nullptr;
  Cache* cache = nullptr;
  {
    const std::lock_guard lock(cache_registry());
    for (cache = mine.first; cache != nullptr && cache->core != &core;)
      cache = cache->next_of_thread;
  }
  if (cache == nullptr) cache = core.adopt(mine);
  if (cache == nullptr) return nullptr;
  ending.arm();
  mine.slot(core.id()) = mine.recent = {core.id(), cache};
  return cache;
}

Cache* PoolCore::adopt(ThreadCaches& thread) noexcept {
  Cache* cache = nullptr;
  {
    const std::lock_guard lock(cache_registry());
    if (spare_caches_ != nullptr) {
      cache = spare_caches_;
      spare_caches_ = cache->next_of_pool;
    }
  }
  if (cache == nullptr) {
    const std::lock_guard lock(growth_);
#ifdef TENON_NO_EXCEPTIONS
    void* memory = upstream_->allocate(sizeof(Cache), alignof(Cache));
#else
    void* memory = nullptr;
    try {
      memory = upstream_->allocate(sizeof(Cache), alignof(Cache));
    } catch (...) {
      return nullptr;  // the thread shares the pool's one cache until there is memory again
    }
#endif
    cache = ::new (memory) Cache;
    cache->core = this;
    cache->checks_frees = checks_frees_;
  }
  const std::lock_guard lock(cache_registry());
  cache->thread = &thread;
  cache->next_of_thread = thread.first;
  thread.first = cache;
  cache->previous_of_pool = nullptr;
  cache->next_of_pool = caches_;
  if (caches_ != nullptr) caches_->previous_of_pool = cache;
  caches_ = cache;
  return cache;
}

void PoolCore::retire(Cache& cache) noexcept {
  flush_all(cache);
  retired_allocations_ += cache.allocations.get();
  retired_deallocations_ += cache.deallocations();
  for (auto* counter :
       {&cache.allocations, &cache.received, &cache.exact_allocations, &cache.exact_deallocations})
    counter->set(0);
  (cache.previous_of_pool != nullptr ? cache.previous_of_pool->next_of_pool : caches_) =
      cache.next_of_pool;
  if (cache.next_of_pool != nullptr) cache.next_of_pool->previous_of_pool = cache.previous_of_pool;
  cache.thread = nullptr;
  cache.next_of_pool = spare_caches_;
  spare_caches_ = &cache;
}

void unlink_from_threads(Cache* caches) noexcept {
  for (; caches != nullptr; caches = caches->next_of_pool) {
    Cache** link = &caches->thread->first;
    while (*link != caches) link = &(*link)->next_of_thread;
    *link = caches->next_of_thread;
  }
}

}  // namespace tenon::detail
