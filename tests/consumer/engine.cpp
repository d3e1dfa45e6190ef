// A user's program of the engine: a product by name.

#include <tenon/engine.hpp>

#include <cstdio>

namespace tn = tenon;

int main() {
  tn::InferenceEngine engine;
  auto a = engine.get_tensor({2, 3}, tn::DType::float32);
  auto b = engine.get_tensor({3, 2}, tn::DType::float32);
  auto c = engine.get_tensor({2, 2}, tn::DType::float32);
  a.copy_from<float>({1, 2, 3, 4, 5, 6});
  b.copy_from<float>({1, 2, 3, 4, 5, 6});
  engine.execute_operator("MatMul", {a, b}, {c});
  std::printf("tenon::engine: %g\n", static_cast<double>(c.at<float>({1, 1})));
  return c.at<float>({1, 1}) == 64 ? 0 : 1;
}
