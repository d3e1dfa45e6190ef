#pragma once
// Do all uses of a share() read the same operands? Then the expression with one let around it.

#include <tenon/eval/overlap.hpp>

#include <tenon/expr/share.hpp>
#include <tenon/plan/plan.hpp>

#include <algorithm>
#include <concepts>
#include <tuple>

namespace tenon::detail::inline TENON_MODE {

template <class E>
inline constexpr bool is_share = false;
template <class X, class T, class S, class Name>
inline constexpr bool is_share<Node<Let<ShareTag<X>>, T, S, X, Name>> = true;

// True where a share() stands in E.
template <class E>
inline constexpr bool has_share = false;
template <class Op, class T, class S, class... X>
inline constexpr bool has_share<Node<Op, T, S, X...>> =
    is_share<Node<Op, T, S, X...>> || (has_share<X> || ...);

template <class E, class Tag>
inline constexpr bool is_use_of = false;
template <class X, class T, class S, class Name>
inline constexpr bool is_use_of<Node<Let<ShareTag<X>>, T, S, X, Name>, ShareTag<X>> = true;

// The uses of Tag in E.
template <class Tag, class E>
inline constexpr int use_count = 0;
template <class Tag, class Op, class T, class S, class... X>
inline constexpr int use_count<Tag, Node<Op, T, S, X...>> =
    is_use_of<Node<Op, T, S, X...>, Tag> ? 1 : (0 + ... + use_count<Tag, X>);

// True where E reads no name but those of lets inside it.
template <class E>
consteval bool is_closed() {
  for (const Record& r : pattern_records<E>)
    if (r.kind == Kind::bound && r.let < 0) return false;
  return true;
}

template <class Root, class E>
struct FirstShare {
  using type = void;
};
template <class Root, class First, class... Rest>
consteval auto first_share_of() {
  using Found = typename FirstShare<Root, First>::type;
  if constexpr (!std::is_void_v<Found> || sizeof...(Rest) == 0)
    return std::type_identity<Found>{};
  else
    return first_share_of<Root, Rest...>();
}
template <class Root, class Op, class T, class S, class... X>
struct FirstShare<Root, Node<Op, T, S, X...>> {
  static consteval auto find() {
    using E = Node<Op, T, S, X...>;
    if constexpr (is_share<E>) {
      using Bound = std::tuple_element_t<0, std::tuple<X...>>;
      if constexpr (use_count<ShareTag<Bound>, Root> > 1 && is_closed<Bound>())
        return std::type_identity<ShareTag<Bound>>{};
      else
        return std::type_identity<typename FirstShare<Root, Bound>::type>{};
    } else {
      return first_share_of<Root, X...>();
    }
  }
  using type = typename decltype(find())::type;
};

// The outermost share() that E uses more than once, as its tag; void where there is none.
template <class E>
using first_share_t = typename FirstShare<E, E>::type;

// Same operations on the same operands.
template <class E>
[[nodiscard]] constexpr bool same_values(const E& a, const E& b) {
  if constexpr (E::kind == Kind::leaf) {
    return same_elements(a.view(), b.view());
  } else if constexpr (E::kind == Kind::scalar) {
    return a.value() == b.value();
  } else if constexpr (E::kind == Kind::bound) {
    return true;
  } else {
    using Op = typename E::op_type;
    if constexpr (!std::is_empty_v<Op>) {
      if constexpr (E::kind == Kind::view) {
        if (a.op().offsets.starts() != b.op().offsets.starts() ||
            a.op().offsets.steps() != b.op().offsets.steps())
          return false;
      } else if constexpr (requires {
                             requires std::equality_comparable<decltype(a.op().functor())>;
                           }) {
        if (!(a.op().functor() == b.op().functor())) return false;
      } else if constexpr (std::equality_comparable<Op>) {
        if (!(a.op() == b.op())) return false;
      } else {
        return false;  // it cannot tell
      }
    }
    if (!(a.shape() == b.shape())) return false;
    return [&]<std::size_t... K>(std::index_sequence<K...>) {
      return (same_values(hana::at_c<K>(a.operands()), hana::at_c<K>(b.operands())) && ...);
    }(std::make_index_sequence<static_cast<std::size_t>(E::operand_count)>{});
  }
}

// The value behind the first use of Tag in e.
template <class Tag, class E>
[[nodiscard]] constexpr const auto& first_use(const E& e) {
  if constexpr (is_use_of<E, Tag>) {
    return hana::at_c<0>(e.operands());
  } else {
    constexpr std::size_t k =
        []<class Op, class T, class S, class... X>(std::type_identity<Node<Op, T, S, X...>>) {
          constexpr bool has[] = {(use_count<Tag, X> > 0)...};
          std::size_t i = 0;
          while (!has[i]) ++i;
          return i;
        }(std::type_identity<E>{});
    return first_use<Tag>(hana::at_c<k>(e.operands()));
  }
}

// True where every use of Tag in e has the value x.
template <class Tag, class X, class E>
[[nodiscard]] constexpr bool all_uses_are(const X& x, const E& e) {
  if constexpr (is_use_of<E, Tag>)
    return same_values(x, hana::at_c<0>(e.operands()));
  else if constexpr (use_count<Tag, E> == 0)
    return true;
  else
    return hana::unpack(e.operands(), [&](const auto&... operand) {
      return (all_uses_are<Tag>(x, operand) && ...);
    });
}

// Formula: e with the name of Tag for its uses; what e owns it reads from where it lies.
template <class Tag, class E>
[[nodiscard]] constexpr auto with_name(const E& e) {
  if constexpr (is_use_of<E, Tag>) {
    return hana::at_c<1>(e.operands());
  } else if constexpr (node_count<E> == 1) {
    if constexpr (std::is_copy_constructible_v<E>)
      return e;
    else
      return leaf_of_view(e.view());
  } else {
    return hana::unpack(e.operands(), [&](const auto&... x) {
      return make_node<typename E::op_type, value_t<E>>(e.op(), e.shape(), with_name<Tag>(x)...);
    });
  }
}

template <class Tag, class E>
[[nodiscard]] constexpr auto shared_once(const E& e) {
  auto x = first_use<Tag>(e);
  return make_node<Let<Tag>, value_t<E>>(Let<Tag>{}, e.shape(), std::move(x), with_name<Tag>(e));
}

// The type of E where all uses of all its shares agree.
template <class E>
consteval auto all_shared() {
  using Tag = first_share_t<E>;
  if constexpr (std::is_void_v<Tag>)
    return std::type_identity<E>{};
  else
    return all_shared<decltype(shared_once<Tag>(std::declval<const E&>()))>();
}
template <class E>
using all_shared_t = typename decltype(all_shared<E>())::type;

// True where sharing is worth a try in a workspace of `most` bytes.
template <class E, std::size_t Most>
consteval bool fits_workspace() {
  if constexpr (Most == static_cast<std::size_t>(-1))
    return true;
  else if constexpr (planned_when_compiling<E>)
    return static_slots<E>.workspace_bytes <= Most;
  else
    return structure_of<E>.stages == 1 && structure_of<E>.core[0] < 0;
}

// f(e), where uses of share() that read the same operands are computed once.
template <std::size_t Most, class E, class F>
decltype(auto) with_shared(const E& e, const F& f) {
  using Tag = first_share_t<E>;
  if constexpr (std::is_void_v<Tag>) {
    return f(e);
  } else {
    using Once = decltype(shared_once<Tag>(e));
    if constexpr (fits_workspace<Once, Most>())
      if (all_uses_are<Tag>(first_use<Tag>(e), e)) return with_shared<Most>(shared_once<Tag>(e), f);
    return f(e);
  }
}

// The most that any plan takes that with_shared may choose: of E, of E with its first share computed
// once, with the next one too, …
template <class E>
consteval std::size_t most_workspace_bytes() {
  using Tag = first_share_t<E>;
  std::size_t bytes = static_slots<E>.workspace_bytes;
  if constexpr (!std::is_void_v<Tag>)
    bytes = std::max(bytes,
                     most_workspace_bytes<decltype(shared_once<Tag>(std::declval<const E&>()))>());
  return bytes;
}

// `plan` with a workspace of so many bytes.
template <int N>
[[nodiscard]] constexpr Plan<N> with_workspace(Plan<N> plan, std::size_t bytes) {
  plan.workspace_bytes = bytes;
  plan.workspace_bytes_if_aliased = align_up(bytes, workspace_alignment) + plan.result_bytes;
  plan.peak_bytes = align_up(plan.result_bytes, workspace_alignment) + bytes;
  return plan;
}

}  // namespace tenon::detail::inline TENON_MODE

namespace tenon::inline TENON_MODE {

// An expression that uses a share() more than once, and whose plans are constants.
template <class E>
concept StaticallyShared =
    StaticallyPlanned<E> && !std::is_void_v<detail::first_share_t<detail::planned_t<E>>>;

// Formula: plan_of<E> where E uses a share() more than once: the plan in which each use is computed by
// itself, with the workspace of whichever plan takes most, because operands decide at run time.
template <StaticallyShared E>
inline constexpr auto plan_of<E> =
    detail::with_workspace(detail::make_static_plan<detail::planned_t<E>>(),
                           detail::most_workspace_bytes<detail::planned_t<E>>());

// Formula: the plan of e for the operands that it has now, with the workspace that eval(e, …) takes.
template <Expression E>
  requires(!std::is_void_v<detail::first_share_t<detail::planned_t<const E&>>> &&
           !StaticallyPlanned<const E&>)
[[nodiscard]] constexpr auto plan(const E& e) {
  const std::size_t bytes = detail::with_shared<static_cast<std::size_t>(-1)>(
      e, [](const auto& x) { return detail::slots_for(x).workspace_bytes; });
  return detail::with_workspace(detail::make_run_time_plan(e), bytes);
}

// Formula: the plan of E where all uses of each share() in it read the same operands. eval takes the
// workspace of the plan that it runs, which plan_of<E>.workspace_bytes is never less than.
template <StaticallyPlanned E>
inline constexpr auto shared_plan_of = plan_of<detail::all_shared_t<detail::planned_t<E>>>;

}  // namespace tenon::inline TENON_MODE
