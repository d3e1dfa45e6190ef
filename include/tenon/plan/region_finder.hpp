#pragma once
// The search for regions: which stages can run block of rows by block of rows, and what is hoisted.

#include <tenon/plan/block_estimate.hpp>

namespace tenon::detail::inline TENON_MODE {

// Blocks are made on the stack, in frames of at most 4 KiB: no region has more bytes of nodes.
inline constexpr int most_block_bytes = 1280;

// What a node takes in a block's expression, about: extents, a pointer, strides.
[[nodiscard]] constexpr int bytes_in_block(const Record& r) noexcept {
  int words = 0;
  for (int d = 0; d < r.rank; ++d) words += is_static_extent(r.extent(d)) ? 0 : 1;
  words = words > 0 ? words : 1;  // the rows of a block
  if (r.kind == Kind::leaf) words += 1 + (r.contiguous ? 0 : r.rank);
  if (r.kind == Kind::view) words += 2 * r.rank;
  return 8 * words;
}

template <std::size_t N>
class RegionFinder {
 public:
  using Found = Regions<static_cast<int>(N)>;

  // `base` is the structure without regions.
  constexpr RegionFinder(const std::array<Record, N>& records,
                         const Structure<static_cast<int>(N)>& base)
      : records_(records), base_(base) {
    for (auto& axis : out_.axis) axis = -1;
    for (auto& reader : out_.reader) reader = -1;
    for (std::size_t i = N; i-- > 0;)
      bytes_from_[i] = bytes_from_[i + 1] + bytes_in_block(records[i]);
    consider(0);
  }

  [[nodiscard]] constexpr const Found& result() const { return out_; }

 private:
  static constexpr int most_steps = 6'000;  // nodes looked at

  constexpr const Record& at(int i) const { return records_[static_cast<std::size_t>(i)]; }
  constexpr int end(int i) const { return i + at(i).subtree; }
  constexpr Window& window(int i) { return out_.window[static_cast<std::size_t>(i)]; }
  constexpr int axis(int i) const { return out_.axis[static_cast<std::size_t>(i)]; }

  constexpr int block_bytes(int root) const {
    return bytes_from_[static_cast<std::size_t>(root)] -
           bytes_from_[static_cast<std::size_t>(end(root))];
  }

  enum class Verdict : unsigned char { region, small, none };

  // Makes the stage of `root` a region, or else the largest ones below it that can be.
  constexpr void consider(int root) {
    if (has_stages_below(root)) {
      const Record& r = at(root);
      for (int a = 0; a + 2 < r.rank; ++a)
        if (r.extent(a) != 1 && is_static_extent(r.extent(a))) {
          if (try_region(root, a, true) == Verdict::region) return;
          break;
        }
      if (r.rank > 0) {
        const Verdict verdict = try_region(root, r.rank < 2 ? 0 : r.rank - 2, false);
        if (verdict != Verdict::none) return;
      }
    }
    consider_stages(root + 1, end(root));
  }

  // The largest stages among nodes [i, last).
  constexpr void consider_stages(int i, int last) {
    while (i < last)
      if (base_.is_stage(i)) {
        consider(i);
        i = end(i);
      } else {
        ++i;
      }
  }

  constexpr bool has_stages_below(int root) const {
    for (int i = root + 1; i < end(root); ++i)
      if (base_.is_stage(i)) return true;
    return false;
  }

  // Cuts the stage of `root` along row_axis. Where one block would hold all rows (`small`), that goes
  // for all stages that are cut with it, and only what would be hoisted has been considered instead.
  constexpr Verdict try_region(int root, int row_axis, bool one_by_one) {
    const index_t rows = at(root).extent(row_axis);
    if (rows == dyn_block || is_block_extent(rows)) return Verdict::none;  // a block already
    if (steps_ > most_steps || block_bytes(root) > most_block_bytes) return Verdict::none;
    if (!one_by_one && !is_unbounded_extent(rows) && bound_of(rows) <= least_block_rows)
      return Verdict::none;
    root_ = root;
    one_by_one_ = one_by_one;
    for (int i = root; i < end(root); ++i) hoisted_let_[static_cast<std::size_t>(i)] = false;
    do {  // at most once a let
      clear(root);
      changed_ = failed_ = false;
      push(root, row_axis);
    } while (changed_ && !failed_);
    const BlockRows block = failed_ ? BlockRows{} : block_rows(root, rows);
    if (block.most == 0) {
      if (block.verdict == Verdict::small) consider_hoisted(root);
      clear(root);
      return block.verdict;
    }
    out_.rows[static_cast<std::size_t>(root)] = block.most;
    out_.stages[static_cast<std::size_t>(root)] = 1;
    for (int i = root + 1; i < end(root); ++i)
      if (is_inner_stage(i)) ++out_.stages[static_cast<std::size_t>(root)];
    for (int i = root + 1; i < end(root);)
      if (window(i) == Window::hoist) {
        const int cut = axis(i);
        consider(i);
        mark(i, Window::hoist, cut);  // what it is to this region
        i = end(i);
      } else {
        ++i;
      }
    return Verdict::region;
  }

  constexpr void clear(int root) {
    steps_ += at(root).subtree;
    for (int i = root; i < end(root); ++i) {
      window(i) = Window::none;
      out_.axis[static_cast<std::size_t>(i)] = -1;
      out_.reader[static_cast<std::size_t>(i)] = -1;
      name_axis_[static_cast<std::size_t>(i)] = -1;
    }
  }

  constexpr void mark(int i, Window how, int row_axis) {
    window(i) = how;
    out_.axis[static_cast<std::size_t>(i)] = static_cast<signed char>(row_axis);
  }

  // Cuts node i along its axis a.
  constexpr void push(int i, int a) {
    if (!goes_on()) return;
    const Record& r = at(i);
    mark(i, Window::push, a);
    switch (r.kind) {
      case Kind::leaf:
        // One row at a time would leave nothing of its unit axis.
        if (one_by_one_ && r.unit_axis == a) failed_ = true;
        return;
      case Kind::scalar:
        return;
      case Kind::bound:
        return use(i, i, a);
      case Kind::map:
        for (int c = i + 1; c < end(i); c = end(c)) push_or_whole(c, a - (r.rank - at(c).rank));
        return;
      case Kind::contract:
        return push_contraction(i, a);
      case Kind::reduce:
        return push(i + 1, operand_axis(r, a));
      case Kind::normalize:
        if (((r.axes >> a) & 1U) != 0) return hoist(i, a);
        return push(i + 1, a);
      case Kind::view: {
        const int c = r.source[static_cast<std::size_t>(a)];
        int uses = 0;
        for (int d = 0; d < r.rank; ++d) uses += r.source[static_cast<std::size_t>(d)] == c ? 1 : 0;
        if (c >= 0 && uses == 1 && ((r.whole_axes >> c) & 1U) != 0) return push(i + 1, c);
        window(i) = Window::slice;
        return whole(i + 1);
      }
      case Kind::reshape:
        window(i) = Window::slice;
        if ((at(i + 1).kind == Kind::leaf && at(i + 1).contiguous) || at(i + 1).kind == Kind::bound)
          whole(i + 1);  // a name stands for a slot, or for a leaf that lies in order
        else
          hoist(i + 1, -1);
        return;
      case Kind::join:
        if (((r.axes >> a) & 1U) != 0) return hoist(i, a);
        for (int c = i + 1; c < end(i); c = end(c)) push_or_whole(c, a);
        return;
      case Kind::slide:  // the axis that slides is two in the result
        if ((((r.axes | r.axes << 1) >> a) & 1U) != 0) failed_ = true;
        return push_or_whole(i + 1, (r.axes >> a) != 0 ? a : a - 1);
      case Kind::windows:
        if (a >= at(i).rank - 2) failed_ = true;
        return push_or_whole(i + 1, a);
      case Kind::let:
        return push_let(i, a);
    }
  }

  // False where the cut has failed, or the search has taken its share of compilers' default limits.
  constexpr bool goes_on() {
    if (++steps_ > most_steps) failed_ = true;
    return !failed_;
  }

  constexpr void push_or_whole(int c, int a) {
    if (a < 0 || at(c).extent(a) == 1)
      whole(c);
    else
      push(c, a);
  }

  constexpr void push_contraction(int i, int a) {
    const Record& r = at(i);
    const int left = i + 1, right = end(left), batches = batch_axes(r);
    const auto batch = [&](int x) {
      const int own = own_batch_axes(r, at(x));
      const int c = a - (batches - own);
      if (c < 0 || at(x).extent(c) == 1)
        whole_operand(x);
      else
        push(x, c);
    };
    if (a < batches) {
      batch(left);
      batch(right);
    } else if (a == batches && !r.left_vector && at(right).kind != Kind::windows) {
      whole_operand(right);
      push(left, at(left).rank - 2);
    } else {
      hoist(i, a);
    }
  }

  // The axis of a reduction's operand that becomes axis a of its result.
  static constexpr int operand_axis(const Record& r, int a) {
    if (r.keep_dims) return a;
    int c = 0;
    for (;; ++c) {
      if (((r.axes >> c) & 1U) != 0) continue;
      if (a-- == 0) return c;
    }
  }

  constexpr void push_let(int i, int a) {
    const int bound = i + 1;
    push(end(bound), a);
    if (is_alias(bound)) {
      window(bound) = Window::push;  // its names stand for it
      return;
    }
    const int named = name_axis_[static_cast<std::size_t>(i)];
    if (hoisted_let_[static_cast<std::size_t>(i)] || named < 0) {
      hoisted_let_[static_cast<std::size_t>(i)] = true;
      hoist(bound, -1);
    } else {
      push(bound, named);
    }
  }

  constexpr bool is_alias(int i) const {
    return at(i).kind == Kind::leaf || at(i).kind == Kind::scalar || at(i).kind == Kind::bound;
  }

  // `name`, cut along a (-1: whole), stands for the value of a let.
  constexpr void use(int user, int name, int a) {
    const int let = at(name).let, bound = let + 1;
    if (at(bound).kind == Kind::bound) return use(user, bound, a);
    if (at(bound).kind == Kind::scalar) return;
    if (at(bound).kind == Kind::leaf) {  // the name is taken to lie in row-major order
      if (at(bound).unit_axis != at(bound).rank - 1) failed_ = true;
      if (a >= 0 && one_by_one_ && a == at(bound).rank - 1) failed_ = true;
      return;
    }
    if (let < root_ || let >= end(root_)) {
      if (base_.in_registers[static_cast<std::size_t>(let)] && window(bound) != Window::hoist)
        failed_ = true;
      return;
    }
    int& named = name_axis_[static_cast<std::size_t>(let)];
    if (a >= 0 && (named < 0 || named == a)) {
      named = a;
    } else if (!hoisted_let_[static_cast<std::size_t>(let)]) {
      hoisted_let_[static_cast<std::size_t>(let)] = true;
      changed_ = true;
    }
  }

  // Node i without a cut: as it is where that costs nothing worth keeping, else hoisted.
  constexpr void whole(int i) {
    if (!goes_on()) return;
    if (!is_lazy(i)) return hoist(i, -1);
    mark(i, Window::push, -1);
    if (at(i).kind == Kind::bound) use(i, i, -1);
    for (int c = i + 1; c < end(i); c = end(c)) whole(c);
  }

  // The operand of a product that every block reads: memory, for anything else would be computed again.
  constexpr void whole_operand(int i) {
    int below = i;
    while (at(below).kind == Kind::view || at(below).kind == Kind::windows || is_in_order(below))
      ++below;
    if (at(below).kind == Kind::leaf || at(below).kind == Kind::bound) return whole(i);
    for (int v = i; v < below; ++v) mark(v, Window::push, -1);
    hoist(below, -1);
  }

  // A reshape that reads a leaf as it lies.
  constexpr bool is_in_order(int i) const {
    return at(i).kind == Kind::reshape && at(i + 1).kind == Kind::leaf && at(i + 1).contiguous;
  }

  // Cheap elementwise work over memory.
  constexpr bool is_lazy(int i) const {
    for (int c = i; c < end(i); ++c)
      if (const Kind k = at(c).kind; k == Kind::contract || k == Kind::reduce ||
                                     k == Kind::normalize || k == Kind::let ||
                                     (k == Kind::reshape && !is_in_order(c)))
        return false;
    return costliest_operation(records_, i) <= costly_weight;
  }

  constexpr void hoist(int i, int a) {
    const Record& r = at(i);
    mark(i, Window::hoist, a);
    // A slot lies in row-major order: what its readers know of the memory order must not change.
    if (r.rank > 0 && r.unit_axis != r.rank - 1) failed_ = true;
    if (one_by_one_ && a >= 0 && a == r.rank - 1) failed_ = true;
    if (i == root_) failed_ = true;
    for (int c = i; c < end(i); ++c) {
      if (c != i) mark(c, Window::none, -1);
      if (at(c).kind == Kind::bound && (at(c).let < i || at(c).let >= end(i))) use(c, c, -1);
    }
  }

  constexpr bool is_inner_stage(int i) const {
    return base_.is_stage(i) && axis(i) >= 0 &&
           out_.window[static_cast<std::size_t>(i)] == Window::push;
  }

  // The largest stages of what would be hoisted.
  constexpr void consider_hoisted(int root) {
    for (int i = root + 1; i < end(root); ++i)
      apart_[static_cast<std::size_t>(i)] = window(i) == Window::hoist;
    clear(root);
    for (int i = root + 1; i < end(root);)
      if (apart_[static_cast<std::size_t>(i)]) {
        consider_stages(i, end(i));
        i = end(i);
      } else {
        ++i;
      }
  }

  struct BlockRows {
    index_t most = 0;  // 0: no region
    Verdict verdict = Verdict::none;
  };

  // The rows of a block, 0 where blocks do not help: no stage would become smaller, or what is to be
  // hoisted weighs more than what they save.
  constexpr BlockRows block_rows(int root, index_t rows) {
    out_.along[static_cast<std::size_t>(root)] = at(root).rank == 0 ? 0 : axis(root);
    for (int i = root + 1; i < end(root); ++i)
      if (is_inner_stage(i))
        out_.reader[static_cast<std::size_t>(i)] = base_.reader[static_cast<std::size_t>(i)];
    const PatternSizes<N> sizes{records_, out_, root};
    const BlockEstimate estimate(records_, out_, root, sizes);
    const index_t inner = estimate.inner_bytes();
    if (inner == 0) return {};
    constexpr index_t expected_rows = 4096;
    const index_t expected = nominal(rows, expected_rows);
    index_t hoisted = 0;
    for (int i = root + 1; i < end(root); ++i)
      if (window(i) == Window::hoist && !base_.is_stage(i))
        hoisted += estimate.row_bytes(i) * (axis(i) < 0 ? 1 : expected);
    index_t most = 1;
    if (one_by_one_) {
      // A batch takes longer than to begin its stages.
      constexpr index_t least_work = index_t{1} << 18;
      if (rows < 2 || estimate.work() < least_work) return {};
    } else {
      most = estimate.rows();
      if (!is_unbounded_extent(rows) && bound_of(rows) <= most) return {0, Verdict::small};
      if (is_static_extent(rows)) most = rows_of_block(rows, most);
    }
    if (inner * (expected - most) <= hoisted) return {};
    return {most, Verdict::region};
  }

  const std::array<Record, N>& records_;
  const Structure<static_cast<int>(N)>& base_;
  Found out_{};
  std::array<bool, N> hoisted_let_{};
  std::array<bool, N> apart_{};  // would be hoisted, and is considered by itself
  std::array<int, N> name_axis_{};
  std::array<int, N + 1> bytes_from_{};  // of the blocks of the nodes from each on
  int root_ = 0;
  int steps_ = 0;
  bool one_by_one_ = false;  // every block is one index of a batch axis
  bool changed_ = false;
  bool failed_ = false;
};

}  // namespace tenon::detail::inline TENON_MODE
