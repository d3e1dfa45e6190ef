#pragma once
// Can running an expression throw? Kernels never do; a functor of the user's may.

#include <tenon/expr/map.hpp>

#include <type_traits>

namespace tenon::detail::inline TENON_MODE {

template <class F, class... T>
consteval bool functor_is_nothrow() {
  if constexpr (std::is_invocable_v<const F&, const probe<T>&...>)
    return std::is_nothrow_invocable_v<const F&, const probe<T>&...>;
  else
    return std::is_nothrow_invocable_v<const F&, T...>;
}

template <class Op, class... Operands>
inline constexpr bool operation_is_nothrow = true;
template <class F, class... Operands>
inline constexpr bool operation_is_nothrow<Map<F>, Operands...> =
    functor_is_nothrow<F, value_t<Operands>...>();

// True where every functor of the tree is noexcept for its operands.
template <class E>
inline constexpr bool runs_nothrow = true;
template <class Op, class T, class S, class... Operands>
inline constexpr bool runs_nothrow<Node<Op, T, S, Operands...>> =
    operation_is_nothrow<Op, Operands...> && (runs_nothrow<Operands> && ...);

}  // namespace tenon::detail::inline TENON_MODE
