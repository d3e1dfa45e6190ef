// Values that take the place of an operand which dies: fewer bytes, the same elements.

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/tenon.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace tn = tenon;
using tn::index_t;

namespace {

template <index_t... E>
using View = tn::TensorView<const float, tn::Shape<E...>>;

// How many values of E take another's place.
template <class E>
constexpr int in_place_count() {
  int count = 0;
  for (const int before : tn::plan_of<E>.slots.in_place_of) count += before >= 0 ? 1 : 0;
  return count;
}

constexpr index_t m = 24, n = 40;
using A = View<m, n>;
using Square = View<n, n>;
using Row = View<n>;

template <class... X, class F>
constexpr int in_place(F) {
  return in_place_count<decltype(std::declval<F>()(std::declval<X&>()...))>();
}

// The epilogue of a contraction reads a tile and stores it.
static_assert(in_place<Square>([](auto& w) {
                return tn::let(tn::matmul(w, w) * tn::softmax<-1>(w),
                               [](auto h) { return tn::matmul(h, h); });
              }) == 1);
// A normalisation reads its row before it stores any of it.
static_assert(in_place<A, Square>([](auto& x, auto& w) {
                return tn::matmul(tn::softmax<-1>(tn::softmax<-1>(x) * 2.0f), w);
              }) == 1);
// A contraction reads its operands again and again.
static_assert(in_place<Square>([](auto& w) {
                return tn::matmul(tn::matmul(tn::matmul(w, w), w), w);
              }) == 0);
// Not at the same index: transposed, or one row for all.
static_assert(in_place<Square>([](auto& w) {
                return tn::matmul(tn::matmul(w, w) + tn::transpose(tn::matmul(w, w)), w);
              }) == 0);
static_assert(in_place<View<1, n>, Square>([](auto& x, auto& w) {
                return tn::matmul(tn::matmul(w, w) + tn::matmul(x, w), w);
              }) == 0);
// Elements of another size.
static_assert(in_place<A, View<n, n>>([](auto& x, auto& w) {
                auto wide = tn::cast<double>(w);
                return tn::let(
                    tn::matmul(tn::cast<double>(x), wide) * tn::cast<double>(tn::softmax<-1>(x)),
                    [wide](auto h) { return tn::matmul(h, wide) + h; });
              }) == 0);
// Read once more later: only the last reader may take the place.
static_assert(in_place<Square>([](auto& w) {
                return tn::let(tn::matmul(w, w), [w](auto h) {
                  return tn::let(tn::matmul(w, w) + h,
                                 [h](auto g) { return tn::matmul(g, g) + h; });
                });
              }) == 0);
static_assert(in_place<Square>([](auto& w) {
                return tn::let(tn::matmul(w, w), [w](auto h) {
                  return tn::let(tn::matmul(h, w) + h, [](auto g) { return tn::matmul(g, g); });
                });
              }) == 0);
static_assert(in_place<Square>([](auto& w) {
                return tn::let(tn::matmul(w, w), [w](auto h) {
                  return tn::let(tn::matmul(w, w) + h, [](auto g) { return tn::matmul(g, g); });
                });
              }) == 1);
// A bounded extent that another operand could stretch.
static_assert(in_place<View<tn::upto<8>, n>, Square>([](auto& x, auto& w) {
                return tn::let(tn::matmul(x, w) * tn::softmax<-1>(x),
                               [w](auto h) { return tn::matmul(h, w) + h; });
              }) == 0);
static_assert(in_place<View<tn::upto<8>, n>, Square, Row>([](auto& x, auto& w, auto& r) {
                return tn::matmul(tn::softmax<-1>(tn::softmax<-1>(x) + r), w);
              }) == 1);

// Evaluates e in exactly the bytes of its plan and compares with double arithmetic.
template <class E>
void check(const E& e, const std::vector<double>& expected, double tolerance) {
  const std::size_t bytes = tn::plan(e).workspace_bytes;
  tn::Arena results;
  std::vector<std::byte> memory(bytes + 64);
  auto* const base =
      memory.data() + (64 - reinterpret_cast<std::uintptr_t>(memory.data()) % 64) % 64;
  tn::FixedBufferAllocator exact(std::span(base, bytes));
  const auto y = tn::eval(e, results, tn::scratch(exact));
  REQUIRE(y.size() == static_cast<index_t>(expected.size()));
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    wrong +=
        naive::close(static_cast<double>(y.data()[i]), expected[i], tolerance, tolerance) ? 0U : 1U;
  CHECK(wrong == 0);
}

std::vector<double> product(const std::vector<double>& a, const std::vector<double>& b,
                            index_t rows, index_t depth, index_t columns) {
  std::vector<double> c(static_cast<std::size_t>(rows * columns));
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < columns; ++j)
      for (index_t k = 0; k < depth; ++k)
        c[static_cast<std::size_t>(i * columns + j)] +=
            a[static_cast<std::size_t>(i * depth + k)] *
            b[static_cast<std::size_t>(k * columns + j)];
  return c;
}

std::vector<double> softmax_rows(std::vector<double> x, index_t columns) {
  const auto width = static_cast<std::size_t>(columns);
  for (std::size_t r = 0; r < x.size(); r += width) {
    double sum = 0;
    for (std::size_t j = 0; j < width; ++j) sum += x[r + j] = std::exp(x[r + j]);
    for (std::size_t j = 0; j < width; ++j) x[r + j] /= sum;
  }
  return x;
}

// Matrices of M rows, each with N columns, in float and in double.
struct Data {
  explicit Data(index_t rows, index_t columns, unsigned seed)
      : values(naive::values<float>(static_cast<std::size_t>(rows * columns), seed)),
        exact(values.begin(), values.end()) {
    for (std::size_t i = 0; i < values.size(); ++i) exact[i] = values[i] *= 0.1f;
  }
  std::vector<float> values;
  std::vector<double> exact;
};

}  // namespace

TEST_CASE("Normalisations and elementwise stages in the place of what they read",
          "[eval][in_place]") {
  const Data x(m, n, 4), w(n, n, 5), r(1, n, 6);
  const A xs(x.values.data(), {});
  const Square ws(w.values.data(), {});
  const Row row(r.values.data(), {});
  auto inner = softmax_rows(x.exact, n);
  for (std::size_t i = 0; i < inner.size(); ++i) inner[i] = inner[i] * 3 + r.exact[i % n];
  const auto outer = softmax_rows(inner, n);
  check(tn::matmul(tn::softmax<-1>(tn::softmax<-1>(xs) * 3.0f + row), ws),
        product(outer, w.exact, m, n, n), 1e-5);
  // Down the columns: packs of columns side by side.
  check(
      tn::matmul(tn::transpose(tn::softmax<0>(tn::softmax<-1>(xs) * 3.0f)), xs),
      [&] {
        auto y = softmax_rows(x.exact, n);
        std::vector<double> t(y.size());
        for (std::size_t i = 0; i < m; ++i)
          for (std::size_t j = 0; j < n; ++j) t[j * m + i] = y[i * n + j] * 3;
        t = softmax_rows(t, m);
        return product(t, x.exact, n, m, n);
      }(),
      1e-5);
  // A shared value, read last by the stage that takes its place.
  const auto h = product(w.exact, w.exact, n, n, n);
  auto sum = product(w.exact, w.exact, n, n, n);
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += h[i] * h[i];
  check(tn::let(tn::matmul(ws, ws),
                [&](auto v) {
                  return tn::let(tn::matmul(ws, ws) + v * v,
                                 [](auto g) { return tn::matmul(g, g); });
                }),
        product(sum, sum, n, n, n), 1e-4);
}
