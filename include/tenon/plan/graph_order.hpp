#pragma once
// The order in which the stages of a graph run so that the fewest bytes are alive at any time, as far as
// a bounded search finds it, and what is proven of any order.

#include <tenon/plan/order.hpp>
#include <tenon/plan/stage_graph.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace tenon::detail::inline TENON_MODE {

// Depth-first search over orders with a bound: what is alive depends only on which stages have run, so
// a stage that leaves no more alive than it finds, and needs no more than was needed before, runs at
// once. Where the search ends before its limit, the peak is the least of all orders.
template <std::size_t N, std::size_t Reads>
class GraphOrder {
 public:
  // Contract: needs by number of stage, operands before their readers; `parent` and `in_place` are not
  // read. reads: each pair once. The last stage is the result.
  constexpr GraphOrder(std::span<const StageNeed> needs, std::span<const StageRead> reads,
                       std::size_t most_steps)
      : needs_(needs), steps_(most_steps) {
    for (const StageRead& read : reads) {
      ++missing_[at(read.reader)];
      ++unread_[at(read.value)];
    }
    // Operands of a stage side by side, readers of a value likewise.
    for (std::size_t s = 0; s < needs.size(); ++s) {
      operand_begin_[s + 1] = operand_begin_[s] + missing_[s];
      reader_begin_[s + 1] = reader_begin_[s] + unread_[s];
    }
    std::array<std::size_t, N> operands{}, readers{};
    for (const StageRead& read : reads) {
      const std::size_t r = at(read.reader), v = at(read.value);
      operands_[operand_begin_[r] + operands[r]++] = read;
      readers_[reader_begin_[v] + readers[v]++] = read.reader;
    }
    for (std::size_t s = 0; s < needs.size(); ++s) {
      order_[s] = static_cast<short>(s);
      bound_ = std::max(bound_, need_alone(s));
    }
    peak_ = 0;
    for (std::size_t s = 0; s < needs.size(); ++s) {
      peak_ = std::max(peak_, need_now(s));
      run(s);
    }
    for (std::size_t s = needs.size(); s-- > 0;) take_back(s);
    if (peak_ > bound_) search(0, 0);
    if (steps_ > 0) bound_ = peak_;
  }

  [[nodiscard]] constexpr const std::array<short, N>& order() const { return order_; }
  [[nodiscard]] constexpr std::size_t peak() const { return peak_; }
  // No order has a lower peak.
  [[nodiscard]] constexpr std::size_t lower_bound() const { return bound_; }

 private:
  static constexpr std::size_t at(short i) { return static_cast<std::size_t>(i); }

  [[nodiscard]] constexpr std::span<const StageRead> operands(std::size_t stage) const {
    return std::span(operands_).subspan(operand_begin_[stage],
                                        operand_begin_[stage + 1] - operand_begin_[stage]);
  }
  [[nodiscard]] constexpr std::span<const short> readers(std::size_t stage) const {
    return std::span(readers_).subspan(reader_begin_[stage],
                                       reader_begin_[stage + 1] - reader_begin_[stage]);
  }

  // What is alive while the stage runs next.
  [[nodiscard]] constexpr std::size_t need_now(std::size_t stage) const {
    std::size_t need = alive_ + needs_[stage].scratch + needs_[stage].value;
    for (const StageRead& read : operands(stage))
      if (read.in_place && unread_[at(read.value)] == 1) return need - needs_[stage].value;
    return need;
  }
  // The same if nothing were alive but its operands.
  [[nodiscard]] constexpr std::size_t need_alone(std::size_t stage) const {
    std::size_t need = needs_[stage].scratch + needs_[stage].value;
    bool in_place = false;
    for (const StageRead& read : operands(stage)) {
      need += needs_[at(read.value)].value;
      in_place = in_place || read.in_place;
    }
    return in_place ? need - needs_[stage].value : need;
  }
  // What is alive after it.
  [[nodiscard]] constexpr std::size_t alive_after(std::size_t stage) const {
    std::size_t alive = alive_ + (unread_[stage] > 0 ? needs_[stage].value : 0);
    for (const StageRead& read : operands(stage))
      if (unread_[at(read.value)] == 1) alive -= needs_[at(read.value)].value;
    return alive;
  }

  constexpr void run(std::size_t stage) {
    alive_ = alive_after(stage);
    done_[stage] = true;
    for (const StageRead& read : operands(stage)) --unread_[at(read.value)];
    for (const short reader : readers(stage)) --missing_[at(reader)];
  }
  constexpr void take_back(std::size_t stage) {
    for (const short reader : readers(stage)) ++missing_[at(reader)];
    for (const StageRead& read : operands(stage)) ++unread_[at(read.value)];
    done_[stage] = false;
    alive_ -= unread_[stage] > 0 ? needs_[stage].value : 0;
    for (const StageRead& read : operands(stage))
      if (unread_[at(read.value)] == 1) alive_ += needs_[at(read.value)].value;
  }

  // Runs what is left after `depth` stages whose peak was `peak`.
  constexpr void search(std::size_t depth, std::size_t peak) {
    if (depth == needs_.size()) {
      peak_ = peak;
      order_ = tried_;
      return;
    }
    std::array<bool, N> tried{};
    for (;;) {  // what needs least first, of these what leaves least
      std::size_t next = N, least_need = 0, least_alive = 0;
      for (std::size_t s = 0; s < needs_.size(); ++s) {
        if (done_[s] || missing_[s] != 0 || tried[s]) continue;
        if (steps_ == 0 || --steps_ == 0) return;
        const std::size_t need = std::max(peak, need_now(s)), alive = alive_after(s);
        if (next < N && (need > least_need || (need == least_need && alive >= least_alive)))
          continue;
        next = s;
        least_need = need;
        least_alive = alive;
      }
      if (next == N || least_need >= peak_) return;
      const bool at_once = least_need == peak && least_alive <= alive_;
      tried[next] = true;
      tried_[depth] = static_cast<short>(next);
      run(next);
      search(depth + 1, least_need);
      take_back(next);
      if (at_once || peak_ == bound_ || steps_ == 0) return;
    }
  }

  std::span<const StageNeed> needs_;
  std::array<std::size_t, N> missing_{};  // operands that have not run
  std::array<std::size_t, N> unread_{};   // readers that have not run
  std::array<std::size_t, N + 1> operand_begin_{}, reader_begin_{};
  std::array<StageRead, Reads> operands_{};
  std::array<short, Reads> readers_{};
  std::array<bool, N> done_{};
  std::array<short, N> order_{}, tried_{};
  std::size_t alive_ = 0;
  std::size_t peak_ = 0;
  std::size_t bound_ = 0;
  std::size_t steps_;
};

}  // namespace tenon::detail::inline TENON_MODE
