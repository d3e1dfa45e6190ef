#pragma once
// What counts as a tensor: forward declarations, traits and the concepts that the layers above use.

#include <tenon/core/config.hpp>
#include <tenon/core/shape.hpp>
#include <tenon/tensor/layout.hpp>

#include <type_traits>

namespace tenon {

template <class T, class S>
class Tensor;
template <class T, class S, class Layout = row_major>
class TensorView;
template <class T, index_t... E>
class StaticTensor;

inline namespace TENON_MODE {

// Names the instruction set and the checked mode in the symbol of a function template whose body
// calls into expr and eval: two objects built with other flags then never share it.
struct build_mode {};

}  // namespace TENON_MODE

// True for Tensor, TensorView and StaticTensor respectively; X is taken without const and
// reference.
template <class X>
inline constexpr bool is_tensor_v = false;
template <class T, class S>
inline constexpr bool is_tensor_v<Tensor<T, S>> = true;

template <class X>
inline constexpr bool is_tensor_view_v = false;
template <class T, class S, class Layout>
inline constexpr bool is_tensor_view_v<TensorView<T, S, Layout>> = true;

template <class X>
inline constexpr bool is_static_tensor_v = false;
template <class T, index_t... E>
inline constexpr bool is_static_tensor_v<StaticTensor<T, E...>> = true;

// Elements in memory with a shape and strides: a Tensor, a TensorView or a StaticTensor.
template <class X>
concept TensorLike =
    is_tensor_v<std::remove_cvref_t<X>> || is_tensor_view_v<std::remove_cvref_t<X>> ||
    is_static_tensor_v<std::remove_cvref_t<X>>;

// A TensorLike that holds its elements, so that a view of it dangles once it is gone.
template <class X>
concept OwningTensor =
    is_tensor_v<std::remove_cvref_t<X>> || is_static_tensor_v<std::remove_cvref_t<X>>;

}  // namespace tenon
