#include <tenon/tensor/number_text.hpp>

#include "catch.hpp"

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string>

using namespace tenon::detail;

namespace {

template <class T>
std::string column(std::initializer_list<T> values) {
  ElementFormat<T> format;
  for (const T x : values) format.see(x);
  std::string all;
  for (const T x : values) all += std::string(format.text(x).view()) + "|";
  return all;
}

}  // namespace

TEST_CASE("decimals have the shortest digits or the ones asked for") {
  const Decimal shortest = shortest_decimal(0.1);
  CHECK(shortest.count == 1);
  CHECK(shortest.digits[0] == '1');
  CHECK(shortest.exponent == -1);
  CHECK(shortest.fraction_count() == 1);
  CHECK(shortest.integer_count() == 1);
  const Decimal large = shortest_decimal(-12300.0F);
  CHECK(large.negative);
  CHECK(large.count == 3);
  CHECK(large.integer_count() == 5);
  CHECK(large.fraction_count() == 0);
  CHECK(large.digit(3) == '2');
  CHECK(large.digit(0) == '0');
  CHECK(large.digit(7) == '0');
  CHECK(rounded_decimal(0.99999, 2).exponent == 0);
  CHECK(rounded_decimal(0.99999, 2).count == 1);
  CHECK(shortest_decimal(0.0).count == 1);
}

// Expected: the elements of str(np.array(values)) of NumPy 2.4, one column each.
TEST_CASE("all elements of an array take the same columns") {
  CHECK(column({1.5, -22.25}) == "  1.5 |-22.25|");
  CHECK(column({1e-5, 1.5}) == "1.0e-05|1.5e+00|");
  CHECK(column({1.0F, std::numeric_limits<float>::infinity()}) == " 1.|inf|");
  CHECK(column<std::int8_t>({-128, 5}) == "-128|   5|");
  CHECK(column({true, false}) == " True|False|");
}

TEST_CASE("the widest values fit the text") {
  constexpr double most = std::numeric_limits<double>::max();
  CHECK(column({-most, 5e-324}) == "-1.79769313e+308| 4.94065646e-324|");
  CHECK(std::string(ElementFormat<double>::scalar(-0.00012345678901234567).view()) ==
        "-0.00012345678901234567");
  CHECK(std::string(ElementFormat<double>::scalar(-9999999999999998.0).view()) ==
        "-9999999999999998.0");
  CHECK(std::string(
            ElementFormat<std::int64_t>::scalar(std::numeric_limits<std::int64_t>::min()).view()) ==
        "-9223372036854775808");
  CHECK(std::string(ElementFormat<double>::scalar(-5e-324).view()) == "-5e-324");
}
