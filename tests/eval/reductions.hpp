#pragma once
// Reductions over every choice of axes against naive loops.

#include "naive.hpp"

#include <tenon/eval/eval.hpp>
#include <tenon/memory/pool_allocator.hpp>

#include <array>
#include <bit>
#include <utility>

namespace naive {

namespace tn = tenon;

// The index into the folded result (axes kept with extent 1) as a row-major offset.
inline index_t offset_of(const std::vector<index_t>& index, const std::vector<index_t>& extents,
                         unsigned axes) {
  index_t offset = 0;
  for (std::size_t d = 0; d < extents.size(); ++d)
    if (((axes >> d) & 1U) == 0) offset = offset * extents[d] + index[d];
  return offset;
}

// The row-major index within the reduced axes.
inline index_t within(const std::vector<index_t>& index, const std::vector<index_t>& extents,
                      unsigned axes) {
  index_t offset = 0;
  for (std::size_t d = 0; d < extents.size(); ++d)
    if (((axes >> d) & 1U) != 0) offset = offset * extents[d] + index[d];
  return offset;
}

template <class X>
std::vector<index_t> extents_of(const X& x) {
  const auto e = x.shape().extents();
  return {e.begin(), e.end()};
}

template <class X>
auto at(const X& x, const std::vector<index_t>& index) {
  const auto strides = x.strides();
  index_t offset = 0;
  for (std::size_t d = 0; d < index.size(); ++d) offset += index[d] * strides[d];
  return x.data()[offset];
}

// Sum, max and argmax of x over the axes of a mask, with and without keepdims, against naive loops.
template <unsigned Mask, class X>
int wrong_over(const X& x, tn::PoolAllocator& pool) {
  const auto extents = extents_of(x);
  std::size_t outputs = 1;
  for (std::size_t d = 0; d < extents.size(); ++d)
    if (((Mask >> d) & 1U) == 0) outputs *= static_cast<std::size_t>(extents[d]);
  std::vector<double> sums(outputs), magnitudes(outputs), greatest(outputs, -1e300);
  std::vector<index_t> where(outputs, -1);
  for_each_index(extents, [&](const auto& index) {
    const auto o = static_cast<std::size_t>(offset_of(index, extents, Mask));
    const double v = at(x, index);
    sums[o] += v;
    magnitudes[o] += std::fabs(v);
    const index_t position = within(index, extents, Mask);
    if (v > greatest[o] || (v == greatest[o] && position < where[o]) || where[o] < 0) {
      greatest[o] = v;
      where[o] = position;
    }
  });
  const auto with_axes = [&]<int... A>(std::integer_sequence<int, A...>) {
    constexpr auto list = [] {
      std::array<int, 4> axes{};
      std::size_t k = 0;
      for (int d = 0; d < 4; ++d)
        if (((Mask >> d) & 1U) != 0) axes[k++] = d;
      return axes;
    }();
    using tn::eval;
    const auto total = eval(tn::sum<list[A]...>(x), pool);
    const auto kept = eval(tn::sum<list[A]...>(x, tn::keepdims), pool);
    const auto most = eval(tn::max<list[A]...>(x), pool);
    const auto arg = eval(tn::argmax<list[A]...>(x), pool);
    int wrong = total.size() != static_cast<index_t>(outputs) || kept.rank() != X::rank();
    for (std::size_t o = 0; o < outputs; ++o) {
      const double bound = 1e-6 * magnitudes[o];
      wrong += !(std::fabs(static_cast<double>(total.data()[o]) - sums[o]) <= bound);
      wrong += total.data()[o] != kept.data()[o];
      wrong += static_cast<double>(most.data()[o]) != greatest[o];
      wrong += arg.data()[o] != where[o];
    }
    return wrong;
  };
  return with_axes(std::make_integer_sequence<int, std::popcount(Mask)>{});
}

template <class X>
int wrong_over_all_axes(const X& x, tn::PoolAllocator& pool) {
  return [&]<unsigned... M>(std::integer_sequence<unsigned, M...>) {
    return (0 + ... + wrong_over<M + 1>(x, pool));
  }(std::make_integer_sequence<unsigned, (1U << X::rank()) - 1>{});
}

}  // namespace naive
