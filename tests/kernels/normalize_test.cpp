// Softmax kernels: rows and packs of rows of any length, in the row buffer that they are given.

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/kernels/normalize.hpp>

namespace kernels = tenon::kernels;
using kernels::StridedCursor;
using naive::Fenced;
using naive::index_t;
using naive::values;

namespace {

struct Value;

template <bool Log, bool Along, class T>
int wrong_rows() {
  constexpr double tolerance = sizeof(T) == 4 ? 3e-6 : 1e-14;
  int wrong = 0;
  const auto v = values<T>(40 * 140, 1);
  for (index_t n = 0; n <= 140; n += n < 40 ? 1 : 9)
    for (index_t rows : {0, 1, 7, 16, 37}) {
      // Along: rows lie in memory order; across: element i of all rows side by side.
      const index_t row_step = Along ? n : 1, step = Along ? 1 : rows;
      Fenced<T> x(rows * n, 1), y(rows * n, 3);
      x.fill(v);
      const std::size_t bytes = kernels::normalize_workspace_bytes<T, Along>(n);
      alignas(64) static std::byte buffer[140 * 16 * sizeof(double) + 256];
      if (bytes + 128 > sizeof buffer) return -1;
      std::memset(buffer, 0x5A, sizeof buffer);
      using Source = StridedCursor<const T, 2, Along ? 1 : 0, 0U>;
      using Dst = StridedCursor<T, 2, Along ? 1 : 0, 0U>;
      const kernels::BoundCursor<Value, T, 2> value;
      const kernels::Target<Value, kernels::BoundCursor<Value, T, 2>, Dst> target(
          value, Dst(y.data(), {row_step, step}));
      kernels::normalize<Log, Along, T>(std::array<index_t, 2>{rows, n},
                                        Source(x.data(), {row_step, step}), target, buffer);
      for (index_t r = 0; r < rows; ++r) {
        double most = -1e300, sum = 0;
        for (index_t i = 0; i < n; ++i)
          most = std::max(most, static_cast<double>(x.data()[r * row_step + i * step]));
        for (index_t i = 0; i < n; ++i) sum += std::exp(x.data()[r * row_step + i * step] - most);
        for (index_t i = 0; i < n; ++i) {
          const double d = x.data()[r * row_step + i * step] - most;
          wrong += !naive::close(y.data()[r * row_step + i * step],
                                 Log ? d - std::log(sum) : std::exp(d) / sum, tolerance, tolerance);
        }
      }
      wrong += !y.fences_whole();
      for (std::size_t i = 0; i < 128; ++i) wrong += buffer[bytes + i] != std::byte{0x5A};
      wrong += rows > 0 && n > 0 && buffer[bytes - 1] == std::byte{0x5A};
    }
  return wrong;
}

}  // namespace

TEMPLATE_TEST_CASE("softmax and log_softmax of rows of any length", "", float, double) {
  CHECK(wrong_rows<false, true, TestType>() == 0);
  CHECK(wrong_rows<true, true, TestType>() == 0);
  CHECK(wrong_rows<false, false, TestType>() == 0);
  CHECK(wrong_rows<true, false, TestType>() == 0);
}
