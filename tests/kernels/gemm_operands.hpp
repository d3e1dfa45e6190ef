#pragma once
// Sources, sinks and references for the tests of gemm.

#include <tenon/kernels/gemm.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace gemm_test {

using tenon::index_t;
namespace kernels = tenon::kernels;
namespace simd = tenon::simd;

template <class T>
T poison() {
  if constexpr (std::is_floating_point_v<T>)
    return std::numeric_limits<T>::quiet_NaN();
  else
    return T{113};
}

// Lanes from `count` on become something that must not matter.
template <class T, int N>
simd::Pack<T, N> with_poison(simd::Pack<T, N> pack, int count) {
  T lanes[N];
  pack.store(lanes);
  for (int i = count; i < N; ++i) lanes[i] = poison<T>();
  return simd::Pack<T, N>::load(lanes);
}

// Memory with any strides, read through packs only. The loads are functions of their own, because
// gathers unrolled into every kernel would take minutes to compile.
template <class T>
struct Strided {
  using value_type = T;
  const T* p;
  index_t row_stride, column_stride;

  int contiguous_axis() const { return row_stride == 1 && column_stride != 1 ? 0 : 1; }
  T operator()(index_t i, index_t j) const { return p[i * row_stride + j * column_stride]; }

  template <int Axis, int N>
  [[gnu::noinline]] simd::Pack<T, N> load(index_t i, index_t j) const {
    const T* from = p + i * row_stride + j * column_stride;
    const index_t stride = Axis == 0 ? row_stride : column_stride;
    return stride == 1 ? simd::Pack<T, N>::load(from) : simd::Pack<T, N>::gather(from, stride);
  }
  template <int Axis, int N>
  [[gnu::noinline]] simd::Pack<T, N> load_partial(index_t i, index_t j, int count) const {
    const T* from = p + i * row_stride + j * column_stride;
    const index_t stride = Axis == 0 ? row_stride : column_stride;
    return with_poison(stride == 1 ? simd::Pack<T, N>::load_partial(from, count)
                                   : simd::Pack<T, N>::gather_partial(from, stride, count),
                       count);
  }
};

// The same, and gemm may look at the memory itself.
template <class T>
struct Memory : Strided<T> {
  const T* data() const { return this->p; }
  index_t stride(int axis) const { return axis == 0 ? this->row_stride : this->column_stride; }
};
static_assert(kernels::MemorySource<Memory<float>> && !kernels::MemorySource<Strided<float>>);

// x * 2 + 1, computed while it is read.
template <class T>
struct Lazy {
  using value_type = T;
  Strided<T> x;

  int contiguous_axis() const { return x.contiguous_axis(); }
  T operator()(index_t i, index_t j) const {
    using U = std::conditional_t<std::is_integral_v<T>, std::uint64_t, T>;  // integers wrap
    const U twice = static_cast<U>(x(i, j)) * U{2};  // exact, so contraction changes nothing
    return static_cast<T>(twice + U{1});
  }
  template <int Axis, int N>
  TENON_INLINE simd::Pack<T, N> load(index_t i, index_t j) const {
    return x.template load<Axis, N>(i, j) * simd::Pack<T, N>(T{2}) + simd::Pack<T, N>(T{1});
  }
  template <int Axis, int N>
  TENON_INLINE simd::Pack<T, N> load_partial(index_t i, index_t j, int count) const {
    return x.template load_partial<Axis, N>(i, j, count) * simd::Pack<T, N>(T{2}) +
           simd::Pack<T, N>(T{1});
  }
};

// Counts how often each element is read.
template <class T>
struct Counting {
  using value_type = T;
  Strided<T> x;
  index_t columns;
  mutable std::vector<int>* reads;

  int contiguous_axis() const { return x.contiguous_axis(); }
  T operator()(index_t i, index_t j) const { return x(i, j); }
  template <int Axis>
  void count(index_t i, index_t j, int n) const {
    for (int l = 0; l < n; ++l)
      ++(*reads)[static_cast<std::size_t>((i + (Axis == 0 ? l : 0)) * columns + j +
                                          (Axis == 1 ? l : 0))];
  }
  template <int Axis, int N>
  simd::Pack<T, N> load(index_t i, index_t j) const {
    count<Axis>(i, j, N);
    return x.template load<Axis, N>(i, j);
  }
  template <int Axis, int N>
  simd::Pack<T, N> load_partial(index_t i, index_t j, int n) const {
    count<Axis>(i, j, n);
    return x.template load_partial<Axis, N>(i, j, n);
  }
};

// A row-major matrix that knows how often each of its elements was stored.
template <class T>
struct Stores {
  index_t columns;
  std::vector<T> values;
  std::vector<int> counts;

  Stores(index_t m, index_t n)
      : columns(n),
        values(static_cast<std::size_t>(m * n), poison<T>()),
        counts(static_cast<std::size_t>(m * n)) {}

  template <int N>
  void store(index_t i, index_t j, simd::Pack<T, N> value) {
    store_partial<N>(i, j, value, N);
  }
  template <int N>
  void store_partial(index_t i, index_t j, simd::Pack<T, N> value, int count) {
    const auto at = static_cast<std::size_t>(i * columns + j);
    value.store_partial(values.data() + at, count);
    for (int l = 0; l < count; ++l) ++counts[at + static_cast<std::size_t>(l)];
  }
  bool each_once() const {
    for (int c : counts)
      if (c != 1) return false;
    return true;
  }
};

// A row-major matrix in the middle of a larger one, written to by the kernel itself.
template <class T>
struct Window {
  index_t rows, columns, stride_of_rows;
  std::vector<T> memory;

  Window(index_t m, index_t n)
      : rows(m),
        columns(n),
        stride_of_rows(n + 3),
        memory(static_cast<std::size_t>((m + 2) * stride_of_rows), poison<T>()) {}

  T* data() { return memory.data() + stride_of_rows + 1; }
  T* data() const { return const_cast<T*>(memory.data()) + stride_of_rows + 1; }
  index_t stride(int axis) const { return axis == 0 ? stride_of_rows : 1; }
  template <int N>
  void store(index_t i, index_t j, simd::Pack<T, N> value) {
    value.store(data() + i * stride_of_rows + j);
  }
  template <int N>
  void store_partial(index_t i, index_t j, simd::Pack<T, N> value, int count) {
    value.store_partial(data() + i * stride_of_rows + j, count);
  }
  bool equals(const std::vector<T>& values) const {
    const T around = poison<T>();
    for (index_t i = -1; i <= rows; ++i)
      for (index_t j = -1; j <= columns; ++j) {
        const bool inside = i >= 0 && i < rows && j >= 0 && j < columns;
        const T& expected = inside ? values[static_cast<std::size_t>(i * columns + j)] : around;
        if (std::memcmp(&expected, &data()[i * stride_of_rows + j], sizeof(T)) != 0) return false;
      }
    return true;
  }
};
static_assert(kernels::MemorySink<Window<float>, float> &&
              !kernels::MemorySink<Stores<float>, float>);

// Bytes with sentinels on both sides, aligned to 64.
class Guarded {
 public:
  explicit Guarded(std::size_t bytes) : bytes_(bytes), memory_(bytes + 2 * guard + 64, sentinel) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
    start_ = memory_.data() + (64 - address % 64) % 64 + guard;
  }
  std::byte* data() { return start_; }
  bool guards_whole() const {
    for (std::size_t i = 0; i < guard; ++i)
      if (start_[-1 - static_cast<std::ptrdiff_t>(i)] != sentinel || start_[bytes_ + i] != sentinel)
        return false;
    return true;
  }
  // The last element's worth of bytes was written to.
  bool end_touched(std::size_t element) const {
    for (std::size_t i = 1; i <= element && i <= bytes_; ++i)
      if (start_[bytes_ - i] != sentinel) return true;
    return bytes_ == 0;
  }

 private:
  static constexpr std::byte sentinel{0xA5};
  static constexpr std::size_t guard = 256;
  std::size_t bytes_;
  std::vector<std::byte> memory_;
  std::byte* start_;
};

// Random values in memory of any layout, `offset` elements away from alignment; `ld` is the
// distance of rows (row-major) or columns.
template <class T>
struct Matrix {
  std::vector<T> memory;
  Strided<T> view;

  Matrix(index_t rows, index_t columns, bool row_major, index_t gap, int offset, unsigned seed) {
    const index_t ld = (row_major ? columns : rows) + gap;
    memory.assign(static_cast<std::size_t>((row_major ? rows : columns) * ld + offset),
                  poison<T>());
    std::minstd_rand random(seed + 1);
    view = {memory.data() + offset, row_major ? ld : 1, row_major ? 1 : ld};
    for (index_t i = 0; i < rows; ++i)
      for (index_t j = 0; j < columns; ++j) {
        T& x =
            memory[static_cast<std::size_t>(offset + i * view.row_stride + j * view.column_stride)];
        if constexpr (std::is_floating_point_v<T>)
          x = static_cast<T>(static_cast<int>(random() % 20001) - 10000) / T{7919};
        else
          x = static_cast<T>(random());
      }
  }
};

// c + a*b as gemm documents it: once rounded, but twice on SSE2; integers wrap.
template <class T>
T multiply_add(T a, T b, T c) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::uint64_t;
    return static_cast<T>(static_cast<U>(a) * static_cast<U>(b) + static_cast<U>(c));
  } else if constexpr (simd::has_fma) {
    return std::fma(a, b, c);
  } else {
    return a * b + c;
  }
}

template <class T, class A, class B>
T chain(index_t i, index_t j, index_t k, const A& a, const B& b) {
  T sum{0};
  for (index_t at = 0; at < k; ++at) sum = multiply_add<T>(a(i, at), b(at, j), sum);
  return sum;
}

// The sum over lanes for one column, written down from the documentation of gemm_dots.hpp.
template <class T, class A, class B>
T lane_sum(index_t i, index_t k, const A& a, const B& b) {
  constexpr int lanes = simd::native_lanes<T>;
  T sum[4][lanes] = {};
  const index_t filled = (k + lanes - 1) / lanes * lanes;
  for (index_t at = 0; at < filled; ++at) {
    T& s = sum[(at / lanes) % 4][at % lanes];
    s = multiply_add<T>(at < k ? a(i, at) : T{0}, at < k ? b(at, 0) : T{0}, s);
  }
  using U = std::conditional_t<std::is_integral_v<T>, std::uint64_t, T>;
  const auto plus = [](T x, T y) { return static_cast<T>(static_cast<U>(x) + static_cast<U>(y)); };
  T total[lanes];
  for (int l = 0; l < lanes; ++l)
    total[l] = plus(plus(sum[0][l], sum[2][l]), plus(sum[1][l], sum[3][l]));
  for (int half = lanes / 2; half > 0; half /= 2)
    for (int l = 0; l < half; ++l) total[l] = plus(total[l], total[l + half]);
  return total[0];
}

// Runs gemm in a workspace of exactly the documented size. Empty: all is well; otherwise what is
// wrong.
template <class T, class A, class B, class Sink>
std::string run(index_t m, index_t n, index_t k, const A& a, const B& b, Sink& c) {
  const std::size_t bytes = kernels::gemm_workspace_bytes<T>(m, n, k);
  Guarded workspace(bytes);
  kernels::gemm<T>(m, n, k, a, b, c, workspace.data());
  if (!workspace.guards_whole()) return "wrote outside the workspace";
  // Of bytes, a few: one may happen to be the sentinel.
  if (!workspace.end_touched(std::max<std::size_t>(sizeof(T), 4)))
    return "the workspace is larger than needed";
  return {};
}

template <class T, class A, class B>
std::vector<T> reference(index_t m, index_t n, index_t k, const A& a, const B& b) {
  std::vector<T> r;
  for (index_t i = 0; i < m; ++i)
    for (index_t j = 0; j < n; ++j)
      r.push_back(n == 1 ? lane_sum<T>(i, k, a, b) : chain<T>(i, j, k, a, b));
  return r;
}

// Random operands of every layout, misaligned: as memory into memory, and lazily into a sink that
// counts. Both against the reference.
template <class T>
std::string check_layouts(index_t m, index_t n, index_t k) {
  for (int layout = 0; layout < 4; ++layout) {
    const Matrix<T> a(m, k, (layout & 1) == 0, layout % 3, layout,
                      17U * static_cast<unsigned>(m + k));
    const Matrix<T> b(k, n, (layout & 2) == 0, (layout + 1) % 3, layout + 1,
                      31U * static_cast<unsigned>(n + k));
    const auto where = std::to_string(m) + " x " + std::to_string(n) + " x " + std::to_string(k) +
                       ", layout " + std::to_string(layout) + ": ";
    Window<T> window(m, n);
    auto wrong = run<T>(m, n, k, Memory<T>{a.view}, Memory<T>{b.view}, window);
    if (!wrong.empty()) return where + "memory: " + wrong;
    if (!window.equals(reference<T>(m, n, k, a.view, b.view))) return where + "memory: wrong bits";

    Stores<T> stores(m, n);
    const Lazy<T> lazy_a{a.view}, lazy_b{b.view};
    wrong = run<T>(m, n, k, lazy_a, lazy_b, stores);
    if (!wrong.empty()) return where + "lazy: " + wrong;
    if (!stores.each_once()) return where + "lazy: an element was not stored exactly once";
    const auto expected = reference<T>(m, n, k, lazy_a, lazy_b);
    if (m * n != 0 &&
        std::memcmp(stores.values.data(), expected.data(), expected.size() * sizeof(T)) != 0)
      return where + "lazy: wrong bits";
  }
  return {};
}

}  // namespace gemm_test
