// Random trees of eight elementwise operations around a product: one pass, nothing stored but the
// result, workspace for packing panels only.

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/eval/eval.hpp>
#include <tenon/memory/pool_allocator.hpp>

namespace tn = tenon;
using naive::index_t;
using naive::Recorder;
using naive::values;

namespace {

constexpr index_t m = 31, n = 37, k = 19;

struct Operands {
  std::vector<float> av = values<float>(m * k, 1), bv = values<float>(k * n, 2),
                     full_v = values<float>(m * n, 3), row_v = values<float>(n, 4),
                     column_v = values<float>(m, 5);
  tn::TensorView<const float, tn::Shape<m, k>> a{av.data(), {}};
  tn::TensorView<const float, tn::Shape<k, n>> b{bv.data(), {}};
  tn::TensorView<const float, tn::Shape<m, n>> full{full_v.data(), {}};
  tn::TensorView<const float, tn::Shape<n>> row{row_v.data(), {}};
  tn::TensorView<const float, tn::Shape<m, 1>> column{column_v.data(), {}};
  tn::TensorView<const float, tn::Shape<>> zero_d{row_v.data() + 3, {}};
};

constexpr unsigned next(unsigned seed) { return seed * 1664525U + 1013904223U; }

// One operation on the tree so far, and the same on numbers; which, the seed says.
template <unsigned Seed, int Left, class E, class F>
void grow(const Operands& o, const E& e, const F& reference, int& wrong) {
  if constexpr (Left == 0) {
    using X = std::remove_cvref_t<E>;
    static_assert(tn::plan_of<X>.stages == 1);
    static_assert(tn::plan_of<X>.temporaries == 0);
    static_assert(tn::plan_of<X>.workspace_bytes ==
                  tn::kernels::gemm_workspace_bytes<float>(m, n, k));
    Recorder results, work;
    {
      const auto r = tn::eval(e, results, tn::scratch(work));
      for (index_t i = 0; i < m; ++i)
        for (index_t j = 0; j < n; ++j) {
          float sum = 0;
          for (index_t l = 0; l < k; ++l)
            sum = tn::simd::has_fma ? std::fma(o.a(i, l), o.b(l, j), sum)
                                    : naive::multiply_then_add(o.a(i, l), o.b(l, j), sum);
          wrong += !naive::same_value<float>(r(i, j), reference(i, j, sum));
        }
    }
    wrong += results.requests.size() != 1;
    constexpr std::size_t blocks = tn::plan_of<X>.workspace_bytes > 0 ? 1 : 0;
    wrong += work.requests.size() != blocks || work.overrun || results.overrun;
  } else {
    constexpr unsigned choice = (Seed >> 16) % 12;
    const auto with = [&](const auto& tree, const auto& f) {
      grow<next(Seed), Left - 1>(o, tree, f, wrong);
    };
    using V = volatile float;
    if constexpr (choice == 0) {
      with(e + o.row, [&](index_t i, index_t j, float x) {
        V v = reference(i, j, x) + o.row(j);
        return float{v};
      });
    } else if constexpr (choice == 1) {
      with(o.column * e, [&](index_t i, index_t j, float x) {
        V v = o.column(i, 0) * reference(i, j, x);
        return float{v};
      });
    } else if constexpr (choice == 2) {
      with(e - o.full, [&](index_t i, index_t j, float x) {
        V v = reference(i, j, x) - o.full(i, j);
        return float{v};
      });
    } else if constexpr (choice == 3) {
      with(tn::relu(e),
           [&](index_t i, index_t j, float x) { return std::max(reference(i, j, x), 0.0f); });
    } else if constexpr (choice == 4) {
      with(tn::maximum(o.full, e), [&](index_t i, index_t j, float x) {
        return std::max(o.full(i, j), reference(i, j, x));
      });
    } else if constexpr (choice == 5) {
      with(e * 0.3f, [&](index_t i, index_t j, float x) {
        V v = reference(i, j, x) * 0.3f;
        return float{v};
      });
    } else if constexpr (choice == 6) {
      with(tn::where(o.full > 0.0f, e, o.row), [&](index_t i, index_t j, float x) {
        return o.full(i, j) > 0 ? reference(i, j, x) : o.row(j);
      });
    } else if constexpr (choice == 7) {
      with(e / (o.column * o.column + 1.0f), [&](index_t i, index_t j, float x) {
        V v = reference(i, j, x) / naive::multiply_then_add(o.column(i, 0), o.column(i, 0), 1.0f);
        return float{v};
      });
    } else if constexpr (choice == 8) {
      with(tn::abs(-e),
           [&](index_t i, index_t j, float x) { return std::fabs(reference(i, j, x)); });
    } else if constexpr (choice == 9) {
      with(tn::sqrt(tn::abs(e)) - o.zero_d, [&](index_t i, index_t j, float x) {
        V v = std::sqrt(std::fabs(reference(i, j, x))) - o.zero_d();
        return float{v};
      });
    } else if constexpr (choice == 10) {
      with(tn::let(e, [](auto h) { return h * h - h; }), [&](index_t i, index_t j, float x) {
        const float h = reference(i, j, x);
        V square = h * h;
        V v = square - h;
        return float{v};
      });
    } else {
      with(tn::minimum(e, 1.5f),
           [&](index_t i, index_t j, float x) { return std::min(reference(i, j, x), 1.5f); });
    }
  }
}

template <unsigned... Seeds>
int wrong_for(std::integer_sequence<unsigned, Seeds...>) {
  const Operands o;
  int wrong = 0;
  (grow<next(Seeds * 7919U + 17U), 8>(
       o, tn::matmul(o.a, o.b), [](index_t, index_t, float x) { return x; }, wrong),
   ...);
  return wrong;
}

}  // namespace

TEST_CASE("Random epilogues store each element once, and their workspace is packing panels only") {
  CHECK(wrong_for(std::make_integer_sequence<unsigned, 6>{}) == 0);
}
