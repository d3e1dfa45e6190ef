// Reductions as kernels: along and across, every length, and nothing written outside.

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/kernels/reduce.hpp>

namespace kernels = tenon::kernels;
using kernels::StridedCursor;
using naive::Fenced;
using naive::index_t;
using naive::values;

namespace {

struct Value;

// Folds x (rows, columns): over columns along memory, over rows across it.
template <class Reducer, bool Along, class T, class Out>
void fold(const T* x, index_t rows, index_t columns, Out* out) {
  const kernels::BoundCursor<Value, Out, 1> value;
  const StridedCursor<Out, 1, 0, 0U> dst(out, {1});
  const kernels::Target<Value, kernels::BoundCursor<Value, Out, 1>, StridedCursor<Out, 1, 0, 0U>>
      target(value, dst);
  if constexpr (Along)
    kernels::reduce<Reducer, true, 1>(std::array<index_t, 2>{rows, columns},
                                      StridedCursor<const T, 2, 1, 0U>(x, {columns, 1}), target);
  else
    kernels::reduce<Reducer, false, 1>(std::array<index_t, 2>{columns, rows},
                                       StridedCursor<const T, 2, 0, 0U>(x, {1, columns}), target);
}

template <class T, bool Along>
int wrong_folds() {
  int wrong = 0;
  auto v = values<T>(200 * 21, 1);
  for (auto& x : v) x = static_cast<T>(static_cast<int>(x * 4));  // ties, and exact sums
  for (index_t length = 0; length <= 200; length += length < 70 ? 1 : 13)
    for (index_t others : {1, 3, 16, 20}) {
      const index_t rows = Along ? others : length, columns = Along ? length : others;
      Fenced<T> x(rows * columns, 1), sum(others, 3), most(others, 2);
      Fenced<std::int64_t> first(others, 1);
      x.fill(v);
      fold<kernels::FoldReducer<kernels::SumOp, T>, Along>(x.data(), rows, columns, sum.data());
      fold<kernels::FoldReducer<kernels::MinOp, T>, Along>(x.data(), rows, columns, most.data());
      if (length > 0)
        fold<kernels::ArgReducer<false, T>, Along>(x.data(), rows, columns, first.data());
      for (index_t o = 0; o < others; ++o) {
        T total{0}, least = kernels::MinOp::identity<T>();
        index_t where = 0;
        for (index_t i = 0; i < length; ++i) {
          const T e = x.data()[Along ? o * columns + i : i * columns + o];
          total = static_cast<T>(total + e);
          if (e < least) {
            least = e;
            where = i;
          }
        }
        wrong += sum.data()[o] != total;
        wrong += most.data()[o] != least;
        wrong += length > 0 && first.data()[o] != where;
      }
      wrong += !sum.fences_whole() + !most.fences_whole() + !first.fences_whole();
    }
  return wrong;
}

}  // namespace

TEST_CASE("Folds along memory, of every length") {
  CHECK(wrong_folds<float, true>() == 0);
  CHECK(wrong_folds<double, true>() == 0);
  CHECK(wrong_folds<std::int32_t, true>() == 0);
}

TEST_CASE("Folds across memory, of every length") {
  CHECK(wrong_folds<float, false>() == 0);
  CHECK(wrong_folds<double, false>() == 0);
  CHECK(wrong_folds<std::int32_t, false>() == 0);
}

TEST_CASE("A sum has the same bits at every alignment") {
  const auto v = values<float>(9000, 3);
  for (index_t n : {1, 31, 500, 9000}) {
    float first = 0;
    for (int offset = 0; offset < 16; ++offset) {
      Fenced<float> x(n, offset);
      x.fill(v);
      float sum = 0;
      fold<kernels::FoldReducer<kernels::SumOp, float>, true>(x.data(), 1, n, &sum);
      if (offset == 0) first = sum;
      CHECK(naive::same_bits(sum, first));
    }
  }
}
