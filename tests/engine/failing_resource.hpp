#pragma once
// A memory resource that refuses one request, for tests of what happens then.

#include <cstddef>
#include <memory_resource>
#include <new>

// Refuses its `refused`-th request.
class FailingResource final : public std::pmr::memory_resource {
 public:
  explicit FailingResource(std::pmr::memory_resource* upstream) : upstream_(upstream) {}
  int refused = -1;

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (refused-- == 0) throw std::bad_alloc();
    return upstream_->allocate(bytes, alignment);
  }
  void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
    upstream_->deallocate(p, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
  std::pmr::memory_resource* upstream_;
};

// While it lives, memory that is not asked of a given resource is refused.
class NoDefaultResource {
 public:
  NoDefaultResource() = default;
  NoDefaultResource(const NoDefaultResource&) = delete;
  NoDefaultResource& operator=(const NoDefaultResource&) = delete;
  ~NoDefaultResource() { std::pmr::set_default_resource(before_); }

 private:
  std::pmr::memory_resource* before_ =
      std::pmr::set_default_resource(std::pmr::null_memory_resource());
};
