#include <tenon/tensor/print.hpp>

#include <tenon/tensor/factories.hpp>
#include <tenon/tensor/static_tensor.hpp>
#include <tenon/tensor/tensor.hpp>

#include <tenon/memory/pool_allocator.hpp>

#include "catch.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <sstream>
#include <string>

using namespace tenon;

// Every expected text is str(x) of NumPy 2.4.6 with default options.

namespace {

constexpr double qnan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

template <class X>
std::string text(const X& x) {
  std::ostringstream stream;
  stream << x;
  return stream.str();
}

template <class T, class From, class S>
std::string text_of(std::initializer_list<From> values, const S& shape) {
  const auto elements = std::make_unique<T[]>(values.size() + 1);
  std::size_t i = 0;
  for (const From& value : values) elements[i++] = static_cast<T>(value);
  return text(view(elements.get(), shape));
}
template <class T, class S>
std::string text_of(std::initializer_list<double> values, const S& shape) {
  return text_of<T, double>(values, shape);
}

}  // namespace

TEST_CASE("floats print like NumPy") {
  CHECK(text_of<float>({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, shape(2, 3)) == "[[1. 2. 3.]\n [4. 5. 6.]]");
  CHECK(text_of<double>({0.5, -1.25, 100.0, 3.0}, shape(2, 2)) ==
        "[[  0.5   -1.25]\n [100.     3.  ]]");
  CHECK(text_of<double>({0.3333333333333333, 0.6666666666666666, 1.0}, shape(3)) ==
        "[0.33333333 0.66666667 1.        ]");
  CHECK(text_of<float>({0.3333333333333333, 0.1, -2.5}, shape(3)) ==
        "[ 0.33333334  0.1        -2.5       ]");
  CHECK(text_of<double>({1e-05, 1.0}, shape(2)) == "[1.e-05 1.e+00]");
  CHECK(text_of<double>({100000000.0, 1.0}, shape(2)) == "[1.e+08 1.e+00]");
  CHECK(text_of<float>({1000000.0, 999999.0}, shape(2)) == "[1.00000e+06 9.99999e+05]");
  CHECK(text_of<double>({0.001, 1.5}, shape(2)) == "[1.0e-03 1.5e+00]");
  CHECK(text_of<double>({0.001, 1.0}, shape(2)) == "[0.001 1.   ]");
  CHECK(text_of<double>({1e-300, 1.0}, shape(2)) == "[1.e-300 1.e+000]");
  CHECK(text_of<double>({qnan, infinity, -infinity, 1.5}, shape(4)) == "[ nan  inf -inf  1.5]");
  CHECK(text_of<float>({qnan, infinity}, shape(2)) == "[nan inf]");
  CHECK(text_of<float>({-infinity, 1.0}, shape(2)) == "[-inf   1.]");
  CHECK(text_of<double>({10000000000.0, qnan, -infinity}, shape(3)) == "[1.e+10    nan   -inf]");
  CHECK(text_of<float>({0.0, -0.0}, shape(2)) == "[ 0. -0.]");
  CHECK(text_of<double>({0.100000001, 0.2}, shape(2)) == "[0.1 0.2]");
  CHECK(text_of<float>({0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0}, shape(2, 2, 2)) ==
        "[[[0. 1.]\n  [2. 3.]]\n\n [[4. 5.]\n  [6. 7.]]]");
}

TEST_CASE("integers and bool print like NumPy") {
  CHECK(text_of<std::int32_t, std::int32_t>({1, -20, 300}, shape(3)) == "[  1 -20 300]");
  CHECK(text_of<std::int8_t, std::int8_t>({-128, 127}, shape(2, 1)) == "[[-128]\n [ 127]]");
  CHECK(text_of<std::uint64_t, std::uint64_t>({18446744073709551615U, 0U}, shape(2)) ==
        "[18446744073709551615                    0]");
  CHECK(text_of<bool, bool>({true, false, false, true}, shape(2, 2)) ==
        "[[ True False]\n [False  True]]");
}

TEST_CASE("rank 0 prints its element") {
  CHECK(text_of<double>({1.0}, shape()) == "1.0");
  CHECK(text_of<double>({0.1}, shape()) == "0.1");
  CHECK(text_of<float>({0.1}, shape()) == "0.1");
  CHECK(text_of<double>({1e-05}, shape()) == "1e-05");
  CHECK(text_of<double>({1.5e+16}, shape()) == "1.5e+16");
  CHECK(text_of<float>({16777216.0}, shape()) == "1.6777216e+07");
  CHECK(text_of<float>({qnan}, shape()) == "nan");
  CHECK(text_of<bool, bool>({true}, shape()) == "True");
  CHECK(text_of<std::int32_t, std::int32_t>({-7}, shape()) == "-7");
}

TEST_CASE("size 0 prints brackets") {
  CHECK(text_of<float>({}, shape(0)) == "[]");
  CHECK(text_of<float>({}, shape(2, 0)) == "[]");
}

TEST_CASE("long rows are wrapped at 75 characters") {
  PoolAllocator pool;
  CHECK(text(arange<double>(30, pool)) ==
        "[ 0.  1.  2.  3.  4.  5.  6.  7.  8.  9. 10. 11. 12. 13. 14. 15. 16. 17.\n"
        " 18. 19. 20. 21. 22. 23. 24. 25. 26. 27. 28. 29.]");
  CHECK(text(arange<std::int32_t>(30, pool)) ==
        "[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23\n"
        " 24 25 26 27 28 29]");
  auto sevenths = empty<double>(shape(2, 12), pool);
  for (int i = 0; i < 24; ++i) sevenths.data()[i] = i / 7.0;
  CHECK(text(sevenths) ==
        "[[0.         0.14285714 0.28571429 0.42857143 0.57142857 0.71428571\n"
        "  0.85714286 1.         1.14285714 1.28571429 1.42857143 1.57142857]\n"
        " [1.71428571 1.85714286 2.         2.14285714 2.28571429 2.42857143\n"
        "  2.57142857 2.71428571 2.85714286 3.         3.14285714 3.28571429]]");
}

TEST_CASE("more than 1000 elements are summarised") {
  PoolAllocator pool;
  CHECK(text(arange<float>(1001, pool)) == "[   0.    1.    2. ...  998.  999. 1000.]");
  CHECK(text(arange<float>(1000, pool)).find("...") == std::string::npos);
  const auto numbers = arange<std::int32_t>(2000, pool);
  CHECK(text(view(numbers.data(), shape(40, 50))) ==
        "[[   0    1    2 ...   47   48   49]\n"
        " [  50   51   52 ...   97   98   99]\n"
        " [ 100  101  102 ...  147  148  149]\n"
        " ...\n"
        " [1850 1851 1852 ... 1897 1898 1899]\n"
        " [1900 1901 1902 ... 1947 1948 1949]\n"
        " [1950 1951 1952 ... 1997 1998 1999]]");
  const auto cube = arange<double>(1200, pool);
  CHECK(text(view(cube.data(), shape(2, 3, 200))) ==
        "[[[0.000e+00 1.000e+00 2.000e+00 ... 1.970e+02 1.980e+02 1.990e+02]\n"
        "  [2.000e+02 2.010e+02 2.020e+02 ... 3.970e+02 3.980e+02 3.990e+02]\n"
        "  [4.000e+02 4.010e+02 4.020e+02 ... 5.970e+02 5.980e+02 5.990e+02]]\n"
        "\n"
        " [[6.000e+02 6.010e+02 6.020e+02 ... 7.970e+02 7.980e+02 7.990e+02]\n"
        "  [8.000e+02 8.010e+02 8.020e+02 ... 9.970e+02 9.980e+02 9.990e+02]\n"
        "  [1.000e+03 1.001e+03 1.002e+03 ... 1.197e+03 1.198e+03 1.199e+03]]]");
  CHECK(text(view(numbers.data(), shape(1001, 1), {1, 1})) ==
        "[[   0]\n"
        " [   1]\n"
        " [   2]\n"
        " ...\n"
        " [ 998]\n"
        " [ 999]\n"
        " [1000]]");
}

TEST_CASE("every kind of tensor and layout prints its elements in order") {
  PoolAllocator pool;
  const StaticTensor<int, 2, 2> fixed{1, 2, 3, 4};
  CHECK(text(fixed) == "[[1 2]\n [3 4]]");
  CHECK(text(fixed.clone(pool)) == "[[1 2]\n [3 4]]");
  CHECK(text(TensorView<const int, Shape<2, 2>, column_major>(fixed.data(), {})) ==
        "[[1 3]\n [2 4]]");
  CHECK(text(view(fixed.data() + 3, shape(4), {-1})) == "[4 3 2 1]");
}

TEST_CASE("printing a stale tensor is access") {
  if constexpr (checked_build) {
    PoolAllocator pool;
    const auto x = zeros<float>(shape(3), pool);
    pool.clear();
    CHECK_THROWS_AS(text(x), StaleTensorError);
  }
}

TEST_CASE("the state of the stream is neither used nor changed") {
  std::ostringstream stream;
  stream.precision(2);
  stream.width(30);
  stream << StaticTensor<double, 2>{1.0 / 3, 2.0};
  CHECK(stream.str() == "[0.33333333 2.        ]");
}
