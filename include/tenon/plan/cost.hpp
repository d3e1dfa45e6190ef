#pragma once
// What a plan computes and moves: flops and bytes of every stage, how often a value is computed where it
// is not stored, and what each decision to store a value would have cost the other way.
//
// Conventions. An addition, multiplication, division, square root, comparison or conversion counts as
// one flop an element, on integers too; exp and its kin as the weight of their functor; a contraction
// as 2·M·N·K; a reduction of n elements as n - 1; softmax as 24 an element, log_softmax as 25. Bytes
// are those of operands and stored values: each element that a stage reads counts once for every
// pass of its kernel over it, each element that it stores once. Packing panels, row buffers and what a region
// stores for a block of its rows stay in the caches and do not count.

#include <tenon/plan/slots.hpp>

#include <algorithm>
#include <cstdint>

namespace tenon::inline TENON_MODE {

// What a stage, or one way of computing a value, takes.
struct Cost {
  std::uint64_t flops = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_stored = 0;

  [[nodiscard]] constexpr std::uint64_t bytes_moved() const noexcept {
    return bytes_read + bytes_stored;
  }
  // Flops for each byte moved; 0 where none is.
  [[nodiscard]] constexpr double intensity() const noexcept {
    return bytes_moved() == 0 ? 0.0
                              : static_cast<double>(flops) / static_cast<double>(bytes_moved());
  }
  constexpr Cost& operator+=(const Cost& other) noexcept {
    flops += other.flops;
    bytes_read += other.bytes_read;
    bytes_stored += other.bytes_stored;
    return *this;
  }
  friend constexpr bool operator==(const Cost&, const Cost&) = default;
};

// How many elements of a value its reader asks for, how often it does so, and how many of them are
// different elements.
struct Demand {
  std::uint64_t elements = 0;
  std::uint64_t passes = 0;
  std::uint64_t distinct = 0;

  [[nodiscard]] constexpr std::uint64_t evaluations() const noexcept { return elements * passes; }
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

[[nodiscard]] constexpr std::uint64_t elements_of(const Record& r) noexcept {
  return static_cast<std::uint64_t>(r.size());
}

// Formula: size(operand) / size(result) of a reduction or normalisation; 0 where there is no result.
[[nodiscard]] constexpr std::uint64_t folded_elements(const Record& operation,
                                                      const Record& operand) noexcept {
  std::uint64_t n = 1;
  for (int i = 0; i < operand.rank; ++i)
    if (((operation.axes >> i) & 1U) != 0) n *= static_cast<std::uint64_t>(operand.extent(i));
  return n;
}

// Reads records and structure of a plan; all functions take node indices.
template <std::size_t N>
class CostModel {
 public:
  constexpr CostModel(const std::array<Record, N>& records,
                      const Structure<static_cast<int>(N)>& structure)
      : records_(records), structure_(structure) {
    for (int i = 0; i < static_cast<int>(N); ++i) ask(i);
  }

  // What is asked of a node by the stage that reads it; of a stored let, by all its names together.
  [[nodiscard]] constexpr const Demand& demand(int i) const {
    return demand_[static_cast<std::size_t>(i)];
  }

  // The stage of `root`: its part of the tree, reads of what is stored below it, its store.
  [[nodiscard]] constexpr Cost stage(int root) const {
    Cost cost;
    for_each_in_stage(root, [&](int i) {
      if (i != root && structure_.is_stage(i)) {
        cost.bytes_read += is_let_value(i) ? 0 : read_bytes(at(i), demand(i));
      } else {
        const Demand here = i == root || is_within_block(i) ? whole(i) : demand(i);
        cost.flops += flops(i, here);
        cost.bytes_read += leaf_bytes(i, here);
      }
    });
    cost.bytes_stored = record_bytes(at(root));
    const int core = structure_.core[static_cast<std::size_t>(root)];
    if (core >= 0 && !same_extents(at(core), at(root))) {
      cost.bytes_read += record_bytes(at(core));
      cost.bytes_stored += record_bytes(at(core));
    }
    return cost;
  }

  // Computing node `top` as often as `demand` says where it is read, down to leaves and stored values. Below
  // a contraction or reduction every element is read anew for each of its results: without a
  // kernel there are no blocks.
  [[nodiscard]] constexpr Cost in_place(int top, const Demand& asked) const {
    std::array<Demand, N> need{};
    std::array<bool, N> anew{};
    const auto k = [](int i) { return static_cast<std::size_t>(i); };
    need[k(top)] = asked;
    Cost cost;
    for_each_in_stage(top, [&](int i) {
      if (i != top && is_within_block(i)) {  // computed once
        need[k(i)] = whole(i);
        anew[k(i)] = false;
      }
      const Demand& here = need[k(i)];
      const auto bytes = [&](std::uint64_t once) {
        return anew[k(i)] ? here.evaluations() * element_bytes(i) : once;
      };
      if (i != top && structure_.is_stage(i)) {
        if (!is_let_value(i)) cost.bytes_read += bytes(read_bytes(at(i), here));
        return;
      }
      if (leaf_bytes(i, here) != 0) cost.bytes_read += bytes(leaf_bytes(i, here));
      const std::uint64_t n = here.evaluations();
      std::uint64_t each = 0;  // elements of an operand that one element takes
      if (at(i).kind == Kind::contract) {
        each = depth(i);
        cost.flops += 2 * each * n;
      } else if (at(i).kind == Kind::reduce) {
        each = folded_elements(at(i), at(i + 1));
        cost.flops += each == 0 ? 0 : (each - 1) * n;
      } else if (at(i).kind == Kind::normalize) {
        each = n == elements_of(at(i)) ? 1 : folded_elements(at(i), at(i + 1));
        cost.flops += static_cast<std::uint64_t>(at(i).flops) * each * n;
      } else {
        cost.flops += static_cast<std::uint64_t>(at(i).flops) * n;
      }
      const bool is_core = each != 0;
      for (int c = i + 1; c < end(i); c = end(c)) {
        if (at(i).kind == Kind::let && c == i + 1 && !in_registers(i)) continue;
        need[k(c)] = is_core ? Demand{each, n, each} : below(here, c);
        anew[k(c)] = anew[k(i)] || (is_core && each != 1);
      }
    });
    return cost;
  }

  // Bytes that all stages read of a stored value, or would of one that is not stored.
  [[nodiscard]] constexpr std::uint64_t read_bytes(int i) const {
    if (!is_let_value(i) || !structure_.is_stage(i)) return read_bytes(at(i), demand(i));
    std::uint64_t bytes = 0;
    for (int name = end(i); name < static_cast<int>(N); ++name)
      if (at(name).kind == Kind::bound && named(name) == i) bytes += leaf_bytes(name, demand(name));
    return bytes;
  }

  // Of all names of one value in a stage the one that asks for most: the others find it in a cache.
  [[nodiscard]] constexpr bool is_first_reading(int name) const {
    const int value = named(name);
    const int root = structure_.reader[static_cast<std::size_t>(name)];
    const std::uint64_t bytes = read_bytes(at(name), demand(name));
    for (int i = value; i < static_cast<int>(N); ++i) {
      if (i == name || at(i).kind != Kind::bound || named(i) != value ||
          structure_.reader[static_cast<std::size_t>(i)] != root)
        continue;
      const std::uint64_t others = read_bytes(at(i), demand(i));
      if (others > bytes || (others == bytes && i < name)) return false;
    }
    return true;
  }

 private:
  [[nodiscard]] constexpr const Record& at(int i) const {
    return records_[static_cast<std::size_t>(i)];
  }
  [[nodiscard]] constexpr int end(int i) const { return i + at(i).subtree; }
  [[nodiscard]] constexpr bool in_registers(int let) const {
    return structure_.in_registers[static_cast<std::size_t>(let)];
  }
  // True for what a region stores for each block of its rows: it stays in a cache.
  [[nodiscard]] constexpr bool is_within_block(int i) const {
    return structure_.regions.window[static_cast<std::size_t>(i)] == Window::push &&
           structure_.regions.reader[static_cast<std::size_t>(i)] >= 0;
  }
  [[nodiscard]] constexpr bool is_let_value(int i) const {
    return at(i).parent >= 0 && at(at(i).parent).kind == Kind::let && i == at(i).parent + 1;
  }
  [[nodiscard]] constexpr Demand whole(int i) const {
    return {elements_of(at(i)), 1, elements_of(at(i))};
  }
  // What an elementwise node asks of an operand.
  [[nodiscard]] constexpr Demand below(const Demand& here, int operand) const {
    const std::uint64_t size = elements_of(at(operand));
    const int up = at(operand).parent;
    if (up < 0 || at(up).kind != Kind::join)
      return {here.elements, here.passes, std::min(here.distinct, size)};
    // Of what is joined each operand gives its share.
    const double share = static_cast<double>(size) / static_cast<double>(elements_of(at(up)));
    const auto part = [&](std::uint64_t of_all) {
      return size == 0 ? 0 : static_cast<std::uint64_t>(static_cast<double>(of_all) * share + 0.5);
    };
    return {part(here.elements), here.passes, std::min(part(here.distinct), size)};
  }
  [[nodiscard]] constexpr std::uint64_t element_bytes(int i) const {
    return static_cast<std::uint64_t>(size_bytes(at(i).dtype));
  }
  [[nodiscard]] static constexpr std::uint64_t read_bytes(const Record& r, const Demand& demand) {
    return demand.distinct * demand.passes * static_cast<std::uint64_t>(size_bytes(r.dtype));
  }

  // f(i) for the nodes of a stage and the roots of those that it reads, parents first.
  template <class F>
  constexpr void for_each_in_stage(int root, const F& f) const {
    for (int i = root; i < end(root);) {
      f(i);
      i = i != root && structure_.is_stage(i) ? end(i) : i + 1;
    }
  }

  // The stored node or leaf that a name stands for; -1 where registers hold it.
  [[nodiscard]] constexpr int named(int i) const {
    while (at(i).kind == Kind::bound) {
      const int let = structure_.let_of[static_cast<std::size_t>(i)];
      if (in_registers(let)) return -1;
      i = let + 1;
      if (structure_.is_stage(i) || is_within_block(i)) return i;
    }
    return i;
  }

  [[nodiscard]] constexpr std::uint64_t leaf_bytes(int i, const Demand& demand) const {
    if (at(i).kind == Kind::leaf) return read_bytes(at(i), demand);
    if (at(i).kind != Kind::bound) return 0;
    const int value = named(i);
    if (value < 0 || at(value).kind == Kind::scalar || is_within_block(value) ||
        !is_first_reading(i))
      return 0;
    return read_bytes(at(i), demand);
  }

  [[nodiscard]] constexpr std::uint64_t flops(int i, const Demand& demand) const {
    const Record& r = at(i);
    if (r.kind == Kind::contract) return 2 * elements_of(r) * depth(i);
    if (r.kind == Kind::reduce) {
      const std::uint64_t n = folded_elements(r, at(i + 1));
      return n == 0 ? 0 : elements_of(r) * (n - 1);
    }
    return static_cast<std::uint64_t>(r.flops) * demand.evaluations();
  }

  [[nodiscard]] constexpr std::uint64_t depth(int contraction) const {
    return static_cast<std::uint64_t>(at(contraction + 1).extent(-1));
  }

  // Tells the operands of node i what it asks of them.
  constexpr void ask(int i) {
    const Record& r = at(i);
    const Demand here = structure_.is_stage(i) || is_within_block(i) ? whole(i) : demand(i);
    switch (r.kind) {
      case Kind::leaf:
      case Kind::scalar:
        return;
      case Kind::bound: {
        const int value = named(i);
        if (value >= 0 && structure_.is_stage(value)) {
          Demand& all = demand_[static_cast<std::size_t>(value)];
          all = {all.evaluations() + here.evaluations(), 1, elements_of(at(value))};
        }
        return;
      }
      case Kind::let:
        if (in_registers(i)) demand_[static_cast<std::size_t>(i + 1)] = below(here, i + 1);
        demand_[static_cast<std::size_t>(end(i + 1))] = here;
        return;
      case Kind::contract:
        ask_operand(i, i + 1, true);
        ask_operand(i, end(i + 1), false);
        return;
      case Kind::reduce:
      case Kind::normalize:
        demand_[static_cast<std::size_t>(i + 1)] = whole(i + 1);
        return;
      default:
        for (int c = i + 1; c < end(i); c = end(c))
          demand_[static_cast<std::size_t>(c)] = below(here, c);
    }
  }

  // How many blocks of rows the product is computed in, and how many rows they have at most.
  struct RowBlocks {
    index_t rows;
    std::uint64_t count;
  };
  [[nodiscard]] constexpr RowBlocks row_blocks(int contraction, index_t m) const {
    const auto k = [](int i) { return static_cast<std::size_t>(i); };
    const int root =
        structure_.is_stage(contraction) ? contraction : structure_.reader[k(contraction)];
    if (root < 0 || !structure_.is_region(root) || at(contraction).left_vector) return {m, 1};
    const int cut = contraction == root ? structure_.regions.along[k(root)]
                                        : structure_.regions.axis[k(contraction)];
    const index_t rows = structure_.regions.rows[k(root)];
    if (cut != batch_axes(at(contraction)) || rows >= m) return {m, 1};
    return {rows, static_cast<std::uint64_t>((m + rows - 1) / rows)};
  }

  // Once for every block of the other operand, and for every batch that the operand is stretched over.
  constexpr void ask_operand(int contraction, int operand, bool is_a) {
    const Record& product = at(contraction);
    const int a = contraction + 1;
    const MatmulExtents e = matmul_extents(product, at(a), at(end(a)));
    const RowBlocks blocks = row_blocks(contraction, e.m);
    const std::uint64_t passes =
        (is_a ? 1 : blocks.count) *
        with_kernel_type<~0U>(product.dtype, [&]<class T>(std::type_identity<T>) {
          return static_cast<std::size_t>(is_a ? kernels::gemm_a_passes<T>(blocks.rows, e.n, e.k)
                                               : kernels::gemm_b_passes<T>(blocks.rows, e.n, e.k));
        });
    const auto batches = [](const Record& r, index_t matrix) {
      return matrix == 0 ? 0 : elements_of(r) / static_cast<std::uint64_t>(matrix);
    };
    const std::uint64_t own = batches(at(operand), is_a ? e.m * e.k : e.k * e.n);
    const std::uint64_t all = batches(product, e.m * e.n);
    const std::uint64_t n = elements_of(at(operand));
    demand_[static_cast<std::size_t>(operand)] = {n, own == 0 ? 0 : passes * (all / own), n};
  }

  const std::array<Record, N>& records_;
  const Structure<static_cast<int>(N)>& structure_;
  std::array<Demand, N> demand_{};
};

}  // namespace tenon::detail::inline TENON_MODE
