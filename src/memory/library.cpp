#include <tenon/memory/library.hpp>

namespace tenon {

int memory_library_version() noexcept { return TENON_VERSION; }

}  // namespace tenon
