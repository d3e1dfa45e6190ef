#pragma once
// The base of resources that add one property to the resource below them.

#include <tenon/memory/resource.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>

namespace tenon {

// Forwards the names of blocks to the resource below, so that handles know whether they are stale
// however many layers lie between. A layer returns the blocks of the resource below unmoved.
// Over a resource without names (any std::pmr::memory_resource that is not Tenon's) generation()
// and stamp() are 0 and is_live() is true: nobody can tell.
// Contract: the resource below is not null and outlives the layer.
class ResourceLayer : public StampedResource {
 public:
  [[nodiscard]] std::pmr::memory_resource* upstream() const noexcept { return upstream_; }

  [[nodiscard]] std::uint64_t generation() const noexcept override {
    return stamped_ != nullptr ? stamped_->generation() : 0;
  }
  [[nodiscard]] Endings endings() const noexcept override {
    return stamped_ != nullptr ? stamped_->endings() : Endings{};
  }
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY std::uint64_t stamp(
      const void* block) const noexcept override {
    return stamped_ != nullptr ? stamped_->stamp(block) : 0;
  }
  [[nodiscard]] TENON_DETAIL_ADDRESS_ONLY bool is_live(
      const void* block, std::uint64_t stamp) const noexcept override {
    return stamped_ == nullptr || stamped_->is_live(block, stamp);
  }
  void report_stale(const void* block, std::uint64_t stamp) const override {
    if (stamped_ != nullptr) stamped_->report_stale(block, stamp);
  }

 protected:
  explicit ResourceLayer(std::pmr::memory_resource* upstream) noexcept
      : upstream_(upstream), stamped_(dynamic_cast<const StampedResource*>(upstream)) {}

 private:
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  std::pmr::memory_resource* upstream_;
  const StampedResource* stamped_;
};

}  // namespace tenon
