#pragma once
// Row-resident normalisation: softmax and log-softmax in one reading of their producer.
//
//   softmax(x)_i     = exp(x_i - max x) * (1 / sum_j exp(x_j - max x))
//   log_softmax(x)_i = (x_i - max x) - log(sum_j exp(x_j - max x))
//
// A row (or, where the memory order runs across rows, one pack of rows) is evaluated once into a
// buffer of the workspace that stays in the first-level cache for the two passes that follow.

#include <tenon/kernels/reduce.hpp>
#include <tenon/simd/math.hpp>

namespace tenon::inline TENON_MODE::kernels {

// Bytes of the row buffer, all of them stored to: one row of n elements along, a pack of rows across.
template <class T, bool Along>
[[nodiscard]] constexpr std::size_t normalize_workspace_bytes(index_t n) noexcept {
  constexpr std::size_t lanes = Along ? 1 : static_cast<std::size_t>(simd::native_lanes<T>);
  return static_cast<std::size_t>(n) * lanes * sizeof(T);
}

namespace detail {

template <bool Log, class P>
struct Normalizer {
  P max, scale;  // scale: 1 / sum, or log(sum)
  TENON_INLINE P operator()(const P& value) const {
    if constexpr (Log)
      return (value - max) - scale;
    else
      return value * scale;
  }
};

// Contract: n > 0.
template <bool Log, class T, class Src, class Out>
TENON_INLINE void normalize_row(const Src& src, const Out& out, index_t n, T* row) {
  constexpr int N = simd::native_lanes<T>;
  constexpr int axis = Src::rank - 1;
  using P = simd::Pack<T, N>;
  const P lowest(MaxOp::identity<T>());
  const auto read = [&]<bool Partial>(std::bool_constant<Partial>, index_t i,
                                      int count) TENON_INLINE_LAMBDA {
    return simd::convert<T>(
        plain(src.template read<N, axis, Partial>(Position{0, i, count}, EmptyEnvironment{})));
  };
  const index_t whole = n - n % N;
  const int rest = static_cast<int>(n - whole);
  P greatest = lowest;
  for (index_t i = 0; i < whole; i += N) {
    const P value = read(std::false_type{}, i, N);
    value.store(row + i);
    greatest = simd::maximum(greatest, value);
  }
  if (rest > 0) {
    const P value = read(std::true_type{}, whole, rest);
    value.store_partial(row + whole, rest);
    greatest = simd::maximum(greatest, simd::select(first_lanes<T, N>(rest), value, lowest));
  }
  const P max(simd::reduce_max(greatest));
  P sum(T{0});
  for (index_t i = 0; i < whole; i += N) {
    const P e = simd::exp(P::load(row + i) - max);
    if constexpr (!Log) e.store(row + i);
    sum = sum + e;
  }
  if (rest > 0) {
    const P e = simd::exp(P::load_partial(row + whole, rest) - max);
    if constexpr (!Log) e.store_partial(row + whole, rest);
    sum = sum + simd::select(first_lanes<T, N>(rest), e, P(T{0}));
  }
  const P total(simd::reduce_add(sum));
  const Normalizer<Log, P> finish{max, Log ? simd::log(total) : P(T{1}) / total};
  for (index_t i = 0; i < whole; i += N)
    out.template put<N, axis, false>(Position{0, i, N}, finish(P::load(row + i)));
  if (rest > 0)
    out.template put<N, axis, true>(Position{0, whole, rest},
                                    finish(P::load_partial(row + whole, rest)));
}

// A pack of rows side by side: lane j is row `first` + j, element i of all lies at rows[i · N].
template <bool Log, bool Partial, class T, class Src, class Out>
TENON_INLINE void normalize_lanes(const Src& src, const Out& out, index_t first, int count,
                                  index_t n, T* rows) {
  constexpr int N = simd::native_lanes<T>;
  constexpr int axis = Src::rank - 2;
  using P = simd::Pack<T, N>;
  P max(MaxOp::identity<T>());
  for (index_t i = 0; i < n; ++i) {
    const P value = simd::convert<T>(
        plain(src.template read<N, axis, Partial>(Position{first, i, count}, EmptyEnvironment{})));
    value.store(rows + i * N);
    max = simd::maximum(max, value);
  }
  P sum(T{0});
  for (index_t i = 0; i < n; ++i) {
    const P e = simd::exp(P::load(rows + i * N) - max);
    if constexpr (!Log) e.store(rows + i * N);
    sum = sum + e;
  }
  const Normalizer<Log, P> finish{max, Log ? simd::log(sum) : P(T{1}) / sum};
  for (index_t i = 0; i < n; ++i)
    out.template put<N, axis, Partial>(Position{first, i, count}, finish(P::load(rows + i * N)));
}

}  // namespace detail

// Formula: out(k…, i) = softmax or log-softmax over i of src(k…, i); axes k first, i last.
// Along: packs run along i; else along the last k (then R >= 2).
// Contract: `workspace` is 64-byte aligned, normalize_workspace_bytes<T, Along>(extents[R - 1]) long.
template <bool Log, bool Along, class T, std::size_t R, class Src, class Out>
void normalize(const std::array<index_t, R>& extents, const Src& src, Out out,
               std::byte* workspace) {
  const index_t n = extents[R - 1];
  if (n == 0) return;
  T* buffer = reinterpret_cast<T*>(workspace);
  constexpr int pack_axis = static_cast<int>(R) - (Along ? 1 : 2);
  const auto run = [&](auto source, auto target) {
    if constexpr (Along) {
      walk(
          0, static_cast<int>(R) - 1, extents.data(),
          [&]() TENON_INLINE_LAMBDA { detail::normalize_row<Log>(source, target, n, buffer); },
          source, target);
    } else {
      constexpr int N = simd::native_lanes<T>;
      const index_t rows = extents[R - 2];
      walk(
          0, static_cast<int>(R) - 2, extents.data(),
          [&]() TENON_INLINE_LAMBDA {
            index_t first = 0;
            for (; first + N <= rows; first += N)
              detail::normalize_lanes<Log, false>(source, target, first, N, n, buffer);
            if (first < rows)
              detail::normalize_lanes<Log, true>(source, target, first,
                                                 static_cast<int>(rows - first), n, buffer);
          },
          source, target);
    }
  };
  const auto hold = [](const auto& cursor) {
    return cursor.hints_hold(pack_axis) && cursor.hints_hold(static_cast<int>(R) - 1);
  };
  if (hold(src) && hold(out))
    run(src, out);
  else
    run(src.without_hints(), out.without_hints());
}

}  // namespace tenon::inline TENON_MODE::kernels
