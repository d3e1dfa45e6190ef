#pragma once
// Expressions whose plans are known: what each needs, as a formula over the kernels' own functions.

#include <tenon/plan/slot_table.hpp>
#include <tenon/tenon.hpp>

#include <algorithm>
#include <tuple>

namespace plan_cases::inline TENON_MODE {

namespace tn = tenon;
using tn::index_t;

template <index_t... E>
using View = tn::TensorView<const float, tn::Shape<E...>>;

inline constexpr index_t m = 16, n = 40, p = 24, l = 32;

// What expressions are made of. Few rows, so that no plan cuts them into blocks.
struct Operands {
  View<m, n> x;
  View<n, n> w;
  View<n, p> v;
  View<n> b;
  View<l, n> keys;
  View<l, p> values;
};

// build(operands) takes `Bytes` of workspace in `Stages` stages.
template <std::size_t Bytes, int Stages, class F>
struct Case {
  static constexpr std::size_t bytes = Bytes;
  static constexpr int stages = Stages;
  F build;
};
template <std::size_t Bytes, int Stages, class F>
constexpr Case<Bytes, Stages, F> takes(F build) {
  return {build};
}

// Panels of a product of M, N, K; the buffer of a row; a stored matrix.
constexpr std::size_t g(index_t rows, index_t columns, index_t depth) {
  return tn::kernels::gemm_workspace_bytes<float>(rows, columns, depth);
}
constexpr std::size_t row(index_t columns) {
  return tn::kernels::normalize_workspace_bytes<float, true>(columns);
}
constexpr std::size_t matrix(index_t rows, index_t columns) {
  return static_cast<std::size_t>(rows * columns) * sizeof(float);
}
inline constexpr std::size_t hidden = matrix(m, n), square = matrix(n, n);
inline constexpr std::size_t product = g(m, n, n), narrow = g(m, p, n);

constexpr std::size_t most(std::initializer_list<std::size_t> bytes) { return std::max(bytes); }

inline constexpr auto layer = [](const auto& e, const Operands& o) {
  return tn::relu(tn::matmul(e, o.w) + o.b);
};

inline constexpr auto all = std::tuple{
    // Loops and reductions store nothing.
    takes<0, 1>([](const Operands& o) { return o.x * 2.0f + o.b; }),
    takes<0, 1>([](const Operands& o) { return tn::sqrt(tn::abs(-o.x * o.b)) - tn::square(o.x); }),
    takes<0, 1>([](const Operands& o) { return tn::sum<1>(tn::square(o.x)); }),
    takes<0, 1>([](const Operands& o) { return tn::max<0>(tn::relu(o.x)) + o.b; }),
    // A costly row is computed once; its bytes are no multiple of 64.
    takes<n * sizeof(float), 2>([](const Operands& o) { return o.x * tn::exp(o.b); }),
    // One product, whatever surrounds it.
    takes<product, 1>([](const Operands& o) { return tn::matmul(o.x, o.w); }),
    takes<product, 1>([](const Operands& o) { return layer(o.x, o); }),
    takes<product, 1>([](const Operands& o) { return layer(o.x, o) + o.x; }),
    takes<product, 1>([](const Operands& o) { return tn::matmul(tn::relu(o.x) * 2.0f, o.w); }),
    takes<g(n, 1, n), 1>([](const Operands& o) { return tn::matmul(o.w, o.b); }),
    // Chains and perceptrons: two hidden matrices live beside the panels, one before the last.
    takes<hidden + product, 2>(
        [](const Operands& o) { return tn::matmul(tn::matmul(o.x, o.w), o.w); }),
    takes<square + most({g(n, n, n), product}), 2>(
        [](const Operands& o) { return tn::matmul(o.x, tn::matmul(o.w, o.w)); }),
    takes<hidden + most({product, narrow}), 2>(
        [](const Operands& o) { return tn::matmul(layer(o.x, o), o.v); }),
    takes<most({2 * hidden + product, hidden + narrow}), 3>(
        [](const Operands& o) { return tn::matmul(layer(layer(o.x, o), o), o.v); }),
    takes<most({2 * hidden + product, hidden + narrow}), 4>(
        [](const Operands& o) { return tn::matmul(layer(layer(layer(o.x, o), o), o), o.v); }),
    takes<most({2 * hidden + product, hidden + narrow}), 5>([](const Operands& o) {
      return tn::matmul(layer(layer(layer(layer(o.x, o), o), o), o), o.v);
    }),
    takes<most({2 * hidden + product, hidden + narrow}), 6>([](const Operands& o) {
      return tn::matmul(layer(layer(layer(layer(layer(o.x, o), o), o), o), o), o.v);
    }),
    takes<hidden + most({product, row(n)}), 2>(
        [](const Operands& o) { return tn::softmax<-1>(layer(o.x, o)); }),
    takes<hidden + most({product, row(n)}), 2>(
        [](const Operands& o) { return tn::log_softmax<-1>(tn::matmul(o.x, o.w) * 0.5f); }),
    // Normalisations: a row; and in place of each other.
    takes<row(n), 1>([](const Operands& o) { return tn::softmax<-1>(o.x); }),
    takes<row(n), 1>([](const Operands& o) { return tn::log_softmax<-1>(o.x + o.b) * 2.0f; }),
    takes<tn::kernels::normalize_workspace_bytes<float, false>(m), 1>(
        [](const Operands& o) { return tn::softmax<0>(o.x); }),
    takes<hidden + row(n), 2>(
        [](const Operands& o) { return tn::softmax<-1>(tn::softmax<-1>(o.x) * 2.0f); }),
    takes<hidden + row(n), 3>([](const Operands& o) {
      return tn::softmax<-1>(tn::softmax<-1>(tn::softmax<-1>(o.x) + o.b) * 2.0f);
    }),
    takes<hidden + most({row(n), product}), 2>(
        [](const Operands& o) { return tn::matmul(tn::softmax<-1>(o.x), o.w); }),
    takes<m * sizeof(float), 2>(
        [](const Operands& o) { return o.x - tn::mean<1>(o.x, tn::keepdims); }),
    takes<m * sizeof(float), 2>([](const Operands& o) {
      return o.x / tn::sqrt(tn::mean<1>(tn::square(o.x), tn::keepdims) + 1e-5f);
    }),
    // Attention: the weights lie where the scores lay.
    takes<matrix(m, l) + most({g(m, l, n), row(l), g(m, p, l)}), 3>([](const Operands& o) {
      return tn::matmul(tn::softmax<-1>(tn::matmul(o.x, tn::transpose(o.keys)) * 0.15f), o.values);
    }),
    takes<matrix(m, l) + most({g(m, l, n), row(l), g(m, p, l)}), 3>([](const Operands& o) {
      return tn::matmul(tn::softmax<-1>(tn::matmul(o.x, tn::transpose(o.keys))), o.values) * 2.0f;
    }),
    // A gate and what it opens.
    takes<hidden + product, 2>(
        [](const Operands& o) { return tn::sigmoid(tn::matmul(o.x, o.w)) * tn::matmul(o.x, o.w); }),
    takes<2 * hidden + most({product, narrow}), 3>([](const Operands& o) {
      return tn::matmul(tn::relu(tn::matmul(o.x, o.w)) * tn::matmul(o.x, o.w), o.v);
    }),
    takes<2 * hidden + product, 3>([](const Operands& o) {
      return tn::matmul(o.x, o.w) + tn::matmul(o.x, o.w) * tn::matmul(o.x, o.w);
    }),
    takes<hidden + product, 2>(
        [](const Operands& o) { return tn::sum<1>(tn::matmul(o.x, o.w) * o.x); }),
    // Shared values: in registers, stored, read late, in place of each other.
    takes<product, 1>([](const Operands& o) {
      return tn::let(tn::matmul(o.x, o.w), [](auto h) { return h * h + h; });
    }),
    takes<square + g(n, n, n), 2>([](const Operands& o) {
      return tn::let(tn::matmul(o.w, o.w), [](auto h) { return tn::matmul(h, h); });
    }),
    takes<hidden + product, 2>([](const Operands& o) {
      return tn::let(tn::matmul(o.x, o.w), [o](auto h) { return tn::matmul(h, o.w) + h; });
    }),
    takes<2 * hidden + product, 3>([](const Operands& o) {
      return tn::let(tn::matmul(o.x, o.w),
                     [o](auto h) { return tn::matmul(tn::relu(h), o.w) + tn::matmul(-h, o.w); });
    }),
    takes<square + g(n, n, n), 3>([](const Operands& o) {
      return tn::let(tn::matmul(o.w, o.w), [o](auto h) {
        return tn::let(tn::matmul(o.w, o.w) + h, [](auto s) { return tn::matmul(s, s); });
      });
    })};

inline constexpr std::size_t count = std::tuple_size_v<decltype(all)>;

template <std::size_t I>
using case_t = std::tuple_element_t<I, std::remove_const_t<decltype(all)>>;
template <std::size_t I>
using expression_t =
    decltype(std::declval<const case_t<I>&>().build(std::declval<const Operands&>()));

}  // namespace plan_cases::inline TENON_MODE
