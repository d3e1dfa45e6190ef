// MatMul and Gemm against loops in double.

#include "naive_tensors.hpp"

namespace tn = tenon;
using namespace tenon::test;
using tenon::index_t;

namespace {

// numpy.matmul of batches whose strides, in matrices, are given; all operands have M, K, N > 0 or not.
template <class T>
void check_matmul(const Extents& a_extents, const Extents& b_extents, const Extents& out,
                  int threads = 1) {
  tn::InferenceEngine engine({.thread_count = threads});
  const auto a = some<T>(a_extents, 1);
  const auto b = some<T>(b_extents, 2);
  const auto c = computed(engine, "MatMul", {&a, &b});
  CAPTURE(tn::TensorTypeText(a.type()).text, tn::TensorTypeText(b.type()).text, threads);
  REQUIRE(c.type() == type_of(tn::dtype_of<T>, out));

  const bool a_vector = a_extents.size() == 1, b_vector = b_extents.size() == 1;
  const index_t m = a_vector ? 1 : a_extents[a_extents.size() - 2];
  const index_t k = a_extents.back();
  const index_t n = b_vector ? 1 : b_extents.back();
  const std::size_t batch_rank = out.size() - (a_vector ? 0 : 1) - (b_vector ? 0 : 1);
  const Extents batch(out.begin(), out.begin() + static_cast<index_t>(batch_rank));
  const auto x = as_doubles<T>(a), y = as_doubles<T>(b);
  // Where the matrix of a batch begins in an operand.
  const auto place = [&](const Extents& extents, const std::vector<index_t>& at, index_t matrix) {
    index_t index = 0;
    const std::size_t own = extents.size() < 2 ? 0 : extents.size() - 2;
    for (std::size_t d = 0; d < own; ++d) {
      const index_t i = at[batch_rank - own + d];
      index = index * extents[d] + (extents[d] == 1 ? 0 : i);
    }
    return index * matrix;
  };
  std::vector<double> expected;
  naive::for_each_index(batch, [&](const std::vector<index_t>& at) {
    const index_t from_a = place(a_extents, at, m * k), from_b = place(b_extents, at, k * n);
    for (index_t i = 0; i < m; ++i)
      for (index_t j = 0; j < n; ++j) {
        double sum = 0;
        for (index_t l = 0; l < k; ++l)
          sum += x[static_cast<std::size_t>(from_a + i * k + l)] *
                 y[static_cast<std::size_t>(from_b + l * n + j)];
        expected.push_back(sum);
      }
  });
  check_close(as_doubles<T>(c), expected, tolerance<T>(k), 8.0 * static_cast<double>(k));
}

template <class T>
void check_shapes() {
  check_matmul<T>({2, 3}, {3, 2}, {2, 2});
  check_matmul<T>({17, 33}, {33, 19}, {17, 19});
  check_matmul<T>({1, 64}, {64, 64}, {1, 64});
  check_matmul<T>({64, 65}, {65, 1}, {64, 1});
  check_matmul<T>({7}, {7}, {});
  check_matmul<T>({5}, {5, 9}, {9});
  check_matmul<T>({9, 5}, {5}, {9});
  check_matmul<T>({4, 5, 6}, {6, 7}, {4, 5, 7});
  check_matmul<T>({6}, {3, 6, 7}, {3, 7});
  check_matmul<T>({3, 5, 6}, {6}, {3, 5});
  check_matmul<T>({2, 1, 5, 6}, {3, 6, 7}, {2, 3, 5, 7});
  check_matmul<T>({1, 5, 6}, {4, 6, 7}, {4, 5, 7});
  check_matmul<T>({2, 3, 5, 6}, {2, 3, 6, 4}, {2, 3, 5, 4});
  check_matmul<T>({0, 3}, {3, 2}, {0, 2});
  check_matmul<T>({2, 0}, {0, 3}, {2, 3});
  check_matmul<T>({0, 2, 3}, {0, 3, 4}, {0, 2, 4});
}

}  // namespace

TEST_CASE("MatMul is numpy.matmul for all ranks and element types", "[engine]") {
  check_shapes<float>();
  check_shapes<double>();
  check_shapes<std::int32_t>();
  check_shapes<std::int64_t>();
}

TEST_CASE("MatMul on a team of threads has the same values", "[engine]") {
  check_matmul<float>({150, 130}, {130, 140}, {150, 140}, 2);
  check_matmul<float>({8, 60, 70}, {8, 70, 50}, {8, 60, 50}, 3);       // batches side by side
  check_matmul<double>({2, 90, 110}, {2, 110, 100}, {2, 90, 100}, 3);  // threads on each batch
}

TEST_CASE("MatMul refuses with both types", "[engine]") {
  tn::InferenceEngine engine;
  const auto a = some<float>({2, 3}, 1), b = some<float>({2, 3}, 2);
  const auto d = some<double>({3, 2}, 3), batch = some<float>({4, 2, 3}, 4);
  const auto other = some<float>({5, 3, 2}, 4), h = some<bool>({3, 2}, 5),
             scalar = some<float>({}, 6);
  const auto message = [&](const tn::AnyTensor& x, const tn::AnyTensor& y) {
    return message_of<std::exception>(
        [&] { static_cast<void>(computed(engine, "MatMul", {&x, &y})); });
  };
  CHECK(message(a, b) ==
        "MatMul: float32[2, 3] and float32[2, 3] do not multiply: the inner extents differ");
  CHECK(
      message(batch, other) ==
      "MatMul: float32[4, 2, 3] and float32[5, 3, 2] do not multiply: batch axes do not broadcast");
  CHECK(message(a, scalar) ==
        "MatMul: float32[2, 3] and float32[] do not multiply: one is a scalar");
  CHECK(message(a, d) ==
        "MatMul: input 1 is float64[3, 2]; it has to have elements of float32 as "
        "float32[2, 3]");
  CHECK(message(h, h) ==
        "MatMul: no kernel for bool[3, 2]; there are some for float32, float64, int32, int64");
}

namespace {

template <class T>
void check_gemm(index_t m, index_t k, index_t n, bool trans_a, bool trans_b,
                const Extents* c_extents, double alpha, double beta, int threads = 1) {
  tn::InferenceEngine engine({.thread_count = threads});
  const auto a = some<T>(trans_a ? Extents{k, m} : Extents{m, k}, 1);
  const auto b = some<T>(trans_b ? Extents{n, k} : Extents{k, n}, 2);
  std::vector<const tn::AnyTensor*> inputs{&a, &b};
  tn::AnyTensor c;
  if (c_extents != nullptr) {
    c = some<T>(*c_extents, 3);
    inputs.push_back(&c);
  }
  const auto y = computed(
      engine, "Gemm", inputs,
      {{"alpha", alpha}, {"beta", beta}, {"transA", trans_a ? 1 : 0}, {"transB", trans_b ? 1 : 0}});
  CAPTURE(m, k, n, trans_a, trans_b, alpha, beta);
  REQUIRE(y.type() == type_of(tn::dtype_of<T>, {m, n}));
  const auto p = as_doubles<T>(a), q = as_doubles<T>(b);
  const auto r = c_extents != nullptr ? as_doubles<T>(c) : std::vector<double>();
  std::vector<double> expected;
  for (index_t i = 0; i < m; ++i)
    for (index_t j = 0; j < n; ++j) {
      double sum = 0;
      for (index_t l = 0; l < k; ++l)
        sum += p[static_cast<std::size_t>(trans_a ? l * m + i : i * k + l)] *
               q[static_cast<std::size_t>(trans_b ? j * k + l : l * n + j)];
      double added = 0;
      if (c_extents != nullptr) {
        const Extents& e = *c_extents;
        const index_t columns = e.empty() ? 1 : e.back(), rows = e.size() == 2 ? e[0] : 1;
        added = r[static_cast<std::size_t>((rows == 1 ? 0 : i) * columns + (columns == 1 ? 0 : j))];
      }
      expected.push_back(alpha * sum + beta * added);
    }
  check_close(as_doubles<T>(y), expected, tolerance<T>(k), 8.0 * static_cast<double>(k));
}

template <class T>
void check_gemms() {
  const Extents row{19}, whole{17, 19}, column{17, 1}, flat{1, 19}, scalar{};
  for (const bool trans_a : {false, true})
    for (const bool trans_b : {false, true}) {
      check_gemm<T>(17, 23, 19, trans_a, trans_b, nullptr, 1, 1);
      for (const Extents* c : {&row, &whole, &column, &flat, &scalar})
        check_gemm<T>(17, 23, 19, trans_a, trans_b, c, 0.5, -2);
    }
  check_gemm<T>(1, 64, 19, false, true, &row, 1, 1);
  check_gemm<T>(17, 0, 19, false, false, &row, 1, 1);
  check_gemm<T>(0, 4, 19, false, false, &row, 1, 1);
}

}  // namespace

TEST_CASE("Gemm is alpha A B + beta C, with transposed operands and a C that broadcasts",
          "[engine]") {
  check_gemms<float>();
  check_gemms<double>();
  const Extents row{140};
  check_gemm<float>(150, 130, 140, false, true, &row, 1, 1, 2);
}

TEST_CASE("Gemm refuses with the numbers", "[engine]") {
  tn::InferenceEngine engine;
  const auto a = some<float>({2, 3}, 1), b = some<float>({3, 4}, 2), c = some<float>({3}, 3);
  const auto cube = some<float>({1, 2, 3}, 3);
  const auto message = [&](const std::vector<const tn::AnyTensor*>& inputs,
                           const tn::Attributes& attributes = {}) {
    return message_of<std::exception>(
        [&] { static_cast<void>(computed(engine, "Gemm", inputs, attributes)); });
  };
  CHECK(message({&a, &b, &c}) == "Gemm: input 2, float32[3], does not broadcast to float32[2, 4]");
  CHECK(
      message({&a, &b}, {{"transB", 1}}) ==
      "Gemm: float32[2, 3] and float32[3, 4] do not multiply: the inner extents differ, transposed "
      "as asked for");
  CHECK(message({&cube, &b}) ==
        "Gemm: float32[1, 2, 3] and float32[3, 4] do not multiply: both have to be matrices");
  CHECK(message({&a, &b}, {{"transposeB", 1}}) == "Gemm: it has no attribute transposeB");
  CHECK(message({&a}) == "Gemm: 1 inputs; it takes 2 to 3");
}
