#pragma once
// What an expression means, by plain loops in double: every node into a vector, nothing fused.

#include <tenon/tenon.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <vector>

namespace naive {

using tenon::index_t;

struct Values {
  std::vector<index_t> extents;
  std::vector<double> at;

  explicit Values(std::vector<index_t> shape) : extents(std::move(shape)) {
    std::size_t n = 1;
    for (const index_t e : extents) n *= static_cast<std::size_t>(e);
    at.resize(n);
  }
  // f(index of the element, its place) in row-major order.
  template <class F>
  void each(const F& f) {
    std::vector<index_t> index(extents.size());
    for (std::size_t i = 0; i < at.size(); ++i) {
      f(index, i);
      for (std::size_t d = extents.size(); d-- > 0;) {
        if (++index[d] < extents[d]) break;
        index[d] = 0;
      }
    }
  }
  // The element at an index of a shape that this one broadcasts to.
  [[nodiscard]] double operator()(const std::vector<index_t>& index) const {
    std::size_t place = 0;
    for (std::size_t d = 0; d < extents.size(); ++d) {
      const index_t i = extents[d] == 1 ? 0 : index[index.size() - extents.size() + d];
      place = place * static_cast<std::size_t>(extents[d]) + static_cast<std::size_t>(i);
    }
    return at[place];
  }
};

// A functor on doubles: the C library's functions, and operators as they are.
template <class F, class... X>
double apply(const F& f, X... x) {
  namespace functor = tenon::functor;
  const double first[] = {x...};
  if constexpr (std::is_same_v<F, functor::Relu>)
    return std::max(*first, 0.0);
  else if constexpr (std::is_same_v<F, functor::Abs>)
    return std::fabs(*first);
  else if constexpr (std::is_same_v<F, functor::Sqrt>)
    return std::sqrt(*first);
  else if constexpr (std::is_same_v<F, functor::Exp>)
    return std::exp(*first);
  else if constexpr (std::is_same_v<F, functor::Tanh>)
    return std::tanh(*first);
  else if constexpr (std::is_same_v<F, functor::Sigmoid>)
    return 1 / (1 + std::exp(-*first));
  else
    return static_cast<double>(f(x...));
}

template <int I, class E>
Values value_of(const E& e) {
  const auto& node = tenon::detail::node_at<I>(e);
  using N = std::remove_cvref_t<decltype(node)>;
  using tenon::Kind;
  constexpr auto& records = tenon::detail::pattern_records<E>;
  constexpr int next = I + 1;
  const auto shape = node.shape().extents();
  Values out(std::vector<index_t>(shape.begin(), shape.end()));
  if constexpr (N::kind == Kind::leaf) {
    const auto view = node.view();
    const auto strides = view.strides();
    out.each([&](const auto& index, std::size_t i) {
      index_t offset = 0;
      for (std::size_t d = 0; d < index.size(); ++d) offset += index[d] * strides[d];
      out.at[i] = static_cast<double>(view.data()[offset]);
    });
  } else if constexpr (N::kind == Kind::scalar) {
    out.at[0] = static_cast<double>(node.value());
  } else if constexpr (N::kind == Kind::bound) {
    return value_of<records[static_cast<std::size_t>(I)].let + 1>(e);
  } else if constexpr (N::kind == Kind::let) {
    return value_of<next + records[static_cast<std::size_t>(next)].subtree>(e);
  } else if constexpr (N::kind == Kind::map) {
    const auto fill = [&](const auto&... x) {
      out.each([&](const auto& index, std::size_t i) {
        out.at[i] = apply(node.op().functor(), x(index)...);
      });
    };
    constexpr int second =
        next + (N::operand_count > 1 ? records[static_cast<std::size_t>(next)].subtree : 0);
    static_assert(N::operand_count <= 2);
    if constexpr (N::operand_count == 1)
      fill(value_of<next>(e));
    else
      fill(value_of<next>(e), value_of<second>(e));
  } else if constexpr (N::kind == Kind::view) {
    const Values x = value_of<next>(e);
    constexpr auto source = N::op_type::source;
    const auto starts = node.op().offsets.starts();
    const auto steps = node.op().offsets.steps();
    out.each([&](const auto& index, std::size_t i) {
      std::vector<index_t> from(starts.begin(), starts.end());
      for (std::size_t d = 0; d < source.size(); ++d)
        if (source[d] >= 0)
          from[static_cast<std::size_t>(source[d])] +=
              index[d] * steps[static_cast<std::size_t>(source[d])];
      out.at[i] = x(from);
    });
  } else if constexpr (N::kind == Kind::contract) {
    const Values a = value_of<next>(e);
    const Values b = value_of<next + records[static_cast<std::size_t>(next)].subtree>(e);
    const index_t depth = a.extents.back();
    static_assert(!N::op_type::left_vector);
    out.each([&](const auto& index, std::size_t i) {
      for (index_t k = 0; k < depth; ++k)
        out.at[i] += a({index[0], k}) *
                     (N::op_type::right_vector ? b({k}) : b({k, index.size() > 1 ? index[1] : 0}));
    });
  } else if constexpr (N::kind == Kind::reduce || N::kind == Kind::normalize) {
    Values x = value_of<next>(e);
    unsigned axes = 0;
    if constexpr (N::kind == Kind::reduce)
      axes = N::op_type::axes;
    else
      axes = 1U << N::op_type::axis;
    std::vector<index_t> kept = x.extents;
    for (std::size_t d = 0; d < kept.size(); ++d)
      if (((axes >> d) & 1U) != 0) kept[d] = 1;
    Values sum(kept), max(kept);
    const auto place = [&](const std::vector<index_t>& index) {
      std::size_t p = 0;
      for (std::size_t d = 0; d < kept.size(); ++d)
        p = p * static_cast<std::size_t>(kept[d]) +
            static_cast<std::size_t>(kept[d] == 1 ? 0 : index[d]);
      return p;
    };
    std::fill(max.at.begin(), max.at.end(), -HUGE_VAL);
    x.each([&](const auto& index, std::size_t i) {
      max.at[place(index)] = std::max(max.at[place(index)], x.at[i]);
      sum.at[place(index)] += N::kind == Kind::reduce ? x.at[i] : std::exp(x.at[i]);
    });
    if constexpr (N::kind == Kind::reduce) {
      using Fold = typename N::op_type::fold_type;
      static_assert(std::is_same_v<Fold, tenon::fold::Sum> ||
                    std::is_same_v<Fold, tenon::fold::Max>);
      out.at = std::is_same_v<Fold, tenon::fold::Sum> ? sum.at : max.at;
    } else {
      out.each([&](const auto& index, std::size_t i) {
        out.at[i] = N::op_type::log ? x.at[i] - std::log(sum.at[place(index)])
                                    : std::exp(x.at[i]) / sum.at[place(index)];
      });
    }
  } else {
    static_assert(N::kind == Kind::reshape);
    out.at = value_of<next>(e).at;
  }
  return out;
}

}  // namespace naive
