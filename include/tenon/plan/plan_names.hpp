#pragma once
// What plans call their values: leaves a, b, … from left to right, stored values T1, T2, … in the order in
// which they are computed, what a region stores for each block of its rows B1, B2, …, values that a let
// names h1, h2, …, and the result.

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
    number_within(0);
    for (int stage = 0; stage < plan.stages; ++stage)
      stage_[static_cast<std::size_t>(plan.stage_root(stage))] = stage + 1;
  }

  // The value of a node where it is stored, a leaf, a number, or the name of a let; the operation
  // elsewhere.
  [[nodiscard]] constexpr TextCell of(int i) const {
    const Kind kind = at(i).kind;
    if (kind == Kind::leaf) return leaf(number_[static_cast<std::size_t>(i)]);
    if (i == 0) return TextCell("result");
    if (stage_of(i) > 0) return numbered("T", stage_of(i));
    if (is_within_block(i)) return numbered("B", within_[static_cast<std::size_t>(i)]);
    if (kind == Kind::scalar) return TextCell("#");
    if (kind == Kind::bound) return of_bound(i);
    return operation(i);
  }
  [[nodiscard]] constexpr TextCell operation(int i) const {
    return TextCell(text_of(at(i).name).substr(0, 40));
  }

  // What a stage computes.
  [[nodiscard]] constexpr TextCell of_stage(int root) const {
    return root == 0 ? TextCell("result") : of(root);
  }

  // The number of the stage that stores node i, from 1; 0: none.
  [[nodiscard]] constexpr int stage_of(int i) const { return stage_[static_cast<std::size_t>(i)]; }

  // True for a value that a region stores for each block of its rows.
  [[nodiscard]] constexpr bool is_within_block(int i) const {
    return plan_.structure.regions.window[static_cast<std::size_t>(i)] == Window::push &&
           plan_.structure.regions.reader[static_cast<std::size_t>(i)] >= 0;
  }

  // The node of the value B<number> of a region, -1 where it is of another.
  [[nodiscard]] constexpr int within(int region, int number) const {
    for (int i = region + 1; i < region + at(region).subtree; ++i)
      if (within_[static_cast<std::size_t>(i)] == number &&
          plan_.structure.reader[static_cast<std::size_t>(i)] == region)
        return i;
    return -1;
  }
  [[nodiscard]] constexpr int within_count() const noexcept { return within_count_; }

  // The leaf or stored node that a name stands for, or the name itself.
  [[nodiscard]] constexpr int value_of(int i) const {
    while (at(i).kind == Kind::bound) {
      const int let = plan_.structure.let_of[static_cast<std::size_t>(i)];
      if (plan_.structure.is_stage(let + 1) || is_within_block(let + 1)) return let + 1;
      if (!is_other_name(let + 1)) return i;
      i = let + 1;
    }
    return i;
  }

  // The operations of a stage, or of a stage within a block, on the values that it reads, as one
  // formula; `whole`: with those of the stages within.
  constexpr void write_formula(TextWriter& out, int root, int indent, bool whole = false) const {
    write_operation(out, root, root, indent, whole);
  }

 private:
  [[nodiscard]] constexpr const Record& at(int i) const {
    return plan_.records[static_cast<std::size_t>(i)];
  }
  [[nodiscard]] constexpr bool is_other_name(int i) const {
    return at(i).kind == Kind::leaf || at(i).kind == Kind::scalar || at(i).kind == Kind::bound;
  }

  // Operands before what is done with them, the value of a let before its body.
  constexpr void number_within(int i) {
    for (int c = i + 1; c < i + at(i).subtree; c += at(c).subtree) number_within(c);
    if (is_within_block(i)) within_[static_cast<std::size_t>(i)] = ++within_count_;
  }

  constexpr void write_operation(TextWriter& out, int i, int root, int indent, bool whole) const {
    const Record& r = at(i);
    if ((i != root && plan_.structure.is_stage(i)) || is_other_name(i) ||
        (i != root && !whole && is_within_block(i))) {
      out.word(of(i), indent);
      return;
    }
    const bool names_a_value =  // others name a slot or a leaf
        r.kind == Kind::let && plan_.structure.in_registers[static_cast<std::size_t>(i)] &&
        !is_other_name(i + 1);
    const int body = i + 1 + (r.kind == Kind::let ? at(i + 1).subtree : 0);
    if (names_a_value && at(body).kind == Kind::bound &&
        plan_.structure.let_of[static_cast<std::size_t>(body)] == i) {  // the value itself
      write_operation(out, i + 1, root, indent, whole);
      return;
    }
    if (r.kind == Kind::let && !names_a_value) {
      write_operation(out, body, root, indent, whole);
      return;
    }
    out.word(operation(i).append("("), indent);
    for (int c = i + 1; c < i + r.subtree; c += at(c).subtree) {
      if (c != i + 1) out.comma();
      if (names_a_value && c == i + 1)
        out.word(numbered("h", number_[static_cast<std::size_t>(i)]).append(" = "), indent);
      write_operation(out, c, root, indent, whole);
    }
    out.word(")", indent);
  }

  [[nodiscard]] constexpr TextCell of_bound(int i) const {
    const int value = value_of(i);
    if (value != i) return of(value);
    const int let = plan_.structure.let_of[static_cast<std::size_t>(i)];
    return numbered("h", number_[static_cast<std::size_t>(let)]);
  }
  [[nodiscard]] static constexpr TextCell numbered(const char* name, int number) {
    return TextCell(text_of(name)).append(grouped_text(static_cast<std::uint64_t>(number)));
  }
  [[nodiscard]] static constexpr TextCell leaf(int number) {
    const char letter = static_cast<char>('a' + number % 26);
    TextCell name(std::string_view(&letter, 1));
    if (number >= 26) name.append(grouped_text(static_cast<std::uint64_t>(number / 26)));
    return name;
  }

  const Plan<N>& plan_;
  std::array<int, static_cast<std::size_t>(N)> number_{};
  std::array<int, static_cast<std::size_t>(N)> within_{};  // the number of a value within a block
  int within_count_ = 0;
  std::array<int, static_cast<std::size_t>(N)> stage_{};  // counted from 1
};

}  // namespace tenon::detail::inline TENON_MODE
