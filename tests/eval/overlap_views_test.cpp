// Every small view of one buffer as operand and as destination: right values whatever they share, and
// no copy where they share nothing.

#include "catch.hpp"
#include "naive.hpp"

#include <tenon/eval/eval.hpp>

#include <algorithm>
#include <array>
#include <vector>

namespace tn = tenon;
using naive::index_t;
using naive::Recorder;

namespace {

// Where the elements of a view lie, in row-major order of its index.
template <std::size_t R>
struct Place {
  index_t start;
  std::array<index_t, R> extents, strides;

  [[nodiscard]] std::vector<index_t> elements() const {
    std::vector<index_t> all;
    naive::for_each_index(std::vector<index_t>(extents.begin(), extents.end()),
                          [&](const std::vector<index_t>& at) {
                            index_t offset = start;
                            for (std::size_t d = 0; d < R; ++d) offset += at[d] * strides[d];
                            all.push_back(offset);
                          });
    return all;
  }
  template <class T>
  [[nodiscard]] auto view(T* buffer) const {
    return [&]<std::size_t... D>(std::index_sequence<D...>) {
      return tn::view(buffer + start, tn::shape(extents[D]...), strides);
    }(std::make_index_sequence<R>{});
  }
};

bool has_duplicates(std::vector<index_t> v) {
  std::ranges::sort(v);
  return std::ranges::adjacent_find(v) != v.end();
}
bool meet(const std::vector<index_t>& a, const std::vector<index_t>& b) {
  return std::ranges::any_of(a, [&](index_t i) { return std::ranges::find(b, i) != b.end(); });
}

// All views of the extents within `size` elements, strides within `most`; a place is kept with its
// elements, so that the pairs below are cheap.
template <std::size_t R>
struct Listed {
  Place<R> place;
  std::vector<index_t> elements;
  bool injective;
};
template <std::size_t R>
std::vector<Listed<R>> places(index_t size, const std::array<index_t, R>& extents, index_t most) {
  std::vector<Listed<R>> all;
  for (index_t start = 0; start < size; ++start)
    naive::for_each_index(std::vector<index_t>(R, 2 * most + 1),
                          [&](const std::vector<index_t>& at) {
                            Place<R> place{start, extents, {}};
                            for (std::size_t d = 0; d < R; ++d) place.strides[d] = at[d] - most;
                            auto elements = place.elements();
                            const auto [low, high] = std::ranges::minmax(elements);
                            if (low < 0 || high >= size) return;
                            const bool injective = !has_duplicates(elements);
                            all.push_back({place, std::move(elements), injective});
                          });
  return all;
}

constexpr std::size_t buffer_size = 10;
using Buffer = std::array<float, buffer_size>;
Buffer filled() {
  Buffer b;
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(3 + i * i);
  return b;
}

float at(const Buffer& b, index_t i) { return b[static_cast<std::size_t>(i)]; }

struct Count {
  int wrong = 0, needless = 0, pairs = 0, copies = 0;
};

// dst = 2 x + 1, dst = dst - x and dst = x - sum(x), for all pairs.
template <std::size_t R>
Count check_pairs(const std::array<index_t, R>& extents, index_t most) {
  Count count;
  const auto all = places<R>(buffer_size, extents, most);
  Recorder resource;
  const auto matches = [&](const Buffer& b, const Listed<R>& dst, const auto& expected) {
    Buffer want = filled();
    for (std::size_t k = 0; k < dst.elements.size(); ++k)
      want[static_cast<std::size_t>(dst.elements[k])] = expected(k);
    return b == want;
  };
  for (const auto& dst : all) {
    if (!dst.injective) continue;
    for (const auto& src : all) {
      const Buffer before = filled();
      ++count.pairs;
      const auto x_at = [&](std::size_t k) { return at(before, src.elements[k]); };
      const bool shares = meet(dst.elements, src.elements);

      Buffer b = before;
      auto x = src.place.view(b.data()), y = dst.place.view(b.data());
      resource.requests.clear();
      tn::eval_into(y, x * 2.0F + 1.0F, tn::scratch(resource));
      count.wrong += !matches(b, dst, [&](std::size_t k) { return x_at(k) * 2.0F + 1.0F; });
      const bool same_strides = src.place.strides == dst.place.strides;
      count.needless += !shares && same_strides && !resource.requests.empty();
      count.copies += !resource.requests.empty();

      b = before;
      tn::eval_into(y, y - x, tn::scratch(resource));
      count.wrong +=
          !matches(b, dst, [&](std::size_t k) { return at(before, dst.elements[k]) - x_at(k); });

      b = before;
      tn::eval_into(y, x - tn::sum(x), tn::scratch(resource));
      float sum = 0;  // whole numbers: exact in any order
      for (index_t i : src.elements) sum += at(before, i);
      count.wrong += !matches(b, dst, [&](std::size_t k) { return x_at(k) - sum; });
    }
  }
  CHECK_FALSE(resource.overrun);
  return count;
}

}  // namespace

TEST_CASE("All vectors over all vectors of ten elements") {
  Count total;
  for (index_t n : {1, 2, 3, 5}) {
    const auto count = check_pairs<1>({n}, 4);
    CHECK(count.wrong == 0);
    CHECK(count.needless == 0);
    total.pairs += count.pairs;
    total.copies += count.copies;
  }
  CHECK(total.pairs > 5000);
  CHECK(total.copies > 1000);
}

TEST_CASE("All matrices over all matrices of ten elements") {
  for (const auto& extents : {std::array<index_t, 2>{1, 3}, std::array<index_t, 2>{2, 1},
                              std::array<index_t, 2>{2, 2}, std::array<index_t, 2>{2, 3}}) {
    const auto count = check_pairs<2>(extents, extents[1] == 2 ? 5 : 3);
    CHECK(count.wrong == 0);
    CHECK(count.needless * 100 < count.pairs);  // ranges and divisors do not see everything
    CHECK(count.pairs > 500);
  }
}

TEST_CASE("Products, sums and softmax of matrices that share the destination's elements") {
  const auto all = places<2>(buffer_size, {2, 2}, 3);
  Recorder resource;
  int wrong = 0, pairs = 0;
  for (const auto& dst : all) {
    if (!dst.injective) continue;
    for (const auto& src : all) {
      if (!src.injective || !meet(dst.elements, src.elements)) continue;
      ++pairs;
      const Buffer before = filled();
      const auto x_at = [&](int i, int j) {
        return at(before, src.elements[static_cast<std::size_t>(2 * i + j)]);
      };
      const auto y_at = [&](int i, int j) {
        return at(before, dst.elements[static_cast<std::size_t>(2 * i + j)]);
      };
      const auto run = [&](const auto& make, const auto& expected) {
        Buffer b = before;
        const auto y = dst.place.view(b.data());
        tn::eval_into(y, make(src.place.view(b.data()), y), tn::scratch(resource));
        Buffer want = before;
        for (int i = 0; i < 2; ++i)
          for (int j = 0; j < 2; ++j)
            want[static_cast<std::size_t>(dst.elements[static_cast<std::size_t>(2 * i + j)])] =
                expected(i, j);
        wrong += b != want;
      };
      run([](const auto& x, const auto& y) { return tn::matmul(x, y) + y; },
          [&](int i, int j) {
            return x_at(i, 0) * y_at(0, j) + x_at(i, 1) * y_at(1, j) + y_at(i, j);
          });
      run([](const auto& x, const auto& y) { return tn::matmul(y, tn::transpose(x)); },
          [&](int i, int j) { return y_at(i, 0) * x_at(j, 0) + y_at(i, 1) * x_at(j, 1); });
      run([](const auto& x, const auto& y) { return tn::sum<0>(x) + tn::transpose(y); },
          [&](int i, int j) { return x_at(0, j) + x_at(1, j) + y_at(j, i); });
      run([](const auto& x,
             const auto& y) { return tn::let(x + y, [](auto h) { return h * tn::transpose(h); }); },
          [&](int i, int j) { return (x_at(i, j) + y_at(i, j)) * (x_at(j, i) + y_at(j, i)); });
      run([](const auto& x,
             const auto& y) { return tn::let(x, [&](auto h) { return tn::flip<0>(h) - y; }); },
          [&](int i, int j) { return x_at(1 - i, j) - y_at(i, j); });
    }
  }
  CHECK(wrong == 0);
  CHECK(pairs > 1000);
}

TEST_CASE("Interleaved elements that never meet need no copy") {
  std::array<float, 60> b{};
  Recorder resource;
  const auto is_free = [&](const auto& dst, const auto& src) {
    resource.requests.clear();
    tn::eval_into(dst, tn::sqrt(src) + 1.0F, tn::scratch(resource));
    return resource.requests.empty();
  };
  const auto m = tn::view(b.data(), tn::shape(6, 10));
  const auto odd = tn::view(b.data(), tn::shape(4, 15));
  const auto cut = [](const auto& v, tn::index_t i, tn::index_t n, tn::index_t j, tn::index_t k,
                      tn::index_t step) {
    return tn::slice(v, tn::range(i, n, step), tn::range(j, k, step));
  };
  CHECK(is_free(cut(m, 0, 6, 0, 5, 1), cut(m, 0, 6, 5, 10, 1)));  // left and right half
  CHECK(is_free(cut(m, 0, 6, 5, 10, 1), cut(m, 0, 6, 0, 5, 1)));
  CHECK(is_free(cut(m, 0, 6, 0, 10, 2), cut(m, 0, 6, 1, 10, 2)));  // even and odd columns
  CHECK(is_free(cut(odd, 0, 4, 0, 14, 2), cut(odd, 0, 4, 1, 15, 2)));
  CHECK(is_free(cut(m, 0, 6, 0, 10, 2), cut(m, 1, 6, 0, 10, 2)));  // every second row
  CHECK(is_free(tn::slice(m, tn::full_extent, 3), tn::slice(m, tn::full_extent, 4)));
  CHECK(is_free(tn::slice(m, tn::full_extent, 3), tn::flip<0>(tn::slice(m, tn::full_extent, 4))));
  CHECK(is_free(cut(m, 0, 3, 0, 3, 1), tn::transpose(cut(m, 0, 3, 4, 7, 1))));
  CHECK_FALSE(is_free(cut(m, 0, 6, 0, 5, 1), cut(m, 0, 6, 4, 9, 1)));
  CHECK_FALSE(is_free(cut(m, 0, 6, 0, 10, 2), tn::flip<1>(cut(m, 0, 6, 0, 10, 2))));
  CHECK_FALSE(is_free(cut(m, 0, 3, 0, 3, 1), tn::transpose(cut(m, 0, 3, 0, 3, 1))));
}

TEST_CASE("Elements of another size or place in them are taken for a conflict") {
  alignas(8) std::array<std::byte, 64> raw{};
  auto* const ints = reinterpret_cast<std::int32_t*>(raw.data());
  Recorder resource;
  const auto x = tn::view(ints, tn::shape(8));
  const auto bytes = tn::view(reinterpret_cast<std::int8_t*>(raw.data()) + 4, tn::shape(8));
  for (int i = 0; i < 8; ++i) ints[i] = 100 + i;
  tn::eval_into(bytes, tn::cast<std::int8_t>(x), tn::scratch(resource));
  CHECK(resource.requests.size() == 1);
  for (int i = 0; i < 8; ++i) CHECK(bytes(i) == 100 + i);
}

TEST_CASE("eval_into is noexcept where nothing can fail") {
  constexpr bool unchecked = !tn::checked_build;
  tn::StaticTensor<float, 3, 3> x{}, y{};
  const auto e = tn::matmul(x, tn::exp(x)) + x;
  using E = std::remove_cvref_t<decltype(e)>;
  static tn::Workspace<E> small;
  static tn::Workspace<E, tn::aliased> large;
  STATIC_REQUIRE_FALSE(noexcept(tn::eval_into(y, e, small)));  // y might be x
  STATIC_REQUIRE(noexcept(tn::eval_into(tn::noalias(y), e, small)) == unchecked);
  STATIC_REQUIRE(noexcept(tn::eval_into(y, e, large)) == unchecked);
  const auto twice = x + x;
  STATIC_REQUIRE(noexcept(tn::eval_into(tn::noalias(y), twice)) == unchecked);
  STATIC_REQUIRE_FALSE(noexcept(tn::eval_into(y, x + x)));
  const auto map = tn::map([](const auto& v) { return v + v; }, x);
  STATIC_REQUIRE_FALSE(noexcept(tn::eval_into(tn::noalias(y), map)));
  const auto dynamic = tn::view(x.data(), tn::shape(3, 3));
  STATIC_REQUIRE_FALSE(noexcept(tn::eval_into(tn::noalias(dynamic), dynamic + dynamic)));

  const auto free = tn::exp(tn::matmul(tn::softmax<0>(x), tn::softmax<1>(x)));
  static tn::Workspace<std::remove_cvref_t<decltype(free)>> room;
  STATIC_REQUIRE(noexcept(tn::eval_into(x, free, room)) ==
                 unchecked);  // reads slots alone at the end

  x(1, 2) = 2;
  tn::eval_into(y, e, small);
  tn::eval_into(x, e, large);
  CHECK(std::ranges::equal(x.span(), y.span()));
  CHECK_THROWS_AS(tn::eval_into(x, e, small), tn::ContractError);
}
