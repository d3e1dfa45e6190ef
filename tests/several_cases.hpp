// Groups of results, each against its results alone: a test has some, and the sweeps the rest.

#pragma once

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/eval/several.hpp>

#include <algorithm>

namespace several {

namespace tn = tenon;
using naive::index_t;
using naive::Recorder;
using naive::values;

inline constexpr index_t rows = 7, columns = 37;

template <class S>
struct Operands {
  S shape = S::from_extents({rows, columns});
  std::vector<float> a = values<float>(rows * columns, 1), b = values<float>(rows * columns, 2);
  tn::TensorView<float, S> x{a.data(), shape}, y{b.data(), shape};
};

bool same(const auto& a, const auto& b) {
  return a.shape() == b.shape() && std::ranges::equal(a.span(), b.span());
}

// Whether all extents are known, so that the last byte of a workspace is used.
inline bool all_bytes_used = false;

// eval(tie(e…)) has the bits of eval(e), takes the workspace that it plans, and no more.
template <class Group, class... E>
void check_group(const Group& group, const E&... e) {
  Recorder results, scratch;
  {
    const auto all = tn::eval(group, results, tn::scratch(scratch));
    static_assert(std::tuple_size_v<std::remove_const_t<decltype(all)>> == sizeof...(E));
    CHECK(results.requests.size() == ((e.shape().size() > 0 ? 1U : 0U) + ...));
    CHECK(scratch.requests.size() <= 1);
    Recorder other;
    const auto each = [&]<std::size_t... K>(std::index_sequence<K...>) {
      return (same(std::get<K>(all), tn::eval(e, other)) && ...);
    }(std::make_index_sequence<sizeof...(E)>{});
    CHECK(each);
  }
  if constexpr (tn::StaticallyPlannedGroup<Group>) {
    constexpr auto& plan = tn::plan_of<Group>;
    CHECK(plan.results == sizeof...(E));
    CHECK(plan.result_bytes == (tn::plan(e).result_bytes + ...));
    if (plan.workspace_bytes == 0) {
      CHECK(scratch.requests.empty());
    } else {
      REQUIRE(scratch.requests.size() == 1);
      CHECK(scratch.requests[0].bytes == plan.workspace_bytes);
      if (all_bytes_used) CHECK(scratch.requests[0].last_byte_written);
    }
  }
  CHECK(scratch.live == 0);
  CHECK_FALSE(scratch.overrun);
  CHECK_FALSE(results.overrun);
}

// Results that have operands in common at most.
template <class S>
void check_independent() {
  Operands<S> o;
  all_bytes_used = S::is_static;
  const auto &x = o.x, &y = o.y;
  const auto sum = x + y;
  const auto product = x * y;
  const auto compared = x < y;
  check_group(tn::tie(sum), sum);
  check_group(tn::tie(sum, product), sum, product);
  check_group(tn::tie(sum, compared, product), sum, compared, product);
  const auto s0 = tn::sum<0>(x);
  const auto p0 = tn::max<0>(x * y);
  const auto n0 = tn::mean<0>(y);
  check_group(tn::tie(s0, p0, n0), s0, p0, n0);
  const auto s1 = tn::sum<1>(x);
  const auto p1 = tn::min<1>(x * y);
  const auto n1 = tn::mean<1>(y) * 2.0F;
  check_group(tn::tie(s1, p1, n1), s1, p1, n1);
  const auto s2 = tn::sum(x);
  const auto p2 = tn::prod(y);
  const auto a2 = tn::argmax(x);
  check_group(tn::tie(s2, p2), s2, p2);
  check_group(tn::tie(s2, a2), s2, a2);
  const auto m = tn::matmul(x, tn::transpose(y));
  const auto f = tn::softmax<1>(x);
  check_group(tn::tie(m, sum, f), m, sum, f);
  check_group(tn::tie(x, y), x + 0.0F, y + 0.0F);
}

// Results that share a value.
template <class S>
void check_shared() {
  Operands<S> o;
  all_bytes_used = S::is_static;
  const auto &x = o.x, &y = o.y;
  const auto v = x * y + 1.0F;
  check_group(tn::let(v, [&](auto h) { return tn::tie(h * h, tn::sqrt(tn::abs(h)) + x); }), v * v,
              tn::sqrt(tn::abs(v)) + x);
  check_group(tn::let(v, [](auto h) { return tn::tie(tn::mean(h), tn::mean(h * h)); }), tn::mean(v),
              tn::mean(v * v));
  check_group(tn::let(v, [](auto h) { return tn::tie(tn::sum<0>(h), tn::max<0>(h * h)); }),
              tn::sum<0>(v), tn::max<0>(v * v));
  check_group(
      tn::let(v, [](auto h) { return tn::tie(tn::sum<1>(h) * 2.0F, tn::min<1>(h * h) + 1.0F); }),
      tn::sum<1>(v) * 2.0F, tn::min<1>(v * v) + 1.0F);
  const auto m = tn::matmul(x, tn::transpose(y));
  check_group(tn::let(m, [](auto h) { return tn::tie(tn::relu(h), h > 0.0F, h); }), tn::relu(m),
              m > 0.0F, m);
  const auto f = tn::softmax<1>(x + y);
  check_group(tn::let(f, [](auto h) { return tn::tie(h, h * h); }), f, f * f);
  // Not one pass: what is shared is stored once.
  check_group(tn::let(v, [](auto h) { return tn::tie(h, tn::sum<0>(h), tn::transpose(h)); }), v,
              tn::sum<0>(v), tn::transpose(v));
  check_group(tn::let(m, [](auto h) { return tn::tie(tn::matmul(h, h), tn::sum(h)); }),
              tn::matmul(m, m), tn::sum(m));
  // Names within names, and names of names.
  check_group(
      tn::let(v,
              [&](auto h) {
                return tn::let(tn::matmul(h, tn::transpose(y)),
                               [&](auto g) { return tn::tie(tn::relu(g), tn::sum<1>(g), h); });
              }),
      tn::relu(tn::matmul(v, tn::transpose(y))), tn::sum<1>(tn::matmul(v, tn::transpose(y))), v);
  check_group(tn::let(x, [&](auto h) { return tn::tie(h + y, tn::transpose(h) * 2.0F); }), x + y,
              tn::transpose(x) * 2.0F);
  check_group(tn::let(v,
                      [](auto h) {
                        return tn::tie(tn::let(h + h, [](auto g) { return g * g; }), h - 1.0F);
                      }),
              (v + v) * (v + v), v - 1.0F);
}

}  // namespace several
