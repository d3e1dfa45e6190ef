#pragma once
// Where the table finds the product of a row.

#include "kernel_table.hpp"

namespace tenon::detail::inline TENON_MODE {

[[nodiscard]] RowProduct row_product(DType dtype) noexcept;

}  // namespace tenon::detail::inline TENON_MODE
