// A product of matrices by name, with every byte counted: engine, tensors, operator, statistics.

#include <tenon/engine.hpp>

#include <cstdio>

namespace tn = tenon;

void print_matrix(const char* name, const tn::AnyTensor& matrix) {
  std::printf("%s: %s\n", name, tn::TensorTypeText(matrix.type()).text);
  for (tn::index_t row = 0; row < matrix.type().extent(0); ++row) {
    std::printf("  [");
    for (tn::index_t column = 0; column < matrix.type().extent(1); ++column)
      std::printf("%5.1f", static_cast<double>(matrix.at<float>({row, column})));
    std::printf(" ]\n");
  }
}

int main() {
  tn::InferenceEngine engine(
      {.max_memory_bytes = 256 << 20, .thread_count = 2, .tensor_pool_size = 10});

  for (int run = 0; run < 10; ++run) {  // tensors of the first run serve the others
    auto a = engine.get_tensor({2, 3}, tn::DType::float32);
    auto b = engine.get_tensor({3, 2}, tn::DType::float32);
    auto result = engine.get_tensor({2, 2}, tn::DType::float32);
    a.copy_from<float>({1, 2, 3, 4, 5, 6});
    b.copy_from<float>({1, 2, 3, 4, 5, 6});

    engine.execute_operator("MatMul", {a, b}, {result});
    if (run == 0) print_matrix("A · B", result);

    engine.return_tensor(std::move(a));
    engine.return_tensor(std::move(b));
    engine.return_tensor(std::move(result));
  }

  const auto warm = engine.stats().memory.allocations;
  auto large = engine.get_tensor({1000, 1000}, tn::DType::float32);  // 4 MB: past the pool
  std::printf("large tensor: %zu B, %zu tensors wait in the pool\n", large.bytes(),
              engine.stats().tensor_pool.pooled_count);
  engine.cleanup_tensor(std::move(large));
  std::printf("allocations: %llu in ten runs, then %llu\n", static_cast<unsigned long long>(warm),
              static_cast<unsigned long long>(engine.stats().memory.allocations - warm));

  tn::InferenceEngine small({.max_memory_bytes = 4096});
  try {
    const auto refused = small.get_tensor({1000, 1000}, tn::DType::float32);
  } catch (const tn::BudgetError& error) {
    std::printf("a limit of 4096 B: %s\n", error.what());
  }

  std::printf("%s", engine.memory_report().text);
}
