#pragma once
// From records to stages: which nodes are computed together, and which need a place in memory.
//
// A stage is one run of a kernel. It is named by its root, the node whose value it stores, and has at
// most one core: a contraction, reduction or normalisation whose elementwise surroundings it
// swallows, those above the core as its epilogue, those below as its prologue. A stage without a
// core is one elementwise loop. What a stage cannot swallow becomes a stage of its own, and Reason
// says why.

#include <tenon/plan/record.hpp>

#include <tenon/kernels/gemm.hpp>

namespace tenon::inline TENON_MODE {

// Why a node is stored.
enum class Reason : unsigned char {
  not_stored,        // it is part of another stage
  result,            // it is the expression itself
  second_core,       // its stage has a core already, or cannot put one here
  broadcast,         // its values are costly and would be computed again for every broadcast
  repacked,          // its values are costly and the contraction reads them more than once
  row_major_needed,  // reshape needs it in row-major order
  shared,            // let: used by name where registers do not reach
  hoisted            // a region that runs block of rows by block of rows reads it in every block
};

[[nodiscard]] constexpr const char* describe(Reason reason) noexcept {
  constexpr const char* texts[] = {
      "part of another stage",
      "the result",
      "the stage that reads it has another core",
      "costly, and broadcast: computed once instead of once for each use",
      "costly, and read more than once by the contraction",
      "reshape needs row-major order",
      "shared by let beyond one loop",
      "hoisted: computed once, outside the blocks of rows that read it"};
  return texts[static_cast<unsigned char>(reason)];
}

// What weighs more than this many additions is costly: the plan never computes it twice.
inline constexpr int costly_weight = 8;

// How a node enters the expression that a region evaluates for one block of its rows.
enum class Window : unsigned char {
  none,   // it is in no region, or lies below a hoisted node
  push,   // the same operation on the block of its operands; leaves: the block
  slice,  // whole, and the block of it is taken: nothing is computed for what is not read
  hoist   // stored whole by a stage of its own, before the blocks begin
};

// Row-block regions, by node. A region is a stage that runs its own stages block of rows by block of
// rows; see plan/regions.hpp.
template <int N>
struct Regions {
  static constexpr auto count = static_cast<std::size_t>(N);
  std::array<index_t, count> rows{};  // of a region's root: the most rows of a block; else 0
  std::array<int, count> along{};     // of a region's root: the axis that is cut into blocks
  std::array<int, count> stages{};    // of a region's root: the stages that run for each block
  std::array<Window, count> window{};
  std::array<signed char, count> axis{};  // of a node in a region: its axis that is cut; -1: none
  std::array<int, count> reader{};  // of a stage within a block: the stage that reads it; else -1
};

template <int N>
struct Structure {
  static constexpr auto count = static_cast<std::size_t>(N);
  std::array<Reason, count> reason{};      // not_stored, or why the node is the root of a stage
  std::array<int, count> core{};           // of a stage root: its core, -1 if none
  std::array<int, count> reader{};         // the root of the stage that reads or computes the node
  std::array<int, count> let_of{};         // of a bound name: the let that binds it
  std::array<bool, count> in_registers{};  // of a let: its value never leaves the loop
  std::array<int, count> order{};          // stage roots, operands before their readers
  Regions<N> regions{};
  int stages = 0;

  [[nodiscard]] constexpr bool is_stage(int i) const noexcept {
    return reason[static_cast<std::size_t>(i)] != Reason::not_stored;
  }
  [[nodiscard]] constexpr bool is_region(int i) const noexcept {
    return regions.rows[static_cast<std::size_t>(i)] > 0;
  }
};

}  // namespace tenon::inline TENON_MODE

namespace tenon::detail::inline TENON_MODE {

// The axes of a product that its operands' batch axes broadcast to.
[[nodiscard]] constexpr int batch_axes(const Record& product) noexcept {
  return product.rank - (product.left_vector ? 0 : 1) -
         (product.right_vector ? 0 : product.column_axes);
}

// The batch axes of an operand of a product that are batch axes of the product too.
[[nodiscard]] constexpr int own_batch_axes(const Record& product, const Record& operand) noexcept {
  return operand.rank < 2 ? 0 : operand.rank - (product.grouped ? 3 : 2);
}

// The cost of the costliest elementwise operation that reading node i repeats.
template <std::size_t N>
[[nodiscard]] constexpr int costliest_operation(const std::array<Record, N>& records, int i) {
  const Record& r = records[static_cast<std::size_t>(i)];
  if (r.kind == Kind::view || r.kind == Kind::reshape) return costliest_operation(records, i + 1);
  if (r.kind != Kind::map && r.kind != Kind::let && r.kind != Kind::join) return 0;
  int weight = r.weight;
  for (int c = i + 1; c < i + r.subtree; c += records[static_cast<std::size_t>(c)].subtree) {
    const int w = costliest_operation(records, c);
    weight = w > weight ? w : weight;
  }
  return weight;
}

// Rows, columns and depth of a contraction record.
struct MatmulExtents {
  index_t m = 1, n = 1, k = 1;
};

// Formula: (m, n, k) of a product whose operands are records a and b.
[[nodiscard]] constexpr MatmulExtents matmul_extents(const Record& product, const Record& a,
                                                     const Record& b) noexcept {
  return {product.left_vector ? 1 : a.extent(-2), product.right_vector ? 1 : b.extent(-1),
          a.extent(-1)};
}

// The element types of the contractions and normalisations of an expression, as bits 1 << DType.
template <std::size_t N>
[[nodiscard]] constexpr unsigned kernel_types(const std::array<Record, N>& records) noexcept {
  unsigned types = 0;
  for (const Record& r : records)
    if (r.kind == Kind::contract || r.kind == Kind::normalize)
      types |= 1U << static_cast<unsigned>(r.dtype);
  return types;
}

// f(type identity) for the element type that `type` names, one of those in Types; the others cost no
// code.
template <unsigned Types, class F>
constexpr std::size_t with_kernel_type(DType type, const F& f) {
  std::size_t result = 0;
  const auto offer = [&]<class T>(std::type_identity<T> identity) {
    if constexpr (((Types >> static_cast<unsigned>(dtype_of<T>)) & 1U) != 0)
      if (type == dtype_of<T>) result = f(identity);
  };
  offer(std::type_identity<float>{});
  offer(std::type_identity<double>{});
  offer(std::type_identity<std::int8_t>{});
  offer(std::type_identity<std::int16_t>{});
  offer(std::type_identity<std::int32_t>{});
  offer(std::type_identity<std::int64_t>{});
  offer(std::type_identity<std::uint8_t>{});
  offer(std::type_identity<std::uint16_t>{});
  offer(std::type_identity<std::uint32_t>{});
  offer(std::type_identity<std::uint64_t>{});
  return result;
}

template <std::size_t N>
class StructureBuilder {
 public:
  // Without `regions` every stage stands by itself.
  constexpr explicit StructureBuilder(const std::array<Record, N>& records,
                                      const Regions<static_cast<int>(N)>& regions = {})
      : records_(records) {
    out_.regions = regions;
    for (std::size_t i = 0; i < N; ++i) {
      out_.core[i] = out_.reader[i] = -1;
      out_.let_of[i] = records_[i].let;
    }
    for (std::size_t i = N; i-- > 0;)  // inner lets first
      if (records_[i].kind == Kind::let)
        out_.in_registers[i] =
            regions.window[i + 1] != Window::hoist && fits_registers(static_cast<int>(i));
    stage(0, Reason::result);
  }

  [[nodiscard]] constexpr const Structure<static_cast<int>(N)>& result() const { return out_; }

 private:
  constexpr const Record& at(int i) const { return records_[static_cast<std::size_t>(i)]; }
  constexpr int end(int i) const { return i + at(i).subtree; }
  constexpr int body(int let) const { return end(let + 1); }

  // A shape that may turn out to be the other's: same rank, no two static extents that differ, no
  // axis that one of them is known to stretch.
  constexpr bool may_equal(const Record& a, const Record& b) const {
    if (a.rank != b.rank) return false;
    for (int i = 0; i < a.rank; ++i) {
      const index_t x = a.extent(i), y = b.extent(i);
      if (x != y && ((is_static_extent(x) && is_static_extent(y)) || x == 1 || y == 1))
        return false;
    }
    return true;
  }

  // A let stays in registers where every use of its name is elementwise, in the loop of its body.
  constexpr bool fits_registers(int let) const {
    for (int i = body(let); i < end(let); ++i) {
      if (at(i).kind != Kind::bound || out_.let_of[static_cast<std::size_t>(i)] != let) continue;
      if (!may_equal(at(i), at(let))) return false;
      for (int up = at(i).parent, below = i; up != let; below = up, up = at(up).parent) {
        const bool elementwise =
            at(up).kind == Kind::map ||
            (at(up).kind == Kind::let &&
             (below == body(up) || out_.in_registers[static_cast<std::size_t>(up)]));
        if (!elementwise) return false;
      }
    }
    return true;
  }

  static constexpr int rank_of_core(Kind kind) {
    return kind == Kind::contract ? 3 : kind == Kind::normalize ? 2 : kind == Kind::reduce ? 1 : 0;
  }

  // The node that the stage of `root` is built around: reached through elementwise nodes only, of
  // the root's shape; a contraction before a normalisation before a reduction.
  constexpr void find_core(int i, int root, int& best) const {
    const Record& r = at(i);
    const int rank = rank_of_core(r.kind);
    if (rank > 0) {
      if (may_equal(r, at(root)) && (best < 0 || rank > rank_of_core(at(best).kind))) best = i;
    } else if (r.kind == Kind::map) {
      for (int c = i + 1; c < end(i); c = end(c)) find_core(c, root, best);
    } else if (r.kind == Kind::let) {
      if (out_.in_registers[static_cast<std::size_t>(i)]) find_core(i + 1, root, best);
      find_core(body(i), root, best);
    }
  }

  constexpr int costliest(int i) const { return costliest_operation(records_, i); }

  // True where the operand is smaller than the map that reads it, as far as the types know.
  constexpr bool is_broadcast(const Record& operand, const Record& map) const {
    for (int d = 1; d <= map.rank; ++d) {
      const index_t wide = map.extent(-d), narrow = d <= operand.rank ? operand.extent(-d) : 1;
      if (narrow == 1 && wide != 1) return true;
    }
    return false;
  }

  // True where the contraction reads the operand more than once, or may: for every batch that it is
  // stretched over, or because blocks of the other operand pass by.
  constexpr bool repacks(int contraction, int operand) const {
    const int a = contraction + 1, b = end(a);
    if (is_stretched_over_batches(contraction, operand)) return true;
    MatmulExtents e = matmul_extents(at(contraction), at(a), at(b));
    if (!is_settled_extent(e.m) || !is_static_extent(e.n) || !is_static_extent(e.k)) return true;
    e.m = bound_of(e.m);
    const auto passes = [&]<class T>(std::type_identity<T>) -> std::size_t {
      return static_cast<std::size_t>(operand == a ? kernels::gemm_a_passes<T>(e.m, e.n, e.k)
                                                   : kernels::gemm_b_passes<T>(e.m, e.n, e.k));
    };
    return with_kernel_type<~0U>(at(contraction).dtype, passes) > 1;
  }

  constexpr bool is_stretched_over_batches(int contraction, int operand) const {
    const Record& product = at(contraction);
    const Record& x = at(operand);
    const int batches = batch_axes(product);
    const int own = own_batch_axes(product, x);
    for (int d = 1; d <= batches; ++d)
      if (product.extent(batches - d) != 1 && (d > own || x.extent(own - d) == 1)) return true;
    return false;
  }

  constexpr void stage(int root, Reason reason) {
    out_.reason[static_cast<std::size_t>(root)] = reason;
    int core = -1;
    if (out_.is_region(root)) {
      visit_region(root, root);
    } else {
      find_core(root, root, core);
      visit(root, root, core);
    }
    out_.core[static_cast<std::size_t>(root)] = core;
    out_.order[static_cast<std::size_t>(out_.stages++)] = root;
  }

  // Makes `i` a stage of its own that `root` reads.
  constexpr void store(int i, int root, Reason reason) {
    stage(i, reason);
    out_.reader[static_cast<std::size_t>(i)] = root;
  }

  constexpr void visit(int i, int root, int core) {
    const Record& r = at(i);
    if (i != root) out_.reader[static_cast<std::size_t>(i)] = root;
    switch (r.kind) {
      case Kind::leaf:
      case Kind::scalar:
      case Kind::bound:
        return;
      case Kind::map:
        for (int c = i + 1; c < end(i); c = end(c)) {
          if (is_broadcast(at(c), r) && costliest(c) > costly_weight)
            store(c, root, Reason::broadcast);
          else
            visit(c, root, core);
        }
        return;
      case Kind::view:
        visit(i + 1, root, core);
        return;
      case Kind::reshape:
        if (lies_in_order(i + 1))
          visit(i + 1, root, core);
        else
          store(i + 1, root, Reason::row_major_needed);
        return;
      case Kind::join:
        for (int c = i + 1; c < end(i); c = end(c)) visit(c, root, core);
        return;
      case Kind::windows:  // each element is read once for every window that it is in
        if (costliest(i + 1) > costly_weight)
          store(i + 1, root, Reason::repacked);
        else
          visit(i + 1, root, core);
        return;
      case Kind::slide:  // so here, and a reduction reads them
        if (costliest(i + 1) > costly_weight)
          store(i + 1, root, Reason::broadcast);
        else
          visit(i + 1, root, core);
        return;
      case Kind::let: {
        const int bound = i + 1;
        const bool alias = at(bound).kind == Kind::leaf || at(bound).kind == Kind::scalar ||
                           at(bound).kind == Kind::bound;
        if (out_.in_registers[static_cast<std::size_t>(i)] || alias)
          visit(bound, root, core);
        else
          store(bound, root, Reason::shared);
        visit(body(i), root, core);
        return;
      }
      case Kind::contract:
      case Kind::reduce:
      case Kind::normalize:
        if (i != core) {
          store(i, root, Reason::second_core);
          return;
        }
        for (int c = i + 1; c < end(i); c = end(c)) {
          if (r.kind == Kind::contract && costliest(c) > costly_weight && repacks(i, c))
            store(c, root, Reason::repacked);
          else
            visit(c, root, core);
        }
        return;
    }
  }

  // What a region does not hoist belongs to it.
  constexpr void visit_region(int i, int root) {
    if (i != root) out_.reader[static_cast<std::size_t>(i)] = root;
    if (i != root && out_.regions.window[static_cast<std::size_t>(i)] == Window::hoist) {
      store(i, root, Reason::hoisted);
      return;
    }
    for (int c = i + 1; c < end(i); c = end(c)) visit_region(c, root);
  }

  // A node whose value a reshape can take as it lies: a row-major leaf, or what gets a slot anyway.
  constexpr bool lies_in_order(int i) const {
    switch (at(i).kind) {
      case Kind::leaf:
        return at(i).contiguous;
      case Kind::reshape:
      case Kind::contract:
      case Kind::reduce:
      case Kind::normalize:
        return true;
      case Kind::bound: {
        const int let = out_.let_of[static_cast<std::size_t>(i)];
        const Kind bound = at(let + 1).kind;
        return (bound != Kind::leaf && bound != Kind::bound) || lies_in_order(let + 1);
      }
      default:
        return false;
    }
  }

  const std::array<Record, N>& records_;
  Structure<static_cast<int>(N)> out_{};
};

}  // namespace tenon::detail::inline TENON_MODE
