#pragma once
// What every TensorLike promises, as one function that the tests run on every model.

#include <tenon/tensor/traits.hpp>

#include "catch.hpp"

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

// x holds 10 · i + j at (i, j), i < 2, j < 3. `get` is how the law reaches the elements, so that it
// runs on const and on non-const models.
template <class X>
void check_two_by_three(X& x) {
  using Plain = std::remove_const_t<X>;
  STATIC_REQUIRE(tenon::TensorLike<X>);
  STATIC_REQUIRE(Plain::rank() == 2);
  STATIC_REQUIRE_FALSE(std::is_const_v<typename Plain::value_type>);
  CHECK(x.extent(0) == 2);
  CHECK(x.extent(1) == 3);
  CHECK(x.extent(-1) == 3);
  CHECK(x.shape() == tenon::shape(2, 3));
  CHECK(x.size() == 6);
  const auto strides = x.strides();
  STATIC_REQUIRE(std::is_same_v<decltype(strides), const std::array<tenon::index_t, 2>>);
  for (int i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      const auto expected = static_cast<typename Plain::value_type>(10 * i + static_cast<int>(j));
      CHECK(x(i, j) == expected);
      CHECK(x.at(i, j) == expected);
      CHECK(x.template operator()<true>(i, j) == expected);
      CHECK(&x(i, j) == x.data() + i * strides[0] + static_cast<tenon::index_t>(j) * strides[1]);
    }
  }
  CHECK_THROWS_AS(x.at(2, 0), tenon::ContractError);
  CHECK_THROWS_AS(x.at(0, 3), tenon::ContractError);
  CHECK_THROWS_AS(x.at(-1, 0), tenon::ContractError);
  CHECK_THROWS_WITH(x.at(1, 7), "at: index (1, 7) is outside the shape (2, 3)");
  CHECK_THROWS_AS(x.template operator()<true>(0, -1), tenon::ContractError);
}
