#pragma once
// The loop of all elementwise operations over tiles, and the tables of their functions.

#include "kernel_table.hpp"

#include <tenon/simd/math.hpp>
#include <tenon/simd/pack.hpp>

#include <algorithm>

namespace tenon::detail::inline TENON_MODE {

template <class T>
using TilePack = simd::Pack<T, simd::native_lanes<T>>;

// An operand of a tile: consecutive elements, or one element for all lanes.
template <class T, bool Scalar>
class TileOperand {
 public:
  explicit TileOperand(const void* at) : at_(static_cast<const T*>(at)) {
    if constexpr (Scalar) value_ = TilePack<T>::broadcast(at_);
  }
  TENON_INLINE TilePack<T> load(index_t i) const {
    if constexpr (Scalar)
      return value_;
    else
      return TilePack<T>::load(at_ + i);
  }
  TENON_INLINE TilePack<T> load_partial(index_t i, int count) const {
    if constexpr (Scalar)
      return value_;
    else
      return TilePack<T>::load_partial(at_ + i, count);
  }

 private:
  const T* at_;
  TilePack<T> value_;
};

// to[i] = f(operands[i]…). Two packs at a time: the second one's loads do not wait for the first one's store.
template <class T, class F, class... Operands>
TENON_INLINE void for_each_pack(T* to, index_t n, const F& f, const Operands&... operands) {
  constexpr index_t lanes = TilePack<T>::size;
  index_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const TilePack<T> first = f(operands.load(i)...);
    const TilePack<T> second = f(operands.load(i + lanes)...);
    first.store(to + i);
    second.store(to + i + lanes);
  }
  for (; i < n; i += lanes) {
    const int count = static_cast<int>(std::min(lanes, n - i));
    if (count == lanes)
      f(operands.load(i)...).store(to + i);
    else
      f(operands.load_partial(i, count)...).store_partial(to + i, count);
  }
}

[[nodiscard]] TileFunction binary_tile_function(ElementwiseCode code, DType dtype,
                                                TileOperands operands) noexcept;
[[nodiscard]] TileFunction unary_tile_function(ElementwiseCode code, DType dtype) noexcept;

}  // namespace tenon::detail::inline TENON_MODE
