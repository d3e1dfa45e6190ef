#pragma once
// The compiled part of the memory layer, target tenon::memory: which version it is.

#include <tenon/core/version.hpp>

namespace tenon {

// The TENON_VERSION that tenon::memory was compiled from. It equals the header's TENON_VERSION
// unless a program was compiled with one version and runs with the shared library of another.
// Thread-safe, no allocation.
[[nodiscard]] int memory_library_version() noexcept;

}  // namespace tenon
