// Fusion is real: what packs load and store, byte by byte, fused and stage by stage.
#define TENON_WATCHED 1

#include "counted.hpp"
#include "catch.hpp"
#include "exact_workspace.hpp"
#include "naive.hpp"

#include <tenon/expr/unfused.hpp>
#include <tenon/tenon.hpp>

namespace tn = tenon;
using counted::Traffic;
using naive::index_t;
using tn::testing::unfused;

namespace {

template <index_t... E>
using View = tn::TensorView<const float, tn::Shape<E...>>;

// Values of a static shape.
template <index_t... E>
struct Data {
  std::vector<float> values;
  explicit Data(unsigned seed) : values(naive::values<float>((std::size_t{E} * ... * 1), seed)) {
    for (float& x : values) x *= 0.2F;
  }
  [[nodiscard]] View<E...> view() const { return View<E...>(values.data(), {}); }
  [[nodiscard]] std::span<const std::byte> bytes() const {
    return std::as_bytes(std::span(values));
  }
};

// What evaluation moves, in elements: of the result, of the workspace, of each operand.
struct Moved {
  Traffic result, workspace;
  std::vector<Traffic> operands;
};

template <class E, class... Operand>
Moved moved_by(const E& e, const Operand&... operand) {
  constexpr auto& plan = tn::plan_of<E>;
  const exact::Aligned memory(plan.workspace_bytes);
  std::vector<float> result(plan.result_bytes / sizeof(float));
  const tn::TensorView<float, std::remove_cvref_t<decltype(e.shape())>> dst(result.data(), {});
  const std::span<std::byte> workspace(memory.begin(), plan.workspace_bytes);
  auto all =
      counted::traffic({std::as_bytes(std::span(result)), workspace, operand.bytes()...}, [&] {
        tn::FixedBufferAllocator scratch(workspace);
        tn::eval_into(dst, e, tn::scratch(scratch));
      });
  for (Traffic& t : all) {
    t.loaded /= sizeof(float);
    t.stored /= sizeof(float);
  }
  Moved moved{all[0], all[1], {all.begin() + 2, all.end()}};
  CHECK(moved.result.loaded == 0);
  for (const Traffic& t : moved.operands) CHECK(t.stored == 0);
  return moved;
}

// All that is moved, in bytes.
std::size_t total(const Moved& moved) {
  std::size_t n = moved.result.stored + moved.workspace.loaded + moved.workspace.stored;
  for (const Traffic& t : moved.operands) n += t.loaded;
  return n * sizeof(float);
}

// A product's own loads and stores, by which everything around it is measured.
template <class A, class B>
Moved product_of(const A& a, const B& b) {
  return moved_by(tn::matmul(a.view(), b.view()), a, b);
}

}  // namespace

TEST_CASE("relu(exp(x) * y + z) loads each operand once and stores the result", "[eval][counted]") {
  constexpr std::size_t n = 1003;
  const Data<n> x(1), y(2), z(3);
  const auto e = tn::relu(tn::exp(x.view()) * y.view() + z.view());
  const Moved fused = moved_by(e, x, y, z), apart = moved_by(unfused(e), x, y, z);
  for (const Moved* moved : {&fused, &apart}) {
    for (const Traffic& t : moved->operands) CHECK(t.loaded == n);
    CHECK(moved->result.stored == n);
  }
  CHECK(fused.workspace.loaded + fused.workspace.stored == 0);
  CHECK(apart.workspace.stored == 3 * n);  // exp, *, +
  CHECK(apart.workspace.loaded == 3 * n);
  CHECK(total(fused) == tn::plan_of<decltype(e)>.bytes_moved);
  CHECK(total(apart) == tn::plan_of<decltype(unfused(e))>.bytes_moved);
  CHECK(total(apart) * 2 == total(fused) * 5);
}

TEST_CASE("relu(matmul(x, w) + b) + r moves what the product moves, and r", "[eval][counted]") {
  constexpr index_t m = 37, n = 45, k = 64;
  constexpr std::size_t mn = m * n;
  const Data<m, k> x(1);
  const Data<k, n> w(2);
  const Data<n> b(3);
  const Data<m, n> r(4);
  const auto e = tn::relu(tn::matmul(x.view(), w.view()) + b.view()) + r.view();
  const Moved product = product_of(x, w);
  const Moved fused = moved_by(e, x, w, b, r), apart = moved_by(unfused(e), x, w, b, r);
  // Memory is read in place, once for each sliver of w.
  CHECK(product.operands[0].loaded >= m * k * tn::kernels::gemm_a_passes<float>(m, n, k));
  for (const Moved* moved : {&fused, &apart}) {
    CHECK(moved->operands[0].loaded == product.operands[0].loaded);
    CHECK(moved->operands[1].loaded == product.operands[1].loaded);
    CHECK(moved->operands[2].loaded == mn);  // b, once for each row
    CHECK(moved->operands[3].loaded == mn);
    CHECK(moved->result.stored == mn);
  }
  CHECK(fused.workspace.loaded == product.workspace.loaded);  // panels
  CHECK(fused.workspace.stored == product.workspace.stored);
  CHECK(apart.workspace.loaded == product.workspace.loaded + 3 * mn);  // the product, + b, relu
  CHECK(apart.workspace.stored == product.workspace.stored + 3 * mn);
}

TEST_CASE("sum(square(x)) loads x once and stores a number", "[eval][counted]") {
  constexpr std::size_t n = 10'007;
  const Data<n> x(1);
  const auto e = tn::sum(tn::square(x.view()));
  const Moved fused = moved_by(e, x), apart = moved_by(unfused(e), x);
  CHECK(fused.operands[0].loaded == n);
  CHECK(fused.result.stored == 1);
  CHECK(fused.workspace.loaded + fused.workspace.stored == 0);
  CHECK(apart.operands[0].loaded == n);
  CHECK(apart.result.stored == 1);
  CHECK(apart.workspace.stored == n);
  CHECK(apart.workspace.loaded == n);
  CHECK(total(fused) == tn::plan_of<decltype(e)>.bytes_moved);
  CHECK(total(apart) == tn::plan_of<decltype(unfused(e))>.bytes_moved);
}

TEST_CASE("softmax(matmul(q, transpose(k)) * s)·v scales scores before they are stored",
          "[eval][counted]") {
  constexpr index_t l = 40, d = 32;
  constexpr std::size_t ll = l * l;
  const Data<l, d> q(1), k(2), v(3);
  const auto scores = tn::matmul(q.view(), tn::transpose(k.view()));
  const auto e = tn::matmul(tn::softmax<-1>(scores * 0.15F), v.view());
  const Moved first = moved_by(scores, q, k), last = product_of(Data<l, l>(4), v);
  const Moved fused = moved_by(e, q, k, v), apart = moved_by(unfused(e), q, k, v);
  CHECK(first.operands[1].loaded == l * d * tn::kernels::gemm_b_passes<float>(l, l, d));
  for (const Moved* moved : {&fused, &apart}) {
    CHECK(moved->operands[0].loaded == first.operands[0].loaded);
    CHECK(moved->operands[1].loaded == first.operands[1].loaded);
    CHECK(moved->operands[2].loaded == last.operands[1].loaded);
    CHECK(moved->result.stored == l * d);
  }
  const std::size_t panels_loaded = first.workspace.loaded + last.workspace.loaded,
                    panels_stored = first.workspace.stored + last.workspace.stored;
  // A row of the softmax is stored and loaded again twice in its buffer.
  CHECK(fused.workspace.loaded == panels_loaded + ll + 2 * ll + last.operands[0].loaded);
  CHECK(fused.workspace.stored == panels_stored + ll + 2 * ll + ll);
  CHECK(apart.workspace.loaded == fused.workspace.loaded + ll);
  CHECK(apart.workspace.stored == fused.workspace.stored + ll);
}
