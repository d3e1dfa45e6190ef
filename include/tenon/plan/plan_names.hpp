#pragma once
// What plans call their values: leaves a, b, … from left to right, stored values T1, T2, … in the order in
// which they are computed, values that a let names h1, h2, …, and the result.

#include <tenon/plan/plan.hpp>
#include <tenon/plan/plan_text.hpp>

#include <array>
#include <cstddef>

namespace tenon::detail::inline TENON_MODE {

// As errors print it: "(64, 10)", "(3,)", "()".
[[nodiscard]] constexpr TextCell shape_text(const Record& r) noexcept {
  TextCell text("(");
  for (int i = 0; i < r.rank; ++i) {
    if (i > 0) text.append(", ");
    text.append(grouped_text(static_cast<std::uint64_t>(r.extent(i)), false));
  }
  return text.append(r.rank == 1 ? ",)" : ")");
}

template <int N>
class PlanNames {
 public:
  constexpr explicit PlanNames(const Plan<N>& plan) : plan_(plan) {
    int leaves = 0, lets = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(N); ++i) {
      if (plan.records[i].kind == Kind::leaf) number_[i] = leaves++;
      if (plan.records[i].kind == Kind::let) number_[i] = ++lets;
    }
    for (int stage = 0; stage < plan.stages; ++stage)
      stage_[static_cast<std::size_t>(plan.stage_root(stage))] = stage + 1;
  }

  // The value of a node where it is stored, a leaf, a number, or the name of a let; the operation
  // elsewhere.
  [[nodiscard]] constexpr TextCell of(int i) const {
    const auto at = static_cast<std::size_t>(i);
    const Record& r = plan_.records[at];
    if (i == 0 && plan_.stages > 0) return TextCell("result");
    if (stage_[at] > 0) return numbered("T", stage_[at]);
    if (r.kind == Kind::leaf) return leaf(number_[at]);
    if (r.kind == Kind::scalar) return TextCell("#");
    if (r.kind == Kind::bound) return of_bound(i);
    return TextCell(std::string_view(r.name).substr(0, 40));
  }

  // The name of a let's value: its slot's, or one of its own.
  [[nodiscard]] constexpr TextCell of_let(int let) const {
    const int value = let + 1;
    const Kind kind = plan_.records[static_cast<std::size_t>(value)].kind;
    if (plan_.structure.in_registers[static_cast<std::size_t>(let)] && kind != Kind::leaf &&
        kind != Kind::scalar && kind != Kind::bound)
      return numbered("h", number_[static_cast<std::size_t>(let)]);
    return of(value);
  }

  // The leaf or stored node that a name stands for, or the name itself.
  [[nodiscard]] constexpr int value_of(int i) const {
    while (plan_.records[static_cast<std::size_t>(i)].kind == Kind::bound) {
      const int let = plan_.structure.let_of[static_cast<std::size_t>(i)];
      const Kind kind = plan_.records[static_cast<std::size_t>(let + 1)].kind;
      if (plan_.structure.is_stage(let + 1)) return let + 1;
      if (kind != Kind::leaf && kind != Kind::scalar && kind != Kind::bound) return i;
      i = let + 1;
    }
    return i;
  }

 private:
  [[nodiscard]] constexpr TextCell of_bound(int i) const {
    const int value = value_of(i);
    return value == i ? of_let(plan_.structure.let_of[static_cast<std::size_t>(i)]) : of(value);
  }
  [[nodiscard]] static constexpr TextCell numbered(const char* name, int number) {
    return TextCell(name).append(grouped_text(static_cast<std::uint64_t>(number)));
  }
  [[nodiscard]] static constexpr TextCell leaf(int number) {
    const char letter = static_cast<char>('a' + number % 26);
    TextCell name(std::string_view(&letter, 1));
    if (number >= 26) name.append(grouped_text(static_cast<std::uint64_t>(number / 26)));
    return name;
  }

  const Plan<N>& plan_;
  std::array<int, static_cast<std::size_t>(N)> number_{};
  std::array<int, static_cast<std::size_t>(N)> stage_{};  // counted from 1
};

}  // namespace tenon::detail::inline TENON_MODE
