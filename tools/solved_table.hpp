#pragma once
// A table of lifetimes with its solution, as MiniMalloc writes it.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace tenon::tools {

// The table in `text` with a column "offset", in place of an older one or behind the others; ids and all
// other columns stay as they are.
// Contract: read_lifetimes takes the text, and has offsets.size() buffers of it.
[[nodiscard]] std::string solved_table(std::string_view text, std::span<const std::size_t> offsets);

}  // namespace tenon::tools
