// Slots: an independent check that none meets another while both live, and that a value lives until
// everything that reads it has run.

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/expr/operators.hpp>
#include <tenon/plan/plan.hpp>
#include <tenon/plan/slot_table.hpp>

namespace tn = tenon;
using tn::index_t;

namespace {

// True where the slots of a plan are in order. Written from the meaning of a plan alone.
template <int N>
constexpr bool valid(const tn::Plan<N>& plan) {
  const auto table = tn::slot_table(plan);
  for (const std::size_t offset : table.offsets())
    if (offset % tn::workspace_alignment != 0) return false;
  if (tn::packing_height(table.lifetimes(), table.offsets()) != plan.workspace_bytes ||
      tn::validate_packing(table.lifetimes(), table.offsets(), plan.workspace_bytes))
    return false;
  // Position of each stage, and of each node's stage.
  const auto& s = plan.structure;
  std::array<int, static_cast<std::size_t>(N)> position{};
  for (int p = 0; p < s.stages; ++p)
    position[static_cast<std::size_t>(plan.slots.order[static_cast<std::size_t>(p)])] = p;
  const auto stage_of_reader = [&](std::size_t i) {  // the nearest stage root above node i
    int up = plan.records[i].parent;
    while (up > 0 && !s.is_stage(up)) up = plan.records[static_cast<std::size_t>(up)].parent;
    return position[static_cast<std::size_t>(up < 0 ? 0 : up)];
  };
  for (std::size_t i = 1; i < static_cast<std::size_t>(N); ++i) {
    if (s.is_stage(static_cast<int>(i)) && plan.slots.value[i].bytes > 0) {
      const bool is_bound =
          plan.records[static_cast<std::size_t>(plan.records[i].parent)].kind == tn::Kind::let &&
          static_cast<int>(i) == plan.records[i].parent + 1;
      if (plan.slots.value[i].first != position[i]) return false;
      if (!is_bound && plan.slots.value[i].last < stage_of_reader(i)) return false;
    }
    // Every use of a name needs the value that it ends at, through other names. To be named once more
    // is not a use.
    const auto up = static_cast<std::size_t>(plan.records[i].parent);
    if (plan.records[up].kind == tn::Kind::let && i == up + 1 && !s.in_registers[up]) continue;
    std::size_t name = i;
    while (plan.records[name].kind == tn::Kind::bound) {
      name = static_cast<std::size_t>(plan.records[name].let + 1);
      if (s.is_stage(static_cast<int>(name)) && plan.slots.value[name].bytes > 0) {
        const int read_at = s.is_stage(static_cast<int>(i)) ? position[i] : stage_of_reader(i);
        if (plan.slots.value[name].last < read_at || position[name] >= read_at) return false;
      }
    }
  }
  return true;
}

template <index_t... E>
tn::TensorView<const float, tn::Shape<E...>> leaf(tn::Shape<E...> = {});

// f as an expression type over three matrices and a row, of these extents.
template <index_t M, class F>
using expression = decltype(std::declval<F>()(leaf<M, M>(), leaf<M, M>(), leaf<M>()));

template <class F>
constexpr bool valid_for(F) {
  return valid(tn::plan_of<expression<40, F>>) && valid(tn::plan_of<expression<1, F>>) &&
         valid(tn::plan_of<expression<0, F>>) && valid(tn::plan_of<expression<tn::upto<50>, F>>);
}

static_assert(valid_for([](auto a, auto b, auto r) { return tn::relu(tn::matmul(a, b) + r); }));
static_assert(valid_for([](auto a, auto b, auto r) {
  return tn::matmul(tn::matmul(a, b) + r, tn::matmul(b, tn::matmul(a, a)));
}));
static_assert(valid_for([](auto a, auto b, auto r) {
  return tn::softmax<1>(tn::matmul(tn::matmul(a, b) + tn::exp(r), tn::matmul(b, a))) +
         tn::sum<0>(a);
}));
// A value read late: by the last stage, after others have come and gone.
static_assert(valid_for([](auto a, auto b, auto) {
  return tn::let(tn::matmul(a, b), [a](auto h) {
    return tn::matmul(tn::matmul(tn::matmul(h, a), a), a) + tn::transpose(h);
  });
}));
static_assert(valid_for([](auto a, auto b, auto) {
  return tn::let(tn::matmul(a, b), [a](auto h) {
    return tn::let(tn::transpose(h) + 1.0f, [h, a](auto g) {
      return tn::let(h, [g, a](auto f) { return tn::matmul(tn::matmul(g, a), tn::matmul(f, g)); });
    });
  });
}));
static_assert(valid_for([](auto a, auto b, auto r) {
  return tn::reshape(tn::transpose(tn::matmul(a, b)) + r, a.shape()) * tn::softmax<0>(a * b);
}));

}  // namespace

TEST_CASE("Slots planned at run time are as sound as constant ones") {
  const std::vector<float> v(60 * 60);
  for (index_t n : {1, 2, 7, 40, 60}) {
    const auto a = tn::view(v.data(), tn::shape(n, n));
    const auto r = tn::view(v.data(), tn::shape(1, n));
    CHECK(valid(tn::plan(tn::matmul(tn::matmul(a, a) + tn::exp(r), tn::softmax<0>(a)))));
    // The product may be stretched by what follows it.
    const auto stretched = tn::plan(tn::matmul(r, a) + a);
    CHECK(valid(stretched));
    CHECK((stretched.slots.core[0].bytes > 0) == (n > 1));
  }
}

TEST_CASE("The validator finds what is wrong") {
  constexpr auto good = tn::plan_of<decltype(tn::matmul(
      tn::matmul(leaf<40, 40>(), leaf<40, 40>()), tn::matmul(leaf<40, 40>(), leaf<40, 40>())))>;
  static_assert(valid(good));
  auto bad = good;
  for (auto& s : bad.slots.value) s.offset = 0;
  CHECK_FALSE(valid(bad));
  bad = good;
  bad.workspace_bytes += 64;
  CHECK_FALSE(valid(bad));
  bad = good;
  for (auto& s : bad.slots.value) s.last = s.first;
  CHECK_FALSE(valid(bad));
}

namespace {

// The stages of a plan as needs, in the order of the tree, and the peak of the order that was planned.
template <class E>
constexpr std::size_t planned_peak() {
  constexpr auto& plan = tn::plan_of<E>;
  constexpr auto count = static_cast<std::size_t>(plan.stages);
  std::array<tn::StageNeed, count> needs{};
  std::array<int, count> order{};
  std::array<int, static_cast<std::size_t>(plan.structure.count)> position{};
  for (std::size_t p = count; p-- > 0;) {
    const auto root = static_cast<std::size_t>(plan.structure.order[p]);
    position[root] = static_cast<int>(p);
    const int reader = plan.structure.reader[root];
    const auto bytes = [](const tn::Slot& s) { return (s.bytes + 63) / 64 * 64; };
    needs[p] = {reader < 0 ? -1 : position[static_cast<std::size_t>(reader)],
                bytes(plan.slots.value[root]),
                bytes(plan.slots.scratch[root]) + bytes(plan.slots.core[root])};
  }
  for (std::size_t p = 0; p < count; ++p)
    order[p] = position[static_cast<std::size_t>(plan.slots.order[p])];
  return tn::peak_of_order(needs, order);
}

template <index_t M, index_t N>
using Matrix = tn::TensorView<const float, tn::Shape<M, N>>;

// Formula: (8, 256) · (256, 8) products whose operands are made of wide products themselves: it pays to
// finish what is wide before beginning with the next.
using Narrow = decltype(tn::matmul(
    tn::matmul(std::declval<Matrix<8, 16>>(), std::declval<Matrix<16, 256>>()),
    tn::matmul(std::declval<Matrix<256, 16>>(), std::declval<Matrix<16, 8>>())));
using Wide =
    decltype(tn::matmul(tn::matmul(std::declval<Matrix<8, 16>>(), std::declval<Matrix<16, 512>>()),
                        std::declval<Matrix<512, 8>>()));
using SmallBeforeLarge = decltype(std::declval<Narrow>() + std::declval<Wide>());

static_assert(planned_peak<SmallBeforeLarge>() <= tn::plan_of<SmallBeforeLarge>.workspace_bytes);
static_assert(valid(tn::plan_of<SmallBeforeLarge>));

}  // namespace

TEST_CASE("A constant plan is no higher than the same plan in the order of the tree") {
  using E = SmallBeforeLarge;
  constexpr auto& in_tree_order = tn::detail::tree_slots<E>;
  CHECK(tn::plan_of<E>.workspace_bytes < in_tree_order.workspace_bytes);
  CHECK(tn::plan_of<E>.slots.order != tn::plan_of<E>.structure.order);
  CHECK(tn::plan_of<E>.workspace_bytes == planned_peak<E>());
}
