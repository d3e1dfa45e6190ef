#pragma once
// What bench_memory compares: one interface over general allocators, the standard's resources, the
// limits of what a machine can do, and ours.
//
// A subject has allocate(bytes), deallocate(block, bytes) and clear(), which ends the life of all blocks
// at once where the allocator can do that.

#include <tenon/memory.hpp>

#include <boost/pool/pool.hpp>

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory_resource>
#include <optional>

// glibc's malloc beneath the heap trap that benchmarks link.
extern "C" void* __libc_malloc(std::size_t bytes);
extern "C" void __libc_free(void* block);

namespace tenon::bench {

// malloc and free of one library, called through pointers as through a library's jump table.
class General {
 public:
  static General glibc() { return General(__libc_malloc, __libc_free); }

  // Empty where the library is not installed. Each has its own names in a scope of its own, so that
  // all live in one process and none replaces the program's malloc.
  static std::optional<General> load(const char* library, const char* malloc_name,
                                     const char* free_name) {
    void* handle = ::dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (handle == nullptr) {
      std::fprintf(stderr, "left out: %s\n", ::dlerror());
      return std::nullopt;
    }
    return General(reinterpret_cast<void* (*)(std::size_t)>(::dlsym(handle, malloc_name)),
                   reinterpret_cast<void (*)(void*)>(::dlsym(handle, free_name)));
  }

  void* allocate(std::size_t bytes) { return malloc_(bytes); }
  void deallocate(void* block, std::size_t) { free_(block); }

 private:
  General(void* (*malloc)(std::size_t), void (*free)(void*)) : malloc_(malloc), free_(free) {}
  void* (*malloc_)(std::size_t);
  void (*free_)(void*);
};

// jemalloc keeps 2.5 KiB of thread-local data where glibc has room for 1.6: dlopen refuses it unless
// more is reserved before the program starts. So the program starts itself again with the reserve.
inline void reserve_thread_local_data(char** argv) {
  constexpr const char* variable = "GLIBC_TUNABLES";
  if (std::getenv(variable) != nullptr) return;
  ::setenv(variable, "glibc.rtld.optional_static_tls=16384", 1);
  ::execv("/proc/self/exe", argv);
  std::perror("execv");
}

// Address space for subjects that bring none of their own; pages are taken when touched.
class Region {
 public:
  static constexpr std::size_t size_bytes = std::size_t{1} << 30;
  Region()
      : start_(
            static_cast<std::byte*>(::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE,
                                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
    if (start_ == MAP_FAILED) std::abort();
  }
  Region(const Region&) = delete;  // owns the mapping
  Region& operator=(const Region&) = delete;
  ~Region() { ::munmap(start_, size_bytes); }
  [[nodiscard]] std::byte* start() const { return start_; }

 private:
  std::byte* start_;
};

// The limit: a pointer that moves, with the same alignment and the same test for room as ours.
class RawBump {
 public:
  void* allocate(std::size_t bytes) {
    const std::size_t padding = (0 - reinterpret_cast<std::uintptr_t>(top_)) & 63;
    if (bytes + padding > static_cast<std::size_t>(end_ - top_)) return nullptr;
    std::byte* block = top_ + padding;
    top_ = block + bytes;
    return block;
  }
  void deallocate(void*, std::size_t) {}
  void clear() { top_ = region_.start(); }

 private:
  Region region_;
  std::byte* top_ = region_.start();
  std::byte* end_ = region_.start() + Region::size_bytes;
};

// A list per power of two, threaded through the free blocks: no checks, no statistics, no clear.
class FreeList {
 public:
  void* allocate(std::size_t bytes) {
    const auto bucket = static_cast<std::size_t>(std::bit_width((bytes - 1) | 63));
    Node* node = free_[bucket];
    if (node == nullptr) return bump_.allocate(std::size_t{1} << bucket);
    free_[bucket] = node->next;
    return node;
  }
  void deallocate(void* block, std::size_t bytes) {
    const auto bucket = static_cast<std::size_t>(std::bit_width((bytes - 1) | 63));
    free_[bucket] = ::new (block) Node{free_[bucket]};
  }

 private:
  struct Node {
    Node* next;
  };
  Node* free_[32] = {};
  RawBump bump_;
};

// Boost's pool of blocks of one size, which its documentation calls simple segregated storage.
class OneSize {
 public:
  explicit OneSize(std::size_t bytes) : pool_(bytes) {}
  void* allocate(std::size_t) { return pool_.malloc(); }
  void deallocate(void* block, std::size_t) { pool_.free(block); }

 private:
  boost::pool<> pool_;
};

class Monotonic {
 public:
  void* allocate(std::size_t bytes) { return resource_.allocate(bytes, 64); }
  void deallocate(void*, std::size_t) {}
  void clear() { resource_.release(); }

 private:
  Region region_;
  std::pmr::monotonic_buffer_resource resource_{region_.start(), Region::size_bytes,
                                                std::pmr::null_memory_resource()};
};

// A resource called by its own type, so that calls are direct.
template <class Resource>
class Direct {
 public:
  void* allocate(std::size_t bytes) { return resource_.allocate(bytes, 64); }
  void deallocate(void* block, std::size_t bytes) { resource_.deallocate(block, bytes, 64); }
  void clear()
    requires requires(Resource r) { r.clear(); }
  {
    resource_.clear();
  }
  void clear()
    requires requires(Resource r) { r.reset(); }
  {
    resource_.reset();
  }

 protected:
  Resource resource_;
};

// The same with every free checked, as in checked builds.
template <class Resource>
class Checked : public Direct<Resource> {
 public:
  Checked() { this->resource_.check_frees(true); }
};

// The same through std::pmr::memory_resource*, as a container calls it.
template <class Resource>
class Virtual {
 public:
  Virtual() { asm volatile("" : "+r"(base_)); }  // no compiler knows what lies behind
  void* allocate(std::size_t bytes) { return base_->allocate(bytes, 64); }
  void deallocate(void* block, std::size_t bytes) { base_->deallocate(block, bytes, 64); }

 private:
  Resource resource_;
  std::pmr::memory_resource* base_ = &resource_;
};

}  // namespace tenon::bench
