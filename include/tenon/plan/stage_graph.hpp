#pragma once
// The stages of an expression and what they read of each other, in compact arrays: by number of the
// stage in the order of the tree, not by node. All of it follows from the type.

#include <tenon/plan/regions.hpp>

#include <array>
#include <cstddef>

namespace tenon::detail::inline TENON_MODE {

// Stage `reader` reads the value of stage `value`. in_place: it reads every element of it at the index
// that it stores next and never later, and stores elements of the same size: the value's place may be
// the result's.
struct StageRead {
  short reader = 0;
  short value = 0;
  bool in_place = false;
};

// Stages: how many there are; Reads: pairs of them that read each other, each once.
template <int Stages, int Reads>
struct StageGraph {
  static constexpr auto stages = static_cast<std::size_t>(Stages);
  std::array<int, stages> root{};  // nodes
  std::array<int, stages> core{};  // -1: none
  std::array<StageRead, static_cast<std::size_t>(Reads)> reads{};
  bool is_tree = true;  // every value but the result has one reader
};

template <std::size_t N>
class ReadsFinder {
 public:
  constexpr ReadsFinder(const std::array<Record, N>& records,
                        const Structure<static_cast<int>(N)>& structure)
      : records_(records), structure_(structure) {
    for (int s = 0; s < structure.stages; ++s) number_[at(structure.order[at(s)])] = s;
    for (int i = 0; i < static_cast<int>(N); ++i) {
      const int reader = structure.reader[at(i)];
      if (reader < 0 || is_named(i)) continue;
      if (structure.is_stage(i)) add(reader, i, i);
      for (int name = i; records[at(name)].kind == Kind::bound;) {
        name = structure.let_of[at(name)] + 1;
        if (structure.is_stage(name)) add(reader, name, i);
      }
    }
  }

  template <class Graph>
  constexpr void fill(Graph& graph) const {
    for (std::size_t s = 0; s < Graph::stages; ++s) {
      graph.root[s] = structure_.order[s];
      graph.core[s] = structure_.core[at(structure_.order[s])];
    }
    std::array<int, N> readers{};
    for (std::size_t r = 0; r < graph.reads.size(); ++r) {
      graph.reads[r] = reads_[r];
      ++readers[at(reads_[r].value)];
    }
    for (std::size_t s = 0; s + 1 < Graph::stages; ++s)
      graph.is_tree = graph.is_tree && readers[s] == 1;
  }
  [[nodiscard]] constexpr int count() const { return count_; }

 private:
  static constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }

  // Stage `root` reads the value of node `value` where node `read` stands: the value itself or a name.
  constexpr void add(int root, int value, int read) {
    const auto reader = static_cast<short>(number_[at(root)]);
    const auto operand = static_cast<short>(number_[at(value)]);
    const bool in_place = reads_in_place(root, value, read);
    for (int r = 0; r < count_; ++r)
      if (StageRead& known = reads_[at(r)]; known.reader == reader && known.value == operand) {
        known.in_place = known.in_place && in_place;
        return;
      }
    reads_[at(count_++)] = {reader, operand, in_place};
  }

  // What a let gives a name, a value or another name: nobody reads it but who reads the name.
  constexpr bool is_named(int i) const {
    const int up = records_[at(i)].parent;
    return records_[at(up)].kind == Kind::let && i == up + 1 && !structure_.in_registers[at(up)];
  }

  // From the node that is read up to the root: elementwise work that stretches nothing, and the core
  // where it is a normalisation, whose row is read whole before any of it is stored.
  constexpr bool reads_in_place(int root, int value, int read) const {
    if (size_bytes(records_[at(value)].dtype) != size_bytes(records_[at(root)].dtype)) return false;
    if (!same_patterns(records_[at(value)], records_[at(read)])) return false;
    for (int below = read; below != root; below = records_[at(below)].parent) {
      const int up = records_[at(below)].parent;
      const Kind kind = records_[at(up)].kind;
      const bool is_core = structure_.core[at(root)] == up && kind == Kind::normalize;
      const bool is_elementwise =
          kind == Kind::map ||
          (kind == Kind::let && (below != up + 1 || structure_.in_registers[at(up)]));
      if (!(is_core || is_elementwise) || !keeps_extents(up, below)) return false;
    }
    return true;
  }

  static constexpr bool same_patterns(const Record& a, const Record& b) {
    if (a.rank != b.rank) return false;
    for (int d = 0; d < a.rank; ++d)
      if (a.extent(d) != b.extent(d)) return false;
    return true;
  }

  // True where node `up` is known to have the extents of its operand `below`: they are the same
  // constants, or no other operand can stretch them.
  constexpr bool keeps_extents(int up, int below) const {
    const Record& r = records_[at(up)];
    const Record& x = records_[at(below)];
    if (r.rank != x.rank) return false;
    for (int d = 1; d <= r.rank; ++d) {
      if (is_settled_extent(x.extent(-d)) && x.extent(-d) == r.extent(-d)) continue;
      if (r.kind == Kind::normalize) continue;
      if (r.kind == Kind::let) {
        if (below == up + 1) return false;
        continue;
      }
      for (int c = up + 1; c < up + r.subtree; c += records_[at(c)].subtree) {
        const Record& other = records_[at(c)];
        if (c != below && d <= other.rank && other.extent(-d) != 1) return false;
      }
    }
    return true;
  }

  const std::array<Record, N>& records_;
  const Structure<static_cast<int>(N)>& structure_;
  std::array<int, N> number_{};  // of a stage, by its root
  std::array<StageRead, N> reads_{};
  int count_ = 0;
};

template <class E>
consteval auto make_stage_graph() {
  constexpr ReadsFinder finder(pattern_records<E>, structure_of<E>);
  StageGraph<structure_of<E>.stages, finder.count()> graph;
  finder.fill(graph);
  return graph;
}

// The stages of an expression type, and which of them read each other.
template <class E>
inline constexpr auto stage_graph = make_stage_graph<E>();

// The number of the stage that stores node `root`.
template <class E>
consteval std::size_t stage_number(int root) {
  std::size_t s = 0;
  while (stage_graph<E>.root[s] != root) ++s;
  return s;
}

}  // namespace tenon::detail::inline TENON_MODE
