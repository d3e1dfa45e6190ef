#pragma once
// Prepared programs of several results.

#include <tenon/eval/prepare.hpp>
#include <tenon/eval/several.hpp>

#include <array>
#include <utility>

namespace tenon::detail::inline TENON_MODE {

// The tensors of several expressions, counted from left to right: those of the value of a let first.
template <class... Part>
struct LeavesOf<Tie<Part...>> {
  static constexpr std::array counts{LeavesOf<tied_node_t<Part>>::count...};
  static constexpr int count = (0 + ... + LeavesOf<tied_node_t<Part>>::count);
  template <int I>
  [[nodiscard]] static constexpr const auto& at(const Tie<Part...>& tie) noexcept {
    constexpr auto place = [] {  // the result that reads it, and its number there
      std::pair<std::size_t, int> found{0, I};
      for (; found.second >= counts[found.first]; ++found.first)
        found.second -= counts[found.first];
      return found;
    }();
    const auto& node = tied_node(hana::at_c<place.first>(tie.parts()));
    return LeavesOf<std::remove_cvref_t<decltype(node)>>::template at<place.second>(node);
  }
};
template <class Tag, class Bound, class Body>
struct LeavesOf<LetGroup<Tag, Bound, Body>> {
  static constexpr int count = LeavesOf<Bound>::count + LeavesOf<Body>::count;
  template <int I>
  [[nodiscard]] static constexpr const auto& at(const LetGroup<Tag, Bound, Body>& let) noexcept {
    if constexpr (I < LeavesOf<Bound>::count)
      return LeavesOf<Bound>::template at<I>(let.bound());
    else
      return LeavesOf<Body>::template at<I - LeavesOf<Bound>::count>(let.body());
  }
};

// True where no functor of a group may throw.
template <class... Part>
inline constexpr bool runs_nothrow<Tie<Part...>> = (runs_nothrow<tied_node_t<Part>> && ...);
template <class Tag, class Bound, class Body>
inline constexpr bool runs_nothrow<LetGroup<Tag, Bound, Body>> =
    runs_nothrow<Bound> && runs_nothrow<Body>;

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// Several expressions with their destinations and one workspace, made by prepare(). As Program, with
// destination<K>(x) for the K-th result. Operands count from left to right, those of the value of a let
// before those of the results that share it. Where extents are dynamic, run() plans each result on the
// stack, as eval_into does.
template <class Group, class Destinations, class Memory>
class GroupProgram {
 public:
  static constexpr int operand_count = detail::operand_count_of<Group>;
  static constexpr bool runs_nothrow = detail::runs_nothrow<Group>;

  // Takes the workspace by take(bytes). Use prepare().
  template <class Take>
  GroupProgram(const Destinations& destinations, Group&& group, const Take& take)
      : group_(std::move(group)),
        destinations_(destinations),
        bytes_(detail::group_bytes(group_, views())),
        through_temporaries_(overlaps()),
        memory_(take(needed_bytes())) {}

  GroupProgram(GroupProgram&&) noexcept = default;
  GroupProgram& operator=(GroupProgram&&) = delete;  // an expression is no variable

  // Formula: each destination(i…) = its result(i…), as if all were computed first. No allocation, no
  // check of shapes or overlap. noexcept unless a functor may throw; in checked builds what died since
  // ends the program by std::terminate, and check() says so in time.
  void run() noexcept(runs_nothrow) {
    if constexpr (checked_build) check("run");
    detail::GroupWorkspace workspace{memory_.data(), true};
    if (through_temporaries_)
      detail::run_group_through_temporaries(group_, views(), workspace, bytes_);
    else
      detail::run_group(group_, detail::NoNames{}, views(), workspace);
  }

  // Errors: StaleTensorError where operand, destination or workspace died (checked builds).
  void check(const char* operation = "check") const {
    if constexpr (checked_build) {
      detail::check_group_leaves(operation, group_);
      hana::unpack(destinations_.parts(),
                   [&](const auto&... part) { (part.leaf.check(operation), ...); });
      memory_.check(operation);
    }
  }

  // rebind(operand<0>(x), destination<1>(y), replacing(a, b), …): all of them, or none where one fails.
  // Errors: those of Program::rebind; ContractError where two destinations would share elements.
  template <class... Binding>
  void rebind(const Binding&... bindings) {
    Rollback undo(*this);
    (bind(bindings), ...);
    detail::require_separate(views());
    const bool overlap = overlaps();
    if (overlap && memory_.size_bytes() < aliased_bytes())
      detail::raise<ContractError>("rebind",
                                   "a destination overlaps an operand: %zu B of workspace needed, "
                                   "%zu B taken by prepare",
                                   aliased_bytes(), memory_.size_bytes());
    through_temporaries_ = overlap;
    undo.commit();
  }
  // Formula: rebind<I>(x) is rebind(operand<I>(x)).
  template <int I, TensorLike X>
  void rebind(X&& x) {
    rebind(operand<I>(std::forward<X>(x)));
  }

  // What prepare took.
  [[nodiscard]] std::size_t workspace_bytes() const noexcept { return memory_.size_bytes(); }
  // True where results are made beside their destinations and copied, for one overlaps an operand.
  [[nodiscard]] bool is_aliased() const noexcept { return through_temporaries_; }

 private:
  // Puts operands and destinations back as they were, unless committed.
  class Rollback {
   public:
    explicit Rollback(GroupProgram& program) noexcept
        : program_(program), leaves_(program.group_), destinations_(program.destinations_) {}
    Rollback(const Rollback&) = delete;  // one owner undoes
    Rollback& operator=(const Rollback&) = delete;
    ~Rollback() {
      if (committed_) return;
      leaves_.restore(program_.group_);
      restore(std::make_index_sequence<Destinations::result_count>{});
    }
    void commit() noexcept { committed_ = true; }

   private:
    template <std::size_t... K>
    void restore(std::index_sequence<K...>) noexcept {
      (program_.put(std::integral_constant<std::size_t, K>{},
                    hana::at_c<K>(destinations_.parts()).view,
                    hana::at_c<K>(destinations_.parts()).leaf),
       ...);
    }
    GroupProgram& program_;
    detail::SavedLeaves<Group> leaves_;
    Destinations destinations_;
    bool committed_ = false;
  };

  template <std::size_t K, class View, class Leaf>
  void put(std::integral_constant<std::size_t, K>, const View& view, const Leaf& leaf) noexcept {
    using Part = std::remove_cvref_t<decltype(hana::at_c<K>(destinations_.parts()))>;
    auto& part = const_cast<Part&>(hana::at_c<K>(destinations_.parts()));  // this is not const
    part.view.rebind(view);
    part.leaf.rebind(leaf);
  }

  template <int I, class X>
  void bind(const OperandBinding<I, X>& binding) {
    detail::bind_operand(group_, binding);
  }
  template <class X>
  void bind(const Replacement<X>& replacement) {
    detail::bind_replacement(group_, replacement);
  }
  template <class X, int Which>
  void bind(const DestinationBinding<X, Which>& binding) {
    static_assert(Which >= 0 && Which < static_cast<int>(Destinations::result_count),
                  "rebind names a destination that the program does not have.");
    constexpr auto k = static_cast<std::size_t>(Which);
    const auto& part = hana::at_c<k>(destinations_.parts());
    using View = std::remove_cvref_t<decltype(part.view)>;
    using Leaf = std::remove_cvref_t<decltype(part.leaf)>;
    const auto view =
        detail::fitting_view<View>("destination", Which, binding.view, part.view.shape());
    put(std::integral_constant<std::size_t, k>{}, view,
        Leaf(view, detail::guard_as<typename Leaf::guard_type>(binding.guard)));
  }

  [[nodiscard]] auto views() const { return detail::destinations_of(destinations_); }
  [[nodiscard]] bool overlaps() const {
    return detail::group_conflicts(group_, detail::NoNames{}, views());
  }
  [[nodiscard]] std::size_t aliased_bytes() const {
    return detail::aliased_group_bytes(group_, bytes_);
  }
  [[nodiscard]] std::size_t needed_bytes() const {
    return through_temporaries_ ? aliased_bytes() : bytes_;
  }

  Group group_;
  Destinations destinations_;
  std::size_t bytes_;
  bool through_temporaries_;
  Memory memory_;
};

// Formula: prepare(tie(x, y, …), tie(a, b, …), scratch(res)).run() is eval_into of the same, as often as
// wanted. A let around the tie shares a value. What owns a tensor is moved in: std::move(group).
// Errors: those of eval_into. Allocations: the workspace, once.
template <class... Part, ExpressionGroup G, MemoryResource W>
[[nodiscard]] auto prepare(const Tie<Part...>& destinations, G&& group, Scratch<W> workspace) {
  detail::check_destinations(detail::destinations_of(destinations), group);
  using Group = std::remove_cvref_t<G>;
  return GroupProgram<Group, Tie<Part...>, detail::OwnedWorkspace>(
      destinations, Group(std::forward<G>(group)),
      [&](std::size_t bytes) { return detail::OwnedWorkspace(*workspace.resource, bytes); });
}

// The same in storage of yours, which outlives the program. No allocation.
// Errors: ContractError where a destination truly overlaps an operand and the workspace is not
// Workspace<E, aliased>.
template <class... Part, StaticallyPlannedGroup G, StaticallyPlannedGroup E, bool Aliased>
  requires std::same_as<std::remove_cvref_t<G>, std::remove_cvref_t<E>>
[[nodiscard]] auto prepare(const Tie<Part...>& destinations, G&& group,
                           Workspace<E, Aliased>& workspace) {
  detail::check_destinations(detail::destinations_of(destinations), group);
  using Group = std::remove_cvref_t<G>;
  return GroupProgram<Group, Tie<Part...>, detail::BorrowedWorkspace>(
      destinations, Group(std::forward<G>(group)), [&](std::size_t bytes) {
        detail::require_room("prepare", bytes, workspace.size_bytes);
        return detail::BorrowedWorkspace(workspace.bytes, workspace.size_bytes);
      });
}

// The same for results that need no workspace.
// Errors: ContractError where one is needed: for its size, or for true overlap.
template <class... Part, ExpressionGroup G>
[[nodiscard]] auto prepare(const Tie<Part...>& destinations, G&& group) {
  detail::check_destinations(detail::destinations_of(destinations), group);
  using Group = std::remove_cvref_t<G>;
  return GroupProgram<Group, Tie<Part...>, detail::BorrowedWorkspace>(
      destinations, Group(std::forward<G>(group)), [&](std::size_t bytes) {
        detail::require_room("prepare", bytes, 0);
        return detail::BorrowedWorkspace(nullptr, 0);
      });
}

}  // namespace tenon::inline TENON_MODE
