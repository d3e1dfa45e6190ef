#include <tenon/tensor/static_tensor.hpp>
#include <tenon/tensor/tensor.hpp>
#include <tenon/tensor/traits.hpp>
#include <tenon/tensor/view.hpp>

#include "catch.hpp"

using namespace tenon;

namespace {
using Owner = Tensor<float, Shape<2, dyn>>;
using View = TensorView<const float, Shape<2, 3>, column_major>;
using Inline = StaticTensor<int, 2, 3>;
}  // namespace

TEST_CASE("the traits tell the three kinds of tensors apart") {
  STATIC_REQUIRE((is_tensor_v<Owner> && !is_tensor_v<View> && !is_tensor_v<Inline>));
  STATIC_REQUIRE((!is_tensor_view_v<Owner> && is_tensor_view_v<View> && !is_tensor_view_v<Inline>));
  STATIC_REQUIRE(
      (!is_static_tensor_v<Owner> && !is_static_tensor_v<View> && is_static_tensor_v<Inline>));
  STATIC_REQUIRE_FALSE(is_tensor_v<float>);
}

TEST_CASE("TensorLike looks through const and references, OwningTensor leaves views out") {
  STATIC_REQUIRE((TensorLike<Owner> && TensorLike<const View&> && TensorLike<Inline&&>));
  STATIC_REQUIRE_FALSE((TensorLike<float> || TensorLike<float*> || TensorLike<Shape<2>>));
  STATIC_REQUIRE((OwningTensor<const Owner&> && OwningTensor<Inline> && !OwningTensor<View>));
}
