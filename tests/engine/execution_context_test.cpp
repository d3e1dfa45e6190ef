// Kernels that are kept, and the workspace that grows.

#include "naive_tensors.hpp"

#include "memory/upstream.hpp"

namespace tn = tenon;
using namespace tenon::test;

TEST_CASE("a context makes a kernel once for each operator, types and attributes", "[engine]") {
  Upstream memory;
  tn::ExecutionContext context(&memory);
  const auto& gemm = tn::OperatorRegistry::built_in().at("Gemm");
  const auto a = some<float>({4, 5}, 1), b = some<float>({5, 6}, 2), wide = some<float>({5, 7}, 3);
  auto c = some<float>({4, 6}, 3), other = some<float>({4, 7}, 4);
  const auto run = [&](const tn::AnyTensor& right, tn::AnyTensor& out, double alpha) {
    const tn::ConstAnyView in[] = {a, right};
    const tn::AnyView to[] = {out};
    context.execute("Gemm", gemm, in, to, {{"alpha", alpha}});
  };
  run(b, c, 1);
  const auto first = c.at<float>({1, 1});
  CHECK(context.kernel_count() == 1);
  const auto requests = memory.requests;
  run(b, c, 1);
  CHECK(memory.requests == requests);
  run(b, c, 2);
  CHECK(c.at<float>({1, 1}) == 2 * first);
  CHECK(context.kernel_count() == 2);
  run(wide, other, 2);
  CHECK(context.kernel_count() == 3);
  context.clear();
  CHECK(context.kernel_count() == 0);
  CHECK(memory.blocks.empty());
}

TEST_CASE("a context forgets its kernels when they become too many", "[engine]") {
  Upstream memory;
  tn::ExecutionContext context(&memory);
  const auto& matmul = tn::OperatorRegistry::built_in().at("MatMul");
  for (tn::index_t k = 1; k <= static_cast<tn::index_t>(tn::ExecutionContext::most_kernels) + 1;
       ++k) {
    const auto a = some<float>({1, k}, 1);
    const auto b = some<float>({k, 1}, 2);
    auto c = some<float>({1, 1}, 3);
    const tn::ConstAnyView in[] = {a, b};
    const tn::AnyView to[] = {c};
    context.execute("MatMul", matmul, in, to, {});
  }
  CHECK(context.kernel_count() == 1);
}

TEST_CASE("the workspace is as large as the largest one needed", "[engine]") {
  Upstream memory;
  tn::ExecutionContext context(&memory);
  const auto& matmul = tn::OperatorRegistry::built_in().at("MatMul");
  std::size_t most = 0;
  for (const tn::index_t n : {20, 300, 100}) {
    const auto a = some<float>({n, n}, 1), b = some<float>({n, n}, 2);
    auto c = some<float>({n, n}, 3);
    const tn::TensorType types[] = {a.type(), b.type()};
    const auto kernel = matmul.compile(types, {}, {std::pmr::new_delete_resource()});
    const tn::ConstAnyView in[] = {a, b};
    const tn::AnyView to[] = {c};
    context.execute("MatMul", matmul, in, to, {});
    most = std::max(most, kernel->workspace_bytes());
    CHECK(context.workspace_bytes() == most);
  }
  CHECK(most > 0);
}
