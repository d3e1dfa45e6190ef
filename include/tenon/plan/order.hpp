#pragma once
// The order in which the stages of a tree run so that the fewest bytes are alive at any time.

#include <tenon/core/config.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace tenon::inline TENON_MODE {

// A stage: while it runs it needs its operands, `scratch` bytes and its value, of which `in_place` bytes lie
// where an operand does; then its value alone, until the stage `parent` (-1 for the last one) has run.
struct StageNeed {
  int parent = -1;
  std::size_t value = 0;
  std::size_t scratch = 0;
  std::size_t in_place = 0;
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// Liu, "An Application of Generalized Tree Pebbling to Sparse Matrix Factorization" (1987).
// What a subtree holds over time is cut where it matters to others: up to its highest hill, from there
// to the lowest valley after it, and so on, hills falling and valleys rising. Best for a parent is to
// run the pieces of all its operands by falling (hill - valley), those of each operand in their
// order; this may leave one operand for another and come back.
template <std::size_t N>
class TreeOrder {
 public:
  // Contract: needs is in an order in which operands run before the stages that read them, each
  // subtree in one piece (postorder), and has at most N stages.
  constexpr explicit TreeOrder(std::span<const StageNeed> needs) : needs_(needs) {
    for (std::size_t root = 0; root < needs.size(); ++root) schedule(root);
  }

  // Indices into `needs`.
  [[nodiscard]] constexpr std::span<const int> order() const {
    return std::span(order_).first(needs_.size());
  }
  [[nodiscard]] constexpr std::size_t peak() const {
    std::size_t peak = 0;
    for (std::size_t i = 0; i < piece_count_[needs_.size() - 1]; ++i)
      peak = std::max(peak, pieces_[i].hill);
    return peak;
  }

 private:
  // A run of stages: the most that the subtree holds during it, and what it holds after it.
  struct Piece {
    std::size_t hill = 0, valley = 0;
    std::size_t begin = 0, count = 0;  // in order_
    std::size_t operand = 0;           // the root of its subtree
  };

  // Pieces of the subtree of `root` lie from index first(root) on, as its stages do in order_.
  [[nodiscard]] constexpr std::size_t first(std::size_t root) const {
    return root + 1 - size_[root];
  }

  constexpr void schedule(std::size_t root) {
    size_[root] = 1;
    std::array<Piece, N> pieces{};  // of all operands, then of root
    std::size_t count = 0, operands_value = 0;
    for (std::size_t child = root; child > 0; child = first(child)) {
      --child;
      if (needs_[child].parent != static_cast<int>(root)) break;
      size_[root] += size_[child];
      operands_value += needs_[child].value;
      for (std::size_t i = 0; i < piece_count_[child]; ++i) {
        pieces[count] = pieces_[first(child) + i];
        pieces[count++].operand = child;
      }
    }
    sort_by_fall(std::span(pieces).first(count));
    rewrite_order(std::span<const Piece>(pieces).first(count), first(root));
    order_[root] = static_cast<int>(root);
    make_absolute(std::span(pieces).first(count), first(root));
    pieces[count++] = {
        operands_value + needs_[root].scratch + needs_[root].value - needs_[root].in_place,
        needs_[root].value, root, 1, root};
    keep_hills_and_valleys(std::span<const Piece>(pieces).first(count), root);
  }

  // Stable, so that pieces of one operand stay in their order: they fall ever less.
  static constexpr void sort_by_fall(std::span<Piece> pieces) {
    for (std::size_t i = 1; i < pieces.size(); ++i)
      for (std::size_t j = i; j > 0; --j) {
        Piece &a = pieces[j - 1], &b = pieces[j];
        if (a.hill - a.valley >= b.hill - b.valley) break;
        std::swap(a, b);
      }
  }

  constexpr void rewrite_order(std::span<const Piece> pieces, std::size_t to) {
    std::array<int, N> moved{};
    std::size_t n = 0;
    for (const Piece& piece : pieces)
      for (std::size_t i = 0; i < piece.count; ++i) moved[n++] = order_[piece.begin + i];
    for (std::size_t i = 0; i < n; ++i) order_[to + i] = moved[i];
  }

  // Hills and valleys of all operands together, in place of each by itself.
  static constexpr void make_absolute(std::span<Piece> pieces, std::size_t begin) {
    std::array<std::size_t, N> held{};  // by operand
    std::size_t total = 0;
    for (Piece& piece : pieces) {
      const std::size_t others = total - held[piece.operand];
      held[piece.operand] = piece.valley;
      piece.hill += others;
      piece.valley += others;
      total = piece.valley;
      piece.begin = begin;
      begin += piece.count;
    }
  }

  constexpr void keep_hills_and_valleys(std::span<const Piece> pieces, std::size_t root) {
    std::size_t out = first(root);
    for (std::size_t at = 0; at < pieces.size();) {
      std::size_t top = at;
      for (std::size_t i = at; i < pieces.size(); ++i)
        if (pieces[i].hill >= pieces[top].hill) top = i;
      std::size_t low = top;
      for (std::size_t i = top; i < pieces.size(); ++i)
        if (pieces[i].valley <= pieces[low].valley) low = i;
      Piece joined{pieces[top].hill, pieces[low].valley, pieces[at].begin, 0, root};
      for (; at <= low; ++at) joined.count += pieces[at].count;
      pieces_[out++] = joined;
    }
    piece_count_[root] = out - first(root);
  }

  std::span<const StageNeed> needs_;
  std::array<int, N> order_{};
  std::array<Piece, N> pieces_{};
  std::array<std::size_t, N> size_{};         // of the subtree
  std::array<std::size_t, N> piece_count_{};  // of the subtree
};

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// Formula: max over stages of what is alive while it runs: its scratch and value, and the values of
// all stages that ran before it and whose reader has not run before it, less what lies in place. Cost: O(n²).
// Contract: order has every index of needs once, operands before their readers.
[[nodiscard]] constexpr std::size_t peak_of_order(std::span<const StageNeed> needs,
                                                  std::span<const int> order) noexcept {
  std::size_t peak = 0, alive = 0;
  for (const int stage : order) {
    const StageNeed& need = needs[static_cast<std::size_t>(stage)];
    alive += need.value;
    peak = std::max(peak, alive + need.scratch - need.in_place);
    for (std::size_t i = 0; i < needs.size(); ++i)
      if (needs[i].parent == stage) alive -= needs[i].value;
  }
  return peak;
}

}  // namespace tenon::inline TENON_MODE
