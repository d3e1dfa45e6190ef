#pragma once
// Elements from anywhere into rows that lie one behind the other.

#include <tenon/eval/eval.hpp>

#include <tenon/core/config.hpp>

#include <cstddef>
#include <cstring>

namespace tenon::detail::inline TENON_MODE {

// Formula: to[i · row + j] = from[i · row_stride + j · stride], for 0 <= i < rows, 0 <= j < columns.
// Contract: the two do not meet.
template <class T>
void copy_rows(T* to, index_t row, const T* from, index_t row_stride, index_t stride, index_t rows,
               index_t columns) noexcept {
  if (stride == 1) {
    for (index_t i = 0; i < rows; ++i)
      std::memcpy(to + i * row, from + i * row_stride,
                  static_cast<std::size_t>(columns) * sizeof(T));
    return;
  }
  using Strided = TensorView<const T, Shape<dyn, dyn>, dyn_strides>;
  using Target = TensorView<T, Shape<dyn, dyn>, dyn_strides>;
  eval_into(noalias(Target(to, shape(rows, columns), {row, 1})),
            Strided(from, shape(rows, columns), {row_stride, stride}));
}

}  // namespace tenon::detail::inline TENON_MODE
