#pragma once
// Where the workspace of one evaluation comes from: taken once, given back before return.

#include <tenon/core/config.hpp>

#include <cstddef>
#include <memory_resource>
#include <type_traits>

namespace tenon::inline TENON_MODE {

// A memory resource: std::pmr::memory_resource or a class derived from it.
template <class R>
concept MemoryResource = std::is_base_of_v<std::pmr::memory_resource, std::remove_cvref_t<R>>;

// Says that a resource is for the workspace, not for results; the two cannot be swapped by mistake.
template <class R>
struct Scratch {
  R* resource;
};

// Formula: eval(e, results, scratch(arena)) puts the result into `results`, the workspace into arena.
// Contract: the resource outlives the call that it is given to.
template <MemoryResource R>
[[nodiscard]] constexpr Scratch<R> scratch(R& resource) noexcept {
  return {&resource};
}
template <MemoryResource R>
[[nodiscard]] constexpr Scratch<R> scratch(R* resource) noexcept {
  return {resource};
}

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// Owns `bytes` of a resource for the time of one evaluation. R is the static type, so that a final
// resource is called without a virtual call.
template <class R>
class WorkspaceBlock {
 public:
  WorkspaceBlock(R& resource, std::size_t bytes)
      : resource_(resource),
        bytes_(bytes),
        data_(bytes == 0 ? nullptr
                         : static_cast<std::byte*>(resource.allocate(bytes, workspace_alignment))) {
  }
  WorkspaceBlock(const WorkspaceBlock&) = delete;  // one owner, one deallocation
  WorkspaceBlock& operator=(const WorkspaceBlock&) = delete;
  ~WorkspaceBlock() {
    if (data_ != nullptr) resource_.deallocate(data_, bytes_, workspace_alignment);
  }
  [[nodiscard]] std::byte* data() const noexcept { return data_; }

 private:
  R& resource_;
  std::size_t bytes_;
  std::byte* data_;
};

}  // namespace tenon::detail::inline TENON_MODE
