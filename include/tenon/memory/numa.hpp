#pragma once
// Pages of one NUMA node.

#include <memory_resource>

namespace tenon {

// Whether pages can be bound to nodes: tenon::memory was built with libnuma, and the kernel lets this
// process bind memory (containers often forbid it). Thread-safe; asks the system once.
[[nodiscard]] bool numa_is_available() noexcept;

// The nodes of the machine: 1 where pages cannot be bound. Nodes are numbered from 0.
[[nodiscard]] int numa_node_count() noexcept;

// The node of the processor that the calling thread runs on; 0 where pages cannot be bound.
[[nodiscard]] int numa_current_node() noexcept;

// The node in whose memory the page at `address` lies, -1 where the system does not tell. Touch the
// page before: memory has no place until it is written.
[[nodiscard]] int numa_node_of(const void* address) noexcept;

// page_resource() with memory of this node alone: a page that does not fit there is not taken from
// elsewhere. Where pages cannot be bound, node 0 is page_resource() itself.
// Errors: ContractError for a node that the machine does not have; allocate raises OutOfMemory with
// the system's reason. Cost: one more system call than page_resource(). Thread-safe, never destroyed.
// Compiled part: link tenon::memory.
[[nodiscard]] std::pmr::memory_resource* numa_page_resource(int node);

}  // namespace tenon
