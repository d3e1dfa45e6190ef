#include <tenon/io/stored_tensor.hpp>

#include "files.hpp"

#include <tenon/tensor/compare.hpp>
#include <tenon/tensor/static_tensor.hpp>

namespace tn = tenon;
using files::message_of;

namespace {

struct Six {
  files::AlignedBytes bytes{files::bytes_of<float>({0, 1, 2, 3, 4, 5})};
  tn::StoredTensor tensor{.name = "six",
                          .type = "F32",
                          .dtype = tn::DType::float32,
                          .rank = 2,
                          .extents = {2, 3},
                          .offset = 100,
                          .bytes = bytes};
};

}  // namespace

TEST_CASE("a stored tensor is seen where it lies, in the shape that is asked for", "[io]") {
  const Six six;
  const tn::StaticTensor<float, 2, 3> expected{0, 1, 2, 3, 4, 5};
  const auto fixed = tn::view<float, tn::Shape<2, 3>>(six.tensor);
  REQUIRE(static_cast<const void*>(fixed.data()) == six.tensor.bytes.data());
  REQUIRE(tn::array_equal(fixed, expected));
  REQUIRE(tn::array_equal(tn::view<float, tn::Shape<tn::dyn, 3>>(six.tensor), expected));
  REQUIRE(tn::array_equal(tn::view<float, tn::Shape<tn::upto<2>, tn::dyn>>(six.tensor), expected));
}

TEST_CASE("another dtype is a DTypeError that names both", "[io]") {
  const Six six;
  const auto text = message_of<tn::DTypeError>(
      [&] { static_cast<void>(tn::view<double, tn::Shape<2, 3>>(six.tensor)); });
  REQUIRE(text == "view: 'six' has elements F32, asked for as float64");
}

TEST_CASE("another shape is a ShapeError that names both", "[io]") {
  const Six six;
  const auto refused = [&]<class S>(S) {
    return message_of<tn::ShapeError>([&] { static_cast<void>(tn::view<float, S>(six.tensor)); });
  };
  REQUIRE(refused(tn::Shape<3, 2>{}) == "view: 'six' has the shape (2, 3), asked for as (3, 2)");
  REQUIRE(refused(tn::Shape<6>{}) == "view: 'six' has the shape (2, 3), asked for as (6,)");
  REQUIRE(refused(tn::Shape<tn::dyn, tn::upto<2>>{}) ==
          "view: 'six' has the shape (2, 3), asked for as (dyn, upto 2)");
}

TEST_CASE("a tensor in Fortran order is a column-major view, or an error that says so", "[io]") {
  Six six;
  six.tensor.column_major = true;
  using S = tn::Shape<2, 3>;
  const tn::StaticTensor<float, 2, 3> expected{0, 2, 4, 1, 3, 5};
  REQUIRE(tn::array_equal(tn::view<float, S, tn::column_major>(six.tensor), expected));
  REQUIRE(tn::array_equal(tn::view<float, S, tn::dyn_strides>(six.tensor), expected));
  REQUIRE(message_of<tn::FormatError>([&] { static_cast<void>(tn::view<float, S>(six.tensor)); }) ==
          "view: 'six' (byte 100) is stored in Fortran order: ask for the layout column_major or "
          "dyn_strides");
  six.tensor.column_major = false;
  REQUIRE_THROWS_AS((tn::view<float, S, tn::column_major>(six.tensor)), tn::FormatError);
}

TEST_CASE("elements that do not lie at a multiple of their size are refused", "[io]") {
  const files::AlignedBytes bytes{" " + files::bytes_of<float>({1, 2})};
  Six six;
  six.tensor.rank = 1;
  six.tensor.bytes = std::span<const std::byte>(bytes).subspan(1);
  REQUIRE(message_of<tn::FormatError>([&] {
            static_cast<void>(tn::view<float, tn::Shape<2>>(six.tensor));
          }) == "view: 'six' (byte 100) does not lie at a multiple of 4 B");
}

TEST_CASE("a bool that is neither 0 nor 1 is refused with its byte", "[io]") {
  const files::AlignedBytes bytes{std::string_view("\0\1\2", 3)};
  const tn::StoredTensor mask{.name = "mask",
                              .type = "BOOL",
                              .dtype = tn::DType::boolean,
                              .rank = 1,
                              .extents = {3},
                              .offset = 50,
                              .bytes = bytes};
  REQUIRE(message_of<tn::FormatError>([&] {
            static_cast<void>(tn::view<bool, tn::Shape<3>>(mask));
          }) == "view: 'mask' (byte 52) is bool, but holds 2");
}

TEST_CASE("names in messages have no control characters and an end", "[io]") {
  REQUIRE(std::string_view(tn::detail::QuotedText("a\x1b[31m\n").text) == "a?[31m?");
  const tn::detail::QuotedText quoted(std::string(1000, 'x'));
  const std::string_view cut = quoted.text;
  REQUIRE(cut.size() == 71);
  REQUIRE(cut.ends_with("x..."));
}
