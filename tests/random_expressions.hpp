#pragma once
// Expressions that nobody wrote: grown from numbers over a list of operations, all of square matrices.

#include "exact_workspace.hpp"
#include "naive.hpp"

#include <tenon/plan/slot_table.hpp>
#include <tenon/tenon.hpp>

#include <vector>

namespace random_expressions {

namespace tn = tenon;
using tn::dyn;
using tn::index_t;

using Matrix = tn::TensorView<const float, tn::Shape<dyn, dyn>>;

struct Operands {
  Matrix a, b, c;
  tn::TensorView<const float, tn::Shape<dyn>> row;
};

// The next number of a sequence (Numerical Recipes), the upper bits of it.
constexpr unsigned next(unsigned state) { return state * 1664525U + 1013904223U; }
constexpr unsigned pick(unsigned state, unsigned choices) { return (state >> 12) % choices; }

template <unsigned State, int Depth>
auto grow(const Operands& o) {
  constexpr unsigned s = next(State);
  constexpr unsigned left = next(s ^ 0x9E3779B9U), right = next(left + 77U);
  if constexpr (Depth == 0) {
    constexpr unsigned leaf = pick(s, 3);
    return (leaf == 0 ? o.a : leaf == 1 ? o.b : o.c) * 1.0f;
  } else {
    constexpr unsigned operation = pick(s, 12);
    constexpr int one = Depth - 1, other = pick(right, 2) == 0 ? 0 : Depth - 1;
    if constexpr (operation == 0)
      return grow<left, one>(o) + grow<right, other>(o);
    else if constexpr (operation == 1)
      return grow<left, one>(o) * grow<right, other>(o);
    else if constexpr (operation <= 4)
      return tn::matmul(grow<left, one>(o), grow<right, other>(o)) * 0.1f;
    else if constexpr (operation == 5)
      return tn::softmax<-1>(grow<left, one>(o)) - grow<right, 0>(o);
    else if constexpr (operation == 6)
      return tn::softmax<0>(grow<left, one>(o));
    else if constexpr (operation == 7)
      return tn::relu(tn::transpose(grow<left, one>(o)));
    else if constexpr (operation == 8)
      return grow<left, one>(o) + tn::sum<1>(grow<right, 0>(o), tn::keepdims) * 0.1f;
    else if constexpr (operation == 9)
      return grow<left, one>(o) * tn::sigmoid(o.row);
    else if constexpr (operation == 10)
      return tn::let(grow<left, one>(o), [](auto h) { return tn::matmul(h, h) * 0.1f + h; });
    else
      return tn::let(grow<left, one>(o), [](auto h) { return tn::relu(h) - h * 0.5f; });
  }
}

// Plans and evaluates expressions First … First + Count - 1 for extents of the run.
template <unsigned First, unsigned Count>
void check_all() {
  for (const index_t n : {1, 9, 20}) {
    const auto size = static_cast<std::size_t>(n * n);
    std::vector<float> v[4];
    for (unsigned i = 0; i < 4; ++i) {
      v[i] = naive::values<float>(size, i + static_cast<unsigned>(n));
      for (auto& x : v[i]) x *= 0.2f;
    }
    const auto shape = tn::shape(n, n);
    const Operands o{tn::view(v[0].data(), shape), tn::view(v[1].data(), shape),
                     tn::view(v[2].data(), shape), tn::view(v[3].data(), tn::shape(n))};
    [&]<unsigned... I>(std::integer_sequence<unsigned, I...>) {
      const auto check = [&]<unsigned Seed>(std::integral_constant<unsigned, Seed>) {
        INFO("expression " << Seed << ", extents " << n);
        const auto e = grow<Seed * 2654435761U, 3>(o);
        const auto plan = tn::plan(e);
        const auto table = tn::slot_table(plan);
        CHECK_FALSE(tn::validate_packing(table.lifetimes(), table.offsets(), plan.workspace_bytes));
        CHECK(tn::packing_height(table.lifetimes(), table.offsets()) == plan.workspace_bytes);
        CHECK(plan.slots.lower_bound_bytes <= plan.workspace_bytes);
        CHECK(plan.slots.order_bound_bytes <= plan.workspace_bytes);
        exact::check(e, plan.workspace_bytes, 1e-4);
      };
      (check(std::integral_constant<unsigned, First + I>{}), ...);
    }(std::make_integer_sequence<unsigned, Count>{});
  }
}

}  // namespace random_expressions
