#include <tenon/memory/numa.hpp>

#include <tenon/memory/page_resource.hpp>

#include <tenon/core/checked.hpp>
#include <tenon/core/error.hpp>

#ifdef TENON_HAS_NUMA
#include <numa.h>
#include <numaif.h>
#include <sched.h>
#endif

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace tenon {

namespace {

constexpr int most_nodes = 64;  // what one word of a node mask holds

#ifdef TENON_HAS_NUMA

// 0, or the system's error.
int bind(void* start, std::size_t bytes, int node) noexcept {
  const unsigned long mask = 1UL << node;
  // The kernel reads one bit less than it is told.
  return ::mbind(start, bytes, MPOL_BIND, &mask, most_nodes + 1, 0) == 0 ? 0 : errno;
}

bool can_bind() noexcept {
  if (::numa_available() < 0) return false;
  void* page = ::mmap(nullptr, detail::page_bytes(), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return false;
  const int node = ::numa_node_of_cpu(0);
  const bool bound = bind(page, detail::page_bytes(), node > 0 ? node : 0) == 0;
  ::munmap(page, detail::page_bytes());
  return bound;
}

#endif

class NumaPages final : public std::pmr::memory_resource {
 public:
  int node = 0;

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* block = page_resource()->allocate(bytes, alignment);
#ifdef TENON_HAS_NUMA
    const std::size_t mapped = align_up(bytes > 0 ? bytes : 1, detail::page_bytes());
    if (const int error = bind(block, mapped, node); error != 0) {
      page_resource()->deallocate(block, bytes, alignment);
      detail::raise<OutOfMemory>("numa_page_resource",
                                 "requested %zu B of node %d, the system refused: %s", bytes, node,
                                 std::strerror(error));
    }
#endif
    return block;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    page_resource()->deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

struct Nodes {
  Nodes() noexcept {
    for (int node = 0; node < most_nodes; ++node) pages[static_cast<std::size_t>(node)].node = node;
  }
  std::array<NumaPages, most_nodes> pages;
};

}  // namespace

bool numa_is_available() noexcept {
#ifdef TENON_HAS_NUMA
  static const bool available = can_bind();
  return available;
#else
  return false;
#endif
}

int numa_node_count() noexcept {
#ifdef TENON_HAS_NUMA
  if (numa_is_available()) {
    const int count = ::numa_max_node() + 1;
    return count < most_nodes ? count : most_nodes;
  }
#endif
  return 1;
}

int numa_current_node() noexcept {
#ifdef TENON_HAS_NUMA
  if (numa_is_available()) {
    const int node = ::numa_node_of_cpu(::sched_getcpu());
    return node > 0 ? node : 0;
  }
#endif
  return 0;
}

int numa_node_of([[maybe_unused]] const void* address) noexcept {
#ifdef TENON_HAS_NUMA
  int node = -1;
  if (::get_mempolicy(&node, nullptr, 0, const_cast<void*>(address), MPOL_F_NODE | MPOL_F_ADDR) ==
      0)
    return node;
#endif
  return -1;
}

std::pmr::memory_resource* numa_page_resource(int node) {
  if (node < 0 || node >= numa_node_count())
    detail::raise<ContractError>("numa_page_resource", "node %d of %d%s", node, numa_node_count(),
                                 numa_is_available() ? "" : " (pages cannot be bound here)");
  if (!numa_is_available()) return page_resource();
  static detail::Immortal<Nodes> nodes;
  return &nodes.get().pages[static_cast<std::size_t>(node)];
}

}  // namespace tenon
