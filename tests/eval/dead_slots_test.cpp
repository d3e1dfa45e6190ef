// What of the workspace each stage may touch: its own slots, as the plan says, and nothing else.

#include "catch.hpp"

#include <tenon/tenon.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace tn = tenon;
namespace td = tenon::detail;

namespace {

// Where the workspace of the running evaluation lies, and what stages saw of it.
struct Watch {
  const std::byte* workspace = nullptr;
  std::size_t bytes = 0;
  std::vector<std::vector<bool>> seen;  // by stage with a probe; accessible or not, byte by byte
};
Watch watch;

// The identity; at its first call in a stage it looks at the workspace.
template <int Id>
struct Probe {
  float operator()(float x) const {
    if (watch.seen.size() == Id) {
      std::vector<bool> accessible(watch.bytes);
      for (std::size_t i = 0; i < watch.bytes; ++i)
        accessible[i] = td::is_accessible(watch.workspace + i);
      watch.seen.push_back(accessible);
    }
    return x;
  }
};

// Notes where its last block is.
class Noting final : public std::pmr::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* block = std::pmr::new_delete_resource()->allocate(bytes, alignment);
    watch = {static_cast<const std::byte*>(block), bytes, {}};
    return block;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    for (std::size_t i = 0; i < bytes; ++i)
      if (!td::is_accessible(static_cast<const std::byte*>(block) + i))
        FAIL("the workspace went back with poisoned bytes");
    std::pmr::new_delete_resource()->deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

template <int N>
std::vector<bool> expected_at(const tn::Slots<N>& slots, int position) {
  std::vector<bool> accessible(slots.workspace_bytes, !td::poisons);
  for (std::size_t i = 0; i < slots.count; ++i)
    for (const tn::Slot& slot : {slots.value[i], slots.scratch[i], slots.core[i]})
      if (slot.first <= position && position <= slot.last)
        for (std::size_t b = 0; b < slot.bytes; ++b) accessible[slot.offset + b] = true;
  return accessible;
}

// Probe<k> runs in stage positions[k].
template <class E>
void check_slots(const E& e, const std::vector<int>& positions) {
  tn::Arena results;
  Noting workspaces;
  const auto r = tn::eval(e, results, tn::scratch(workspaces));
  const auto slots = tn::plan(e).slots;
  REQUIRE(watch.bytes == slots.workspace_bytes);
  REQUIRE(watch.seen.size() == positions.size());
  for (std::size_t k = 0; k < positions.size(); ++k) {
    const auto expected = expected_at(slots, positions[k]);
    std::size_t first = 0, different = 0;
    for (std::size_t i = 0; i < expected.size(); ++i)
      if (watch.seen[k][i] != expected[i] && different++ == 0) first = i;
    CAPTURE(k, first, expected.size());
    CHECK(different == 0);
  }
}

}  // namespace

TEST_CASE("a stage may touch the slots that the plan says are alive, and no others",
          "[eval][poison]") {
  tn::Arena data;
  const auto a = tn::full(tn::shape(48, 40), 0.5F, data);
  const auto b = tn::full(tn::shape(40, 56), 0.25F, data);
  const auto c = tn::full(tn::shape(24, 48), 2.0F, data);
  // Work before a contraction runs while it packs, work after it before the store: the first and the
  // second product are stages, the softmax is the third. None can run by blocks of rows: the second
  // needs all rows of the first, a softmax of columns all rows of the second.
  check_slots(
      tn::map(Probe<2>{}, tn::softmax<0>(tn::matmul(
                              c, tn::map(Probe<1>{}, tn::matmul(tn::map(Probe<0>{}, a), b))))),
      {0, 1, 2});
  if (td::poisons)  // the first product is dead when the softmax runs
    CHECK(std::count(watch.seen[2].begin(), watch.seen[2].end(), false) > 1000);
}

TEST_CASE("a stage of a block of rows may touch the slots of its block that are alive",
          "[eval][poison]") {
  tn::Arena results;
  tn::Arena data;
  const auto a = tn::full(tn::shape(48, 40), 0.5F, data);
  const auto b = tn::full(tn::shape(40, 56), 0.25F, data);
  const auto c = tn::full(tn::shape(56, 24), 2.0F, data);
  const auto rows = tn::map(
      Probe<2>{},
      tn::softmax<-1>(tn::matmul(tn::map(Probe<1>{}, tn::matmul(tn::map(Probe<0>{}, a), b)), c)));
  REQUIRE(tn::plan(rows).structure.is_region(0));
  Noting workspaces;
  const auto r = tn::eval(rows, results, tn::scratch(workspaces));
  REQUIRE(watch.seen.size() == 3);
  const auto dead = [](int stage) {
    const auto& seen = watch.seen[static_cast<std::size_t>(stage)];
    return std::count(seen.begin(), seen.end(), false);
  };
  // When the softmax runs, the first product's rows are dead; while a product packs, nothing
  // that comes after it is alive yet.
  CHECK((dead(2) > 1000) == td::poisons);
  CHECK((dead(0) > 0) == td::poisons);
}

TEST_CASE("a workspace of the caller's is accessible again, also after an exception",
          "[eval][poison]") {
  tn::Arena data;
  const auto a = tn::full(tn::shape<16, 16>(), 0.5F, data);
  auto dst = tn::zeros<float>(tn::shape<16, 16>(), data);
  const auto product = tn::matmul(tn::matmul(a, a), a);
  tn::Workspace<decltype(product)> workspace;
  const auto all_accessible = [&] {
    for (const auto& byte : workspace.bytes)
      if (!td::is_accessible(&byte)) return false;
    return true;
  };
  tn::eval_into(dst, product, workspace);
  CHECK(all_accessible());
  const auto throwing = tn::map(
      [](float x) {
        if (x > 0) throw 1;
        return x;
      },
      tn::matmul(tn::matmul(a, a), a));
  alignas(64) std::byte buffer[1 << 16];
  tn::FixedBufferAllocator fixed(buffer);
  CHECK_THROWS_AS(tn::eval_into(dst, throwing, tn::scratch(fixed)), int);
  CHECK(fixed.stats().live_count == 0);
}
